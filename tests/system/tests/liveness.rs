//! Who is taken for alive: servers, a registry and clients that are killed, frozen and started again.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use tars::Communicator;
use tars_system_tests::peers::NamedClient;
use tars_test_support::{
    lookup::Lookup,
    named::{Named, OBJECT},
    registry::{Backend, Registry},
};
use tokio::time::{sleep, timeout};

/// How long an instance counts as alive after its last beat; the servers beat every second.
const LEASE: Duration = Duration::from_secs(6);

/// Longer than that, but not much.
const OVER_A_LEASE: Duration = Duration::from_secs(8);

/// What a registry may add to the lease before it says that somebody is gone.
const ALLOWANCE: Duration = Duration::from_secs(5);

/// How long the calls of a client may take to be as a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);

const ONE: &str = "127.0.0.2";
const TWO: &str = "127.0.0.3";

async fn registry() -> Registry {
    let lease = LEASE.as_secs().to_string();
    let registry = Registry::start_with(Backend::sqlite(), &["--lease", &lease]).await;
    registry.process.wait_for("ready").await;
    registry
}

async fn server(registry: &Registry, name: &str, host: &str) -> Named {
    Named::start(name, host, &["--registry", registry.object(), "--beat", "1"]).await
}

/// Waits until nobody finds the first server any more; the second is found all the time.
async fn is_gone(registry: &Registry, lookup: &Lookup) {
    let gone = async {
        lookup.finds(OBJECT, &[TWO], &[TWO]).await;
    };
    let took = registry.time_expiring(gone).await;
    assert!(took <= LEASE + ALLOWANCE, "{took:?}");
}

#[tokio::test]
async fn a_killed_server_is_not_found_after_its_lease_and_is_back_when_it_registers() {
    let registry = registry().await;
    let lookup = Lookup::at(registry.query());
    let one = server(&registry, "one", ONE).await;
    let _two = server(&registry, "two", TWO).await;
    lookup.finds(OBJECT, &[ONE, TWO], &[]).await;

    one.process.kill().await;
    is_gone(&registry, &lookup).await;

    let _one = server(&registry, "one", ONE).await;
    lookup.finds(OBJECT, &[ONE, TWO], &[TWO]).await;
}

#[tokio::test]
async fn a_frozen_server_is_back_with_its_next_beat() {
    let registry = registry().await;
    let lookup = Lookup::at(registry.query());
    let one = server(&registry, "one", ONE).await;
    let _two = server(&registry, "two", TWO).await;
    lookup.finds(OBJECT, &[ONE, TWO], &[]).await;

    one.process.signal("STOP").await;
    is_gone(&registry, &lookup).await;

    one.process.signal("CONT").await;
    let took = lookup.finds(OBJECT, &[ONE, TWO], &[TWO]).await;
    assert!(took <= ALLOWANCE, "{took:?}");
}

#[tokio::test]
async fn a_registry_that_was_away_expires_nobody_who_lives() {
    let registry = registry().await;
    let lookup = Lookup::at(registry.query());
    let _servers = [server(&registry, "one", ONE).await, server(&registry, "two", TWO).await];
    lookup.finds(OBJECT, &[ONE, TWO], &[]).await;

    let paused = registry.pause().await;
    // Not a wait for something: this is how long it is away.
    sleep(OVER_A_LEASE).await;
    let registry = paused.start().await;
    registry.process.wait_for("ready").await;

    let lookup = Lookup::at(registry.query());
    let end = Instant::now() + OVER_A_LEASE;
    while Instant::now() < end {
        lookup.finds(OBJECT, &[ONE, TWO], &[ONE, TWO]).await;
    }
}

#[tokio::test]
async fn our_clients_lose_few_calls_with_a_killed_server_and_use_it_again() {
    let registry = registry().await;
    let one = server(&registry, "one", ONE).await;
    let _two = server(&registry, "two", TWO).await;
    Lookup::at(registry.query()).finds(OBJECT, &[ONE, TWO], &[]).await;
    let clients = [client(&registry), client(&registry)];
    for client in &clients {
        called(client, &["one", "two"]).await;
    }

    one.process.kill().await;
    for client in &clients {
        let failed = called(client, &["two"]).await;
        assert!(
            failed <= 3,
            "{failed} calls failed before the client left the dead server alone"
        );
    }

    let _one = server(&registry, "one", ONE).await;
    for client in &clients {
        let failed = called(client, &["one", "two"]).await;
        assert_eq!(failed, 0, "a server that comes back disturbs no call");
    }
}

/// A client that finds the servers through the registry, once a second.
fn client(registry: &Registry) -> NamedClient {
    Communicator::builder()
        .locator(registry.query())
        .unwrap()
        .refresh_interval(Duration::from_secs(1))
        .build()
        .client(OBJECT)
        .unwrap()
}

/// Calls until fifty calls on end were answered by these servers, each of them, and nobody else: how many failed.
async fn called(client: &NamedClient, servers: &[&str]) -> usize {
    let calling = async {
        let (mut failed, mut names) = (0, Vec::new());
        while !is_by(&names, servers) {
            match client.who().await {
                Ok(name) => names.push(name),
                Err(_) => failed += 1,
            }
            sleep(Duration::from_millis(10)).await;
        }
        failed
    };
    timeout(PATIENCE, calling)
        .await
        .unwrap_or_else(|_| panic!("calls are not answered by {servers:?}"))
}

fn is_by(names: &[String], servers: &[&str]) -> bool {
    let Some(last) = names.len().checked_sub(50).map(|from| &names[from..]) else {
        return false;
    };
    last.iter().all(|name| servers.contains(&name.as_str()))
        && servers.iter().all(|server| last.iter().any(|name| name == server))
}
