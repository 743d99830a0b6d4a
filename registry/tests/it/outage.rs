//! The registry when its database is away, slow, or not what it should be.

use std::time::Duration;

use crate::common::{Running, migrated, startup};
use tars_test_support::mysql::Database;
use tars_test_support::port::HeldPort;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;

/// A client of K8STARS hears the answer before it gives up.
const CLIENT_PATIENCE: Duration = Duration::from_secs(1);

/// Code of a failed registration that was answered in time: by the clock that limits the call, which moves only when there
/// is nothing to do but wait.
async fn failed(running: &Running) -> i32 {
    tokio::time::pause();
    let begun = Instant::now();
    let error = running.registry.on_startup(&startup("10.0.0.7")).await.unwrap_err();
    let took = begun.elapsed();
    tokio::time::resume();
    assert!(took < CLIENT_PATIENCE, "{took:?}: {error}");
    assert!(error.message().contains("try again"), "{error}");
    error.code()
}

/// Registers where nothing is in the way but that the machine may be slow: a call that is refused for anything else fails.
async fn register(running: &Running) {
    while let Err(error) = running.registry.on_startup(&startup("10.0.0.7")).await {
        assert_eq!(error.message(), "the database is slow; try again");
    }
}

/// Waits until lookups show what [`register`] registered.
async fn shown(running: &Running) {
    let found = async || running.query.find_object_by_id_in_same_group("App.S.Obj").await;
    while found().await.unwrap().active_ep.len() != 1 {
        tokio::task::yield_now().await;
    }
}

/// Forwards from a listener to the server of a database.
pub(crate) async fn forward(listener: TcpListener, database: Database) {
    let (_, rest) = database.url().split_once('@').unwrap();
    let (server, _) = rest.split_once('/').unwrap();
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let mut server = TcpStream::connect(server).await.unwrap();
        connections.spawn(async move { copy_bidirectional(&mut client, &mut server).await });
    }
}

#[tokio::test]
async fn it_waits_for_its_database_and_answers_meanwhile() {
    let database = migrated().await;
    let port = HeldPort::any();
    let running = Running::mysql_in_haste(&database.url_through_port(port.address().port()), &[]).await;
    assert_eq!(failed(&running).await, -9);
    assert_eq!(running.get("/healthz").await.0, 200);
    assert_eq!(running.get("/readyz").await.0, 503);
    let proxy = tokio::spawn(forward(port.listen().await, database));
    running.ready().await;
    register(&running).await;
    shown(&running).await;
    // And away again.
    proxy.abort();
    assert!(proxy.await.unwrap_err().is_cancelled());
    assert_eq!(failed(&running).await, -9);
    // It stays ready: lookups are answered. Probes share an answer for a moment.
    loop {
        let (status, text) = running.get("/readyz").await;
        assert_eq!(status, 200, "{text}");
        if text.contains("database: away") {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(running.metric("registry_database_up").await < 0.5);
    let found = running
        .query
        .find_object_by_id_in_same_group("App.S.Obj")
        .await
        .unwrap();
    assert_eq!(found.active_ep.len(), 1);
    running.end().await;
}

#[tokio::test]
async fn a_database_that_never_answers_is_not_waited_for() {
    let database = migrated().await;
    let running = Running::mysql_in_haste(database.url(), &[]).await;
    running.ready().await;
    // Somebody holds the table.
    let mut other = database.connect().await;
    sqlx::raw_sql("LOCK TABLES t_node_info WRITE")
        .execute(&mut other)
        .await
        .unwrap();
    assert_eq!(failed(&running).await, -9);
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut other).await.unwrap();
    register(&running).await;
}

/// Forwards like [`forward`], but what was accepted before `freeze` says nothing any more from then on, and stays open:
/// what a database looks like whose machine lost its power.
async fn forward_until_frozen(listener: TcpListener, database: Database, freeze: watch::Receiver<bool>) {
    let (_, rest) = database.url().split_once('@').unwrap();
    let (server, _) = rest.split_once('/').unwrap();
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let mut server = TcpStream::connect(server).await.unwrap();
        let was_frozen = *freeze.borrow();
        let mut freeze = freeze.clone();
        connections.spawn(async move {
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => return,
                _ = freeze.wait_for(|frozen| *frozen && !was_frozen), if !was_frozen => {}
            }
            std::future::pending::<()>().await;
        });
    }
}

#[tokio::test]
async fn a_database_that_vanished_without_a_word_is_left_behind() {
    let database = migrated().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = database.url_through_port(listener.local_addr().unwrap().port());
    let (freeze, is_frozen) = watch::channel(false);
    tokio::spawn(forward_until_frozen(listener, database, is_frozen));
    // One connection: if its place were lost, nothing would ever work again.
    let running = Running::mysql_in_haste(&url, &["--database-connections", "1"]).await;
    running.ready().await;
    register(&running).await;
    freeze.send_replace(true);
    assert_eq!(failed(&running).await, -9);
    while let Err(error) = running.registry.on_startup(&startup("10.0.0.7")).await {
        assert_eq!(error.code(), -9, "{error}");
    }
}

#[tokio::test]
async fn tables_that_are_not_there_end_it() {
    let database = Database::create().await;
    let mut running = Running::mysql(database.url()).await;
    let error = running.ended().await.unwrap_err();
    assert!(error.to_string().contains("run `tarsregistry migrate`"), "{error}");
}

#[tokio::test]
async fn lookups_outlive_the_database_and_never_start_without_it() {
    let database = migrated().await;
    let port = HeldPort::any();
    let running = Running::mysql(&database.url_through_port(port.address().port())).await;
    let ask = async || running.query.find_object_by_id_in_same_group("App.S.Obj").await;
    let error = ask().await.unwrap_err();
    assert_eq!(error.code(), -9, "nothing is answered from a cold start: {error}");
    let proxy = tokio::spawn(forward(port.listen().await, database));
    running.ready().await;
    running.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
    assert_eq!(ask().await.unwrap().active_ep.len(), 1);
    proxy.abort();
    assert!(proxy.await.unwrap_err().is_cancelled());
    while running.metric("registry_reload_failures_total").await < 1.0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask().await.unwrap().active_ep.len(), 1, "the last answer stays");
    running.end().await;
}
