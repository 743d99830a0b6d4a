//! A registry on free ports in this process, its clients, and a look at its rows.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;

use sqlx::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Row};
use tars::Communicator;
use tars::protocol::{AdapterConf, AdminFClient, OnStartupReq, QueryFClient, TarsregistryClient};
use tars_test_support::mysql::Database;
use tarsregistry::{Bound, Command, Config, Error};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long a call may take, on a slow and busy machine.
const CALL_LIMIT: Duration = Duration::from_mins(1);

/// The settings that arguments give.
pub(crate) fn config(arguments: &[&str]) -> Config {
    let fixed = [
        "tarsregistry",
        "--admin-endpoint",
        "tcp -h 127.0.0.1 -p 0",
        "--http",
        "127.0.0.1:0",
    ];
    let query = ["--query-endpoint", "tcp -h 127.0.0.1 -p 0"];
    let query = if arguments.contains(&query[0]) { &[] } else { &query[..] };
    // Tests look at rows right after the beat that they expect there.
    let flush = ["--flush-interval", "0"];
    let flush = if arguments.contains(&flush[0]) { &[] } else { &flush[..] };
    let given = query.iter().chain(flush).chain(arguments);
    let arguments = fixed.iter().chain(given).map(OsString::from);
    match Command::read(arguments, |_| None).unwrap() {
        Command::Serve(config) | Command::Migrate(config) => *config,
    }
}

/// The same settings with a limit that no call meets.
fn patient(config: Config) -> Config {
    Config {
        call_limit: CALL_LIMIT,
        ..config
    }
}

/// A running registry. Ends when dropped.
pub(crate) struct Running {
    pub(crate) query: QueryFClient,
    pub(crate) registry: TarsregistryClient,
    /// The object that instances register with.
    pub(crate) object: String,
    pub(crate) admin: AdminFClient,
    pub(crate) http: SocketAddr,
    stop: CancellationToken,
    serving: Option<JoinHandle<Result<(), Error>>>,
    file: Option<TempDir>,
}

impl Running {
    /// On a SQLite file of its own, at a loopback address.
    pub(crate) async fn sqlite(arguments: &[&str]) -> Self {
        let mut all = vec!["--registry-endpoint", "tcp -h 127.0.0.1 -p 0"];
        all.extend(arguments);
        Self::sqlite_anywhere(&all).await
    }

    /// On a SQLite file of its own, where the arguments say.
    pub(crate) async fn sqlite_anywhere(arguments: &[&str]) -> Self {
        let file = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", file.path().join("registry.db").display());
        let mut all = vec!["--database-url", &url];
        all.extend(arguments);
        let mut running = Self::start(&patient(config(&all))).await;
        running.file = Some(file);
        running.ready().await;
        running
    }

    /// On MySQL, not waiting until it is ready.
    pub(crate) async fn mysql(url: &str) -> Self {
        Self::mysql_with(url, &[]).await
    }

    /// The same with more arguments.
    pub(crate) async fn mysql_with(url: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["--database-url", url, "--registry-endpoint", "tcp -h 127.0.0.1 -p 0"];
        all.extend(arguments);
        Self::start(&patient(config(&all))).await
    }

    /// The same with the limit of a call that clients of K8STARS are used to: on a busy machine, calls are told to try
    /// again.
    pub(crate) async fn mysql_in_haste(url: &str, arguments: &[&str]) -> Self {
        let mut all = vec!["--database-url", url, "--registry-endpoint", "tcp -h 127.0.0.1 -p 0"];
        all.extend(arguments);
        Self::start(&config(&all)).await
    }

    async fn start(config: &Config) -> Self {
        let bound = Bound::bind(config).await.unwrap();
        let comm = Communicator::builder().timeout(2 * CALL_LIMIT).build();
        let mut endpoint = bound.registry_endpoint().clone();
        endpoint.host = "127.0.0.1".into();
        let object = format!("tars.tarsregistry.Registry@{endpoint}");
        let registry = comm.client(&object).unwrap();
        let mut endpoint = bound.query_endpoint().clone();
        endpoint.host = "127.0.0.1".into();
        let query = comm.client(&format!("tars.tarsregistry.QueryObj@{endpoint}")).unwrap();
        let admin = comm.client(&format!("AdminObj@{}", bound.admin_endpoint())).unwrap();
        let http = bound.http_address();
        let stop = CancellationToken::new();
        let serving = Some(tokio::spawn(bound.serve(stop.clone().cancelled_owned())));
        Self {
            query,
            registry,
            object,
            admin,
            http,
            stop,
            serving,
            file: None,
        }
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) {
        while self.get("/readyz").await.0 != 200 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits for its end and says how it ended.
    pub(crate) async fn ended(&mut self) -> Result<(), Error> {
        self.serving.take().unwrap().await.unwrap()
    }

    /// Asks for its end and waits for it.
    pub(crate) async fn end(mut self) {
        self.stop.cancel();
        self.ended().await.unwrap();
    }

    /// Status and body of a page.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// The value of a metric, 0 when it is not there yet.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Runs SQL on the file: rows as texts, columns divided by spaces.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<String> {
        let path = self.file.as_ref().unwrap().path().join("registry.db");
        let mut connection = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
            .await
            .unwrap();
        let rows = sqlx::raw_sql(AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let cell = |row: &sqlx::sqlite::SqliteRow, column| {
            row.try_get_unchecked::<Option<String>, _>(column)
                .unwrap()
                .unwrap_or_else(|| "NULL".to_owned())
        };
        rows.iter()
            .map(|row| {
                (0..row.len())
                    .map(|column| cell(row, column))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }

    /// How many rows there are in all tables together.
    pub(crate) async fn rows(&self) -> String {
        let tables = [
            "t_node_info",
            "t_server_conf",
            "t_adapter_conf",
            "tarsregistry_instance",
        ];
        let counts = tables
            .map(|table| format!("(SELECT COUNT(*) FROM {table})"))
            .join(" + ");
        self.sql(&format!("SELECT {counts}")).await.remove(0)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A registration that is right: `App.S` with one adapter.
pub(crate) fn startup(node: &str) -> OnStartupReq {
    OnStartupReq {
        node_name: node.into(),
        application: "App".into(),
        server: "S".into(),
        adapters: vec![AdapterConf {
            servant: "App.S.Obj".into(),
            endpoint: format!("tcp -h {node} -p 10000"),
            ..AdapterConf::default()
        }],
        ..OnStartupReq::default()
    }
}

/// A fresh database whose tables are made.
pub(crate) async fn migrated() -> Database {
    let database = Database::create().await;
    tarsregistry::migrate(&config(&["--database-url", database.url()]))
        .await
        .unwrap();
    database
}
