//! Worker ids as an instance asks for them.

use std::time::Duration;

use tars::Registration;
use tars::protocol::OnPrestopReq;
use tars::registration::{Adapter, Instance, Session, State, Status};
use tokio::time::Instant;

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

/// A session of `App.S` on a node, as a supervisor has it.
fn session(running: &Running, node: &str) -> Session {
    let endpoint = format!("tcp -h {node} -p 10000").parse().unwrap();
    let instance = Instance::new("App", "S").adapter(Adapter::new("App.S.Obj", endpoint));
    let registration = Registration::at(&running.object).unwrap().worker_id(true);
    registration.start(instance, State::Activating).unwrap()
}

async fn known(session: &Session, what: impl Fn(&Status) -> bool) -> Status {
    session.status().wait_for(|status| what(status)).await.unwrap().clone()
}

#[tokio::test]
async fn sessions_have_numbers_and_states_and_leave() {
    let running = Running::sqlite(&[]).await;
    let a = session(&running, "10.0.0.1");
    assert_eq!(known(&a, |status| status.registered).await.worker_id, Some(0));
    let b = session(&running, "10.0.0.2");
    assert_eq!(known(&b, |status| status.registered).await.worker_id, Some(1));
    let states = "SELECT present_state FROM t_server_conf ORDER BY node_name";
    assert_eq!(running.sql(states).await, ["activating", "activating"]);

    let told = known(&a, |_| true).await.last_accepted;
    a.report(State::Active);
    known(&a, |status| status.last_accepted > told).await;
    let soon = || Instant::now() + Duration::from_mins(1);
    b.deactivate(soon()).await.unwrap();
    assert_eq!(running.sql(states).await, ["active", "deactivating"]);
    b.deregister(soon()).await.unwrap();
    assert_eq!(running.sql(states).await, ["active"]);
    drop(a);
    running.end().await;
}
