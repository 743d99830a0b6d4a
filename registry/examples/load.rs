//! How many registrations, heartbeats and lookups a second a registry takes on this machine, beside the way that writes
//! each heartbeat with three statements of its own, in the same run and turn by turn.
//!
//! `docs/benchmarks.md` has the command. The registry, MariaDB and this program share the processors.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use tars::Communicator;
use tars::protocol::{AdapterConf, KeepAliveReq, OnStartupReq, QueryFClient, TarsregistryClient};
use tars_test_support::mysql::Database;
use tars_test_support::registry::{Backend, Registry};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Instances, each on a node of its own.
const INSTANCES: usize = 10_000;

/// Servers they belong to.
const SERVERS: usize = 500;

/// Connections to the registry, and calls in flight on each.
const CONNECTIONS: usize = 8;
const IN_FLIGHT: usize = 8;

/// Turns of each contestant, and how long one lasts.
const TURNS: usize = 5;
const TURN: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<()> {
    let backend = Backend::mysql().await;
    let url = backend.url();
    // Without a line of the log for each registration, which this program would have to read.
    let log = "tarsregistry::serve=info,warn";
    let registry = Registry::start_with(backend, &["--flush-interval", "5", "--log", log]).await;
    registry.process.wait_for("\"ready\"").await;
    let clients = Clients::new(&registry)?;
    let others = Database::create().await;

    println!("{INSTANCES} instances of {SERVERS} servers, {CONNECTIONS} connections x {IN_FLIGHT} calls in flight");
    let started = startups(&clients).await?;
    println!("onStartup: {started}");
    copy_rows(&url, &others).await?;
    let eight = connect(&others, CONNECTIONS).await?;
    let many = connect(&others, CONNECTIONS * IN_FLIGHT).await?;

    let mut board = Board::default();
    for turn in 1..=TURNS {
        board.ours.push(keep_alives(&clients).await?);
        board.eight.push(statements(&eight, CONNECTIONS).await?);
        board.lookups.push(lookups(&clients).await?);
        board.many.push(statements(&many, CONNECTIONS * IN_FLIGHT).await?);
        println!("turn {turn}: {}", board.last());
    }
    board.print();
    check(registry, &url).await
}

/// What a turn came to.
#[derive(Clone, Debug, Default)]
struct Turn {
    calls: usize,
    seconds: f64,
    /// Sorted.
    latencies: Vec<Duration>,
}

impl Turn {
    fn rate(&self) -> f64 {
        f64::from(u32::try_from(self.calls).unwrap_or(u32::MAX)) / self.seconds
    }

    fn latency(&self, percent: usize) -> Duration {
        let place = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(place).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = |percent| self.latency(percent).as_secs_f64() * 1000.0;
        write!(
            f,
            "{:.0}/s (p50 {:.2} ms, p99 {:.2} ms)",
            self.rate(),
            milliseconds(50),
            milliseconds(99)
        )
    }
}

#[derive(Debug, Default)]
struct Board {
    ours: Vec<Turn>,
    eight: Vec<Turn>,
    many: Vec<Turn>,
    lookups: Vec<Turn>,
}

impl Board {
    fn contestants(&self) -> [(&'static str, &Vec<Turn>); 4] {
        [
            ("keepAlive", &self.ours),
            ("three statements, 8 connections", &self.eight),
            ("three statements, 64 connections", &self.many),
            ("findObjectByIdInSameGroup", &self.lookups),
        ]
    }

    fn last(&self) -> String {
        let last = self.contestants().map(|(name, turns)| {
            let rate = turns.last().map_or(0.0, Turn::rate);
            format!("{name} {rate:.0}/s")
        });
        last.join(", ")
    }

    fn print(&self) {
        println!("\nmedian of {TURNS} turns of {} s:", TURN.as_secs());
        for (name, turns) in self.contestants() {
            println!("{name}: {}", median(turns));
        }
        let ours = median(&self.ours).rate();
        for (name, turns) in [("8", &self.eight), ("64", &self.many)] {
            let ratio = ours / median(turns).rate();
            println!("keepAlive is {ratio:.1} times three statements over {name} connections");
        }
    }
}

fn median(turns: &[Turn]) -> Turn {
    let mut sorted: Vec<&Turn> = turns.iter().collect();
    sorted.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    sorted
        .get(sorted.len() / 2)
        .map_or_else(Turn::default, |turn| (*turn).clone())
}

/// Clients with a connection each.
struct Clients {
    registries: Vec<TarsregistryClient>,
    queries: Vec<QueryFClient>,
}

impl Clients {
    fn new(registry: &Registry) -> Result<Self> {
        let each = || (0..CONNECTIONS).map(|_| Communicator::new());
        Ok(Self {
            registries: each()
                .map(|comm| comm.client(registry.object()))
                .collect::<tars::Result<_>>()?,
            queries: each()
                .map(|comm| comm.client(registry.query()))
                .collect::<tars::Result<_>>()?,
        })
    }
}

fn node(instance: usize) -> String {
    format!("10.{}.{}.{}", instance / 65_536, instance / 256 % 256, instance % 256)
}

fn server(instance: usize) -> String {
    format!("Server{}", instance % SERVERS)
}

/// Runs `call` with one number after the other, so many at once, until a limit is reached.
async fn run<C, F>(at_once: usize, limit: Limit, call: impl Fn(usize) -> C) -> Result<Turn>
where
    C: Fn(usize) -> F + Send + 'static,
    F: Future<Output = Result<()>> + Send,
{
    let (next, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for task in 0..at_once {
        let (call, next, over) = (call(task), Arc::clone(&next), Arc::clone(&over));
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if over.load(Ordering::Relaxed) || matches!(limit, Limit::Calls(calls) if number >= calls) {
                    return Ok::<_, Box<dyn Error + Send + Sync>>(latencies);
                }
                let begun = Instant::now();
                call(number).await?;
                latencies.push(begun.elapsed());
            }
        });
    }
    if let Limit::Time(time) = limit {
        tokio::time::sleep(time).await;
        over.store(true, Ordering::Relaxed);
    }
    let mut turn = Turn::default();
    while let Some(latencies) = tasks.join_next().await {
        turn.latencies.extend(latencies??);
    }
    turn.seconds = begun.elapsed().as_secs_f64();
    turn.calls = turn.latencies.len();
    turn.latencies.sort_unstable();
    Ok(turn)
}

#[derive(Clone, Copy)]
enum Limit {
    Calls(usize),
    Time(Duration),
}

async fn startups(clients: &Clients) -> Result<Turn> {
    run(CONNECTIONS * IN_FLIGHT, Limit::Calls(INSTANCES), |task| {
        let client = clients.registries[task % CONNECTIONS].clone();
        move |instance| {
            let (client, server) = (client.clone(), server(instance));
            let adapter = |name: &str, port| AdapterConf {
                servant: format!("Load.{server}.{name}"),
                endpoint: format!("tcp -h {} -p {port} -t 60000", node(instance)),
                ..AdapterConf::default()
            };
            let req = OnStartupReq {
                node_name: node(instance),
                application: "Load".into(),
                adapters: vec![adapter("Obj", 10_000), adapter("OtherObj", 10_001)],
                server,
                ..OnStartupReq::default()
            };
            async move {
                // As every client does, it tries again when it is told to.
                while let Err(error) = client.on_startup(&req).await {
                    if error.code() != tars::code::SERVER_OVERLOAD {
                        return Err(error.into());
                    }
                }
                Ok(())
            }
        }
    })
    .await
}

async fn keep_alives(clients: &Clients) -> Result<Turn> {
    run(CONNECTIONS * IN_FLIGHT, Limit::Time(TURN), |task| {
        let client = clients.registries[task % CONNECTIONS].clone();
        move |number| {
            let instance = number % INSTANCES;
            let req = KeepAliveReq {
                node_name: node(instance),
                state: "active".into(),
                application: "Load".into(),
                server: server(instance),
            };
            let client = client.clone();
            async move { Ok(client.keep_alive(&req).await?) }
        }
    })
    .await
}

async fn lookups(clients: &Clients) -> Result<Turn> {
    run(CONNECTIONS * IN_FLIGHT, Limit::Time(TURN), |task| {
        let client = clients.queries[task % CONNECTIONS].clone();
        move |number| {
            let (client, object) = (client.clone(), format!("Load.{}.Obj", server(number)));
            async move {
                let found = client.find_object_by_id_in_same_group(&object).await?;
                assert_eq!(found.active_ep.len(), INSTANCES / SERVERS, "every instance is active");
                Ok(())
            }
        }
    })
    .await
}

/// The other way: each heartbeat is the node's time, the node's state and the server's state, each committed by itself.
async fn statements(pool: &MySqlPool, connections: usize) -> Result<Turn> {
    const STATEMENTS: [&str; 3] = [
        "UPDATE t_node_info SET last_heartbeat = NOW() WHERE node_name = ?",
        "UPDATE t_node_info SET present_state = 'active' WHERE node_name = ?",
        "UPDATE t_server_conf SET present_state = 'active' WHERE node_name = ? AND application = 'Load' AND server_name = ?",
    ];
    run(connections, Limit::Time(TURN), |_| {
        let pool = pool.clone();
        move |number| {
            let (pool, instance) = (pool.clone(), number % INSTANCES);
            async move {
                let mut connection = pool.acquire().await?;
                let [time, node_state, server_state] = STATEMENTS;
                for statement in [time, node_state] {
                    sqlx::query(statement)
                        .bind(node(instance))
                        .execute(&mut *connection)
                        .await?;
                }
                let update = sqlx::query(server_state).bind(node(instance)).bind(server(instance));
                update.execute(&mut *connection).await?;
                Ok(())
            }
        }
    })
    .await
}

/// A pool that asks nothing of a connection between two uses.
async fn connect(database: &Database, connections: usize) -> Result<MySqlPool> {
    let options: MySqlConnectOptions = database.url().parse()?;
    let connections = u32::try_from(connections)?;
    let pool = MySqlPoolOptions::new()
        .max_connections(connections)
        .min_connections(connections)
        .test_before_acquire(false);
    Ok(pool.connect_with(options).await?)
}

/// Gives the other way the same rows, in a database of its own.
async fn copy_rows(from: &str, to: &Database) -> Result<()> {
    let (_, from) = from.rsplit_once('/').ok_or("the URL names a database")?;
    let mut connection = to.connect().await;
    for table in ["t_node_info", "t_server_conf", "t_adapter_conf"] {
        for statement in [
            format!("CREATE TABLE {table} LIKE {from}.{table}"),
            format!("INSERT INTO {table} SELECT * FROM {from}.{table}"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&mut connection)
                .await?;
        }
    }
    Ok(())
}

/// Ends the registry, and holds it to what it acknowledged.
async fn check(registry: Registry, url: &str) -> Result<()> {
    drop(registry.stop().await);
    let pool = MySqlPool::connect(url).await?;
    let beaten = "SELECT COUNT(*) FROM tarsregistry_instance i JOIN t_server_conf s ON s.node_name = i.node_name \
                  WHERE i.last_beat > UTC_TIMESTAMP(3) - INTERVAL 60 SECOND AND s.present_state = 'active'";
    let count: i64 = sqlx::query_scalar(beaten).fetch_one(&pool).await?;
    println!("{count} of {INSTANCES} instances are active and beat within the last minute, by their rows");
    if usize::try_from(count)? == INSTANCES {
        Ok(())
    } else {
        Err("heartbeats that were acknowledged are not in the database".into())
    }
}
