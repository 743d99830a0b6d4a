//! Pods that have one name for a while, as in a rolling update on the network of a host.

use tars_test_support::{
    pod::Pod,
    registry::{Backend, Registry},
};

use crate::rows::{Rows, until, until_gone};

const NODE: &str = "127.3.4.1";

/// Starts a pod whose server is not the one of these rows, and waits until it stands in their place.
async fn start(registry: &Registry, earlier: &Rows) -> (Pod, Rows) {
    let mut pod = Pod::new(NODE, registry.query()).with("TARS_PRESTOP_WAITTIME", "1s");
    pod.order("ready", "");
    pod.start();
    let rows = until_another(&pod, registry.backend(), earlier).await;
    // What it said of itself is not only on its way.
    pod.until("registered", |status| status["registry"]["registered"] == true)
        .await;
    (pod, rows)
}

async fn until_another(pod: &Pod, backend: &Backend, earlier: &Rows) -> Rows {
    pod.until_some("the rows of another server", async || {
        let rows = Rows::of(backend, NODE).await;
        if rows.are("active") && rows.endpoints != earlier.endpoints {
            Ok(rows)
        } else {
            Err(rows)
        }
    })
    .await
}

async fn end(mut pod: Pod) {
    pod.signal("TERM").await;
    let (code, output) = pod.ended().await;
    assert_eq!(code, 0, "{output}");
}

#[tokio::test]
async fn the_end_of_the_earlier_one_is_not_that_of_the_later() {
    let registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let (earlier, its_rows) = start(&registry, &Rows::default()).await;
    let (later, rows) = start(&registry, &its_rows).await;
    end(earlier).await;
    assert_eq!(Rows::of(registry.backend(), NODE).await, rows);
    end(later).await;
    until_gone(&Pod::new(NODE, registry.query()), registry.backend()).await;
}

#[tokio::test]
async fn the_earlier_one_is_found_again_when_the_later_ends() {
    let registry = Registry::start(Backend::mysql().await).await;
    registry.process.wait_for("ready").await;
    let (earlier, its_rows) = start(&registry, &Rows::default()).await;
    let (later, rows) = start(&registry, &its_rows).await;
    end(later).await;
    assert_eq!(until_another(&earlier, registry.backend(), &rows).await, its_rows);
    until(&earlier, registry.backend(), "active").await;
}
