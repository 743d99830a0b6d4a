//! SQLite: the embedded store of a single process.

use std::borrow::Cow;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteQueryResult};
use sqlx::{ConnectOptions, Sqlite, Transaction};

use super::engine::{Arg, Engine, Row, Speaks, Tx, execute_on, fetch_on};
use super::error::{Failure, StoreError};
use super::statement::{Dialect, Statement};
use super::{Backend, Rules};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The store in a SQLite file. Holds the lock beside the file while it lives.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    pool: SqlitePool,
    rules: Rules,
    retries: Counter,
    _lock: File,
}

impl SqliteStore {
    /// Opens the file, makes it when it is not there, and brings its tables up to date.
    pub(crate) async fn open(path: &Path, rules: Rules, retries: Counter) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(1))
            .disable_statement_logging();
        // One connection: SQLite has one writer, and waiting here is fair while SQLite's own waiting is not.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options)
            .await
            .map_err(|error| StoreError::File(format!("cannot open `{}`: {error}", path.display())))?;
        let mut migrator = Migrator {
            migrations: Cow::Borrowed(&MIGRATIONS.migrations),
            ..Migrator::DEFAULT
        };
        migrator.dangerous_set_table_name("tarsregistry_migrations");
        migrator
            .run(&pool)
            .await
            .map_err(|error| StoreError::Schema(format!("cannot migrate `{}`: {error}", path.display())))?;
        Ok(Self {
            pool,
            rules,
            retries,
            _lock: lock,
        })
    }
}

/// Takes the lock file beside the database. A second process would answer from its own memory of the same rows.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = lock_path(path);
    let name = lock_path.display();
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path);
    let file = file.map_err(|error| StoreError::File(format!("cannot open the lock file `{name}`: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::File(format!(
            "`{}` is in use by another process (it holds `{name}`); SQLite serves one registry, use MySQL for more",
            path.display()
        ))),
        Err(TryLockError::Error(error)) => Err(StoreError::File(format!("cannot lock `{name}`: {error}"))),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Speaks for Sqlite {
    const DIALECT: Dialect = Dialect::Sqlite;

    fn rows_affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }
}

impl Tx for Transaction<'static, Sqlite> {
    async fn execute(&mut self, statement: &Statement, args: &[Arg<'_>]) -> Result<u64, sqlx::Error> {
        execute_on::<Sqlite>(self, statement, args).await
    }

    async fn fetch(&mut self, statement: &Statement, args: &[Arg<'_>]) -> Result<Vec<Row>, sqlx::Error> {
        fetch_on::<Sqlite>(self, statement, args).await
    }
}

impl Engine for SqliteStore {
    type Tx = Transaction<'static, Sqlite>;

    async fn begin(&self) -> Result<Self::Tx, sqlx::Error> {
        // A transaction that starts by reading could not become a writer any more once another one wrote.
        self.pool.begin_with("BEGIN IMMEDIATE").await
    }

    async fn begin_read(&self) -> Result<Self::Tx, sqlx::Error> {
        self.pool.begin().await // sees the moment of its first statement until it ends, whoever writes meanwhile
    }

    async fn commit(tx: Self::Tx) -> Result<(), sqlx::Error> {
        tx.commit().await
    }

    async fn roll_back(tx: Self::Tx) -> Result<(), sqlx::Error> {
        tx.rollback().await
    }

    fn classify(error: &sqlx::Error) -> Failure {
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        let code = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xFF);
        match code {
            Some(5 | 6) => Failure::Conflict,                    // busy, locked
            Some(8 | 10 | 11 | 13 | 14) => Failure::Unavailable, // read only, I/O, corrupt, full, cannot open
            _ => Failure::Bug,
        }
    }

    fn retried(&self, failure: Failure) {
        self.retries.inc();
        tracing::debug!(?failure, "a transaction is run again");
    }
}

impl Backend for SqliteStore {
    fn rules(&self) -> Rules {
        self.rules
    }

    async fn check_schema(&self) -> Result<(), StoreError> {
        Ok(()) // opening migrated it
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
