//! Start and end of a registry.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tars::protocol::{AdminFServer, QueryFServer, TarsregistryServer};
use tars::{Endpoint, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Database, is_loopback};
use crate::expiry::Sweeper;
use crate::metrics::Metrics;
use crate::readiness::Phase;
use crate::registry::Registry;
use crate::servant::{ADMIN_OBJECT, AdminServant, QUERY_OBJECT, QueryServant, REGISTRY_OBJECT, RegistrationServant};
use crate::snapshot::{Follower, Own};
use crate::store::{self, MySqlStore, Rules, SqliteStore, Store, StoreError};
use crate::{flush, http};

/// Pause between two attempts to reach the database at the start.
const START_PAUSE: Duration = Duration::from_secs(1);

/// Time between two looks for old tombstones, more or less.
const FORGET_PERIOD: Duration = Duration::from_hours(1);

/// Why a registry does not start, or ended. Holds no password.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    fn new(doing: &str, cause: &dyn std::error::Error) -> Self {
        Self(format!("{doing}: {cause}"))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match std::error::Error::source(&error) {
            Some(cause) => Self(format!("{error}: {cause}")),
            None => Self(error.to_string()),
        }
    }
}

type Serving = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A registry whose listeners are bound.
#[must_use = "a registry answers nothing until it serves"]
pub struct Bound {
    query: Endpoint,
    registry: Endpoint,
    admin: Endpoint,
    http: SocketAddr,
    stop: CancellationToken,
    serving: Serving,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            query,
            registry,
            admin,
            http,
            ..
        } = self;
        f.debug_struct("Bound")
            .field("query", query)
            .field("registry", registry)
            .field("admin", admin)
            .field("http", http)
            .finish_non_exhaustive()
    }
}

/// Makes the tables of the configured database fit.
pub async fn migrate(config: &Config) -> Result<(), Error> {
    match &config.database {
        Database::MySql(address) => store::migrate_mysql(address).await?,
        Database::Sqlite(path) => {
            SqliteStore::open(path, rules(config), Metrics::new().transaction_retries)
                .await?
                .close()
                .await;
        }
    }
    tracing::info!("the database's tables fit");
    Ok(())
}

/// Binds, logs where, and serves until `shutdown` is ready, an operator asks for the end, or the database's tables turn
/// out not to fit.
pub async fn run(config: &Config, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
    let bound = Bound::bind(config).await?;
    tracing::info!(
        query = %bound.query,
        registry = %bound.registry,
        admin = %bound.admin,
        http = %bound.http,
        database = match config.database {
            Database::MySql(_) => "mysql",
            Database::Sqlite(_) => "sqlite",
        },
        "listening: {QUERY_OBJECT} at `{}`, {REGISTRY_OBJECT} at `{}`, {ADMIN_OBJECT} at `{}`, HTTP at {}",
        bound.query, bound.registry, bound.admin, bound.http
    );
    if !is_loopback(&config.admin_endpoint) {
        tracing::warn!(
            "{ADMIN_OBJECT} at `{}` is not on a loopback address: whoever reaches it can end the registry and clean its \
             database",
            bound.admin
        );
    }
    bound.serve(shutdown).await
}

fn rules(config: &Config) -> Rules {
    Rules {
        lease_seconds: config.lease_seconds,
        delete_configs: !config.keep_node_configs,
    }
}

impl Bound {
    /// Opens the database and binds every listener. MySQL need not answer yet: until it does, calls are told to try
    /// again.
    pub async fn bind(config: &Config) -> Result<Self, Error> {
        let metrics = Arc::new(Metrics::new());
        let retries = metrics.transaction_retries.clone();
        match &config.database {
            Database::MySql(address) => {
                let store = MySqlStore::new(address, config.database_connections, rules(config), retries)?;
                Self::bind_with(config, store, metrics).await
            }
            Database::Sqlite(path) => {
                let store = SqliteStore::open(path, rules(config), retries).await?;
                Self::bind_with(config, store, metrics).await
            }
        }
    }

    async fn bind_with<S: Store>(config: &Config, store: S, metrics: Arc<Metrics>) -> Result<Self, Error> {
        let registry = Arc::new(Registry::new(config, store, metrics));
        let config = config.clone();
        let stop = registry.stop.clone();
        let query = QueryFServer::new(QueryServant(Arc::clone(&registry)));
        let registration = TarsregistryServer::new(RegistrationServant(Arc::clone(&registry)));
        let admin = AdminFServer::new(AdminServant(Arc::clone(&registry)));
        let server = Server::builder()
            .adapter(config.query_endpoint.clone(), QUERY_OBJECT, query)
            .adapter(config.registry_endpoint.clone(), REGISTRY_OBJECT, registration)
            .adapter(config.admin_endpoint.clone(), ADMIN_OBJECT, admin)
            .bind()
            .await
            .map_err(|error| Error::new("cannot serve", &error))?;
        let listener = TcpListener::bind(config.http).await;
        let listener = listener.map_err(|error| Error::new(&format!("cannot listen at {}", config.http), &error))?;
        let http = listener
            .local_addr()
            .map_err(|error| Error::new("cannot tell the HTTP address", &error))?;
        let [query, register, admin] = server.local_endpoints() else {
            unreachable!("three adapters were added")
        };
        let (query, register, admin) = (query.clone(), register.clone(), admin.clone());
        let own = Own::new(config.advertise.clone(), query.clone(), register.clone());
        registry.lookups.set_own(own);
        Ok(Self {
            query,
            registry: register,
            admin,
            http,
            stop,
            serving: Box::pin(async move { serve(&config, registry, server, listener).await }),
        })
    }

    /// Where `tars.tarsregistry.QueryObj` is served.
    #[must_use]
    pub fn query_endpoint(&self) -> &Endpoint {
        &self.query
    }

    /// Where `tars.tarsregistry.Registry` is served.
    #[must_use]
    pub fn registry_endpoint(&self) -> &Endpoint {
        &self.registry
    }

    /// Where `AdminObj` is served.
    #[must_use]
    pub fn admin_endpoint(&self) -> &Endpoint {
        &self.admin
    }

    /// Where HTTP is served.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Serves until `shutdown` is ready, an operator asks for the end, or the database's tables turn out not to fit.
    /// Calls under way are answered before it returns.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let mut serving = self.serving;
        tokio::select! {
            result = &mut serving => return result,
            () = shutdown => self.stop.cancel(),
        }
        serving.await
    }
}

async fn serve<S: Store>(
    config: &Config,
    registry: Arc<Registry<S>>,
    server: Server,
    listener: TcpListener,
) -> Result<(), Error> {
    let stop = registry.stop.clone();
    let (closing, calls_ended) = (CancellationToken::new(), CancellationToken::new());
    let leaving = async {
        stop.cancelled().await;
        leave(&registry, Duration::from_secs(config.drain_seconds.into())).await;
        closing.cancel();
    };
    let rpc = async {
        let result = server.serve_with_shutdown(closing.clone().cancelled_owned()).await;
        calls_ended.cancel();
        stop.cancel();
        result
    };
    // Probes see the end until the last call is answered, and so long calls can wait for what lookups show.
    let routes = http::router(Arc::clone(&registry));
    let http = http::serve(listener, routes, http::Limits::default(), calls_ended.cancelled());
    let following = async {
        let result = tokio::select! {
            result = follow(&registry) => result,
            () = calls_ended.cancelled() => Ok(()),
        };
        registry.lookups.touches().close();
        if result.is_err() {
            stop.cancel();
        }
        result
    };
    let forgetting = stop.run_until_cancelled(forget_regularly(&registry, FORGET_PERIOD));
    let expiring = Sweeper::new(config).run(&registry, stop.cancelled());
    let flushing = async {
        if let Some(period) = flush::period(config) {
            registry.flush_until(period, calls_ended.cancelled()).await;
        }
    };
    let (followed, rpc, ..) = tokio::join!(following, rpc, http, leaving, forgetting, expiring, flushing);
    registry.store.close().await;
    followed?;
    rpc.map_err(|error| Error::new("serving ended", &error))
}

/// Says that no more calls should come, and gives those who look at it the time to hear of it.
async fn leave<S: Store>(registry: &Registry<S>, delay: Duration) {
    registry.readiness.leave();
    registry.metrics.ready.set(0);
    if registry.readiness.is_ready() && !delay.is_zero() {
        tracing::info!("not ready any more; taking calls for {} s", delay.as_secs());
        tokio::time::sleep(delay).await;
    }
}

/// Waits for the database, checks its tables and reads them; from then on calls are served, and lookups follow the tables
/// until the end. Ends only with an error.
async fn follow<S: Store>(registry: &Registry<S>) -> Result<(), Error> {
    let mut patience = Patience::default();
    while let Err(error) = registry.store.check_schema().await {
        patience.after(error).await?;
    }
    let mut follower = Follower::new(&registry.store, &registry.lookups, &registry.metrics).telling(&registry.beats);
    while let Err(error) = follower.load().await {
        patience.after(error).await?;
    }
    registry.readiness.set();
    registry
        .metrics
        .ready
        .set((registry.readiness.phase() == Phase::Ready).into());
    tracing::info!("ready");
    follower.run().await;
    Ok(())
}

/// Waits for a database that is not there yet, and says so now and then.
#[derive(Debug, Default)]
struct Patience {
    attempts: u32,
}

impl Patience {
    /// Waits before the next attempt, unless the failure is one that waiting does not mend.
    async fn after(&mut self, error: StoreError) -> Result<(), Error> {
        if !matches!(error, StoreError::Unavailable(_) | StoreError::Contended(_)) {
            return Err(error.into());
        }
        if self.attempts.is_multiple_of(30) {
            let cause = std::error::Error::source(&error).map(tracing::field::display);
            tracing::warn!(cause, "{error}; waiting for it");
        }
        self.attempts += 1;
        tokio::time::sleep(START_PAUSE).await;
        Ok(())
    }
}

/// Deletes old tombstones now and then; not at once in every replica.
async fn forget_regularly<S: Store>(registry: &Registry<S>, period: Duration) {
    loop {
        tokio::time::sleep(period.mul_f64(rand::random_range(0.5..1.5))).await;
        if !registry.readiness.is_ready() {
            continue;
        }
        loop {
            match registry.store.forget_tombstones().await {
                Ok(0) => break,
                Ok(count) => tracing::info!(count, "forgot old tombstones"),
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(tracing::field::display);
                    tracing::warn!(cause, "old tombstones stay: {error}");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use sqlx::{Connection, SqliteConnection};

    use super::*;
    use crate::config::Command;

    #[tokio::test]
    async fn old_tombstones_go_by_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("registry.db");
        let Ok(Command::Serve(config)) = Command::read([OsString::from("tarsregistry")], |_| None) else {
            panic!("the defaults serve")
        };
        let metrics = Arc::new(Metrics::new());
        let store = SqliteStore::open(&path, rules(&config), metrics.transaction_retries.clone());
        let registry = Registry::new(&config, store.await.unwrap(), metrics);
        registry.readiness.set();
        let mut other = SqliteConnection::connect(&format!("sqlite:{}", path.display()))
            .await
            .unwrap();
        let moment = "'2001-01-01 00:00:00'";
        let insert = format!(
            "INSERT INTO tarsregistry_instance (application, server_name, node_name, generation, last_beat, \
             registered_at, removed_at, removed_by) VALUES ('A', 'S', 'n', 1, {moment}, {moment}, {moment}, 'prestop')"
        );
        sqlx::query(sqlx::AssertSqlSafe(insert))
            .execute(&mut other)
            .await
            .unwrap();
        let is_gone = async {
            let count = "SELECT COUNT(*) FROM tarsregistry_instance";
            while sqlx::query_scalar::<_, i64>(count).fetch_one(&mut other).await.unwrap() > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = forget_regularly(&registry, Duration::from_millis(1)) => panic!("it never ends"),
            () = is_gone => {}
        }
    }
}
