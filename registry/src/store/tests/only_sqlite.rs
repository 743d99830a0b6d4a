//! What only the embedded store can get wrong.

use prometheus_client::metrics::counter::Counter;

use super::world::{RULES, World, sqlite, startup};
use crate::store::{SqliteStore, Store};

#[tokio::test]
async fn a_second_process_is_refused() {
    let world = sqlite().await;
    let path = world.dir.path().join("registry.db");
    let error = SqliteStore::open(&path, RULES, Counter::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("is in use by another process") && error.contains("registry.db.lock"),
        "{error}"
    );
}

#[tokio::test]
async fn rows_are_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    for expected in ["App.S.Obj", "App.S.Obj"] {
        let store = SqliteStore::open(&path, RULES, Counter::default()).await.unwrap();
        let req = startup("n1", "S");
        store
            .register(&crate::domain::Registration::from_request(&req).unwrap())
            .await
            .unwrap();
        assert_eq!(req.adapters[0].servant, expected);
        store.close().await;
    }
}

#[tokio::test]
async fn keys_ignore_case_as_on_mysql_and_enums_are_checked() {
    let world = sqlite().await;
    world.start(&startup("Pod-a", "S")).await;
    world.start(&startup("POD-A", "S")).await;
    assert_eq!(world.count("t_node_info").await, "1");
    assert_eq!(world.count("t_server_conf").await, "1");
    assert_eq!(world.value("PRAGMA journal_mode").await, "wal");
}

#[tokio::test]
async fn a_path_that_cannot_be_used_is_named() {
    let error = SqliteStore::open("/nowhere/at/all.db".as_ref(), RULES, Counter::default())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all.db"), "{error}");
}
