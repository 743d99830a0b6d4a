//! A server of this runtime registers itself with the registry, and what that does to the rows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use hello::{
    Greeter,
    test_app::{HelloClient, HelloServer},
};
use tars::{Communicator, Registration, Server};
use tars_test_support::registry::{Backend, Registry};
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};

const OBJECT: &str = "TestApp.HelloServer.HelloObj";

/// What the registry's tables say of the server: a row each of `t_server_conf` and `t_adapter_conf`.
async fn rows(registry: &Registry) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let backend = registry.backend();
    let servers = backend.rows(
        "t_server_conf",
        "application, server_name, node_name, present_state, metrics_port",
    );
    let adapters = backend.rows("t_adapter_conf", "servant, endpoint");
    (servers.await, adapters.await)
}

/// Waits until the tables say what is expected.
async fn until<F: Fn(&[Vec<String>], &[Vec<String>]) -> bool>(registry: &Registry, expected: F) {
    let mut look = interval(Duration::from_millis(50));
    let seen = timeout(Duration::from_mins(1), async {
        loop {
            look.tick().await;
            let (servers, adapters) = rows(registry).await;
            if expected(&servers, &adapters) {
                break;
            }
        }
    });
    assert!(seen.await.is_ok(), "the rows are still {:?}", rows(registry).await);
}

#[tokio::test]
async fn a_server_stands_in_the_rows_while_it_serves() {
    for backend in [Backend::sqlite(), Backend::mysql().await] {
        let registry = Registry::start(backend).await;
        let registration = Registration::at(registry.object())
            .unwrap()
            .metrics_port(9100)
            .beat_interval(Duration::from_secs(1));
        let server = Server::builder()
            .adapter("tcp -h 127.0.0.1 -p 0 -t 60000", OBJECT, HelloServer::new(Greeter))
            .register(registration)
            .bind()
            .await
            .unwrap();
        let endpoint = server.local_endpoints()[0].to_string();
        let registered = server.registered();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.serve_with_shutdown(async { drop(stopped.await) }));
        timeout(Duration::from_mins(1), registered).await.unwrap().unwrap();

        let expected_server = ["TestApp", "HelloServer", "127.0.0.1", "active", "9100"];
        let stands = |servers: &[Vec<String>], adapters: &[Vec<String>]| {
            servers == [expected_server.map(str::to_owned)] && adapters == [[OBJECT.to_owned(), endpoint.clone()]]
        };
        let (servers, adapters) = rows(&registry).await;
        assert!(stands(&servers, &adapters), "{servers:?} {adapters:?}");

        // Who knows nothing but the registry finds it.
        let comm = Communicator::builder().locator(registry.query()).unwrap().build();
        let client: HelloClient = comm.client(OBJECT).unwrap();
        assert_eq!(client.say_hello("world").await.unwrap(), "hello, world");

        // Somebody's mistake, or a backup played back: a beat finds out, and the server is back by itself.
        registry.backend().delete_all("t_server_conf").await;
        registry.backend().delete_all("t_adapter_conf").await;
        until(&registry, stands).await;

        drop(stop);
        serving.await.unwrap().unwrap();
        assert_eq!(rows(&registry).await, (Vec::new(), Vec::new()));
    }
}

#[tokio::test]
async fn a_server_finds_where_to_register_by_itself() {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    let comm = Communicator::builder().locator(registry.query()).unwrap().build();
    let server = Server::builder()
        .adapter("tcp -h 0.0.0.0 -p 0", OBJECT, HelloServer::new(Greeter))
        .register(Registration::with(&comm))
        .bind()
        .await
        .unwrap();
    let port = server.local_endpoints()[0].port;
    let registered = server.registered();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve_with_shutdown(async { drop(stopped.await) }));
    timeout(Duration::from_mins(1), registered).await.unwrap().unwrap();
    let (_, adapters) = rows(&registry).await;
    assert_eq!(adapters, [[OBJECT.to_owned(), format!("tcp -h 127.0.0.1 -p {port}")]]);
    drop(stop);
    serving.await.unwrap().unwrap();
}
