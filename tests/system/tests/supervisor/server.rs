//! Servers of other habits: one that goes to the background, and one whose check is a script.

use rustix::process::Signal;
use tars_test_support::{
    pod::Pod,
    registry::{Backend, Registry},
};

use crate::{
    life::{DOWN, READY, STARTING, probes},
    rows::{until, until_gone},
};

async fn registry() -> Registry {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    registry
}

#[tokio::test]
async fn a_server_that_goes_to_the_background_is_kept_alive() {
    let registry = registry().await;
    let mut pod = Pod::new("127.3.2.1", registry.query()).with("TARS_PRESTOP_WAITTIME", "0s");
    // As tarsnode's own start script does: it ends with 0 before the server is ready.
    let command = pod.server_command();
    pod.write_start(&format!("setsid {command} </dev/null >/dev/null 2>&1 &\nexit 0"));
    pod.start();
    until(&pod, registry.backend(), "activating").await;
    pod.until_some("a server in the background", async || pod.server_id().ok_or(()))
        .await;
    probes(&pod, STARTING).await;
    pod.order("ready", "");
    let rows = until(&pod, registry.backend(), "active").await;
    let status = pod.status().await;
    assert_eq!(status["restarts"], 0, "a daemon's start is no crash: {status}");

    let first = pod.server_id();
    pod.take_back("ready");
    pod.signal_server(Signal::KILL);
    until(&pod, registry.backend(), "inactive").await;
    probes(&pod, DOWN).await;
    pod.until_some("another server in the background", async || {
        let id = pod.server_id();
        if id == first { Err(id) } else { Ok(()) }
    })
    .await;
    pod.order("ready", "");
    assert_eq!(
        until(&pod, registry.backend(), "active").await.endpoints,
        rows.endpoints
    );
    probes(&pod, READY).await;

    pod.signal("TERM").await;
    let (code, output) = pod.ended().await;
    assert_eq!(code, 0, "{output}");
    assert!(!pod.has_processes(), "a server in the background ends too");
    until_gone(&pod, registry.backend()).await;
}

#[tokio::test]
async fn a_check_script_decides() {
    let registry = registry().await;
    let pod = Pod::new("127.3.2.2", registry.query()).with("TARS_PRESTOP_WAITTIME", "0s");
    let script = format!("test ! -e {}", pod.orders().join("unwell").display());
    let mut pod = pod.with("TARS_CHECK_SCRIPT", &script);
    pod.order("ready", "");
    pod.start();
    until(&pod, registry.backend(), "active").await;
    probes(&pod, READY).await;

    pod.order("unwell", "");
    until(&pod, registry.backend(), "inactive").await;
    probes(&pod, DOWN).await;
    let status = pod.status().await;
    assert_eq!(
        (&status["state"], &status["restarts"]),
        (&"inactive".into(), &0.into()),
        "{status}"
    );
    assert!(
        status["reason"]
            .as_str()
            .is_some_and(|text| text.contains("TARS_CHECK_SCRIPT")),
        "{status}"
    );

    pod.take_back("unwell");
    until(&pod, registry.backend(), "active").await;
    probes(&pod, READY).await;
    assert_eq!(pod.noted("started").len(), 1, "the same server all the time");
}
