//! A store on a fresh database, with raw access to its rows.

use std::fmt::Write;
use std::future::Future;

use prometheus_client::metrics::counter::Counter;
use sqlx::mysql::MySqlPool;
use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, Column, Row};
use tars_test_support::mysql::Database;

use crate::config::MySqlAddress;
use crate::domain::{Beat, InstanceKey, Registration, Scope, State};
use crate::store::{BeatOutcome, EndOutcome, MySqlStore, Rules, SqliteStore, Store};
use tars::protocol::{AdapterConf, OnStartupReq};

pub(super) const RULES: Rules = Rules {
    lease_seconds: 120,
    delete_configs: true,
};

/// A store and the database under it.
pub(super) trait World: Sync {
    type Store: Store;

    fn store(&self) -> &Self::Store;

    /// Runs statements as somebody else would.
    fn exec(&self, sql: &str) -> impl Future<Output = ()> + Send;

    /// Reads rows as texts, NULL as `None`, with the columns' names.
    fn read(&self, sql: &str) -> impl Future<Output = Vec<Vec<(String, Option<String>)>>> + Send;

    /// An expression of this database for a moment that many seconds ago.
    fn ago(&self, seconds: u32) -> String;

    /// The same in the form of our own table.
    fn utc_ago(&self, seconds: u32) -> String;

    /// Lets an instance have beaten for the last time so many seconds ago.
    fn silence(&self, node: &str, server: &str, seconds: u32) -> impl Future<Output = ()> + Send {
        let row = format!("node_name = '{node}' AND server_name = '{server}'");
        let instance = format!(
            "UPDATE tarsregistry_instance SET last_beat = {} WHERE {row}",
            self.utc_ago(seconds)
        );
        let node = format!(
            "UPDATE t_node_info SET last_heartbeat = {} WHERE node_name = '{node}'",
            self.ago(seconds)
        );
        async move {
            self.exec(&instance).await;
            self.exec(&node).await;
        }
    }

    /// The only value of the only row, `-` when there is no row, `NULL` for NULL.
    fn value(&self, sql: &str) -> impl Future<Output = String> + Send {
        async move {
            let rows = self.read(sql).await;
            assert!(rows.len() <= 1, "more than one row from {sql}");
            let cell = rows.into_iter().next().map(|row| row.into_iter().next().unwrap().1);
            cell.map_or_else(|| "-".to_owned(), |cell| cell.unwrap_or_else(|| "NULL".to_owned()))
        }
    }

    /// Every column of every row of `db_tars`' tables that the registry writes, and of ours: ids left out, moments within
    /// the last minutes as `<now>`.
    fn dump(&self) -> impl Future<Output = String> + Send {
        async move {
            let mut text = String::new();
            for table in [
                "t_node_info",
                "t_server_conf",
                "t_adapter_conf",
                "t_config_files",
                "tarsregistry_instance",
            ] {
                for row in self.read(&format!("SELECT * FROM {table} ORDER BY id")).await {
                    writeln!(text, "{table}").unwrap();
                    let mut row = row;
                    row.sort();
                    for (column, value) in row.into_iter().filter(|(column, _)| column != "id") {
                        let value = value.map_or_else(|| "NULL".to_owned(), |value| shown(&value));
                        writeln!(text, "    {column} = {value}").unwrap();
                    }
                }
            }
            text
        }
    }

    fn start(&self, req: &OnStartupReq) -> impl Future<Output = ()> + Send {
        let registration = Registration::from_request(req).unwrap();
        async move {
            self.store().register(&registration).await.unwrap();
        }
    }

    fn beat(&self, node: &str, server: &str, state: State) -> impl Future<Output = BeatOutcome> + Send {
        let beat = Beat {
            scope: instance(node, server),
            state,
            life: None,
        };
        async move { self.store().beat(&beat).await.unwrap() }
    }

    fn stop(&self, node: &str, server: &str) -> impl Future<Output = bool> + Send {
        let scope = instance(node, server);
        async move { self.store().end(&scope, None).await.unwrap() == EndOutcome::Ended }
    }

    fn node_state(&self, node: &str) -> impl Future<Output = String> + Send {
        async move {
            self.value(&format!(
                "SELECT present_state FROM t_node_info WHERE node_name = '{node}'"
            ))
            .await
        }
    }

    fn server_state(&self, node: &str, server: &str) -> impl Future<Output = String> + Send {
        let sql =
            format!("SELECT present_state FROM t_server_conf WHERE node_name = '{node}' AND server_name = '{server}'");
        async move { self.value(&sql).await }
    }

    fn count(&self, table: &str) -> impl Future<Output = String> + Send {
        async move { self.value(&format!("SELECT COUNT(*) FROM {table}")).await }
    }
}

/// A moment of this year is shown as such: both databases run on this machine's clock.
fn shown(value: &str) -> String {
    let is_moment = value.len() >= 19 && value.as_bytes()[4] == b'-' && value.as_bytes()[13] == b':';
    match value {
        _ if is_moment && !value.starts_with("2001") => "<now>".to_owned(),
        // How a FLOAT is written.
        "0.0" => "0".to_owned(),
        value => value.to_owned(),
    }
}

pub(super) fn key(node: &str, server: &str) -> InstanceKey {
    InstanceKey {
        application: "App".into(),
        server: server.into(),
        node: node.into(),
    }
}

pub(super) fn instance(node: &str, server: &str) -> Scope {
    Scope::Instance(key(node, server))
}

/// A registration of `App.<server>` with one adapter `App.<server>.Obj`.
pub(super) fn startup(node: &str, server: &str) -> OnStartupReq {
    OnStartupReq {
        node_name: node.into(),
        application: "App".into(),
        server: server.into(),
        adapters: vec![adapter(
            &format!("App.{server}.Obj"),
            &format!("tcp -h {node} -p 10000 -t 3000"),
        )],
        state: "active".into(),
        version: "v1".into(),
        ..OnStartupReq::default()
    }
}

pub(super) fn adapter(servant: &str, endpoint: &str) -> AdapterConf {
    AdapterConf {
        servant: servant.into(),
        endpoint: endpoint.into(),
        ..AdapterConf::default()
    }
}

#[derive(Debug)]
pub(super) struct SqliteWorld {
    store: SqliteStore,
    pool: SqlitePool,
    pub(super) dir: tempfile::TempDir,
}

pub(super) async fn sqlite() -> SqliteWorld {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("registry.db");
    let store = SqliteStore::open(&path, RULES, Counter::default()).await.unwrap();
    let pool = SqlitePool::connect(&format!("sqlite:{}", path.display()))
        .await
        .unwrap();
    SqliteWorld { store, pool, dir }
}

impl World for SqliteWorld {
    type Store = SqliteStore;

    fn store(&self) -> &SqliteStore {
        &self.store
    }

    async fn exec(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    async fn read(&self, sql: &str) -> Vec<Vec<(String, Option<String>)>> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap();
        rows.iter().map(cells).collect()
    }

    fn ago(&self, seconds: u32) -> String {
        format!("strftime('%Y-%m-%d %H:%M:%S', 'now', '-{seconds} seconds')")
    }

    fn utc_ago(&self, seconds: u32) -> String {
        format!("strftime('%Y-%m-%d %H:%M:%f', 'now', '-{seconds} seconds')")
    }
}

#[derive(Debug)]
pub(super) struct MySqlWorld {
    store: MySqlStore,
    pub(super) pool: MySqlPool,
    pub(super) address: MySqlAddress,
    database: Database,
}

pub(super) async fn mysql() -> MySqlWorld {
    let world = mysql_unmigrated().await;
    crate::store::migrate_mysql(&world.address).await.unwrap();
    world
}

/// On a database without any table.
pub(super) async fn mysql_unmigrated() -> MySqlWorld {
    let database = Database::create().await;
    let address = MySqlAddress::Url(database.url().into());
    let store = MySqlStore::new(&address, 4, RULES, Counter::default()).unwrap();
    let pool = MySqlPool::connect(database.url()).await.unwrap();
    MySqlWorld {
        store,
        pool,
        address,
        database,
    }
}

impl MySqlWorld {
    pub(super) fn url(&self) -> &str {
        self.database.url()
    }
}

impl World for MySqlWorld {
    type Store = MySqlStore;

    fn store(&self) -> &MySqlStore {
        &self.store
    }

    async fn exec(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    async fn read(&self, sql: &str) -> Vec<Vec<(String, Option<String>)>> {
        let rows = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap();
        rows.iter().map(cells).collect()
    }

    fn ago(&self, seconds: u32) -> String {
        format!("NOW() - INTERVAL {seconds} SECOND")
    }

    fn utc_ago(&self, seconds: u32) -> String {
        format!("UTC_TIMESTAMP(3) - INTERVAL {seconds} SECOND")
    }
}

fn cells<R: Row>(row: &R) -> Vec<(String, Option<String>)>
where
    usize: sqlx::ColumnIndex<R>,
    for<'r> Option<String>: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    let cell = |column: &<R::Database as sqlx::Database>::Column| {
        (
            column.name().to_owned(),
            row.try_get_unchecked::<Option<String>, _>(column.ordinal()).unwrap(),
        )
    };
    row.columns().iter().map(cell).collect()
}
