//! Two registries on one database, and servers that call now one, now the other.

use tars_test_support::mysql::Database;

use crate::common::{Running, migrated, startup};
use tars::protocol::KeepAliveReq;

fn beat(state: &str) -> KeepAliveReq {
    KeepAliveReq {
        node_name: "10.0.0.7".into(),
        application: "App".into(),
        server: "S".into(),
        state: state.into(),
    }
}

async fn state(database: &Database) -> String {
    let mut connection = database.connect().await;
    sqlx::query_scalar("SELECT CAST(present_state AS CHAR) FROM t_server_conf")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn until(database: &Database, expected: &str) {
    let is_so = async {
        while state(database).await != expected {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_mins(1);
    assert!(
        tokio::time::timeout(limit, is_so).await.is_ok(),
        "it never is {expected}"
    );
}

#[tokio::test]
async fn what_one_acknowledges_is_not_lost_to_what_another_wrote() {
    let database = migrated().await;
    let arguments = ["--flush-interval", "1"];
    let a = Running::mysql_with(database.url(), &arguments).await;
    let b = Running::mysql_with(database.url(), &arguments).await;
    a.ready().await;
    b.ready().await;
    a.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
    for (first, then) in [("active", "inactive"), ("inactive", "active")] {
        a.registry.keep_alive(&beat(first)).await.unwrap();
        b.registry.keep_alive(&beat(then)).await.unwrap();
        assert_eq!(state(&database).await, then);
        // To this one it is nothing new, and must not be lost all the same.
        a.registry.keep_alive(&beat(first)).await.unwrap();
        until(&database, first).await;
        // And the other way round, when there is time to hear of the other one's write.
        b.registry.keep_alive(&beat(then)).await.unwrap();
        until(&database, then).await;
    }
    a.end().await;
    b.end().await;
}
