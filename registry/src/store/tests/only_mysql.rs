//! What only MySQL can get wrong.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use sqlx::Executor;
use tars_test_support::port::HeldPort;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::world::{RULES, World, mysql, mysql_unmigrated, startup};
use crate::config::{MySqlAddress, MySqlParts, Tls};
use crate::domain::{Registration, State};
use crate::store::statement::SESSION;
use crate::store::{BeatOutcome, CleanScope, MySqlStore, Store, StoreError, migrate_mysql};

#[tokio::test]
async fn serving_asks_for_a_migration_and_does_none() {
    let world = mysql_unmigrated().await;
    let error = world.store().check_schema().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the database's tables do not fit: migration 1 is missing; run `tarsregistry migrate` with a user that may \
         change tables"
    );
    assert!(world.read("SHOW TABLES").await.is_empty());
    migrate_mysql(&world.address).await.unwrap();
    world.store().check_schema().await.unwrap();
}

#[tokio::test]
async fn serving_needs_no_right_to_change_tables() {
    let world = mysql().await;
    let (_, rest) = world.url().split_once('@').unwrap();
    let name = world.value("SELECT DATABASE()").await;
    world.exec(&format!("CREATE USER {name} IDENTIFIED BY 'p@ss'")).await;
    world
        .exec(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {name}.* TO {name}"))
        .await;
    let address = MySqlAddress::Url(format!("mysql://{name}:p%40ss@{rest}").into());
    let store = MySqlStore::new(&address, 1, RULES, Counter::default()).unwrap();
    store.check_schema().await.unwrap();
    let registration = Registration::from_request(&startup("n1", "S")).unwrap();
    store.register(&registration).await.unwrap();
    store.end(&super::world::instance("n1", "S"), None).await.unwrap();
    let scope = CleanScope {
        cut_off: "2002-01-01 00:00:00".into(),
        all_nodes: true,
    };
    store.clean_batch(&scope, &["n1".into()]).await.unwrap();
    store.forget_tombstones().await.unwrap();
    // And a migration says what it lacks.
    world.exec("DELETE FROM tarsregistry_migrations").await;
    world.exec("ALTER TABLE t_server_conf DROP COLUMN metrics_port").await;
    let error = migrate_mysql(&address).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("command denied"), "{error}: {cause}");
    world.exec(&format!("DROP USER {name}")).await;
}

#[tokio::test]
async fn every_table_of_ours_has_our_prefix() {
    let world = mysql().await;
    let ours: Vec<String> = world
        .read("SHOW TABLES")
        .await
        .into_iter()
        .map(|row| row[0].1.clone().unwrap())
        .filter(|name| !name.starts_with("t_"))
        .collect();
    assert_eq!(
        ours,
        [
            "tarsregistry_application",
            "tarsregistry_instance",
            "tarsregistry_leader",
            "tarsregistry_migrations",
            "tarsregistry_worker"
        ]
    );
}

#[tokio::test]
async fn migrations_at_once_and_after_an_interruption() {
    let world = mysql_unmigrated().await;
    let address = &world.address;
    let (a, b, c) = tokio::join!(migrate_mysql(address), migrate_mysql(address), migrate_mysql(address));
    a.unwrap();
    b.unwrap();
    c.unwrap();
    // One that was cut off in the middle of the second migration.
    world
        .exec("UPDATE tarsregistry_migrations SET success = FALSE WHERE version = 2")
        .await;
    world
        .exec("DELETE FROM tarsregistry_migrations WHERE version >= 3")
        .await;
    world.exec("DROP TABLE tarsregistry_instance").await;
    assert!(world.store().check_schema().await.is_err());
    migrate_mysql(address).await.unwrap();
    world.store().check_schema().await.unwrap();
    world.start(&startup("n1", "S")).await;
}

#[tokio::test]
async fn a_clean_that_waited_for_a_beat_spares_the_node() {
    let world = mysql().await;
    world.start(&startup("n1", "S")).await;
    world
        .exec("UPDATE t_node_info SET present_state = 'inactive', last_heartbeat = '2001-01-01'")
        .await;
    let scope = CleanScope {
        cut_off: "2002-01-01 00:00:00".into(),
        all_nodes: false,
    };
    let nodes = world.store().clean_candidates(&scope, "").await.unwrap();
    assert_eq!(nodes, ["n1"]);
    // A beat that has the row and is not committed yet.
    let mut beat = world.pool.begin().await.unwrap();
    beat.execute("UPDATE t_node_info SET present_state = 'active', last_heartbeat = NOW()")
        .await
        .unwrap();
    let commit = async {
        let waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
                       AND ID <> CONNECTION_ID() AND INFO LIKE '%t_node_info%FOR UPDATE'";
        while world.value(waiting).await == "0" {
            tokio::task::yield_now().await;
        }
        beat.commit().await.unwrap();
    };
    let (deleted, ()) = tokio::join!(world.store().clean_batch(&scope, &nodes), commit);
    assert!(deleted.unwrap().nodes.is_empty());
    assert_eq!(world.server_state("n1", "S").await, "active");
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
}

#[tokio::test]
async fn a_deadlock_is_run_again() {
    let world = mysql().await;
    world.start(&startup("n1", "S")).await;
    // Somebody who takes the rows in the other order, and wrote so much that the registry is the victim.
    let mut other = world.pool.begin().await.unwrap();
    for n in 0..20 {
        let insert = format!("INSERT INTO t_config_files (server_name, filename) VALUES ('App.T', 'file{n}')");
        other.execute(sqlx::AssertSqlSafe(insert)).await.unwrap();
    }
    other.execute("UPDATE t_server_conf SET profile = 'x'").await.unwrap();
    let retries = Counter::default();
    let store = MySqlStore::new(&world.address, 1, RULES, retries.clone()).unwrap();
    let registration = Registration::from_request(&startup("n1", "S")).unwrap();
    let cross = async {
        let waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() \
                       AND ID <> CONNECTION_ID() AND INFO LIKE 'UPDATE t_server_conf%'";
        while world.value(waiting).await == "0" {
            tokio::task::yield_now().await;
        }
        other.execute("UPDATE t_node_info SET label = 'x'").await.unwrap();
        other.commit().await.unwrap();
    };
    let (registered, ()) = tokio::join!(store.register(&registration), cross);
    registered.unwrap();
    assert!(retries.get() >= 1);
    assert_eq!(world.value("SELECT profile FROM t_server_conf").await, "x");
    assert_eq!(world.value("SELECT generation FROM tarsregistry_instance").await, "2");
}

#[tokio::test]
async fn a_lost_connection_is_replaced() {
    let world = mysql().await;
    world.start(&startup("n1", "S")).await;
    let own = world.value("SELECT CONNECTION_ID()").await;
    let others = "SELECT GROUP_CONCAT(CONCAT('KILL ', ID) SEPARATOR '; ') FROM information_schema.PROCESSLIST";
    let kill = world
        .value(&format!("{others} WHERE DB = DATABASE() AND ID <> {own}"))
        .await;
    world.exec(&kill).await;
    world.start(&startup("n1", "S")).await;
}

#[tokio::test]
async fn an_absent_database_is_told_from_a_mistake() {
    let parts = |host: &str, port, user: &str| {
        MySqlAddress::Parts(MySqlParts {
            host: host.into(),
            port,
            socket: None,
            user: user.into(),
            password: "hunter2".into(),
            database: "db_tars".into(),
            tls: Tls::Preferred,
        })
    };
    let store = |address| MySqlStore::new(&address, 1, RULES, Counter::default()).unwrap();
    // A port that nobody listens on.
    let unheard = HeldPort::any();
    let error = store(parts("127.0.0.1", unheard.address().port(), "root"))
        .ping()
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    // A login that is refused.
    let world = mysql_unmigrated().await;
    let url = world.url();
    let port = url
        .rsplit_once(':')
        .unwrap()
        .1
        .split('/')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let error = store(parts("127.0.0.1", port, "nobody")).ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_not_repeated() {
    for url in ["mysql://root:hunter2@host:port/db", "mysql://root:hunter2@host/"] {
        let error = MySqlStore::new(&MySqlAddress::Url(url.into()), 1, RULES, Counter::default()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        assert!(error.to_string().contains("expected `mysql://"), "{error}");
    }
}

/// As a server that failed over: it answers, and takes no writes.
const READ_ONLY: &[&str] = &[SESSION[0], SESSION[1], "SET SESSION TRANSACTION READ ONLY"];

#[tokio::test]
async fn a_database_that_only_reads_is_not_ready_and_its_connections_are_closed() {
    let world = mysql().await;
    let name = world.value("SELECT DATABASE()").await;
    world.exec(&format!("CREATE USER {name}")).await;
    world.exec(&format!("GRANT ALL ON {name}.* TO {name}")).await;
    let (_, rest) = world.url().split_once('@').unwrap();
    let address = MySqlAddress::Url(format!("mysql://{name}@{rest}").into());
    let store = MySqlStore::with_session(&address, 1, READ_ONLY, (RULES, Counter::default())).unwrap();
    let registration = Registration::from_request(&startup("n1", "S")).unwrap();
    let connections = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER = '{name}'");
    store.metrics_instances().await.unwrap();
    assert_eq!(world.value(&connections).await, "1");
    for error in [
        store.register(&registration).await.unwrap_err(),
        store.ping().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let closed = async {
            while world.value(&connections).await != "0" {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), closed)
            .await
            .expect("the connection is closed");
    }
    world.exec(&format!("DROP USER {name}")).await;
}

/// A store whose database says nothing any more after its first transaction.
async fn frozen(url: &str) -> MySqlStore {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (login, rest) = url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let address = MySqlAddress::Url(format!("{login}@{}/{name}", listener.local_addr().unwrap()).into());
    let server = server.to_owned();
    let (freeze, mut is_frozen) = watch::channel(false);
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut server = TcpStream::connect(server).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => {}
            _ = is_frozen.wait_for(|frozen| *frozen) => {}
        }
        std::future::pending::<()>().await;
    });
    let store = MySqlStore::new(&address, 1, RULES, Counter::default()).unwrap();
    store.ping().await.unwrap();
    freeze.send(true).unwrap();
    store
}

#[tokio::test]
async fn what_nobody_bounds_does_not_wait_for_ever() {
    let world = mysql().await;
    let scope = CleanScope {
        cut_off: "2002-01-01 00:00:00".into(),
        all_nodes: true,
    };
    let stores = [
        frozen(world.url()).await,
        frozen(world.url()).await,
        frozen(world.url()).await,
    ];
    // Nothing moves from here on but the clock.
    tokio::time::pause();
    for error in [
        stores[0].clean_batch(&scope, &["n1".into()]).await.unwrap_err(),
        stores[1].clean_candidates(&scope, "").await.unwrap_err(),
        stores[2].check_schema().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}
