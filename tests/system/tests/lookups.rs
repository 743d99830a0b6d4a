//! Lookups of the registry as a program: a client that knows nothing but the locator, and replicas on one database.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use hello::Greeter;
use hello::test_app::{HelloClient, HelloServer};
use tars::protocol::{AdapterConf, KeepAliveReq, OnPrestopReq, OnStartupReq, QueryFClient, TarsregistryClient};
use tars::{Communicator, Server};
use tars_test_support::patient;
use tars_test_support::registry::{Backend, Registry};

const OBJECT: &str = "TestApp.HelloServer.HelloObj";
const NODE: &str = "127.0.0.1";

fn registration(endpoint: &str) -> OnStartupReq {
    OnStartupReq {
        node_name: NODE.into(),
        application: "TestApp".into(),
        server: "HelloServer".into(),
        adapters: vec![AdapterConf {
            servant: OBJECT.into(),
            endpoint: endpoint.into(),
            ..AdapterConf::default()
        }],
        ..OnStartupReq::default()
    }
}

#[tokio::test]
async fn a_client_finds_a_server_by_name() {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    let server = Server::builder()
        .adapter("tcp -h 127.0.0.1 -p 0", OBJECT, HelloServer::new(Greeter))
        .bind()
        .await
        .unwrap();
    let endpoint = server.local_endpoints()[0].to_string();
    let serving = tokio::spawn(server.serve());
    let locator = Communicator::builder()
        .locator(registry.query())
        .unwrap()
        .timeout(Duration::from_mins(1))
        .build();
    // The registry itself is found through its locator too.
    let registration_client: TarsregistryClient = patient::through(&locator, "tars.tarsregistry.Registry");
    registration_client.on_startup(&registration(&endpoint)).await.unwrap();
    shown(&registry, &patient::client(registry.query()), (1, 0)).await;
    let hello: HelloClient = locator.client(OBJECT).unwrap();
    assert_eq!(hello.say_hello("registry").await.unwrap(), "hello, registry");
    serving.abort();
}

/// Endpoints that serve, and that do not.
async fn known(query: &QueryFClient) -> (usize, usize) {
    let found = query.find_object_by_id4_any(OBJECT).await.unwrap();
    (found.active_ep.len(), found.inactive_ep.len())
}

/// Sees what was said to this registry: at once, unless it says that it is late.
async fn shown(registry: &Registry, query: &QueryFClient, expected: (usize, usize)) {
    if known(query).await == expected {
        return;
    }
    registry.process.wait_for("answered before lookups show").await;
    while known(query).await != expected {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn replicas_hear_of_each_other() {
    let Backend::MySql(database) = Backend::mysql().await else {
        unreachable!("it was asked for MySQL")
    };
    let first = Registry::start(Backend::MySql(database.clone())).await;
    let second = Registry::start(Backend::MySql(database)).await;
    for registry in [&first, &second] {
        registry.process.wait_for("ready").await;
    }
    let registration_client: TarsregistryClient = patient::client(first.object());
    let (here, there): (QueryFClient, QueryFClient) = (patient::client(first.query()), patient::client(second.query()));
    let becomes = async |expected| {
        shown(&first, &here, expected).await;
        while known(&there).await != expected {
            tokio::task::yield_now().await;
        }
    };
    registration_client
        .on_startup(&registration("tcp -h 127.0.0.1 -p 10000"))
        .await
        .unwrap();
    becomes((1, 0)).await;
    let beat = KeepAliveReq {
        node_name: NODE.into(),
        state: "inactive".into(),
        application: "TestApp".into(),
        server: "HelloServer".into(),
    };
    registration_client.keep_alive(&beat).await.unwrap();
    becomes((0, 1)).await;
    let active = KeepAliveReq {
        state: "active".into(),
        ..beat
    };
    registration_client.keep_alive(&active).await.unwrap();
    becomes((1, 0)).await;
    let end = OnPrestopReq {
        node_name: NODE.into(),
        application: "TestApp".into(),
        server: "HelloServer".into(),
    };
    registration_client.on_prestop(&end).await.unwrap();
    becomes((0, 1)).await;
}
