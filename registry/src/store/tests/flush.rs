//! Beats that were acknowledged before they are written.

use std::time::{Duration, Instant};

use super::on_both;
use super::world::{World, key, startup};
use crate::domain::State;
use crate::store::{BEATS, Flushed, Look, PastBeat, Store};

on_both! {
    a_flush_writes_the_times_and_nothing_else
    a_younger_beat_in_the_database_stays
    what_changed_elsewhere_is_not_touched
    many_beats_of_many_ages
    a_node_marked_inactive_is_active_with_its_instances
    everything_at_once_never_fails
}

fn beat(node: &str, state: State, seconds_ago: u64) -> PastBeat {
    PastBeat {
        key: key(node, "S"),
        state,
        at: Instant::now().checked_sub(Duration::from_secs(seconds_ago)).unwrap(),
    }
}

async fn flush(world: &impl World, beats: &[PastBeat]) -> Vec<bool> {
    let flushed = world.store().flush(beats).await.unwrap();
    flushed.into_iter().map(|flushed| flushed == Flushed::Written).collect()
}

/// Whether an instance's last beat and its node's were between so many seconds ago.
async fn beaten(world: &impl World, node: &str, from: u32, to: u32) -> bool {
    let instance = format!(
        "SELECT COUNT(*) FROM tarsregistry_instance WHERE node_name = '{node}' AND last_beat BETWEEN {} AND {}",
        world.utc_ago(from),
        world.utc_ago(to)
    );
    let node = format!(
        "SELECT COUNT(*) FROM t_node_info WHERE node_name = '{node}' AND last_heartbeat BETWEEN {} AND {}",
        world.ago(from),
        world.ago(to)
    );
    world.value(&instance).await == "1" && world.value(&node).await == "1"
}

async fn a_flush_writes_the_times_and_nothing_else(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.silence("n1", "S", 100).await;
    let old = "registry_timestamp = '2001-01-01 00:00:00'";
    world.exec(&format!("UPDATE t_server_conf SET {old}")).await;
    let before = world.dump().await;
    // Names are compared without case, here as everywhere.
    let mut named_otherwise = beat("N1", State::Active, 30);
    named_otherwise.key.server = "s".into();
    assert_eq!(flush(&world, &[named_otherwise]).await, [true]);
    assert!(beaten(&world, "n1", 40, 29).await);
    assert_eq!(world.dump().await, before);
    assert_eq!(world.count(&format!("t_server_conf WHERE {old}")).await, "1");
    world.exec("UPDATE t_node_info SET last_heartbeat = NULL").await;
    assert_eq!(flush(&world, &[beat("n1", State::Active, 20)]).await, [true]);
    assert!(beaten(&world, "n1", 28, 19).await);
}

async fn a_younger_beat_in_the_database_stays(world: impl World) {
    world.start(&startup("n1", "S")).await;
    assert_eq!(flush(&world, &[beat("n1", State::Active, 50)]).await, [true]);
    assert!(beaten(&world, "n1", 20, 0).await);
}

async fn what_changed_elsewhere_is_not_touched(world: impl World) {
    let nodes = [
        "fine", "inactive", "expired", "leaving", "ended", "deleted", "others", "no-node", "unknown",
    ];
    for node in nodes.iter().filter(|node| **node != "unknown") {
        world.start(&startup(node, "S")).await;
        world
            .silence(node, "S", if *node == "expired" { 1000 } else { 100 })
            .await;
    }
    // A foreign sweep, our own at another replica, the instance at another replica, an operator, another registry.
    world
        .exec("UPDATE t_server_conf SET present_state = 'inactive' WHERE node_name = 'inactive'")
        .await;
    let look = Look {
        holder: "a".into(),
        lead: Some(Duration::from_mins(1)),
    };
    let seen = world.store().census(&look).await.unwrap().census.unwrap().overdue;
    assert_eq!(world.store().expire(&seen).await.unwrap().len(), 1);
    world.beat("leaving", "S", State::Deactivating).await;
    world.stop("ended", "S").await;
    world
        .exec("DELETE FROM t_server_conf WHERE node_name = 'deleted'")
        .await;
    world
        .exec("DELETE FROM tarsregistry_instance WHERE node_name = 'others'")
        .await;
    world.exec("DELETE FROM t_node_info WHERE node_name = 'no-node'").await;
    let read = "SELECT node_name, present_state FROM t_server_conf ORDER BY id";
    let before = world.read(read).await;
    let beats = nodes.map(|node| beat(node, State::Active, 30));
    let mut written = [false; 9];
    written[0] = true;
    assert_eq!(flush(&world, &beats).await, written);
    let newer: Vec<&str> = (world.store().flush(&beats).await.unwrap().iter().zip(nodes))
        .filter(|(flushed, _)| **flushed == Flushed::Newer)
        .map(|(_, node)| node)
        .collect();
    assert_eq!(
        newer,
        ["inactive", "expired"],
        "who changed before the beat came, and is not leaving"
    );
    let older = nodes.map(|node| beat(node, State::Active, 2000));
    let older = world.store().flush(&older).await.unwrap();
    assert!(!older.contains(&Flushed::Newer), "{older:?}");
    assert_eq!(world.read(read).await, before);
    assert_eq!(world.count("t_node_info WHERE node_name = 'unknown'").await, "0");
    let fresh = format!(
        "tarsregistry_instance WHERE last_beat > {} AND removed_at IS NULL",
        world.utc_ago(60)
    );
    assert_eq!(world.count(&fresh).await, "2", "`fine`, and `leaving` by its own beat");
    assert_eq!(
        flush(&world, &[beat("fine", State::Inactive, 1)]).await,
        [false],
        "another state is no beat of the past"
    );
}

async fn many_beats_of_many_ages(world: impl World) {
    let count = BEATS;
    let mut beats = Vec::new();
    let (mut nodes, mut servers, mut instances) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..count {
        let node = format!("n{n:04}");
        nodes.push(format!("('{node}', 'active', '2001-01-01 00:00:00')"));
        servers.push(format!("('App', 'S', '{node}', 'active')"));
        instances.push(format!(
            "('App', 'S', '{node}', 1, '2001-01-01 00:00:00', '2001-01-01 00:00:00')"
        ));
        beats.push(beat(&node, State::Active, (n % 50) as u64));
    }
    let insert = async |columns: &str, rows: &[String]| {
        world
            .exec(&format!("INSERT INTO {columns} VALUES {}", rows.join(", ")))
            .await;
    };
    insert("t_node_info (node_name, present_state, last_heartbeat)", &nodes).await;
    insert(
        "t_server_conf (application, server_name, node_name, present_state)",
        &servers,
    )
    .await;
    insert(
        "tarsregistry_instance (application, server_name, node_name, generation, last_beat, registered_at)",
        &instances,
    )
    .await;
    assert_eq!(flush(&world, &beats).await, vec![true; count]);
    for table in [
        "t_node_info WHERE last_heartbeat",
        "tarsregistry_instance WHERE last_beat",
    ] {
        assert_eq!(
            world.count(&format!("{table} > '2002-01-01 00:00:00'")).await,
            count.to_string()
        );
    }
    assert!(beaten(&world, "n0049", 60, 48).await && beaten(&world, "n0000", 11, 0).await);
}

async fn a_node_marked_inactive_is_active_with_its_instances(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.exec("UPDATE t_node_info SET present_state = 'inactive'").await;
    flush(&world, &[beat("n1", State::Active, 1)]).await;
    assert_eq!(world.node_state("n1").await, "active");
    world.beat("n1", "S", State::Inactive).await;
    assert_eq!(world.node_state("n1").await, "inactive");
    assert_eq!(flush(&world, &[beat("n1", State::Inactive, 1)]).await, [true]);
    assert_eq!(world.node_state("n1").await, "inactive");
}

async fn everything_at_once_never_fails(world: impl World) {
    let nodes: Vec<String> = (0..20).map(|n| format!("n{n:02}")).collect();
    for node in &nodes {
        world.start(&startup(node, "S")).await;
    }
    for round in 0..30 {
        let beats: Vec<PastBeat> = nodes.iter().map(|node| beat(node, State::Active, round % 3)).collect();
        for node in &nodes[..10] {
            world.silence(node, "S", 121).await;
        }
        let look = Look {
            holder: "a".into(),
            lead: Some(Duration::from_mins(1)),
        };
        let seen = world.store().census(&look).await.unwrap().census.unwrap().overdue;
        let some = &nodes[usize::try_from(round).unwrap() % 20];
        let state = if round % 2 == 0 { State::Active } else { State::Inactive };
        let restarted = startup(some, "S");
        let (written, expired, nodes_expired, _, ()) = tokio::join!(
            world.store().flush(&beats),
            world.store().expire(&seen),
            world.store().expire_nodes(""),
            world.beat("n05", "S", state),
            world.start(&restarted),
        );
        let (written, expired) = (written.unwrap(), expired.unwrap());
        nodes_expired.unwrap();
        // A beat or an end of the lease: never both, never neither.
        for key in expired {
            let at = nodes.iter().position(|node| *node == key.node).unwrap();
            let is_back = world.server_state(&key.node, "S").await != "inactive";
            assert!(
                written[at] != Flushed::Written || is_back,
                "{key} expired after its beat was written"
            );
        }
        for node in &nodes {
            world.beat(node, "S", State::Active).await;
        }
    }
}
