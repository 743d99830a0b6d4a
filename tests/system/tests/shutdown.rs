//! Servers as processes: calls in flight, `kill -TERM`, memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use tars::Communicator;
use tars_system_tests::gates::GateClient;
use tars_test_support::{
    process::{Process, binary},
    registry::{Backend, Registry},
};
use tokio::process::Command;

/// What an idle server may hold, in KiB.
const IDLE_RSS: u64 = 64 * 1024;

#[tokio::test]
async fn ten_thousand_calls_on_one_connection_are_finished_after_sigterm() {
    const CALLS: i32 = 10_000;
    let mut command = Command::new(binary("gate-server"));
    command.arg(CALLS.to_string());
    let server = Process::start(command);
    let endpoint = server.endpoint().await;
    let idle = server.resident_kib();
    assert!(idle < IDLE_RSS, "an idle server holds {idle} KiB");

    let communicator = Communicator::builder().timeout(Duration::from_mins(1)).build();
    let gate: GateClient = communicator
        .client(&format!("Gates.GateServer.GateObj@{endpoint}"))
        .unwrap();
    let calls: Vec<_> = (0..CALLS)
        .map(|number| (number, tokio::spawn(gate.pass(number).into_future())))
        .collect();
    server.wait_for(&format!("{CALLS} calls wait")).await;
    server.terminate().await;
    for (number, call) in calls {
        assert_eq!(call.await.unwrap().unwrap(), number);
    }
    let (code, output) = server.wait().await;
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("ended"), "{output}");
}

#[tokio::test]
async fn an_idle_registry_is_small_and_ends_cleanly() {
    for backend in [Backend::sqlite(), Backend::mysql().await] {
        let registry = Registry::start(backend).await;
        registry.process.wait_for("ready").await;
        let idle = registry.process.resident_kib();
        assert!(idle < IDLE_RSS, "an idle registry holds {idle} KiB");
        registry.process.terminate().await;
        let (code, output) = registry.process.wait().await;
        assert_eq!(code, 0, "{output}");
    }
}
