//! The life of a pod while its registry is killed at every step.

use std::time::Duration;

use tars_test_support::{
    pod::Pod,
    registry::{Backend, Paused, Registry},
};

use crate::{
    life::{DOWN, READY, STARTING, crash, probes},
    rows::{Rows, until, until_gone},
};

/// The grace period of a pod that sets none.
const GRACE: Duration = Duration::from_secs(29);

/// One step of a life.
struct Step {
    name: &'static str,
    act: fn(&mut Pod),
    /// What the probes say afterwards.
    probes: [Option<i32>; 3],
    /// What the rows come to.
    state: &'static str,
}

const STEPS: [Step; 4] = [
    Step {
        name: "start",
        act: Pod::start,
        probes: STARTING,
        state: "activating",
    },
    Step {
        name: "ready",
        act: |pod| pod.order("ready", ""),
        probes: READY,
        state: "active",
    },
    Step {
        name: "crash",
        act: |pod| crash(pod, 3),
        probes: DOWN,
        state: "inactive",
    },
    Step {
        name: "ready again",
        act: |pod| pod.order("ready", ""),
        probes: READY,
        state: "active",
    },
];

async fn is_back(paused: Paused) -> Registry {
    let registry = paused.start().await;
    registry.process.wait_for("ready").await;
    registry
}

#[tokio::test]
async fn a_registry_that_is_killed_at_every_step_comes_to_know_the_truth() {
    let mut registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let mut pod = Pod::new("127.3.0.2", registry.query());
    for step in STEPS {
        println!("{}", step.name);
        let away = registry.crash().await;
        let before = Rows::of(away.backend(), pod.node()).await;
        (step.act)(&mut pod);
        probes(&pod, step.probes).await;
        assert_eq!(Rows::of(away.backend(), pod.node()).await, before, "nobody wrote");
        registry = is_back(away).await;
        until(&pod, registry.backend(), step.state).await;

        // Nothing happens in the pod while it is away.
        registry = is_back(registry.crash().await).await;
        is_heard(&pod).await;
        until(&pod, registry.backend(), step.state).await;
        assert_eq!(pod.probes().await, step.probes, "{}", step.name);
    }
    leaves(pod, registry).await;
}

/// Waits until the registry has taken a beat.
async fn is_heard(pod: &Pod) {
    pod.until("heard by the registry", |status| {
        let registry = &status["registry"];
        registry["registered"] == true
            && registry["failures"] == 0
            && registry["last_accepted_seconds_ago"].as_u64() == Some(0)
    })
    .await;
}

/// The registry is killed as the pod begins to leave, and again while it waits.
async fn leaves(mut pod: Pod, registry: Registry) {
    let away = registry.crash().await;
    let (hook, registry) = tokio::join!(pod.run(&["prestop"]), async {
        pod.until("leaving", |status| status["state"] == "deactivating").await;
        let registry = is_back(away).await;
        until(&pod, registry.backend(), "deactivating").await;
        is_back(registry.crash().await).await
    });
    assert_eq!(hook.code, Some(0), "{hook:?}");
    assert!(hook.took < GRACE, "{hook:?}");
    until_gone(&pod, registry.backend()).await;
    pod.signal("TERM").await;
    assert_eq!(pod.ended().await.0, 0);
    assert!(!pod.has_processes());
    until_gone(&pod, registry.backend()).await;
}

#[tokio::test]
async fn a_registry_that_comes_late_and_rows_that_vanish() {
    let registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let mut pod = Pod::new("127.3.0.3", registry.query())
        .with("TARS_METRICS_PORT", "9123")
        .with("TARS_PRESTOP_WAITTIME", "0s");
    let away = registry.pause().await;
    pod.start();
    pod.order("ready", "");
    probes(&pod, READY).await;
    let status = pod.status().await;
    assert_eq!(status["registry"]["registered"], false, "{status}");
    assert_eq!(status["state"], "active", "{status}");
    assert_eq!(Rows::of(away.backend(), pod.node()).await, Rows::default());

    let registry = is_back(away).await;
    let rows = until(&pod, registry.backend(), "active").await;
    metrics_port(&pod, registry.backend()).await;

    // Somebody's mistake, or a backup played back.
    for table in [
        "t_adapter_conf",
        "t_server_conf",
        "t_node_info",
        "tarsregistry_instance",
    ] {
        registry.backend().delete_all(table).await;
    }
    assert_eq!(until(&pod, registry.backend(), "active").await, rows);
    metrics_port(&pod, registry.backend()).await;

    pod.signal("TERM").await;
    let (code, output) = pod.ended().await;
    assert_eq!(code, 0, "{output}");
    until_gone(&pod, registry.backend()).await;
}

async fn metrics_port(pod: &Pod, backend: &Backend) {
    pod.until_some("the metrics port in the rows", async || {
        let rows = backend.rows("t_server_conf", "node_name, metrics_port").await;
        if rows == [[pod.node(), "9123"]] {
            Ok(())
        } else {
            Err(rows)
        }
    })
    .await;
}
