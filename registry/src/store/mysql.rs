//! MySQL and MariaDB (Galera, TiDB): the production store.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlQueryResult, MySqlSslMode};
use sqlx::{ConnectOptions, Connection, MySql};

use super::connections::{Connections, MySqlTx, connect};
use super::engine::{Engine, Speaks, Tx, transact};
use super::error::{Failure, StoreError};
use super::statement::{self as sql, Dialect};
use super::{Backend, Rules};
use crate::config::{MySqlAddress, Tls};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/mysql");

/// sqlx's own table, under our prefix.
const MIGRATION_TABLE: &str = "tarsregistry_migrations";

/// Other `migrate` runs are waited for that often and that long.
const MIGRATION_ATTEMPTS: u32 = 30;
const MIGRATION_PAUSE: Duration = Duration::from_millis(400);

/// The store on MySQL. Connects when first used.
#[derive(Debug)]
pub(crate) struct MySqlStore {
    connections: Connections,
    rules: Rules,
    retries: Counter,
}

impl MySqlStore {
    /// Fails when the address cannot be understood.
    pub(crate) fn new(
        address: &MySqlAddress,
        connections: u32,
        rules: Rules,
        retries: Counter,
    ) -> Result<Self, StoreError> {
        Self::with_session(address, connections, sql::SESSION, (rules, retries))
    }

    /// As `new`, with the statements each session begins with.
    pub(super) fn with_session(
        address: &MySqlAddress,
        connections: u32,
        session: &'static [&'static str],
        (rules, retries): (Rules, Counter),
    ) -> Result<Self, StoreError> {
        let connections = Connections::new(options(address)?, connections, session);
        Ok(Self {
            connections,
            rules,
            retries,
        })
    }
}

/// Makes every table as this program needs it. Safe to repeat, to run twice at once, and to run again after it was
/// interrupted: MySQL commits each DDL statement by itself, so the migrations only ever add what is missing.
pub(crate) async fn migrate(address: &MySqlAddress) -> Result<(), StoreError> {
    migrate_with_session(address, sql::SESSION).await
}

pub(super) async fn migrate_with_session(
    address: &MySqlAddress,
    session: &'static [&'static str],
) -> Result<(), StoreError> {
    let options = options(address)?;
    let mut attempt = 1;
    loop {
        let error = match migrate_once(&options, session).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let raced = match &error {
            // Another `migrate` is under way: its row, table, column or key is there already, or noted and not there yet, or
            // a table changed under a statement.
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                matches!(code(error), Some(1050 | 1060 | 1061 | 1062 | 1146 | 1205 | 1213 | 1412))
            }
            MigrateError::Dirty(_) => true,
            _ => false,
        };
        if !raced || attempt >= MIGRATION_ATTEMPTS {
            return Err(migration_error(error));
        }
        tokio::time::sleep(MIGRATION_PAUSE.mul_f64(rand::random_range(0.5..1.0))).await;
        attempt += 1;
    }
}

async fn migrate_once(options: &MySqlConnectOptions, session: &'static [&'static str]) -> Result<(), MigrateError> {
    let mut connection = connect(options, session).await.map_err(MigrateError::Execute)?;
    forget_interrupted(&mut connection)
        .await
        .map_err(MigrateError::Execute)?;
    migrator().run_direct(None, &mut connection, false).await?;
    connection.close().await.map_err(MigrateError::Execute)
}

/// Lets a migration that was cut off run again.
async fn forget_interrupted(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    match sqlx::query(sql::MIGRATIONS_FORGET_INTERRUPTED.mysql)
        .execute(connection)
        .await
    {
        Err(error) if code(&error) == Some(1146) => Ok(()),
        other => other.map(drop),
    }
}

fn migrator() -> Migrator {
    let mut migrator = Migrator {
        migrations: Cow::Borrowed(&MIGRATIONS.migrations),
        ..Migrator::DEFAULT
    };
    migrator.dangerous_set_table_name(MIGRATION_TABLE);
    // GET_LOCK is not there on Galera and Vitess; the migrations need no lock.
    migrator.set_locking(false);
    // A program one version older keeps working beside a newer one.
    migrator.set_ignore_missing(true);
    migrator
}

fn migration_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) => classify(&error).into_error(error),
        MigrateError::ExecuteMigration(error, version) => {
            StoreError::Schema(format!("migration {version} failed: {error}"))
        }
        other => StoreError::Schema(other.to_string()),
    }
}

fn options(address: &MySqlAddress) -> Result<MySqlConnectOptions, StoreError> {
    let options = match address {
        // The driver's own text of what is wrong with an URL may quote it, password and all.
        MySqlAddress::Url(url) => MySqlConnectOptions::from_str(url.expose()).map_err(|_| {
            StoreError::Address(
                "the database URL cannot be read; expected `mysql://user:password@host:port/database`, \
                special characters of the password percent-encoded",
            )
        })?,
        MySqlAddress::Parts(parts) => {
            let options = MySqlConnectOptions::new()
                .host(&parts.host)
                .port(parts.port)
                .username(&parts.user);
            let options = match parts.password.expose() {
                "" => options,
                password => options.password(password),
            };
            let options = options.database(&parts.database);
            let options = options.ssl_mode(match parts.tls {
                Tls::Off => MySqlSslMode::Disabled,
                Tls::Preferred => MySqlSslMode::Preferred,
                Tls::Required => MySqlSslMode::Required,
                Tls::Verified => MySqlSslMode::VerifyIdentity,
            });
            match &parts.socket {
                Some(socket) => options.socket(socket),
                None => options,
            }
        }
    };
    if options.get_database().is_none() {
        return Err(StoreError::Address(
            "the database URL names no database; expected `mysql://.../db_tars`",
        ));
    }
    Ok(options
        // The database's clock is compared with times others wrote in their sessions: take the server's time zone and
        // mode as they are.
        .timezone(None)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .disable_statement_logging())
}

impl Speaks for MySql {
    const DIALECT: Dialect = Dialect::MySql;

    fn rows_affected(result: &MySqlQueryResult) -> u64 {
        result.rows_affected()
    }
}

impl Engine for MySqlStore {
    type Tx = MySqlTx;

    async fn begin(&self) -> Result<Self::Tx, sqlx::Error> {
        self.connections.begin(&["START TRANSACTION"]).await
    }

    async fn begin_read(&self) -> Result<Self::Tx, sqlx::Error> {
        self.connections.begin(sql::BEGIN_READ).await
    }

    async fn commit(tx: Self::Tx) -> Result<(), sqlx::Error> {
        tx.commit().await
    }

    async fn roll_back(tx: Self::Tx) -> Result<(), sqlx::Error> {
        tx.roll_back().await
    }

    fn classify(error: &sqlx::Error) -> Failure {
        classify(error)
    }

    fn retried(&self, failure: Failure) {
        self.retries.inc();
        tracing::debug!(?failure, "a transaction is run again");
    }
}

fn code(error: &sqlx::Error) -> Option<u16> {
    let error = error.as_database_error()?;
    error
        .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .map(sqlx::mysql::MySqlDatabaseError::number)
}

fn classify(error: &sqlx::Error) -> Failure {
    if let Some(failure) = Failure::of_connection(error) {
        return failure;
    }
    match code(error) {
        // Deadlock or failed certification, lock wait, same key inserted at once, changed under a snapshot, TiDB's
        // write conflict.
        Some(1213 | 1205 | 1062 | 1020 | 9007) => Failure::Conflict,
        // Shutting down, connection or statement killed.
        Some(1053 | 1317 | 1927) => Failure::Disconnected,
        // Too many connections, access, unknown database, not primary, read only, out of space.
        Some(1040 | 1044 | 1045 | 1047 | 1049 | 1129 | 1142 | 1203 | 1290 | 1792 | 1836 | 1021 | 1114 | 3100) => {
            Failure::Unavailable
        }
        Some(1054 | 1146) => Failure::Schema,
        _ => Failure::Bug,
    }
}

impl Backend for MySqlStore {
    fn rules(&self) -> Rules {
        self.rules
    }

    async fn check_schema(&self) -> Result<(), StoreError> {
        let applied = transact(self, &(), |tx, ()| Box::pin(tx.fetch(&sql::MIGRATIONS_APPLIED, &[]))).await;
        let applied: Vec<i64> = match applied {
            Ok(rows) => rows.iter().map(|row| row.int(0)).collect(),
            Err(StoreError::Schema(_)) => Vec::new(), // not even the table of migrations
            Err(error) => return Err(error),
        };
        match MIGRATIONS
            .iter()
            .find(|migration| !applied.contains(&migration.version))
        {
            None => Ok(()),
            Some(missing) => Err(StoreError::Schema(format!(
                "migration {} is missing; run `tarsregistry migrate` with a user that may change tables",
                missing.version
            ))),
        }
    }

    async fn close(&self) {
        self.connections.close();
    }
}
