//! The life of a pod, step by step: the rows and the probes at each.

use std::time::Duration;

use tars::Communicator;
use tars_system_tests::peers::NamedClient;
use tars_test_support::{
    pod::{APPLICATION, Pod, SERVER},
    registry::{Backend, Registry},
};

use crate::rows::{Rows, until, until_gone};

/// What a pod's server is called by.
const OBJECT: &str = "Pods.PodServer.NamedObj";

/// Time in which it is served on after it has said that it leaves: the grace period without 9 s.
const DRAIN: Duration = Duration::from_secs(12);

/// Alive, not ready, never ready yet.
pub(crate) const STARTING: [Option<i32>; 3] = [Some(0), Some(1), Some(1)];

/// Alive and ready.
pub(crate) const READY: [Option<i32>; 3] = [Some(0), Some(0), Some(0)];

/// Alive, not ready, although it was.
pub(crate) const DOWN: [Option<i32>; 3] = [Some(0), Some(1), Some(0)];

/// Waits until the probes answer so.
pub(crate) async fn probes(pod: &Pod, expected: [Option<i32>; 3]) {
    pod.until_some(&format!("probes {expected:?}"), async || {
        let probes = pod.probes().await;
        if probes == expected { Ok(()) } else { Err(probes) }
    })
    .await;
}

/// Ends the server with an exit code, and lets the next one not be ready.
pub(crate) fn crash(pod: &Pod, code: u8) {
    // The server looks for this order first.
    pod.order("crash", &code.to_string());
    pod.take_back("ready");
}

/// Calls the server where the rows say that it is.
async fn is_served(rows: &Rows) {
    let client: NamedClient = Communicator::new()
        .client(&format!("{OBJECT}@{}", rows.endpoints[0]))
        .unwrap();
    assert_eq!(client.who().await.unwrap(), "pod-server");
}

#[tokio::test]
async fn from_the_first_start_to_the_end() {
    let registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let rows = registry.backend();
    let grace = format!("{}s", DRAIN.as_secs() + 9);
    let mut pod = Pod::new("127.3.0.1", registry.query()).with("TARS_GRACE_PERIOD", &grace);
    assert_eq!(pod.probes().await, [Some(1); 3], "nothing runs");

    pod.start();
    let activating = until(&pod, rows, "activating").await;
    probes(&pod, STARTING).await;
    let status = pod
        .until("activating", |status| status["registry"]["registered"] == true)
        .await;
    assert_eq!(status["state"], "activating", "{status}");
    assert_eq!(status["server"], format!("{APPLICATION}.{SERVER}"), "{status}");
    assert_eq!(status["node"], "127.3.0.1", "{status}");
    assert_eq!(
        (&status["ready"], &status["started"]),
        (&false.into(), &false.into()),
        "{status}"
    );
    pod.until_file("data/check_status", |text| text == "activating").await;

    pod.order("ready", "");
    let active = until(&pod, rows, "active").await;
    assert_eq!(active.node.as_deref(), Some("active"));
    assert_eq!(active.endpoints, activating.endpoints);
    probes(&pod, READY).await;
    is_served(&active).await;
    pod.until_file("data/check_status", |text| text == "active").await;

    crash(&pod, 3);
    let inactive = until(&pod, rows, "inactive").await;
    assert_eq!(inactive.node.as_deref(), Some("inactive"));
    probes(&pod, DOWN).await;
    let status = pod.until("started again", |status| status["restarts"] == 1).await;
    assert_eq!(
        (&status["state"], &status["last_exit"]["code"]),
        (&"inactive".into(), &3.into()),
        "{status}"
    );
    pod.until_file("data/last_exit.json", |text| text.contains('3')).await;

    pod.order("ready", "");
    let again = until(&pod, rows, "active").await;
    assert_eq!(again, active, "the same places as before the crash");
    probes(&pod, READY).await;
    is_served(&again).await;

    leaves(&mut pod, rows, &again).await;
}

/// The volumes of a pod outlive its containers: marks, sockets and descriptions of earlier lives are there.
#[tokio::test]
async fn one_container_after_the_other() {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    let rows = registry.backend();
    let mut pod = Pod::new("127.3.0.4", registry.query()).with("TARS_GRACE_PERIOD", "10s");
    pod.order("ready", "");
    let mut places = Vec::new();
    for is_killed in [false, true, false] {
        pod.start();
        // Its rows may be those of the life before.
        pod.until("registered", |status| {
            status["state"] == "active" && status["registry"]["registered"] == true
        })
        .await;
        let active = until(&pod, rows, "active").await;
        probes(&pod, READY).await;
        assert_eq!(pod.file("data/prestop"), "", "the mark of an earlier life is gone");
        places.extend(active.endpoints);
        if is_killed {
            pod.kill().await;
            continue;
        }
        let hook = pod.run(&["prestop", "--json"]).await;
        assert_eq!(hook.code, Some(0), "{hook:?}");
        let report = hook.json();
        assert_eq!(
            (&report["by"], &report["told"]),
            (&"supervisor".into(), &true.into()),
            "{report}"
        );
        assert!(
            Rows::of(rows, pod.node()).await.are_gone(),
            "an earlier mark does not count"
        );
        pod.signal("TERM").await;
        assert_eq!(pod.ended().await.0, 0);
    }
    assert_eq!(pod.noted("notified"), ["prestop"; 2]);
    assert_eq!(
        places,
        [places[0].clone(), places[0].clone(), places[0].clone()],
        "ports are kept"
    );
}

/// The hook, and then the signal.
async fn leaves(pod: &mut Pod, backend: &Backend, served: &Rows) {
    let (hook, ()) = tokio::join!(pod.run(&["prestop"]), async {
        let rows = until(pod, backend, "deactivating").await;
        assert_eq!(rows.endpoints, served.endpoints);
        // It goes on for those who do not know yet.
        assert_eq!(pod.probes().await, READY);
        is_served(served).await;
        pod.until_some("told to the server", async || match pod.noted("notified") {
            noted if noted == ["prestop"] => Ok(()),
            other => Err(other),
        })
        .await;
    });
    assert_eq!(hook.code, Some(0), "{hook:?}");
    assert!(hook.took >= DRAIN, "{hook:?}");
    assert!(
        Rows::of(backend, pod.node()).await.are_gone(),
        "the hook ends when it is out"
    );
    is_served(served).await;
    let status = pod.until("gone", |status| status["leaving"] == "gone").await;
    assert_eq!(
        (&status["state"], &status["left"]["told"]),
        (&"deactivating".into(), &true.into()),
        "{status}"
    );
    assert_eq!(pod.file("data/prestop"), "done");

    pod.signal("TERM").await;
    let (code, output) = pod.ended().await;
    assert_eq!(code, 0, "{output}");
    assert!(!pod.has_processes());
    until_gone(pod, backend).await;
    let hook = pod.run(&["prestop"]).await;
    assert_eq!(hook.code, Some(0), "{hook:?}");
    assert!(hook.took < DRAIN, "what is gone is not waited for: {hook:?}");
}
