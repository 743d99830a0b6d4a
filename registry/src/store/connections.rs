//! Connections to MySQL, and transactions on them.
//!
//! Not sqlx's own pool: it asks every connection that is given back for a sign of life and waits for it without limit, so
//! that each one whose server vanished without a word (a failed-over virtual address, a lost machine) loses its place for
//! ever, and with the last place the registry its database. Here a connection is given back only when its transaction
//! ended; any other one is closed, which ends its transaction on the server as well.

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{ConnectOptions, Connection, Executor, MySql};

use super::engine::{Arg, Row, Tx, execute_on, fetch_on};
use super::statement::Statement;

/// A connection unused for longer is asked whether it still lives before it is used: servers close idle ones.
const PROVE_AFTER: Duration = Duration::from_secs(10);

/// An older connection is closed: it leads to where the database's address led when it was made, which after a failover
/// may be a server that only reads.
const REPLACE_AFTER: Duration = Duration::from_mins(30);

/// It must answer that by then.
const PROOF_TIMEOUT: Duration = Duration::from_millis(500);

/// A connection must be free, or made, by then; else the database counts as away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// The connections of a store.
#[derive(Clone, Debug)]
pub(super) struct Connections(Pool<Connector>);

#[derive(Debug)]
pub(super) struct Connector {
    options: MySqlConnectOptions,
    session: &'static [&'static str],
}

impl Connections {
    /// At most `size` of them, made when needed; each session begins with the given statements.
    pub(super) fn new(options: MySqlConnectOptions, size: u32, session: &'static [&'static str]) -> Self {
        let pool = Pool::builder(Connector { options, session })
            .max_size(size.try_into().unwrap_or(usize::MAX))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(ACQUIRE_TIMEOUT))
            .create_timeout(Some(ACQUIRE_TIMEOUT))
            .recycle_timeout(Some(PROOF_TIMEOUT))
            .build();
        Self(pool.expect("timeouts have their runtime"))
    }

    /// Begins a transaction with the given statements.
    pub(super) async fn begin(&self, statements: &[&'static str]) -> Result<MySqlTx, sqlx::Error> {
        let connection = self.0.get().await.map_err(|error| match error {
            PoolError::Backend(error) => error,
            PoolError::Timeout(_) => sqlx::Error::PoolTimedOut,
            _ => sqlx::Error::PoolClosed,
        })?;
        let mut tx = MySqlTx(Some(connection));
        for statement in statements {
            tx.connection().execute(*statement).await?;
        }
        Ok(tx)
    }

    /// Closes those that are free, and each other one when it is.
    pub(super) fn close(&self) {
        self.0.close();
    }
}

impl Manager for Connector {
    type Type = MySqlConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<MySqlConnection, sqlx::Error> {
        connect(&self.options, self.session).await
    }

    async fn recycle(&self, connection: &mut MySqlConnection, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if metrics.age() > REPLACE_AFTER {
            return Err(RecycleError::message("old"));
        }
        if metrics.last_used() > PROVE_AFTER {
            connection.ping().await?;
        }
        Ok(())
    }
}

/// Opens a connection and begins its session.
pub(super) async fn connect(
    options: &MySqlConnectOptions,
    session: &'static [&'static str],
) -> Result<MySqlConnection, sqlx::Error> {
    let mut connection = options.connect().await?;
    for statement in session {
        connection.execute(*statement).await?;
    }
    Ok(connection)
}

/// A transaction. Dropped before its end, it closes its connection.
#[derive(Debug)]
pub(super) struct MySqlTx(Option<Object<Connector>>);

impl MySqlTx {
    fn connection(&mut self) -> &mut MySqlConnection {
        self.0
            .as_deref_mut()
            .expect("a transaction has its connection until it ends")
    }

    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    pub(super) async fn roll_back(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, statement: &'static str) -> Result<(), sqlx::Error> {
        self.connection().execute(statement).await?;
        drop(self.0.take()); // back to the others
        Ok(())
    }
}

impl Drop for MySqlTx {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

impl Tx for MySqlTx {
    async fn execute(&mut self, statement: &Statement, args: &[Arg<'_>]) -> Result<u64, sqlx::Error> {
        execute_on::<MySql>(self.connection(), statement, args).await
    }

    async fn fetch(&mut self, statement: &Statement, args: &[Arg<'_>]) -> Result<Vec<Row>, sqlx::Error> {
        fetch_on::<MySql>(self.connection(), statement, args).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use sqlx::mysql::MySqlConnectOptions;
    use tars_test_support::mysql::Database;

    use super::*;

    #[tokio::test]
    async fn an_old_connection_is_replaced() {
        let database = Database::create().await;
        let options: MySqlConnectOptions = database.url().parse().unwrap();
        let connector = Connector { options, session: &[] };
        let mut connection = connector.create().await.unwrap();
        let aged = |minutes| Metrics {
            created: Instant::now().checked_sub(Duration::from_mins(minutes)).unwrap(),
            ..Metrics::default()
        };
        assert!(connector.recycle(&mut connection, &aged(29)).await.is_ok());
        assert!(connector.recycle(&mut connection, &aged(31)).await.is_err());
    }
}
