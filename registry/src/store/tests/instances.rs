//! Registration, heartbeats, the end, metrics.

use super::on_both;
use super::world::{World, adapter, instance, key, startup};
use crate::domain::{Beat, Life, MetricsPort, Registration, Scope, State};
use crate::store::{BeatOutcome, EndOutcome, Store};
use tars::protocol::OnStartupReq;

on_both! {
    a_registration_writes_every_column
    a_second_registration_changes_what_it_says
    only_changed_adapters_are_written
    values_are_stored_as_they_are
    a_beat_moves_server_and_node
    a_node_with_another_living_server_stays_active
    a_leaving_instance_comes_back_by_registration_only
    a_registration_elsewhere_brings_a_leaving_instance_back
    a_beat_of_the_node_leaves_who_is_leaving
    rows_of_others_with_null
    an_end_takes_rows_and_leaves_a_tombstone
    the_end_of_an_earlier_life_is_not_that_of_the_present_one
    configuration_of_other_nodes_survives_an_end
    a_beat_of_an_unknown_instance_writes_nothing
    a_server_of_another_registry_is_taken_over_by_its_beat
    forms_for_a_whole_node
    metrics_ports
    registrations_at_once_never_fail
}

fn full() -> OnStartupReq {
    let mut first = adapter("App.Full.Obj", "tcp -h 10.0.0.7 -p 10000 -t 3000");
    first.max_conns = 1000;
    first.thread_num = 4;
    first.queue_cap = 500;
    first.queue_timeout = 60_000;
    let mut second = adapter("App.Full.HttpObj", "tcp -h 10.0.0.7 -p 8080");
    second.protocol = "not_tars".into();
    OnStartupReq {
        node_name: "10.0.0.7".into(),
        application: "App".into(),
        server: "Full".into(),
        set_id: "gray.sz.1".into(),
        adapters: vec![first, second],
        disable_flow: true,
        state: "activating".into(),
        version: "v1.2 (build 7)".into(),
        template_name: "tars.go".into(),
        server_type: "tars_go".into(),
    }
}

async fn a_registration_writes_every_column(world: impl World) {
    world.start(&full()).await;
    world.start(&startup("10.0.0.8", "Small")).await;
    // One snapshot for both databases: they hold the same.
    insta::assert_snapshot!("registered", world.dump().await);
}

async fn a_second_registration_changes_what_it_says(world: impl World) {
    world.start(&full()).await;
    world
        .exec("UPDATE t_server_conf SET profile = 'kept', bak_flag = 1, setting_state = 'inactive'")
        .await;
    world
        .exec("UPDATE t_node_info SET present_state = 'inactive', label = 'kept'")
        .await;
    let mut again = full();
    again.set_id = String::new();
    again.disable_flow = false;
    again.state = "active".into();
    again.version = "v2".into();
    again.template_name = String::new();
    again.server_type = String::new();
    again.adapters.remove(1);
    again.adapters[0].endpoint = "tcp -h 10.0.0.7 -p 20000".into();
    again
        .adapters
        .push(adapter("App.Full.NewObj", "udp -h 10.0.0.7 -p 20001"));
    world.start(&again).await;
    insta::assert_snapshot!("registered_again", world.dump().await);
}

async fn only_changed_adapters_are_written(world: impl World) {
    world.start(&full()).await;
    world
        .exec("UPDATE t_adapter_conf SET registry_timestamp = '2001-01-01 00:00:00'")
        .await;
    let mut again = full();
    again.adapters[1].endpoint = "tcp -h 10.0.0.7 -p 8081".into();
    world.start(&again).await;
    let untouched = "SELECT adapter_name FROM t_adapter_conf WHERE registry_timestamp = '2001-01-01 00:00:00'";
    assert_eq!(world.value(untouched).await, "App.Full.ObjAdapter");
}

async fn values_are_stored_as_they_are(world: impl World) {
    let mut req = startup("10.0.0.7", "S");
    req.version = r#"a'b"c\d%_? -- ; é 中文"#.into();
    world.start(&req).await;
    assert_eq!(
        world.value("SELECT patch_version FROM t_server_conf").await,
        req.version
    );
}

async fn a_beat_moves_server_and_node(world: impl World) {
    world.start(&startup("n1", "S")).await;
    for (state, node) in [
        (State::Activating, "inactive"),
        (State::Active, "active"),
        (State::Inactive, "inactive"),
        (State::Active, "active"),
        (State::Deactivating, "inactive"),
        (State::Destroyed, "inactive"),
    ] {
        assert_eq!(world.beat("n1", "S", state).await, BeatOutcome::Taken);
        assert_eq!(world.server_state("n1", "S").await, state.as_str());
        assert_eq!(world.node_state("n1").await, node, "{state:?}");
    }
    world
        .exec("UPDATE t_node_info SET last_heartbeat = '2001-01-01 00:00:00'")
        .await;
    world
        .exec("UPDATE tarsregistry_instance SET last_beat = '2001-01-01 00:00:00'")
        .await;
    world
        .exec("UPDATE t_server_conf SET registry_timestamp = '2001-01-01 00:00:00'")
        .await;
    world.beat("n1", "S", State::Destroyed).await;
    let beaten = format!(
        "SELECT COUNT(*) FROM t_node_info WHERE last_heartbeat > {}",
        world.ago(60)
    );
    assert_eq!(world.value(&beaten).await, "1");
    assert_eq!(
        world
            .value("SELECT COUNT(*) FROM tarsregistry_instance WHERE last_beat > '2002-01-01'")
            .await,
        "1"
    );
    // An unchanged state changes nothing that another registry would reload for.
    assert_eq!(
        world
            .value("SELECT COUNT(*) FROM t_server_conf WHERE registry_timestamp < '2002-01-01'")
            .await,
        "1"
    );
}

async fn a_node_with_another_living_server_stays_active(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.start(&startup("n1", "T")).await;
    world.beat("n1", "S", State::Inactive).await;
    assert_eq!(world.node_state("n1").await, "active");
    // The other one stopped beating: nobody on the node is alive.
    world
        .exec("UPDATE tarsregistry_instance SET last_beat = '2001-01-01 00:00:00' WHERE server_name = 'T'")
        .await;
    world.beat("n1", "S", State::Inactive).await;
    assert_eq!(world.node_state("n1").await, "inactive");
    // A node of tarsnode keeps the state tarsnode gives it.
    world
        .exec("UPDATE t_node_info SET endpoint_port = 19385, present_state = 'active'")
        .await;
    world.beat("n1", "S", State::Deactivating).await;
    world.stop("n1", "S").await;
    assert_eq!(world.node_state("n1").await, "active");
}

async fn a_leaving_instance_comes_back_by_registration_only(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.beat("n1", "S", State::Deactivating).await;
    for late in [State::Active, State::Inactive, State::Activating] {
        assert_eq!(world.beat("n1", "S", late).await, BeatOutcome::Late);
        assert_eq!(world.server_state("n1", "S").await, "deactivating");
        assert_eq!(world.node_state("n1").await, "inactive");
    }
    // Not even when another registry marked it inactive meanwhile.
    world.exec("UPDATE t_server_conf SET present_state = 'inactive'").await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Late);
    assert_eq!(world.server_state("n1", "S").await, "inactive");
    world.start(&startup("n1", "S")).await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
    assert_eq!(world.server_state("n1", "S").await, "active");
}

async fn a_registration_elsewhere_brings_a_leaving_instance_back(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.beat("n1", "S", State::Deactivating).await;
    // Another registry on the same database took its registration.
    world
        .exec("UPDATE t_server_conf SET present_state = 'activating'")
        .await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
    assert_eq!(world.server_state("n1", "S").await, "active");
    assert_eq!(world.beat("n1", "S", State::Inactive).await, BeatOutcome::Taken);
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
    // And there it says that it leaves.
    world
        .exec("UPDATE t_server_conf SET present_state = 'deactivating'")
        .await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Late);
    assert_eq!(world.server_state("n1", "S").await, "deactivating");
    // An end, and a row of another registry since.
    world.stop("n1", "S").await;
    let columns = "application, server_name, node_name, present_state";
    world
        .exec(&format!(
            "INSERT INTO t_server_conf ({columns}) VALUES ('App', 'S', 'n1', 'inactive')"
        ))
        .await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
}

async fn a_beat_of_the_node_leaves_who_is_leaving(world: impl World) {
    for server in ["S", "T", "U"] {
        world.start(&startup("n1", server)).await;
    }
    world.beat("n1", "S", State::Deactivating).await;
    world
        .exec("UPDATE t_server_conf SET present_state = 'destroyed' WHERE server_name = 'U'")
        .await;
    let beat = |state| Beat {
        scope: Scope::Node("n1".into()),
        state,
        life: None,
    };
    for state in [State::Inactive, State::Active] {
        let outcome = world.store().beat(&beat(state)).await.unwrap();
        assert_eq!(outcome, BeatOutcome::Taken);
        assert_eq!(world.server_state("n1", "S").await, "deactivating");
        assert_eq!(world.server_state("n1", "T").await, state.as_str());
        assert_eq!(world.server_state("n1", "U").await, "destroyed");
    }
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Late);
    // When all are leaving, the node does not come back either.
    world.beat("n1", "T", State::Deactivating).await;
    assert_eq!(world.node_state("n1").await, "inactive");
    let outcome = world.store().beat(&beat(State::Active)).await.unwrap();
    assert_eq!(outcome, BeatOutcome::Late);
    assert_eq!(world.node_state("n1").await, "inactive");
}

async fn rows_of_others_with_null(world: impl World) {
    world.start(&startup("n1", "S")).await;
    let key = "application, server_name, node_name, adapter_name";
    world
        .exec(&format!(
            "INSERT INTO t_adapter_conf ({key}) VALUES ('App', 'S', 'n1', NULL)"
        ))
        .await;
    world
        .exec("UPDATE t_adapter_conf SET queuecap = NULL WHERE adapter_name IS NOT NULL")
        .await;
    world
        .exec("UPDATE t_node_info SET present_state = NULL, endpoint_port = NULL")
        .await;
    // A late beat writes the node's state back as it was read; what has no port of 0 is no container.
    world
        .exec("UPDATE t_server_conf SET present_state = 'deactivating'")
        .await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Late);
    assert_eq!(world.node_state("n1").await, "inactive");
    world.exec("UPDATE t_node_info SET present_state = 'active'").await;
    world.beat("n1", "S", State::Deactivating).await;
    assert_eq!(
        world.node_state("n1").await,
        "active",
        "the state of a tarsnode's node is tarsnode's"
    );
    world.start(&startup("n1", "S")).await;
    assert_eq!(world.count("t_adapter_conf").await, "1");
    assert_eq!(world.value("SELECT queuecap FROM t_adapter_conf").await, "0");
}

async fn an_end_takes_rows_and_leaves_a_tombstone(world: impl World) {
    world.start(&startup("n1", "S")).await;
    assert!(world.stop("n1", "S").await);
    assert!(!world.stop("n1", "S").await, "an end can be repeated");
    assert_eq!(world.count("t_server_conf").await, "0");
    assert_eq!(world.count("t_adapter_conf").await, "0");
    assert_eq!(world.node_state("n1").await, "inactive");
    assert_eq!(
        world.value("SELECT removed_by FROM tarsregistry_instance").await,
        "prestop"
    );
    for state in State::ALL {
        assert_eq!(world.beat("n1", "S", state).await, BeatOutcome::Gone);
    }
    assert_eq!(world.count("t_server_conf").await, "0");
    world.start(&startup("n1", "S")).await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
    assert_eq!(world.value("SELECT generation FROM tarsregistry_instance").await, "2");
    // What nobody knows leaves no trace.
    assert!(!world.stop("n1", "Nobody").await);
    assert_eq!(world.count("tarsregistry_instance").await, "1");
}

async fn the_end_of_an_earlier_life_is_not_that_of_the_present_one(world: impl World) {
    let [earlier, present] = ["1", "2"].map(|word| Life::from_request(Some(word)));
    let register = async |life| {
        let registration = Registration {
            life,
            ..Registration::from_request(&startup("n1", "S")).unwrap()
        };
        world.store().register(&registration).await.unwrap();
    };
    let scope = instance("n1", "S");
    let beat = async |state, life| {
        let scope = scope.clone();
        world.store().beat(&Beat { scope, state, life }).await.unwrap()
    };
    let end = async |life| world.store().end(&scope, life).await.unwrap();

    register(earlier).await;
    register(present).await;
    assert_eq!(beat(State::Active, present).await, BeatOutcome::Taken);
    let before = world.dump().await;
    for state in [State::Deactivating, State::Destroyed] {
        assert_eq!(beat(state, earlier).await, BeatOutcome::Gone);
    }
    assert_eq!(end(earlier).await, EndOutcome::Superseded);
    assert_eq!(world.dump().await, before);

    // When the present one is over, an earlier one that still beats is the instance again.
    assert_eq!(end(present).await, EndOutcome::Ended);
    assert_eq!(end(present).await, EndOutcome::Unknown, "an end can be repeated");
    assert_eq!(beat(State::Active, present).await, BeatOutcome::Gone);
    assert_eq!(beat(State::Active, earlier).await, BeatOutcome::Unknown);
    register(earlier).await;
    assert_eq!(beat(State::Active, earlier).await, BeatOutcome::Taken);
    // Who names no life is heard, as ever.
    assert_eq!(beat(State::Inactive, None).await, BeatOutcome::Taken);
    assert_eq!(end(None).await, EndOutcome::Ended);
}

async fn configuration_of_other_nodes_survives_an_end(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.start(&startup("vm", "S")).await;
    world
        .exec("UPDATE t_node_info SET endpoint_port = 19385 WHERE node_name = 'vm'")
        .await;
    for (server, host) in [("App.S", "n1"), ("App.S", ""), ("App.T", "n1"), ("App.S", "vm")] {
        let columns = "server_name, filename, host, level";
        world
            .exec(&format!(
                "INSERT INTO t_config_files ({columns}) VALUES ('{server}', 'a.conf', '{host}', 2)"
            ))
            .await;
    }
    world.stop("n1", "S").await;
    world.stop("vm", "S").await;
    let rest = world
        .read("SELECT server_name, host FROM t_config_files ORDER BY id")
        .await;
    let rest: Vec<String> = rest
        .iter()
        .map(|row| row.iter().map(|cell| cell.1.clone().unwrap()).collect())
        .collect();
    assert_eq!(rest, ["App.S", "App.Tn1", "App.Svm"]);
}

async fn a_beat_of_an_unknown_instance_writes_nothing(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world
        .exec("UPDATE t_node_info SET last_heartbeat = '2001-01-01 00:00:00', modify_time = '2001-01-01 00:00:00'")
        .await;
    let before = world.dump().await;
    assert_eq!(world.beat("n1", "T", State::Active).await, BeatOutcome::Unknown);
    assert_eq!(world.beat("n2", "S", State::Active).await, BeatOutcome::Unknown);
    assert_eq!(world.dump().await, before);
    // Rows somebody deleted by hand are that somebody's decision: the instance is asked to register again.
    world.exec("DELETE FROM t_server_conf").await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Unknown);
}

async fn a_server_of_another_registry_is_taken_over_by_its_beat(world: impl World) {
    world.exec("INSERT INTO t_server_conf (application, server_name, node_name, setting_state) VALUES ('App', 'S', 'n1', 'active')").await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
    assert_eq!(world.server_state("n1", "S").await, "active");
    assert_eq!(world.node_state("n1").await, "active");
    assert_eq!(
        world.value("SELECT registration FROM tarsregistry_instance").await,
        "NULL"
    );
    world.exec("DELETE FROM tarsregistry_instance").await;
    world.stop("n1", "S").await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Gone);
}

async fn forms_for_a_whole_node(world: impl World) {
    world.start(&startup("n1", "S")).await;
    world.start(&startup("n1", "T")).await;
    world.start(&startup("n2", "S")).await;
    let beat = |state| Beat {
        scope: Scope::Node("n1".into()),
        state,
        life: None,
    };
    assert_eq!(
        world.store().beat(&beat(State::Inactive)).await.unwrap(),
        BeatOutcome::Taken
    );
    assert_eq!(world.server_state("n1", "S").await, "inactive");
    assert_eq!(world.server_state("n1", "T").await, "inactive");
    assert_eq!(world.server_state("n2", "S").await, "active");
    assert_eq!(world.node_state("n1").await, "inactive");
    let outcome = world.store().end(&Scope::Node("n1".into()), None).await.unwrap();
    assert_eq!(outcome, EndOutcome::Ended);
    let state = "SELECT COUNT(*) FROM t_server_conf WHERE setting_state = 'inactive' AND present_state = 'destroyed'";
    assert_eq!(world.value(state).await, "2");
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Late);
    world.start(&startup("n1", "S")).await;
    assert_eq!(world.value(state).await, "1");
    assert_eq!(
        world
            .store()
            .beat(&Beat {
                scope: Scope::Node("n3".into()),
                state: State::Active,
                life: None,
            })
            .await
            .unwrap(),
        BeatOutcome::Unknown
    );
    let outcome = world.store().end(&Scope::Node("n3".into()), None).await.unwrap();
    assert_eq!(outcome, EndOutcome::Unknown);
}

async fn metrics_ports(world: impl World) {
    let mut in_set = startup("n1", "S");
    in_set.set_id = "a.b.*".into();
    world.start(&in_set).await;
    world.start(&startup("n2", "S")).await;
    world.start(&startup("n3", "S")).await;
    // A row made by the console: its set columns are NULL.
    world.exec("UPDATE t_server_conf SET enable_set = 'Y', set_name = NULL, set_area = NULL, set_group = NULL WHERE node_name = 'n3'").await;
    for (node, port) in [("n1", 9325), ("n3", 9326)] {
        assert!(
            world
                .store()
                .set_metrics_port(&MetricsPort {
                    key: key(node, "S"),
                    port
                })
                .await
                .unwrap()
        );
    }
    assert!(
        !world
            .store()
            .set_metrics_port(&MetricsPort {
                key: key("n1", "T"),
                port: 1
            })
            .await
            .unwrap()
    );
    let found = world.store().metrics_instances().await.unwrap();
    let found: Vec<(&str, &str, i64)> = found
        .iter()
        .map(|i| (i.node.as_str(), i.set.as_str(), i.port))
        .collect();
    assert_eq!(found, [("n1", "a.b.*", 9325), ("n3", "", 9326)]);
}

async fn registrations_at_once_never_fail(world: impl World) {
    for round in 0..1000 {
        let req = startup(&format!("n{}", round % 7), "S");
        let registration = Registration::from_request(&req).unwrap();
        let (a, b) = tokio::join!(
            world.store().register(&registration),
            world.store().register(&registration)
        );
        a.unwrap();
        b.unwrap();
        if round % 3 == 0 {
            let scope = instance(&req.node_name, "S");
            let (a, b) = tokio::join!(world.store().end(&scope, None), world.store().register(&registration));
            a.unwrap();
            b.unwrap();
            world
                .exec(&format!(
                    "DELETE FROM t_node_info WHERE node_name = '{}'",
                    req.node_name
                ))
                .await;
            world.store().end(&scope, None).await.unwrap();
            world
                .exec(&format!(
                    "DELETE FROM tarsregistry_instance WHERE node_name = '{}'",
                    req.node_name
                ))
                .await;
        }
    }
}
