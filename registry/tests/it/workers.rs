//! Worker ids as an instance asks for them.

use tars::protocol::OnPrestopReq;

use crate::common::{Running, startup};

fn end(node: &str) -> OnPrestopReq {
    OnPrestopReq {
        node_name: node.into(),
        application: "App".into(),
        server: "S".into(),
    }
}

/// Registers. -> the worker id in the answer's context
async fn register(running: &Running, node: &str, held: Option<&str>) -> Option<String> {
    let call = running.registry.on_startup(&startup(node));
    let call = match held {
        Some(held) => call.context("tars-worker-id", held.to_owned()),
        None => call,
    };
    let reply = call.with_reply().await.unwrap();
    let number = reply.context.get("tars-worker-id".as_bytes())?;
    Some(String::from_utf8(number.as_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn a_worker_id_is_given_to_who_asks() {
    let running = Running::sqlite(&[]).await;
    assert_eq!(register(&running, "10.0.0.1", None).await, None);
    assert_eq!(register(&running, "10.0.0.1", Some("")).await.as_deref(), Some("0"));
    assert_eq!(register(&running, "10.0.0.2", Some("7")).await.as_deref(), Some("7"));
    assert_eq!(
        register(&running, "10.0.0.3", Some("nonsense")).await.as_deref(),
        Some("1")
    );
    running.registry.on_prestop(&end("10.0.0.2")).await.unwrap();
    assert_eq!(register(&running, "10.0.0.4", Some("7")).await.as_deref(), Some("2"));
    assert_eq!(register(&running, "10.0.0.2", Some("")).await.as_deref(), Some("7"));
    running.end().await;
}

#[tokio::test]
async fn who_gets_none_is_registered_and_counted() {
    let running = Running::sqlite(&[]).await;
    running
        .sql(
            "INSERT INTO tarsregistry_worker (application, number, server_name, node_name) \
             WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 1023) SELECT 'App', n, 'X', n FROM n",
        )
        .await;
    assert_eq!(register(&running, "10.0.0.1", Some("")).await, None);
    assert_eq!(running.sql("SELECT present_state FROM t_server_conf").await, ["active"]);
    assert_eq!(
        running.metric("registry_exhausted_worker_ids_total").await.to_string(),
        "1"
    );
    running.end().await;
}
