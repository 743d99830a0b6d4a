//! Servers that beat, one that is killed, and a registry that is away: on both databases, with short leases.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use tars::protocol::{AdapterConf, KeepAliveReq, OnStartupReq, TarsregistryClient};
use tars_test_support::patient;
use tars_test_support::registry::{Backend, Registry};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Seconds.
const LEASE: u32 = 5;

/// An instance that stopped beating is out that long after its lease at the latest.
const GRACE: Duration = Duration::from_secs(5);

/// Time between two beats of a server.
const PACE: Duration = Duration::from_millis(300);

/// How long a server may take to be in the state a test waits for.
const PATIENCE: Duration = Duration::from_mins(2);

/// A server that registered and beats until it is killed.
struct Beating {
    task: JoinHandle<()>,
    /// When the last beat that was answered was sent.
    beat: watch::Receiver<Instant>,
}

impl Beating {
    async fn start(registry: &Registry, server: &str) -> Self {
        let client = client(registry);
        let startup = OnStartupReq {
            node_name: node(server),
            application: "App".into(),
            server: server.into(),
            adapters: vec![AdapterConf {
                servant: format!("App.{server}.Obj"),
                endpoint: format!("tcp -h {} -p 10000", node(server)),
                ..AdapterConf::default()
            }],
            ..OnStartupReq::default()
        };
        client.on_startup(&startup).await.unwrap();
        Self::go_on(registry, server)
    }

    /// Beats without registering, as after a restart of the registry.
    fn go_on(registry: &Registry, server: &str) -> Self {
        let (client, alive) = (client(registry), beat(server));
        let (sender, beat) = watch::channel(Instant::now());
        let task = tokio::spawn(async move {
            loop {
                let sent = Instant::now();
                // The registry may be away.
                if client.keep_alive(&alive).await.is_ok() {
                    sender.send_replace(sent);
                }
                sleep(PACE).await;
            }
        });
        Self { task, beat }
    }

    /// -> when it last told that it lives
    fn kill(&self) -> Instant {
        self.task.abort();
        *self.beat.borrow()
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        self.kill();
    }
}

fn client(registry: &Registry) -> TarsregistryClient {
    patient::client(registry.object())
}

/// Each server is on a node of its own.
fn node(server: &str) -> String {
    format!("node-of-{server}").to_lowercase()
}

fn beat(server: &str) -> KeepAliveReq {
    KeepAliveReq {
        node_name: node(server),
        state: "active".into(),
        application: "App".into(),
        server: server.into(),
    }
}

/// States of a server and of its node.
async fn states(backend: &Backend, server: &str) -> [String; 2] {
    let servers = backend.rows("t_server_conf", "server_name, present_state").await;
    let nodes = backend.rows("t_node_info", "node_name, present_state").await;
    let state = |rows: Vec<Vec<String>>, name: &str| rows.into_iter().find(|row| row[0] == name).unwrap().remove(1);
    [state(servers, server), state(nodes, &node(server))]
}

/// Waits until a server and its node are in a state; meanwhile, and then, the others are active.
async fn until(registry: &Registry, server: &str, state: &str, others: &[&str]) {
    let backend = registry.backend();
    let limit = Duration::from_secs(LEASE.into()) + GRACE;
    let reached = async {
        loop {
            let is_there = states(backend, server).await == [state, state];
            for other in others {
                assert_eq!(states(backend, other).await, ["active", "active"], "{other} beats");
            }
            if is_there {
                return;
            }
            sleep(PACE / 3).await;
        }
    };
    let took = timeout(PATIENCE, registry.time_expiring(reached)).await;
    let took = took.unwrap_or_else(|_| panic!("{server} is not {state} within {PATIENCE:?}"));
    assert!(took <= limit, "{server} was {state} after {took:?}");
}

async fn a_killed_server_is_out_and_back_at_its_next_beat(backend: Backend) {
    let lease = LEASE.to_string();
    let registry = Registry::start_with(backend, &["--lease", &lease, "--flush-interval", "1"]).await;
    registry.process.wait_for("ready").await;
    let killed = Beating::start(&registry, "Killed").await;
    let _lives = Beating::start(&registry, "Lives").await;
    // After the start of the registry nobody expires for a lease.
    let first = Beating::start(&registry, "First").await;
    first.kill();
    until(&registry, "First", "inactive", &["Killed", "Lives"]).await;
    let begun = killed.kill();
    until(&registry, "Killed", "inactive", &["Lives"]).await;
    assert!(
        begun.elapsed() > Duration::from_secs(u64::from(LEASE) - 1),
        "it had its lease"
    );
    client(&registry).keep_alive(&beat("Killed")).await.unwrap();
    assert_eq!(states(registry.backend(), "Killed").await, ["active", "active"]);
    assert!(
        registry
            .process
            .output()
            .contains("expired App.Killed on node-of-killed")
    );
}

async fn a_registry_that_was_away_expires_nobody_who_lives(backend: Backend) {
    let lease = LEASE.to_string();
    let args = ["--lease", &lease, "--flush-interval", "1"];
    let registry = Registry::start_with(backend, &args).await;
    registry.process.wait_for("ready").await;
    for server in ["Lives", "Dies"] {
        Beating::start(&registry, server).await.kill();
    }
    let backend = registry.stop().await;
    backend.age_beats(2 * LEASE).await;
    let registry = Registry::start_with(backend, &args).await;
    registry.process.wait_for("ready").await;
    assert_eq!(states(registry.backend(), "Lives").await, ["active", "active"]);
    let _lives = Beating::go_on(&registry, "Lives");
    until(&registry, "Dies", "inactive", &["Lives"]).await;
    assert!(!registry.process.output().contains("expired App.Lives"));
}

#[tokio::test]
async fn killed_on_mysql() {
    a_killed_server_is_out_and_back_at_its_next_beat(Backend::mysql().await).await;
}

#[tokio::test]
async fn killed_on_sqlite() {
    a_killed_server_is_out_and_back_at_its_next_beat(Backend::sqlite()).await;
}

#[tokio::test]
async fn away_on_mysql() {
    a_registry_that_was_away_expires_nobody_who_lives(Backend::mysql().await).await;
}

#[tokio::test]
async fn away_on_sqlite() {
    a_registry_that_was_away_expires_nobody_who_lives(Backend::sqlite()).await;
}
