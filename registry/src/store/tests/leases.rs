//! Who runs out of a lease, and what becomes of the rows.

use std::time::{Duration, Instant};

use super::on_both;
use super::world::{World, key, startup};
use crate::domain::lease::{Census, Overdue};
use crate::domain::{Beat, InstanceKey, Scope, State};
use crate::store::{BeatOutcome, Flushed, Look, PastBeat, SilentNodes, Store};

on_both! {
    a_lease_runs_out_at_its_end_and_not_before
    an_expired_instance_is_out_and_back_at_its_next_beat
    a_beat_in_between_wins
    who_starts_or_leaves_has_longer
    who_was_leaving_expires_and_stays_out
    who_ended_has_no_lease
    two_replicas_that_expire_at_once_do_it_once
    rows_of_others_stay
    a_node_goes_with_its_last_instance
    nodes_of_others_stay
    more_silent_nodes_than_a_page
    one_replica_has_the_lead
    beats_of_the_future_were_now
    the_clock_is_the_databases
    silent_instances_are_counted_against_all
    a_beat_of_the_whole_node_renews_each_lease
}

fn look(holder: &str) -> Look {
    Look {
        holder: holder.into(),
        lead: Some(Duration::from_mins(1)),
    }
}

async fn census(world: &impl World) -> Census {
    world
        .store()
        .census(&look("a"))
        .await
        .unwrap()
        .census
        .expect("nobody else leads")
}

async fn overdue(world: &impl World) -> Vec<Overdue> {
    census(world).await.overdue
}

/// Expires who ran out. -> names of their nodes
async fn expire(world: &impl World, seen: &[Overdue]) -> Vec<String> {
    let expired = world.store().expire(seen).await.unwrap();
    expired.into_iter().map(|key: InstanceKey| key.node).collect()
}

async fn silent_nodes(world: &impl World) -> SilentNodes {
    world.store().expire_nodes("").await.unwrap()
}

async fn a_lease_runs_out_at_its_end_and_not_before(world: impl World) {
    for (node, age) in [("n1", 118), ("n2", 121), ("n3", 0), ("n4", 500)] {
        world.start(&startup(node, "S")).await;
        world.silence(node, "S", age).await;
    }
    let seen = overdue(&world).await;
    let nodes: Vec<&str> = seen.iter().map(|overdue| overdue.key.node.as_str()).collect();
    assert_eq!(nodes, ["n4", "n2"], "the longest overdue first");
    let mut expired = expire(&world, &seen).await;
    expired.sort();
    assert_eq!(expired, ["n2", "n4"]);
    for (node, state) in [
        ("n1", "active"),
        ("n2", "inactive"),
        ("n3", "active"),
        ("n4", "inactive"),
    ] {
        assert_eq!(world.server_state(node, "S").await, state, "{node}");
    }
    assert_eq!(overdue(&world).await, [], "nobody expires twice");
}

async fn an_expired_instance_is_out_and_back_at_its_next_beat(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world
        .exec("UPDATE t_server_conf SET process_id = 77, registry_timestamp = '2001-01-01 00:00:00'")
        .await;
    world.silence("n1", "S", 121).await;
    let seen = overdue(&world).await;
    expire(&world, &seen).await;
    assert_eq!(silent_nodes(&world).await.expired, ["n1"]);
    let columns = "SELECT COUNT(*) FROM t_server_conf WHERE present_state = 'inactive' AND setting_state = 'active' \
                   AND process_id = 0 AND registry_timestamp > '2002-01-01'";
    assert_eq!(world.value(columns).await, "1");
    assert_eq!(world.node_state("n1").await, "inactive");
    assert_eq!(world.count("t_adapter_conf").await, "1");

    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Back);
    assert_eq!(world.server_state("n1", "S").await, "active");
    assert_eq!(world.node_state("n1").await, "active");
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
    // And out again.
    world.silence("n1", "S", 121).await;
    let seen = overdue(&world).await;
    assert_eq!(expire(&world, &seen).await, ["n1"]);
    world.start(&startup("n1", "S")).await;
    assert_eq!(world.server_state("n1", "S").await, "active");
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
}

async fn a_beat_in_between_wins(world: impl World) {
    for node in ["beat", "flushed", "registered", "ended", "dead"] {
        world.start(&startup(node, "S")).await;
        world.silence(node, "S", 121).await;
    }
    let seen = overdue(&world).await;
    assert_eq!(seen.len(), 5);
    world.beat("beat", "S", State::Active).await;
    let beat = PastBeat {
        key: key("flushed", "S"),
        state: State::Active,
        at: Instant::now(),
    };
    assert_eq!(world.store().flush(&[beat]).await.unwrap(), [Flushed::Written]);
    world.start(&startup("registered", "S")).await;
    world.stop("ended", "S").await;
    assert_eq!(expire(&world, &seen).await, ["dead"]);
    for node in ["beat", "flushed", "registered"] {
        assert_eq!(world.server_state(node, "S").await, "active", "{node}");
        assert_eq!(world.node_state(node).await, "active", "{node}");
    }
    assert_eq!(world.server_state("ended", "S").await, "-");
}

async fn who_starts_or_leaves_has_longer(world: impl World) {
    for (node, state) in [("starts", State::Activating), ("leaves", State::Deactivating)] {
        world.start(&startup(node, "S")).await;
        world.beat(node, "S", state).await;
    }
    let overdue_at = async |node: &str, age| {
        world.silence(node, "S", age).await;
        let seen = overdue(&world).await;
        seen.iter().any(|overdue| overdue.key.node == node)
    };
    assert!(!overdue_at("starts", 298).await);
    assert!(overdue_at("starts", 301).await);
    assert!(!overdue_at("leaves", 118).await);
    assert!(overdue_at("leaves", 121).await);
    // Once it has started, its lease is that of the others.
    world.beat("starts", "S", State::Active).await;
    assert!(overdue_at("starts", 121).await);
    world.beat("starts", "S", State::Inactive).await;
    assert!(overdue_at("starts", 121).await);
}

async fn who_was_leaving_expires_and_stays_out(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.beat("n1", "S", State::Deactivating).await;
    world.silence("n1", "S", 121).await;
    let seen = overdue(&world).await;
    expire(&world, &seen).await;
    assert_eq!(world.server_state("n1", "S").await, "inactive");
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Late);
    assert_eq!(world.server_state("n1", "S").await, "inactive");
    world.silence("n1", "S", 121).await;
    assert_eq!(overdue(&world).await, []);
}

async fn who_ended_has_no_lease(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.stop("n1", "S").await;
    world.start(&startup("n2", "S")).await;
    world.store().end(&Scope::Node("n2".into()), None).await.unwrap();
    for node in ["n1", "n2"] {
        world.silence(node, "S", 1000).await;
    }
    assert_eq!(overdue(&world).await, []);
}

async fn two_replicas_that_expire_at_once_do_it_once(world: impl World) {
    for n in 0..40 {
        world.start(&startup(&format!("n{n}"), "S")).await;
        world.silence(&format!("n{n}"), "S", 121).await;
    }
    let seen = overdue(&world).await;
    let (a, b) = tokio::join!(expire(&world, &seen), expire(&world, &seen));
    assert_eq!(a.len() + b.len(), 40);
}

async fn rows_of_others_stay(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world
        .exec("INSERT INTO t_server_conf (application, server_name, node_name, setting_state, present_state, process_id) VALUES ('App', 'Other', 'n1', 'active', 'active', 7)")
        .await;
    // What others wrote to an instance of ours stays as well.
    world.start(&startup("n2", "S")).await;
    world
        .exec("UPDATE t_server_conf SET present_state = 'destroyed', process_id = 8 WHERE node_name = 'n2'")
        .await;
    for node in ["n1", "n2"] {
        world.silence(node, "S", 1000).await;
    }
    let seen = overdue(&world).await;
    assert_eq!(expire(&world, &seen).await.len(), 2);
    assert_eq!(world.server_state("n1", "S").await, "inactive");
    assert_eq!(world.server_state("n1", "Other").await, "active");
    assert_eq!(
        world
            .value("SELECT process_id FROM t_server_conf WHERE node_name = 'n2'")
            .await,
        "8"
    );
    assert_eq!(
        silent_nodes(&world).await.expired,
        ["n2"],
        "others keep `Other`, and its node with it"
    );
}

async fn a_node_goes_with_its_last_instance(world: impl World) {
    for server in ["S", "T"] {
        world.start(&startup("n1", server)).await;
    }
    world.silence("n1", "S", 121).await;
    assert_eq!(silent_nodes(&world).await.expired, [""; 0], "its lease still counts");
    let seen = overdue(&world).await;
    expire(&world, &seen).await;
    assert_eq!(silent_nodes(&world).await.expired, [""; 0], "T lives");
    world.silence("n1", "T", 121).await;
    let seen = overdue(&world).await;
    expire(&world, &seen).await;
    world
        .exec("UPDATE t_node_info SET last_heartbeat = CURRENT_TIMESTAMP")
        .await;
    assert_eq!(silent_nodes(&world).await.expired, [""; 0], "the node itself beats");
    world.silence("n1", "T", 121).await;
    assert_eq!(silent_nodes(&world).await.expired, ["n1"]);
    assert_eq!(world.node_state("n1").await, "inactive");
    assert_eq!(silent_nodes(&world).await.expired, [""; 0]);
    world.beat("n1", "T", State::Inactive).await;
    assert_eq!(world.node_state("n1").await, "inactive");
    world.beat("n1", "S", State::Active).await;
    assert_eq!(world.node_state("n1").await, "active");
}

async fn nodes_of_others_stay(world: impl World) {
    // Another registry's container, and a node that runs tarsnode.
    let columns = "node_name, endpoint_port, present_state, last_heartbeat";
    world
        .exec(&format!(
            "INSERT INTO t_node_info ({columns}) VALUES ('k8stars', 0, 'active', '2001-01-01 00:00:00')"
        ))
        .await;
    world.start(&startup("vm", "S")).await;
    world
        .exec("UPDATE t_node_info SET endpoint_port = 19385 WHERE node_name = 'vm'")
        .await;
    world.silence("vm", "S", 1000).await;
    let seen = overdue(&world).await;
    assert_eq!(expire(&world, &seen).await, ["vm"]);
    assert_eq!(silent_nodes(&world).await, SilentNodes::default());
    assert_eq!(world.node_state("vm").await, "active", "tarsnode says what its node is");
}

async fn more_silent_nodes_than_a_page(world: impl World) {
    let columns = "node_name, endpoint_port, present_state, last_heartbeat";
    let rows: Vec<String> = (0..203)
        .map(|n| format!("('node{n:04}', 0, 'active', '2001-01-01 00:00:00')"))
        .collect();
    world
        .exec(&format!(
            "INSERT INTO t_node_info ({columns}) VALUES {}",
            rows.join(", ")
        ))
        .await;
    world.start(&startup("node0202", "S")).await;
    world.silence("node0202", "S", 121).await;
    let seen = overdue(&world).await;
    expire(&world, &seen).await;
    let first = silent_nodes(&world).await;
    assert_eq!((first.expired.len(), first.next.as_deref()), (0, Some("node0199")));
    let rest = world.store().expire_nodes("node0199").await.unwrap();
    assert_eq!(rest.expired, ["node0202"]);
    assert_eq!(rest.next, None);
}

async fn beats_of_the_future_were_now(world: impl World) {
    world.start(&startup("n1", "S")).await;
    let future = "UPDATE tarsregistry_instance SET last_beat = '2999-01-01 00:00:00'";
    let now = format!(
        "tarsregistry_instance WHERE last_beat BETWEEN {} AND '2900-01-01'",
        world.utc_ago(60)
    );
    world.exec(future).await;
    assert_eq!(overdue(&world).await, []);
    assert_eq!(world.count(&now).await, "1");
    world.exec(future).await;
    world
        .exec("UPDATE t_node_info SET last_heartbeat = '2037-01-01 00:00:00'")
        .await;
    let beat = PastBeat {
        key: key("n1", "S"),
        state: State::Active,
        at: Instant::now(),
    };
    assert_eq!(world.store().flush(&[beat]).await.unwrap(), [Flushed::Written]);
    assert_eq!(world.count(&now).await, "1");
    assert_eq!(
        world.count("t_node_info WHERE last_heartbeat < '2036-01-01'").await,
        "1"
    );
}

async fn the_clock_is_the_databases(world: impl World) {
    let clock = async || world.store().census(&look("a")).await.unwrap().clock;
    let (begun, first) = (Instant::now(), clock().await);
    assert!(first > 25 * 365 * 86_400_000 / 2, "{first}");
    let mut last = first;
    while last < first + 20 {
        last = clock().await;
    }
    let passed = i64::try_from(begun.elapsed().as_millis()).unwrap();
    assert!(last - first <= passed + 1, "{first} {last} {passed}");
}

async fn one_replica_has_the_lead(world: impl World) {
    let leads = async |holder: &str| world.store().census(&look(holder)).await.unwrap().census.is_some();
    assert!(leads("a").await && leads("a").await);
    assert!(!leads("b").await);
    let modest = Look {
        holder: "b".into(),
        lead: None,
    };
    assert_eq!(world.store().census(&modest).await.unwrap().census, None);
    world.store().resign("b").await.unwrap();
    assert!(!leads("b").await, "only who has it gives it away");
    world.store().resign("a").await.unwrap();
    assert!(leads("b").await && !leads("a").await);
    // A leader that is not heard of any more.
    world
        .exec("UPDATE tarsregistry_leader SET held_until = '2001-01-01 00:00:00'")
        .await;
    assert!(leads("a").await);
    let (b, c) = tokio::join!(leads("b"), leads("c"));
    assert!(!b && !c);
}

async fn silent_instances_are_counted_against_all(world: impl World) {
    for (node, age) in [("n1", 0), ("n2", 88), ("n3", 92), ("n4", 121)] {
        world.start(&startup(node, "S")).await;
        world.silence(node, "S", age).await;
    }
    world.start(&startup("starts", "S")).await;
    world.beat("starts", "S", State::Activating).await;
    world.silence("starts", "S", 200).await;
    world.start(&startup("ended", "S")).await;
    world.stop("ended", "S").await;
    let found = census(&world).await;
    assert_eq!((found.live, found.silent), (5, 2));
    expire(&world, &found.overdue).await;
    world.silence("n3", "S", 121).await;
    let found = census(&world).await;
    assert_eq!(
        (found.live, found.silent),
        (4, 1),
        "who expired does not count any more"
    );
}

async fn a_beat_of_the_whole_node_renews_each_lease(world: impl World) {
    for server in ["S", "T", "Leaving"] {
        world.start(&startup("n1", server)).await;
    }
    world.beat("n1", "Leaving", State::Deactivating).await;
    for server in ["S", "T", "Leaving"] {
        world.silence("n1", server, 121).await;
    }
    let seen = overdue(&world).await;
    assert_eq!(expire(&world, &seen).await.len(), 3);
    let beat = Beat {
        scope: Scope::Node("n1".into()),
        state: State::Active,
        life: None,
    };
    assert_eq!(world.store().beat(&beat).await.unwrap(), BeatOutcome::Taken);
    let leases = "SELECT lease_state FROM tarsregistry_instance ORDER BY server_name";
    let leases: Vec<String> = world
        .read(leases)
        .await
        .iter()
        .map(|row| row[0].1.clone().unwrap())
        .collect();
    assert_eq!(leases, ["expired", "active", "active"]);
    assert_eq!(world.server_state("n1", "S").await, "active");
    assert_eq!(world.server_state("n1", "Leaving").await, "inactive");
}
