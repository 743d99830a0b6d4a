//! The gateway from end to end: HTTP in, a registry to ask, servers that come and go.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use serde_json::json;
use tars_test_support::{
    gateway::Gateway,
    http::{Answer, Http},
    lookup::Lookup,
    named::{Named, OBJECT},
    registry::{Backend, Registry},
};
use tokio::time::sleep;

const HOST: &str = "127.0.0.2";

/// How long the gateway may take to see that a server has come back: it asks the registry once a minute, and connects anew at once.
const REFRESH: Duration = Duration::from_secs(65);

async fn add(http: &mut Http, body: &str) -> Answer {
    let path = format!("/json/{OBJECT}/Add");
    http.post(&path, &[("content-type", "application/json")], body.to_owned())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_server_is_called_through_the_gateway_gone_and_back() {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    let arguments = ["--registry", registry.object()];
    let server = Named::start("one", HOST, &arguments).await;
    Lookup::at(registry.query()).finds(OBJECT, &[HOST], &[]).await;
    let gateway = Gateway::start(registry.query(), "Peers.*").await;
    let mut http = Http::connect(gateway.address()).await.unwrap();

    let answer = add(&mut http, r#"{"a": 123, "b": 246}"#).await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (200, "application/json"),
        "{answer:?}"
    );
    assert_eq!(answer.json(), json!({"c": 369, "tars_ret": 0}));
    let wrong = add(&mut http, r#"{"a": "much"}"#).await;
    assert_eq!((wrong.status, &wrong.json()["code"]), (502, &json!(-1)), "{wrong:?}");

    server.process.kill().await;
    let gone = add(&mut http, r#"{"a": 1, "b": 2}"#).await;
    assert_eq!(gone.content_type, "application/problem+json", "{gone:?}");
    assert!([502, 503, 504].contains(&gone.status), "{gone:?}");
    assert!(
        !String::from_utf8_lossy(&gone.body).contains(HOST),
        "an address of ours reached a stranger: {gone:?}"
    );

    // At another port: the registry has to tell.
    let _server = Named::start("one again", HOST, &arguments).await;
    let start = Instant::now();
    while add(&mut http, r#"{"a": 1, "b": 2}"#).await.status != 200 {
        assert!(
            start.elapsed() < REFRESH,
            "the server is back and the gateway does not call it"
        );
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_is_not_allowed_or_not_there_is_told_apart() {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    let gateway = Gateway::start(registry.query(), "Peers.*").await;
    let mut http = Http::connect(gateway.address()).await.unwrap();
    for (path, status) in [
        ("/json/Other.Server.Obj/Add", 403),
        ("/json/Peers.NoServer.Obj/Add", 404),
        ("/nothing", 404),
    ] {
        let answer = http
            .post(path, &[("content-type", "application/json")], "{}")
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (status, "application/problem+json"),
            "{path}: {answer:?}"
        );
    }
}
