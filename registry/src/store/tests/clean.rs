//! The clean.

use super::on_both;
use super::world::{World, startup};
use crate::domain::State;
use crate::domain::clean::{Cleaned, CutOff};
use crate::store::{BATCH, BeatOutcome, CleanScope, Store};

on_both! {
    a_dry_run_lists_exactly_what_is_deleted
    only_containers_unless_told
    what_counts_as_dead
    a_node_that_comes_back_keeps_its_rows
    a_clean_and_a_beat_at_once_lose_nothing
    a_beat_brings_back_what_a_clean_took
    a_clean_keeps_what_others_wrote_to_the_row
    a_clean_brings_nobody_back_who_was_leaving
    a_clean_takes_rows_with_null
    a_server_deleted_by_hand_stays_deleted
    more_nodes_than_a_batch
    old_tombstones_are_forgotten
    cut_offs_are_by_the_clock_of_the_database
}

fn scope(cut_off: &str) -> CleanScope {
    CleanScope {
        cut_off: cut_off.into(),
        all_nodes: false,
    }
}

fn everything() -> CleanScope {
    CleanScope {
        cut_off: "2002-01-01 00:00:00".into(),
        all_nodes: true,
    }
}

/// Lets nodes beat for the last time in 2001.
async fn kill(world: &impl World, condition: &str) {
    let set = "present_state = 'inactive', last_heartbeat = '2001-01-01 00:00:00'";
    world
        .exec(&format!("UPDATE t_node_info SET {set} WHERE {condition}"))
        .await;
}

async fn candidates(world: &impl World, scope: &CleanScope) -> Vec<String> {
    world.store().clean_candidates(scope, "").await.unwrap()
}

async fn clean(world: &impl World, scope: &CleanScope) -> Cleaned {
    let nodes = candidates(world, scope).await;
    world.store().clean_batch(scope, &nodes).await.unwrap()
}

async fn a_dry_run_lists_exactly_what_is_deleted(world: impl World) {
    for (node, server) in [("n1", "S"), ("n1", "T"), ("n2", "S"), ("n3", "S"), ("n4", "S")] {
        world.start(&startup(node, server)).await;
    }
    world.stop("n4", "S").await;
    kill(&world, "node_name IN ('n1', 'n2', 'n4')").await;
    for host in ["n1", "n3", ""] {
        world
            .exec(&format!(
                "INSERT INTO t_config_files (server_name, filename, host) VALUES ('App.S', 'a', '{host}')"
            ))
            .await;
    }
    // An adapter whose server is gone.
    world.exec("DELETE FROM t_server_conf WHERE node_name = 'n2'").await;
    let before = world.dump().await;
    let nodes = candidates(&world, &everything()).await;
    let listed = world.store().clean_listing(&everything(), &nodes).await.unwrap();
    assert_eq!(world.dump().await, before);
    assert_eq!(listed.nodes, ["n1", "n2", "n4"]);
    let servers: Vec<String> = listed.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["App.S on n1", "App.T on n1"]);
    assert_eq!(clean(&world, &everything()).await, listed);
    insta::assert_snapshot!("cleaned", world.dump().await);
    assert_eq!(clean(&world, &everything()).await, Cleaned::default());
}

async fn only_containers_unless_told(world: impl World) {
    world.start(&startup("pod", "S")).await;
    world.start(&startup("vm", "S")).await;
    world
        .exec("UPDATE t_node_info SET endpoint_port = 19385 WHERE node_name = 'vm'")
        .await;
    kill(&world, "1 = 1").await;
    assert_eq!(clean(&world, &scope("2002-01-01 00:00:00")).await.nodes, ["pod"]);
    assert_eq!(clean(&world, &everything()).await.nodes, ["vm"]);
}

async fn what_counts_as_dead(world: impl World) {
    for node in ["alive", "active", "dead", "never"] {
        world.start(&startup(node, "S")).await;
    }
    kill(&world, "node_name IN ('dead', 'active')").await;
    world
        .exec("UPDATE t_node_info SET present_state = 'active' WHERE node_name = 'active'")
        .await;
    world
        .exec("UPDATE t_node_info SET present_state = 'inactive' WHERE node_name = 'alive'")
        .await;
    world
        .exec("UPDATE t_node_info SET present_state = 'inactive', last_heartbeat = NULL WHERE node_name = 'never'")
        .await;
    assert_eq!(candidates(&world, &everything()).await, ["dead"]);
    // The cut-off itself is not before the cut-off.
    assert!(candidates(&world, &scope("2001-01-01 00:00:00")).await.is_empty());
    assert_eq!(candidates(&world, &scope("2001-01-01 00:00:01")).await, ["dead"]);
}

async fn a_node_that_comes_back_keeps_its_rows(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.start(&startup("n2", "S")).await;
    kill(&world, "1 = 1").await;
    let nodes = candidates(&world, &everything()).await;
    assert_eq!(nodes, ["n1", "n2"]);
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
    let deleted = world.store().clean_batch(&everything(), &nodes).await.unwrap();
    assert_eq!(deleted.nodes, ["n2"]);
    assert_eq!(world.server_state("n1", "S").await, "active");
    assert_eq!(world.count("t_adapter_conf").await, "1");
}

async fn a_clean_and_a_beat_at_once_lose_nothing(world: impl World) {
    world.start(&startup("n1", "S")).await;
    let (mut spared, mut recreated) = (0, 0);
    for round in 0..200 {
        kill(&world, "1 = 1").await;
        let nodes = candidates(&world, &everything()).await;
        let scope = everything();
        let clean = world.store().clean_batch(&scope, &nodes);
        let beat = world.beat("n1", "S", State::Active);
        // Each in front once: what is polled first mostly wins.
        let (cleaned, outcome) = if round % 2 == 0 {
            tokio::join!(clean, beat)
        } else {
            let (outcome, cleaned) = tokio::join!(beat, clean);
            (cleaned, outcome)
        };
        match (cleaned.unwrap().nodes.len(), outcome) {
            (0, BeatOutcome::Taken) => spared += 1,
            (1, BeatOutcome::Recreated) => recreated += 1,
            other => panic!("{other:?}"),
        }
        assert_eq!(world.server_state("n1", "S").await, "active");
        assert_eq!(world.node_state("n1").await, "active");
        assert_eq!(world.count("t_adapter_conf").await, "1");
    }
    assert!(spared > 0 && recreated > 0, "{spared} spared, {recreated} recreated");
}

async fn a_beat_brings_back_what_a_clean_took(world: impl World) {
    let mut req = startup("n1", "S");
    req.set_id = "a.b.c".into();
    req.disable_flow = true;
    world.start(&req).await;
    let before = world.dump().await;
    kill(&world, "1 = 1").await;
    clean(&world, &everything()).await;
    assert_eq!(world.count("t_node_info").await, "0");
    assert_eq!(world.beat("n1", "S", State::Deactivating).await, BeatOutcome::Gone);
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Recreated);
    assert_eq!(world.dump().await, before.replace("generation = 1", "generation = 2"));
    // A clean and then an end: nothing brings it back.
    kill(&world, "1 = 1").await;
    clean(&world, &everything()).await;
    world.stop("n1", "S").await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Gone);
}

async fn a_clean_keeps_what_others_wrote_to_the_row(world: impl World) {
    world.start(&startup("n1", "S")).await;
    let set = "metrics_port = 9325, template_name = 'tars.by.hand', server_type = 'tars_go'";
    world.exec(&format!("UPDATE t_server_conf SET {set}")).await;
    let before = world.dump().await;
    kill(&world, "1 = 1").await;
    clean(&world, &everything()).await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Recreated);
    assert_eq!(world.dump().await, before.replace("generation = 1", "generation = 2"));
}

async fn a_clean_brings_nobody_back_who_was_leaving(world: impl World) {
    for server in ["Said", "Written"] {
        world.start(&startup("n1", server)).await;
    }
    world.beat("n1", "Said", State::Deactivating).await;
    world
        .exec("UPDATE t_server_conf SET present_state = 'destroyed' WHERE server_name = 'Written'")
        .await;
    kill(&world, "1 = 1").await;
    clean(&world, &everything()).await;
    for server in ["Said", "Written"] {
        assert_eq!(world.beat("n1", server, State::Active).await, BeatOutcome::Gone);
    }
}

async fn a_clean_takes_rows_with_null(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world
        .exec("INSERT INTO t_server_conf (application, server_name, node_name) VALUES (NULL, NULL, 'n1')")
        .await;
    world
        .exec("INSERT INTO t_adapter_conf (application, server_name, node_name) VALUES (NULL, NULL, 'n1')")
        .await;
    kill(&world, "1 = 1").await;
    world.exec("UPDATE t_node_info SET present_state = NULL").await;
    assert_eq!(clean(&world, &everything()).await.servers.len(), 2);
    for table in ["t_node_info", "t_server_conf", "t_adapter_conf"] {
        assert_eq!(world.count(table).await, "0", "{table}");
    }
}

async fn a_server_deleted_by_hand_stays_deleted(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.exec("DELETE FROM t_server_conf").await;
    kill(&world, "1 = 1").await;
    clean(&world, &everything()).await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Unknown);
}

async fn more_nodes_than_a_batch(world: impl World) {
    let rows: Vec<String> = (0..BATCH + 3)
        .map(|n| format!("('node{n:04}', 'inactive', '2001-01-01 00:00:00')"))
        .collect();
    world
        .exec(&format!(
            "INSERT INTO t_node_info (node_name, present_state, last_heartbeat) VALUES {}",
            rows.join(", ")
        ))
        .await;
    let first = candidates(&world, &everything()).await;
    assert_eq!(first.len(), BATCH);
    let rest = world
        .store()
        .clean_candidates(&everything(), first.last().unwrap())
        .await
        .unwrap();
    assert_eq!(rest, ["node0200", "node0201", "node0202"]);
    assert_eq!(
        world
            .store()
            .clean_batch(&everything(), &first)
            .await
            .unwrap()
            .nodes
            .len(),
        BATCH
    );
    assert_eq!(world.count("t_node_info").await, "3");
}

async fn old_tombstones_are_forgotten(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.start(&startup("n2", "S")).await;
    world.start(&startup("n3", "S")).await;
    world.stop("n1", "S").await;
    world.stop("n2", "S").await;
    world
        .exec("UPDATE tarsregistry_instance SET removed_at = '2001-01-01 00:00:00' WHERE node_name = 'n1'")
        .await;
    assert_eq!(world.store().forget_tombstones().await.unwrap(), 1);
    assert_eq!(world.count("tarsregistry_instance").await, "2");
}

async fn cut_offs_are_by_the_clock_of_the_database(world: impl World) {
    let at = |seconds| CutOff::SecondsAgo(seconds);
    let cut_off = world.store().clean_cut_off(&at(3600)).await.unwrap();
    assert_eq!(cut_off.len(), 19, "{cut_off}");
    world.start(&startup("old", "S")).await;
    world.start(&startup("new", "S")).await;
    for (node, age) in [("old", 3700), ("new", 3500)] {
        let set = format!("present_state = 'inactive', last_heartbeat = {}", world.ago(age));
        world
            .exec(&format!("UPDATE t_node_info SET {set} WHERE node_name = '{node}'"))
            .await;
    }
    assert_eq!(candidates(&world, &scope(&cut_off)).await, ["old"]);
    let moment = CutOff::At("2022-01-01 00:00:00".into());
    assert_eq!(
        world.store().clean_cut_off(&moment).await.unwrap(),
        "2022-01-01 00:00:00"
    );
}
