//! A `tarsregistry` process on a database of its own, and a look at its rows.

use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{Connection, Row, SqliteConnection};
use tempfile::TempDir;
use tokio::{process::Command, time::interval};

use crate::{
    http::Http,
    mysql::Database,
    port::HeldPort,
    process::{Process, binary},
};

/// Between two looks at what a registry does.
const LOOK: Duration = Duration::from_millis(50);

/// Where a registry keeps its rows.
#[derive(Debug)]
pub enum Backend {
    /// A database on the private MariaDB.
    MySql(Database),
    /// A file in a folder of its own.
    Sqlite(TempDir),
}

impl Backend {
    /// A fresh database on the private MariaDB, brought up to date by `tarsregistry migrate`.
    ///
    /// # Panics
    /// When the migration fails.
    pub async fn mysql() -> Self {
        let backend = Self::MySql(Database::create().await);
        let mut command = Command::new(binary("tarsregistry"));
        command.args(["migrate", "--database-url", &backend.url()]);
        let (code, output) = Process::start(command).wait().await;
        assert_eq!(code, 0, "tarsregistry migrate: {output}");
        backend
    }

    /// A SQLite file that does not exist yet.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    #[must_use]
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().expect("a temporary folder"))
    }

    /// The database's URL.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::MySql(database) => database.url().to_owned(),
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("registry.db").display()),
        }
    }

    /// The named columns of all rows of a table, as text (NULL as `NULL`), in the order of the first column.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn rows(&self, table: &str, columns: &str) -> Vec<Vec<String>> {
        let columns: Vec<_> = columns.split(',').map(str::trim).collect();
        let list: Vec<_> = columns
            .iter()
            .map(|c| format!("coalesce(cast({c} as char), 'NULL')"))
            .collect();
        self.query(&format!(
            "select {} from {table} order by {}",
            list.join(", "),
            columns[0]
        ))
        .await
    }

    /// How many seconds ago the times in a column are, by the database's clock.
    ///
    /// # Panics
    /// When the database does not answer, or a time is NULL.
    pub async fn ages(&self, table: &str, column: &str) -> Vec<i64> {
        let age = match self {
            Self::MySql(_) => format!("timestampdiff(second, {column}, now())"),
            Self::Sqlite(_) => format!("unixepoch('now') - unixepoch({column})"),
        };
        let rows = self.query(&format!("select cast({age} as char) from {table}")).await;
        rows.iter()
            .map(|row| row[0].parse().expect("an age is a number"))
            .collect()
    }

    /// Makes a node look as if it had been inactive and silent for two days.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn abandon_node(&self, node: &str) {
        let two_days_ago = match self {
            Self::MySql(_) => "now() - interval 2 day",
            Self::Sqlite(_) => "datetime('now', '-2 days')",
        };
        let set = format!("present_state = 'inactive', last_heartbeat = {two_days_ago}");
        self.query(&format!("update t_node_info set {set} where node_name = '{node}'"))
            .await;
    }

    /// Deletes all rows of a table, as somebody could by hand.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn delete_all(&self, table: &str) {
        self.query(&format!("delete from {table}")).await;
    }

    /// Makes every heartbeat so far look so many seconds older than it is.
    ///
    /// # Panics
    /// When the database does not answer.
    pub async fn age_beats(&self, seconds: u32) {
        let older = |column: &str, fraction: &str| match self {
            Self::MySql(_) => format!("{column} = {column} - interval {seconds} second"),
            Self::Sqlite(_) => {
                format!("{column} = strftime('%Y-%m-%d %H:%M:{fraction}', {column}, '-{seconds} seconds')")
            }
        };
        let instances = older("last_beat", "%f");
        self.query(&format!("update tarsregistry_instance set {instances}"))
            .await;
        let nodes = older("last_heartbeat", "%S");
        self.query(&format!("update t_node_info set {nodes}")).await;
    }

    async fn query(&self, sql: &str) -> Vec<Vec<String>> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match self {
            Self::MySql(database) => {
                let rows = sqlx::query(sql)
                    .fetch_all(&mut database.connect().await)
                    .await
                    .expect("the query is valid");
                rows.iter()
                    .map(|row| (0..row.len()).map(|i| row.get(i)).collect())
                    .collect()
            }
            Self::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&self.url())
                    .await
                    .expect("the registry made the file");
                let rows = sqlx::query(sql)
                    .fetch_all(&mut connection)
                    .await
                    .expect("the query is valid");
                rows.iter()
                    .map(|row| (0..row.len()).map(|i| row.get(i)).collect())
                    .collect()
            }
        }
    }
}

/// A running registry on ports of its own.
#[derive(Debug)]
pub struct Registry {
    /// The process.
    pub process: Process,
    backend: Backend,
    /// Its own while it is paused, too.
    ports: [HeldPort; 4],
    args: Vec<String>,
    query: String,
    object: String,
    admin: String,
    http: String,
}

impl Registry {
    /// Starts a registry on loopback and waits until it listens.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, &[]).await
    }

    /// The same with more arguments on its command line. Without a `--flush-interval` among them every heartbeat is written
    /// before it is answered, so that a test can look at the rows.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(backend: Backend, args: &[&str]) -> Self {
        let ports = [[127, 0, 0, 1], [127, 0, 1, 1], [127, 0, 2, 1], [127, 0, 0, 1]];
        let ports = ports.map(|host| HeldPort::at((host, 0).into()));
        Self::start_at(backend, ports, args).await
    }

    /// The ports are those of lookups, registration, administration and HTTP.
    async fn start_at(backend: Backend, ports: [HeldPort; 4], args: &[&str]) -> Self {
        let [query, registry, admin, http] = ports.each_ref().map(HeldPort::address);
        let [query, registry, admin] =
            [query, registry, admin].map(|at| format!("tcp -h {} -p {}", at.ip(), at.port()));
        let flush = ["--flush-interval", "0"];
        let flush = if args.contains(&flush[0]) { &[] } else { &flush[..] };
        let mut command = Command::new(binary("tarsregistry"));
        command
            .args(["serve", "--database-url", &backend.url(), "--log-format", "json"])
            .args(["--query-endpoint", &query, "--registry-endpoint", &registry])
            .args(["--admin-endpoint", &admin, "--http", &http.to_string()])
            .args(flush)
            .args(args);
        let process = Process::start(command);
        let line = process.wait_for("listening: ").await;
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let field = |name: &str| {
            line["fields"][name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {line}"))
                .to_owned()
        };
        Self {
            backend,
            ports,
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            query: format!("tars.tarsregistry.QueryObj@{}", field("query")),
            object: format!("tars.tarsregistry.Registry@{}", field("registry")),
            admin: field("admin"),
            http: field("http"),
            process,
        }
    }

    /// Ends it as a supervisor does, to start it again later at the same place on the same rows.
    ///
    /// # Panics
    /// When it does not end cleanly.
    pub async fn pause(self) -> Paused {
        self.process.terminate().await;
        let (process, paused) = self.parted();
        let (code, output) = process.wait().await;
        assert_eq!(code, 0, "{output}");
        paused
    }

    /// Kills it, to start it again later at the same place on the same rows.
    ///
    /// # Panics
    /// When the system does not let it be killed.
    pub async fn crash(self) -> Paused {
        let (process, paused) = self.parted();
        process.kill().await;
        paused
    }

    /// The process, and what it takes to start it again.
    fn parted(self) -> (Process, Paused) {
        let paused = Paused {
            backend: self.backend,
            ports: self.ports,
            args: self.args,
            query: self.query,
        };
        (self.process, paused)
    }

    /// Ends it as a container runtime does, and gives back where its rows are.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn stop(self) -> Backend {
        self.pause().await.backend
    }

    /// The object to call, with its endpoint.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The object that answers lookups, with its endpoint: a locator for clients.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The endpoint of `AdminObj`.
    #[must_use]
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// The address of the HTTP listener.
    #[must_use]
    pub fn http(&self) -> &str {
        &self.http
    }

    /// Where it keeps its rows.
    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// How long `event` takes, not counting the time in which the registry lets nobody expire: that is a lease after its
    /// start, and after any while in which it was too slow to look at the leases.
    ///
    /// # Panics
    /// When its metrics cannot be read.
    pub async fn time_expiring(&self, event: impl Future<Output = ()>) -> Duration {
        let mut begun = Instant::now();
        let looking = async {
            let mut again = interval(LOOK);
            loop {
                again.tick().await;
                if !self.expires().await {
                    begun = Instant::now();
                }
            }
        };
        tokio::select! {
            () = event => {}
            () = looking => unreachable!("it never ends"),
        }
        begun.elapsed()
    }

    async fn expires(&self) -> bool {
        let reading = async { Http::connect(&self.http).await?.get("/metrics").await };
        let page = reading.await.unwrap_or_else(|e| panic!("metrics of a registry: {e}"));
        String::from_utf8_lossy(&page.body)
            .lines()
            .any(|line| line == "registry_expiry_leader 1")
    }
}

/// A registry that ran, and can run again.
#[derive(Debug)]
pub struct Paused {
    backend: Backend,
    ports: [HeldPort; 4],
    args: Vec<String>,
    query: String,
}

impl Paused {
    /// The object that answered lookups, with its endpoint.
    #[must_use]
    pub fn query(&self) -> String {
        self.query.clone()
    }

    /// Where it kept its rows.
    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Starts it where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(self) -> Registry {
        let args: Vec<_> = self.args.iter().map(String::as_str).collect();
        Registry::start_at(self.backend, self.ports, &args).await
    }
}
