//! Heartbeats and leases of a whole registry.

use crate::common::{Running, migrated, startup};
use crate::outage::forward;
use sqlx::Row;
use tars::protocol::KeepAliveReq;
use tars_test_support::mysql::Database;
use tars_test_support::port::HeldPort;

const NODE: &str = "10.0.0.7";

fn beat(state: &str) -> KeepAliveReq {
    KeepAliveReq {
        node_name: NODE.into(),
        state: state.into(),
        application: "App".into(),
        server: "S".into(),
    }
}

/// Lets every beat so far have been long ago.
async fn age(database: &Database) {
    let mut connection = database.connect().await;
    for set in [
        "tarsregistry_instance SET last_beat = '2001-01-01'",
        "t_node_info SET last_heartbeat = '2001-01-01'",
    ] {
        let update = sqlx::AssertSqlSafe(format!("UPDATE {set}"));
        sqlx::query(update).execute(&mut connection).await.unwrap();
    }
}

/// How many instances beat lately, by the rows.
async fn fresh(database: &Database) -> i64 {
    let count = "SELECT COUNT(*) FROM tarsregistry_instance i JOIN t_node_info n ON n.node_name = i.node_name \
                 WHERE i.last_beat > '2002-01-01' AND n.last_heartbeat > '2002-01-01'";
    let row = sqlx::query(count).fetch_one(&mut database.connect().await).await;
    row.unwrap().get(0)
}

#[tokio::test]
async fn what_was_acknowledged_from_memory_is_there_after_the_end() {
    let database = migrated().await;
    let running = Running::mysql_with(database.url(), &["--flush-interval", "60"]).await;
    running.ready().await;
    running.registry.on_startup(&startup(NODE)).await.unwrap();
    age(&database).await;
    running.registry.keep_alive(&beat("active")).await.unwrap();
    assert_eq!(running.metric("registry_memory_beats_total").await.to_string(), "1");
    assert_eq!(fresh(&database).await, 0);
    running.end().await;
    assert_eq!(fresh(&database).await, 1);
}

#[tokio::test]
async fn beats_are_acknowledged_while_the_database_is_away_and_written_when_it_is_back() {
    let database = migrated().await;
    let port = HeldPort::any();
    let proxy = tokio::spawn(forward(port.listen().await, database.clone()));
    let url = database.url_through_port(port.address().port());
    let running = Running::mysql_with(&url, &["--flush-interval", "1"]).await;
    running.ready().await;
    running.registry.on_startup(&startup(NODE)).await.unwrap();
    age(&database).await;
    proxy.abort();
    assert!(proxy.await.unwrap_err().is_cancelled());
    running.registry.keep_alive(&beat("active")).await.unwrap();
    let error = running.registry.keep_alive(&beat("inactive")).await.unwrap_err();
    assert_eq!(error.code(), -9, "a change needs the database: {error}");
    tokio::spawn(forward(port.listen().await, database.clone()));
    while fresh(&database).await == 0 {
        tokio::task::yield_now().await;
    }
    running.registry.keep_alive(&beat("inactive")).await.unwrap();
    running.end().await;
}
