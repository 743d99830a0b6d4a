//! A `db_tars` that others made and filled.

use prometheus_client::metrics::counter::Counter;

use super::world::{MySqlWorld, RULES, World, key, mysql_unmigrated, startup};
use crate::domain::{Beat, MetricsPort, Registration, Scope, State};
use crate::store::mysql::{MySqlStore, migrate_with_session};
use crate::store::statement::SESSION;
use crate::store::{BeatOutcome, CleanScope, Store};

const TABLES: &str = include_str!("../../../migrations/mysql/0001_framework_tables.sql");

/// `TarsFramework`'s newest tables: ours without K8STARS' column.
const HEAD: &[&str] = &["ALTER TABLE t_server_conf DROP COLUMN metrics_port"];

/// Those of version 2.4.3, which K8STARS pins.
const V2_4_3: &[&str] = &[
    "ALTER TABLE t_server_conf DROP COLUMN metrics_port, DROP COLUMN source, DROP COLUMN flow_state, \
     DROP COLUMN run_type, DROP COLUMN base_image_id, ADD COLUMN remote_log_reserve_time VARCHAR(32) NOT NULL DEFAULT '65', \
     ADD COLUMN remote_log_compress_time VARCHAR(32) NOT NULL DEFAULT '2', \
     ADD COLUMN remote_log_type INT NOT NULL DEFAULT 0",
    "ALTER TABLE t_node_info DROP COLUMN label",
    "DROP TABLE t_group_priority",
];

/// Tables with another collation than ours: text columns of the two cannot be compared.
const UTF8_UNICODE: &[&str] = &[
    "ALTER TABLE t_server_conf DROP COLUMN metrics_port",
    "ALTER TABLE t_node_info CONVERT TO CHARACTER SET utf8 COLLATE utf8_unicode_ci",
    "ALTER TABLE t_server_conf CONVERT TO CHARACTER SET utf8 COLLATE utf8_unicode_ci",
    "ALTER TABLE t_adapter_conf CONVERT TO CHARACTER SET utf8 COLLATE utf8_unicode_ci",
    "ALTER TABLE t_config_files CONVERT TO CHARACTER SET utf8 COLLATE utf8_unicode_ci",
];
const UTF8MB4: &[&str] = &[
    "ALTER TABLE t_server_conf DROP COLUMN metrics_port",
    "ALTER TABLE t_node_info CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "ALTER TABLE t_server_conf CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "ALTER TABLE t_adapter_conf CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
    "ALTER TABLE t_config_files CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
];

/// As the console makes them: times with fractions.
const BY_CONSOLE: &[&str] = &["ALTER TABLE t_server_conf DROP COLUMN metrics_port, \
     MODIFY registry_timestamp DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)"];

const ROWS: &[&str] = &[
    "INSERT INTO t_node_info (node_name, node_obj, endpoint_ip, endpoint_port, last_heartbeat, present_state) VALUES \
     ('192.168.0.1', 'tars.tarsnode.NodeObj@tcp -h 192.168.0.1 -p 19385', '192.168.0.1', 19385, '2001-02-03 04:05:06', 'active')",
    "INSERT INTO t_server_conf (application, server_name, node_name, setting_state, present_state, registry_timestamp, \
     template_name, server_type, profile, process_id) VALUES \
     ('tars', 'tarsstat', '192.168.0.1', 'active', 'active', '2001-02-03 04:05:06', 'tars.tarsstat', 'tars_cpp', '<tars>', 77), \
     ('App', 'Old', '192.168.0.1', 'active', 'inactive', '2001-02-03 04:05:06', 'tars.default', 'tars_java', NULL, 0)",
    "INSERT INTO t_adapter_conf (application, server_name, node_name, adapter_name, servant, endpoint, registry_timestamp, \
     queuecap) VALUES ('tars', 'tarsstat', '192.168.0.1', 'tars.tarsstat.StatObjAdapter', 'tars.tarsstat.StatObj', \
     'tcp -h 192.168.0.1 -p 10003 -t 60000', '2001-02-03 04:05:06', 10000)",
    "INSERT INTO t_config_files (server_name, host, filename, config) VALUES ('tars.tarsstat', '192.168.0.1', 'a.conf', 'x=1')",
];

const STRICT: &[&str] = &[
    SESSION[0],
    SESSION[1],
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'",
];
const NOT_STRICT: &[&str] = &[SESSION[0], SESSION[1], "SET SESSION sql_mode = ''"];
const ANSI: &[&str] = &[
    SESSION[0],
    SESSION[1],
    "SET SESSION sql_mode = 'ANSI,TRADITIONAL,NO_BACKSLASH_ESCAPES,ONLY_FULL_GROUP_BY'",
];

async fn rows(world: &MySqlWorld) -> Vec<Vec<(String, Option<String>)>> {
    let mut rows = Vec::new();
    for table in ["t_node_info", "t_server_conf", "t_adapter_conf", "t_config_files"] {
        rows.extend(world.read(&format!("SELECT * FROM {table} ORDER BY id")).await);
    }
    rows
}

/// Every method and a clean, on a node that is gone afterwards but for its row.
async fn live(world: &MySqlWorld, store: &MySqlStore) {
    let registration = Registration::from_request(&startup("10.0.0.9", "S")).unwrap();
    store.register(&registration).await.unwrap();
    assert_eq!(
        world.beat("10.0.0.9", "S", State::Deactivating).await,
        BeatOutcome::Taken
    );
    assert_eq!(world.server_state("10.0.0.9", "S").await, "deactivating");
    assert!(
        store
            .set_metrics_port(&MetricsPort {
                key: key("10.0.0.9", "S"),
                port: 1
            })
            .await
            .unwrap()
    );
    assert_eq!(store.metrics_instances().await.unwrap().len(), 1);
    world.start(&startup("10.0.0.9", "T")).await;
    let whole_node = Beat {
        scope: Scope::Node("10.0.0.9".into()),
        state: State::Inactive,
        life: None,
    };
    assert_eq!(store.beat(&whole_node).await.unwrap(), BeatOutcome::Taken);
    assert_eq!(world.server_state("10.0.0.9", "T").await, "inactive");
    assert!(world.stop("10.0.0.9", "S").await);
    world
        .exec("UPDATE t_node_info SET last_heartbeat = '2001-02-03 04:05:06' WHERE node_name = '10.0.0.9'")
        .await;
    let scope = CleanScope {
        cut_off: "2002-01-01 00:00:00".into(),
        all_nodes: true,
    };
    let nodes = store.clean_candidates(&scope, "").await.unwrap();
    assert_eq!(store.clean_batch(&scope, &nodes).await.unwrap().nodes, ["10.0.0.9"]);
    assert_eq!(world.beat("10.0.0.9", "T", State::Active).await, BeatOutcome::Recreated);
    assert!(world.stop("10.0.0.9", "T").await);
}

async fn adopt(shape: &[&str], session: &'static [&'static str]) {
    let world = mysql_unmigrated().await;
    world.exec(TABLES).await;
    for statement in shape.iter().chain(ROWS) {
        world.exec(statement).await;
    }
    let before = rows(&world).await;
    migrate_with_session(&world.address, session).await.unwrap();
    let after = rows(&world).await;
    for (before, after) in before.iter().zip(&after) {
        let added: Vec<_> = after
            .iter()
            .filter(|cell| !before.contains(cell))
            .map(|cell| cell.0.as_str())
            .collect();
        assert!(
            added
                .iter()
                .all(|column| ["metrics_port", "flow_state"].contains(column)),
            "{added:?}"
        );
        assert!(
            before.iter().all(|cell| after.contains(cell)),
            "{before:?} became {after:?}"
        );
    }
    assert_eq!(before.len(), after.len());

    let store = MySqlStore::with_session(&world.address, 2, session, (RULES, Counter::default())).unwrap();
    store.check_schema().await.unwrap();
    live(&world, &store).await;
    let mut left = rows(&world).await;
    left.retain(|row| !row.contains(&("node_name".to_owned(), Some("10.0.0.9".to_owned()))));
    assert_eq!(left, after);
}

#[tokio::test]
async fn the_newest_tables() {
    adopt(HEAD, STRICT).await;
}

#[tokio::test]
async fn the_newest_tables_without_strict_mode() {
    adopt(HEAD, NOT_STRICT).await;
}

#[tokio::test]
async fn tables_of_another_collation() {
    adopt(UTF8_UNICODE, STRICT).await;
}

#[tokio::test]
async fn tables_of_another_character_set() {
    adopt(UTF8MB4, STRICT).await;
}

#[tokio::test]
async fn the_tables_of_2_4_3() {
    adopt(V2_4_3, STRICT).await;
}

#[tokio::test]
async fn the_tables_of_2_4_3_without_strict_mode() {
    adopt(V2_4_3, NOT_STRICT).await;
}

#[tokio::test]
async fn the_tables_of_the_console_in_ansi_mode() {
    adopt(BY_CONSOLE, ANSI).await;
}
