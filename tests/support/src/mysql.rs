//! A fresh database per test on the private MariaDB that `scripts/with-mariadb` starts.

use std::fmt;

use sqlx::{Connection, MySqlConnection, mysql::MySqlConnectOptions};

/// The environment variable that names the server: a URL without a database, such as `mysql://root@127.0.0.1:23306/`.
pub const SERVER_URL: &str = "TARS_TEST_MYSQL";

/// A database of this test's own. It goes with the private server at the end of the run.
#[derive(Clone)]
pub struct Database {
    url: String,
}

impl Database {
    /// Creates an empty database.
    ///
    /// # Panics
    /// When no server is named or it does not answer: the text says how to run the tests.
    pub async fn create() -> Self {
        let server = std::env::var(SERVER_URL).unwrap_or_else(|_| {
            panic!("{SERVER_URL} is not set: run `make test`, or `scripts/with-mariadb cargo nextest run ...`")
        });
        let name = format!("test_{:016x}", rand::random::<u64>());
        let options: MySqlConnectOptions = server.parse().unwrap_or_else(|e| panic!("{SERVER_URL}={server}: {e}"));
        let mut connection = MySqlConnection::connect_with(&options.timezone(None))
            .await
            .unwrap_or_else(|e| panic!("connect to the server of {SERVER_URL}={server}: {e}"));
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "create database {name} character set utf8"
        )))
        .execute(&mut connection)
        .await
        .unwrap_or_else(|e| panic!("create database {name}: {e}"));
        Self {
            url: format!("{}/{name}", server.trim_end_matches('/')),
        }
    }

    /// The database as a `mysql://` URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same database seen through another port of this machine, as a proxy in front of the server gives it.
    ///
    /// # Panics
    /// When the server's URL has no host and port.
    #[must_use]
    pub fn url_through_port(&self, port: u16) -> String {
        let (scheme_and_user, rest) = self.url.rsplit_once('@').expect("the server's URL names a user");
        let (_, path) = rest.split_once('/').expect("the database's URL has a path");
        format!("{scheme_and_user}@127.0.0.1:{port}/{path}")
    }

    /// A connection of the test's own, to look at rows with.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn connect(&self) -> MySqlConnection {
        let options: MySqlConnectOptions = self.url.parse().expect("the URL was built from one that parses");
        MySqlConnection::connect_with(&options.timezone(None))
            .await
            .unwrap_or_else(|e| panic!("connect to {self:?}: {e}"))
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.url).finish()
    }
}
