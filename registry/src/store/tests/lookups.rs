//! What lookups are answered from: read whole, and followed whoever changes it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::on_both;
use super::world::{World, mysql, sqlite, startup};
use crate::domain::lookup::{self, AdapterRow, Catalog, GroupRows, PriorityRow, RegistryRow, RuleRow, ServerRow};
use crate::metrics::Metrics;
use crate::snapshot::{Caller, Follower, Lookups};
use crate::store::engine::{Engine, Tx};
use crate::store::{Store, statement as sql};

on_both! {
    everything_is_read
    whoever_changes_anything_is_followed
    changes_within_one_second_are_seen
    removals_by_registries_like_this_one_are_seen_soon
    many_changes_at_once_are_seen
    rows_with_null_are_followed
}

const SERVANTS: [&str; 4] = ["App.One.Obj", "App.Two.Obj", "App.Three.Obj", "tars.other.Obj"];

/// What happens within ten seconds.
async fn follow<S: Store>(follower: &mut Follower<'_, S>) {
    follower.look().await.unwrap();
    if !follower.misses_nothing() {
        follower.load().await.unwrap();
    }
}

/// Everything lookups say, for callers of every kind.
fn said(lookups: &Lookups) -> BTreeMap<&'static str, String> {
    let mut said = BTreeMap::new();
    for id in SERVANTS {
        let caller = Caller {
            node: Some("10.0.0.9"),
            ..Caller::default()
        };
        let found = lookups.find(id, caller).unwrap();
        let mut text = String::new();
        for lists in [
            found.all(),
            found.for_group(caller),
            found.in_station("st").lists,
            found.in_set("x.sz.1", caller).lists,
        ] {
            writeln!(text, "{:?}", lists.active).unwrap();
        }
        said.insert(id, text);
    }
    said
}

/// What lookups would say if everything were read now.
async fn afresh(store: &impl Store) -> BTreeMap<&'static str, String> {
    let mut catalog = Catalog::default();
    catalog.replace_all(&store.load_world().await.unwrap(), std::time::Instant::now());
    said(&Lookups::serving(catalog.directory()))
}

/// What `everything_is_read` writes.
fn whole_world() -> lookup::World {
    let text = |text: &str| text.to_owned();
    lookup::World {
        servers: vec![ServerRow {
            application: text("App"),
            server: text("One"),
            node: text("10.0.0.7"),
            setting_state: text("active"),
            present_state: text("activating"),
            flow_state: text("inactive"),
            bak_flag: 2,
            enable_set: text("y"),
            set: [text("x"), text("sz"), text("1")],
            enable_group: text("Y"),
            ip_group: text("g"),
        }],
        adapters: vec![AdapterRow {
            application: text("App"),
            server: text("One"),
            node: text("10.0.0.7"),
            servant: text("App.One.Obj"),
            endpoint: text("tcp -h 10.0.0.7 -p 10000 -t 3000"),
        }],
        groups: GroupRows {
            rules: vec![
                RuleRow {
                    id: 3,
                    ..RuleRow::default()
                },
                RuleRow {
                    id: 7,
                    addresses: text("10.0.0.*|a"),
                    name: text("g"),
                },
            ],
            priorities: vec![
                PriorityRow {
                    groups: text("3"),
                    station: text("a"),
                },
                PriorityRow {
                    groups: text("1,2"),
                    station: text("b"),
                },
            ],
            registries: vec![RegistryRow {
                servant: text("tars.other.Obj"),
                endpoint: text("tcp -h a -p 1"),
                present_state: text("active"),
                enable_group: text("N"),
            }],
        },
    }
}

async fn everything_is_read(world: impl World) {
    world.start(&startup("10.0.0.7", "One")).await;
    world
        .exec(
            "UPDATE t_server_conf SET bak_flag = 2, enable_set = 'y', set_name = 'x', set_area = 'sz', set_group = '1', \
             enable_group = 'Y', ip_group_name = 'g', flow_state = 'inactive', present_state = 'activating'; \
             INSERT INTO t_server_group_rule (group_id, allow_ip_rule, group_name) VALUES (7, '10.0.0.*|a', 'g'), \
             (3, NULL, NULL); \
             INSERT INTO t_group_priority (group_list, station, list_order) VALUES ('1,2', 'b', 2), ('3', 'a', 1); \
             INSERT INTO t_registry_info (locator_id, servant, endpoint, present_state, enable_group) \
             VALUES ('x', 'tars.other.Obj', 'tcp -h a -p 1', 'active', 'N')",
        )
        .await;
    assert_eq!(world.store().load_world().await.unwrap(), whole_world());
}

/// Each changes what lookups say, with a timestamp that says nothing of it.
const EDITS: [&str; 24] = [
    "UPDATE t_server_conf SET flow_state = 'inactive' WHERE server_name = 'One'",
    "UPDATE t_server_conf SET flow_state = 'active' WHERE server_name = 'One'",
    "UPDATE t_server_conf SET setting_state = 'inactive' WHERE server_name = 'One'",
    "UPDATE t_server_conf SET setting_state = 'active' WHERE server_name = 'One'",
    "UPDATE t_server_conf SET present_state = 'deactivating' WHERE server_name = 'Two'",
    "UPDATE t_server_conf SET present_state = 'active' WHERE server_name = 'Two'",
    "UPDATE t_server_conf SET bak_flag = 1 WHERE server_name = 'Two'",
    "UPDATE t_server_conf SET bak_flag = 0 WHERE server_name = 'Two'",
    "UPDATE t_server_conf SET enable_set = 'Y', set_name = 'x', set_area = 'sz', set_group = '2'",
    "UPDATE t_server_conf SET set_group = '1' WHERE server_name = 'One'",
    "INSERT INTO t_server_group_rule (group_id, allow_ip_rule, group_name) VALUES (7, '10.0.0.*', 'g'), (8, '', 'h')",
    "UPDATE t_server_conf SET enable_group = 'Y'",
    "UPDATE t_server_conf SET ip_group_name = 'h' WHERE server_name = 'One'",
    "INSERT INTO t_group_priority (group_list, station) VALUES ('7', 'st')",
    "UPDATE t_group_priority SET group_list = '8'",
    "DELETE FROM t_server_group_rule",
    "INSERT INTO t_registry_info (locator_id, servant, endpoint, present_state) \
     VALUES ('x', 'tars.other.Obj', 'tcp -h a -p 1', 'active')",
    "UPDATE t_registry_info SET present_state = 'inactive'",
    "UPDATE t_adapter_conf SET endpoint = 'tcp -h 10.0.0.8 -p 7' WHERE server_name = 'Two'",
    "UPDATE t_adapter_conf SET servant = 'App.One.Obj' WHERE server_name = 'Two'",
    "UPDATE t_server_conf SET node_name = 'moved' WHERE server_name = 'Two' AND node_name = '10.0.0.7'",
    "INSERT INTO t_adapter_conf (application, server_name, node_name, adapter_name, servant, endpoint, \
     registry_timestamp) VALUES ('app', 'TWO', 'moved', 'a', 'App.Two.Obj', 'tcp -h b -p 1', '2001-01-01 00:00:00')",
    "DELETE FROM t_adapter_conf WHERE server_name = 'One'",
    "DELETE FROM t_server_conf",
];

async fn whoever_changes_anything_is_followed(world: impl World) {
    let (lookups, metrics) = (Lookups::default(), Metrics::new());
    for server in ["One", "Two"] {
        world.start(&startup("10.0.0.7", server)).await;
        world.start(&startup("10.0.0.8", server)).await;
    }
    let mut follower = Follower::new(world.store(), &lookups, &metrics);
    follower.load().await.unwrap();
    for edit in EDITS {
        let edit = edit.replacen(
            "_conf SET ",
            "_conf SET registry_timestamp = '2001-01-01 00:00:00', ",
            1,
        );
        let before = said(&lookups);
        world.exec(&edit).await;
        follow(&mut follower).await;
        let after = said(&lookups);
        assert_ne!(after, before, "{edit}");
        assert_eq!(after, afresh(world.store()).await, "{edit}");
        assert!(lookups.age().is_some());
    }
}

async fn changes_within_one_second_are_seen(world: impl World) {
    let (lookups, metrics) = (Lookups::default(), Metrics::new());
    world.start(&startup("10.0.0.7", "One")).await;
    let mut follower = Follower::new(world.store(), &lookups, &metrics);
    follower.load().await.unwrap();
    let moment = world.value(&format!("SELECT {}", world.ago(2))).await;
    for port in 1..5 {
        let endpoint = format!("endpoint = 'tcp -h 10.0.0.7 -p {port}', registry_timestamp = '{moment}'");
        world.exec(&format!("UPDATE t_adapter_conf SET {endpoint}")).await;
        follower.look().await.unwrap();
        let found = lookups.find("App.One.Obj", Caller::default()).unwrap().all();
        assert_eq!(found.active[0].port, port);
    }
    for state in ["inactive", "active", "activating", "active"] {
        let state_of = format!("present_state = '{state}', registry_timestamp = '{moment}'");
        world.exec(&format!("UPDATE t_server_conf SET {state_of}")).await;
        follower.look().await.unwrap();
        let found = lookups.find("App.One.Obj", Caller::default()).unwrap().all();
        assert_eq!(found.active.len(), usize::from(state == "active"), "{state}");
    }
}

async fn removals_by_registries_like_this_one_are_seen_soon(world: impl World) {
    let (lookups, metrics) = (Lookups::default(), Metrics::new());
    world.start(&startup("10.0.0.7", "One")).await;
    let mut follower = Follower::new(world.store(), &lookups, &metrics);
    follower.load().await.unwrap();
    let removed_at = match world.value("SELECT last_beat FROM tarsregistry_instance").await {
        beat if beat.contains('.') => beat,
        beat => format!("{beat}.000"),
    };
    world
        .exec(&format!(
            "DELETE FROM t_server_conf; DELETE FROM t_adapter_conf; \
             UPDATE tarsregistry_instance SET removed_at = '{removed_at}', removed_by = 'prestop'"
        ))
        .await;
    follower.look().await.unwrap();
    let found = lookups.find("App.One.Obj", Caller::default()).unwrap().all();
    assert_eq!((found.active.len(), found.inactive.len()), (0, 1));
}

async fn many_changes_at_once_are_seen(world: impl World) {
    let (lookups, metrics) = (Lookups::default(), Metrics::new());
    let mut follower = Follower::new(world.store(), &lookups, &metrics);
    follower.load().await.unwrap();
    let values = |row: &dyn Fn(usize) -> String| (0..300).map(row).collect::<Vec<_>>().join(", ");
    let servers = values(&|n| format!("('App', 'S{n}', 'n', 'active', 'active')"));
    let adapters = values(&|n| format!("('App', 'S{n}', 'n', 'a', 'App.Three.Obj', 'tcp -h h{n} -p 1')"));
    world
        .exec(&format!(
            "INSERT INTO t_server_conf (application, server_name, node_name, setting_state, present_state) \
             VALUES {servers}; \
             INSERT INTO t_adapter_conf (application, server_name, node_name, adapter_name, servant, endpoint) \
             VALUES {adapters}"
        ))
        .await;
    follower.look().await.unwrap();
    let found = lookups.find("App.Three.Obj", Caller::default()).unwrap().all();
    assert_eq!(found.active.len(), 300);
}

/// As consoles leave rows.
async fn rows_with_null_are_followed(world: impl World) {
    let (lookups, metrics) = (Lookups::default(), Metrics::new());
    let mut follower = Follower::new(world.store(), &lookups, &metrics);
    follower.load().await.unwrap();
    world
        .exec(
            "INSERT INTO t_server_conf (application, server_name, node_name, setting_state, present_state, enable_group) \
             VALUES (NULL, NULL, 'n', 'active', 'active', NULL), ('App', 'One', 'n', 'active', 'active', NULL); \
             INSERT INTO t_adapter_conf (application, server_name, node_name, adapter_name, servant, endpoint) VALUES \
             (NULL, NULL, NULL, NULL, NULL, NULL), ('App', 'One', 'n', NULL, 'App.One.Obj', 'tcp -h a -p 1'), \
             ('App', 'One', 'n', NULL, NULL, NULL)",
        )
        .await;
    follow(&mut follower).await;
    assert_eq!(said(&lookups), afresh(world.store()).await);
    let found = lookups.find("App.One.Obj", Caller::default()).unwrap().all();
    assert_eq!(found.active.len(), 1);
    world
        .exec("UPDATE t_server_conf SET set_name = 'x', registry_timestamp = '2001-01-01 00:00:00'")
        .await;
    follow(&mut follower).await;
    assert_eq!(said(&lookups), afresh(world.store()).await);
}

/// A load never mixes two moments: the old port of an adapter with the new state of its server.
async fn reads_one_moment<S: Engine>(store: &S, world: &impl World) {
    let mut reading = store.begin_read().await.unwrap();
    let before = reading.fetch(&sql::WORLD_SERVERS, &[]).await.unwrap();
    world
        .exec("UPDATE t_server_conf SET present_state = 'inactive'; UPDATE t_adapter_conf SET endpoint = 'tcp -p 9'")
        .await;
    let adapters = reading.fetch(&sql::WORLD_ADAPTERS, &[]).await.unwrap();
    assert_eq!(before[0].text(4), "active");
    assert_eq!(adapters[0].text(4), "tcp -h 10.0.0.7 -p 10000 -t 3000");
    S::commit(reading).await.unwrap();
    // And the next transaction of that connection is one like all others.
    let mut other = store.begin().await.unwrap();
    let now = other.fetch(&sql::WORLD_ADAPTERS, &[]).await.unwrap();
    assert_eq!(now[0].text(4), "tcp -p 9");
    S::commit(other).await.unwrap();
}

#[tokio::test]
async fn a_load_is_of_one_moment_on_sqlite() {
    let world = sqlite().await;
    world.start(&startup("10.0.0.7", "One")).await;
    reads_one_moment(world.store(), &world).await;
}

#[tokio::test]
async fn a_load_is_of_one_moment_on_mysql() {
    let world = mysql().await;
    world.start(&startup("10.0.0.7", "One")).await;
    reads_one_moment(world.store(), &world).await;
}

/// What is not young is heard of by a load alone.
#[tokio::test]
async fn a_timestamp_that_lies_waits_for_the_next_load() {
    let world = mysql().await;
    world.start(&startup("10.0.0.7", "One")).await;
    let (lookups, metrics) = (Lookups::default(), Metrics::new());
    world
        .exec(
            "UPDATE t_server_conf SET registry_timestamp = '2001-01-01 00:00:00'; \
             UPDATE t_adapter_conf SET registry_timestamp = '2001-01-01 00:00:00'",
        )
        .await;
    let mut follower = Follower::new(world.store(), &lookups, &metrics);
    follower.load().await.unwrap();
    let active = || {
        lookups
            .find("App.One.Obj", Caller::default())
            .unwrap()
            .all()
            .active
            .len()
    };
    world
        .exec("UPDATE t_server_conf SET flow_state = 'inactive', registry_timestamp = '2001-01-01 00:00:00'")
        .await;
    follower.look().await.unwrap();
    assert_eq!(active(), 1);
    follower.load().await.unwrap();
    assert_eq!(active(), 0);
}
