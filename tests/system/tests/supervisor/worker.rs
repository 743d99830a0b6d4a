//! Worker numbers, from the registry to the environment of servers.

use std::time::Duration;

use tars_test_support::{
    pod::Pod,
    registry::{Backend, Registry},
};

use crate::rows::{until, until_gone};

async fn worker(registry: &Registry, node: &str) -> Pod {
    let mut pod = Pod::new(node, registry.query())
        .with("TARS_WORKER_ID_ENABLE", "y")
        .with("TARS_PRESTOP_WAITTIME", "0s");
    pod.order("ready", "");
    pod.start();
    until(&pod, registry.backend(), "active").await;
    pod
}

/// The number that each start of the pod's server was given.
fn numbers(pod: &Pod) -> Vec<u32> {
    let started = pod.noted("started");
    let number = |line: &String| {
        let (_, number) = line.split_once(' ').unwrap();
        number
            .parse()
            .unwrap_or_else(|e| panic!("{e} in {line:?}\n{}", pod.story()))
    };
    started.iter().map(number).collect()
}

#[tokio::test]
async fn servers_of_an_application_have_numbers_of_their_own() {
    let registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let mut one = worker(&registry, "127.3.1.1").await;
    let two = worker(&registry, "127.3.1.2").await;
    let [first, second] = [&one, &two].map(|pod| numbers(pod)[0]);
    assert_ne!(first, second);
    assert_eq!(one.status().await["worker_id"], first);

    // It is the pod's, not the process's.
    one.order("crash", "3");
    one.until("started again", |status| {
        status["restarts"] == 1 && status["ready"] == true
    })
    .await;
    assert_eq!(numbers(&one), [first, first]);

    // What was given back is not given to somebody else at once.
    assert_eq!(one.run(&["prestop"]).await.code, Some(0));
    one.signal("TERM").await;
    assert_eq!(one.ended().await.0, 0);
    until_gone(&one, registry.backend()).await;
    let three = worker(&registry, "127.3.1.3").await;
    let third = numbers(&three)[0];
    assert!(![first, second].contains(&third), "{third}");
}

#[tokio::test]
async fn without_a_number_nothing_is_started() {
    let registry = Registry::start(Backend::sqlite()).await;
    let away = registry.pause().await;
    let mut pod = Pod::new("127.3.1.4", &away.query())
        .with("TARS_WORKER_ID_ENABLE", "y")
        .with("TARS_WORKER_ID_TIMEOUT", "2s")
        .with("TARS_GRACE_PERIOD", "3s");
    let begun = std::time::Instant::now();
    pod.start();
    let (code, output) = pod.ended().await;
    assert_ne!(code, 0, "{output}");
    assert!(output.contains("TARS_WORKER_ID"), "{output}");
    assert!(begun.elapsed() >= Duration::from_secs(2), "{output}");
    assert_eq!(pod.noted("started"), [""; 0]);
}
