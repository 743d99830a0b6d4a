//! Whatever happens, both databases answer the same and hold the same in every column.

use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::world::{World, adapter, instance, key, mysql, sqlite, startup};
use crate::domain::{MetricsPort, Registration, Scope, State};
use crate::store::{BeatOutcome, CleanScope, Look, PastBeat, Store};

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// A server starts: node, server, and bits that vary what it says.
    Start(u8, u8, u8),
    /// A server beats: node, server, state.
    Beat(u8, u8, u8),
    /// A whole node beats: node, state.
    NodeBeat(u8, u8),
    /// A server ends: node, server.
    End(u8, u8),
    /// A whole node ends.
    NodeEnd(u8),
    /// A metrics port is stored: node, server.
    Metrics(u8, u8),
    /// A node stops beating and is taken for dead.
    Die(u8),
    /// A server's lease runs out, and its node's with it: node, server.
    Expire(u8, u8),
    /// A beat of a moment ago is flushed: node, server, state.
    Flush(u8, u8, u8),
    /// A clean.
    Clean,
    /// Somebody else deletes a server's row.
    DeleteByHand(u8, u8),
}

fn event() -> impl Strategy<Value = Event> {
    let (node, server) = (0..2_u8, 0..2_u8);
    prop_oneof![
        3 => (node.clone(), server.clone(), 0..32_u8).prop_map(|(n, s, bits)| Event::Start(n, s, bits)),
        4 => (node.clone(), server.clone(), 0..5_u8).prop_map(|(n, s, state)| Event::Beat(n, s, state)),
        1 => (node.clone(), 0..5_u8).prop_map(|(n, state)| Event::NodeBeat(n, state)),
        2 => (node.clone(), server.clone()).prop_map(|(n, s)| Event::End(n, s)),
        1 => node.clone().prop_map(Event::NodeEnd),
        1 => (node.clone(), server.clone()).prop_map(|(n, s)| Event::Metrics(n, s)),
        1 => node.clone().prop_map(Event::Die),
        2 => (node.clone(), server.clone()).prop_map(|(n, s)| Event::Expire(n, s)),
        2 => (node.clone(), server.clone(), 0..5_u8).prop_map(|(n, s, state)| Event::Flush(n, s, state)),
        1 => Just(Event::Clean),
        1 => (node, server).prop_map(|(n, s)| Event::DeleteByHand(n, s)),
    ]
}

fn registration(node: &str, server: &str, bits: u8) -> Registration {
    let bit = |n: u8| bits & (1 << n) != 0;
    let mut req = startup(node, server);
    if bit(0) {
        req.set_id = "a.b.c".into();
    }
    req.disable_flow = bit(1);
    if bit(2) {
        req.adapters
            .push(adapter(&format!("App.{server}.Two"), "tcp -h h -p 2"));
    }
    if bit(3) {
        req.adapters[0].endpoint = "tcp -h h -p 3".into();
        req.template_name = "template".into();
        req.server_type = "tars_go".into();
    }
    if bit(4) {
        req.state = "activating".into();
    }
    Registration::from_request(&req).unwrap()
}

/// Lets a lease run out. -> who expired
async fn expire(world: &impl World, node: &str, server: &str) -> String {
    world.silence(node, server, 1000).await;
    let look = Look {
        holder: "a".into(),
        lead: Some(Duration::from_mins(1)),
    };
    let store = world.store();
    let census = store.census(&look).await.unwrap().census.unwrap();
    let mut expired = store.expire(&census.overdue).await.unwrap();
    expired.sort();
    let nodes = store.expire_nodes("").await.unwrap();
    format!("{expired:?} of {} {}, {nodes:?}", census.live, census.silent)
}

/// Cleans. -> what was deleted
async fn clean(world: &impl World) -> String {
    let scope = CleanScope {
        cut_off: "2002-01-01 00:00:00".into(),
        all_nodes: false,
    };
    let store = world.store();
    let nodes = store.clean_candidates(&scope, "").await.unwrap();
    let listed = store.clean_listing(&scope, &nodes).await.unwrap();
    let deleted = store.clean_batch(&scope, &nodes).await.unwrap();
    assert_eq!(listed, deleted);
    format!("{deleted:?}")
}

/// Lets it happen. -> what the store answered
async fn happen(world: &impl World, event: &Event) -> String {
    let node = |n: &u8| format!("n{n}");
    let server = |n: &u8| format!("S{n}");
    let store = world.store();
    match event {
        Event::Start(n, s, bits) => format!(
            "{:?}",
            store
                .register(&registration(&node(n), &server(s), *bits))
                .await
                .unwrap()
        ),
        Event::Beat(n, s, state) => format!(
            "{:?}",
            world.beat(&node(n), &server(s), State::ALL[usize::from(*state)]).await
        ),
        Event::NodeBeat(n, state) => {
            let beat = crate::domain::Beat {
                scope: Scope::Node(node(n)),
                state: State::ALL[usize::from(*state)],
                life: None,
            };
            format!("{:?}", store.beat(&beat).await.unwrap())
        }
        Event::End(n, s) => format!("{:?}", store.end(&instance(&node(n), &server(s)), None).await.unwrap()),
        Event::NodeEnd(n) => format!("{:?}", store.end(&Scope::Node(node(n)), None).await.unwrap()),
        Event::Metrics(n, s) => {
            let metrics = MetricsPort {
                key: key(&node(n), &server(s)),
                port: 9325,
            };
            let known = store.set_metrics_port(&metrics).await.unwrap();
            format!("{known} {:?}", store.metrics_instances().await.unwrap())
        }
        Event::Die(n) => {
            let set = "present_state = 'inactive', last_heartbeat = '2001-01-01 00:00:00'";
            world
                .exec(&format!("UPDATE t_node_info SET {set} WHERE node_name = 'n{n}'"))
                .await;
            String::new()
        }
        Event::Expire(n, s) => expire(world, &node(n), &server(s)).await,
        Event::Flush(n, s, state) => {
            let beat = PastBeat {
                key: key(&node(n), &server(s)),
                state: State::ALL[usize::from(*state)],
                at: Instant::now(),
            };
            format!("{:?}", store.flush(&[beat]).await.unwrap())
        }
        Event::Clean => clean(world).await,
        Event::DeleteByHand(n, s) => {
            let row = format!("application = 'App' AND node_name = 'n{n}' AND server_name = 'S{s}'");
            world.exec(&format!("DELETE FROM t_server_conf WHERE {row}")).await;
            String::new()
        }
    }
}

/// What must hold after anything.
async fn check(world: &impl World) {
    let expired = "SELECT COUNT(*) FROM t_server_conf s JOIN tarsregistry_instance i ON i.application = s.application \
                   AND i.server_name = s.server_name AND i.node_name = s.node_name WHERE i.lease_state = 'expired' \
                   AND s.present_state IN ('active', 'activating', 'deactivating')";
    assert_eq!(world.value(expired).await, "0", "an expired instance is out");
    let orphan = "SELECT COUNT(*) FROM t_adapter_conf a JOIN tarsregistry_instance i ON i.application = a.application \
                  AND i.server_name = a.server_name AND i.node_name = a.node_name WHERE i.removed_by IS NOT NULL \
                  AND NOT EXISTS (SELECT 1 FROM t_server_conf s WHERE s.application = a.application \
                  AND s.server_name = a.server_name AND s.node_name = a.node_name)";
    assert_eq!(world.value(orphan).await, "0", "adapters of a removed instance");
}

#[test]
fn both_databases_do_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (mysql, sqlite) = runtime.block_on(async { (mysql().await, sqlite().await) });
    let mut runner = TestRunner::new(Config {
        cases: 40,
        failure_persistence: None,
        ..Config::default()
    });
    let outcome = runner.run(&vec(event(), 1..25), |events| {
        runtime.block_on(async {
            for table in [
                "t_node_info",
                "t_server_conf",
                "t_adapter_conf",
                "tarsregistry_instance",
            ] {
                let delete = format!("DELETE FROM {table}");
                mysql.exec(&delete).await;
                sqlite.exec(&delete).await;
            }
            for event in &events {
                let (on_mysql, on_sqlite) = (happen(&mysql, event).await, happen(&sqlite, event).await);
                prop_assert_eq!(on_mysql, on_sqlite, "{:?}", event);
                check(&mysql).await;
            }
            prop_assert_eq!(mysql.dump().await, sqlite.dump().await);
            // Nobody who ended by itself comes back by a late beat.
            mysql.stop("n0", "S0").await;
            for state in State::ALL {
                let late = mysql.beat("n0", "S0", state).await;
                prop_assert!(matches!(late, BeatOutcome::Gone | BeatOutcome::Unknown), "{late:?}");
            }
            Ok(())
        })
    });
    outcome.unwrap();
}
