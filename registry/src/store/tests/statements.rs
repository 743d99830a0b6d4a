//! The statements themselves.

use sqlx::{Executor, SqlSafeStr};

use super::world::{World, mysql, sqlite};
use crate::store::statement::{ALL, Dialect, SESSION};

const MIGRATIONS: [&str; 5] = [
    include_str!("../../../migrations/mysql/0001_framework_tables.sql"),
    include_str!("../../../migrations/mysql/0002_adopt_columns.sql"),
    include_str!("../../../migrations/mysql/0003_instances.sql"),
    include_str!("../../../migrations/mysql/0004_leases.sql"),
    include_str!("../../../migrations/mysql/0005_workers.sql"),
];

/// What MySQL 8 has and MariaDB has not, or the other way round, in the upper case of a statement with single spaces.
const NOT_SHARED: [&str; 27] = [
    "RETURNING",             // MariaDB
    "ADD COLUMN IF",         // MariaDB
    "DROP COLUMN IF",        // MariaDB
    "MODIFY COLUMN IF",      // MariaDB
    "INDEX IF",              // MariaDB
    "OR REPLACE TABLE",      // MariaDB
    "SEQUENCE",              // MariaDB
    "NEXTVAL",               // MariaDB
    "SYSTEM VERSIONING",     // MariaDB
    "UUID",                  // MariaDB's type
    "INET6",                 // MariaDB's type
    "SET STATEMENT",         // MariaDB
    "EXECUTE IMMEDIATE",     // MariaDB
    " AS NEW",               // MySQL's row alias
    "VALUES(",               // deprecated by MySQL, the alias is not MariaDB's
    "ON DUPLICATE KEY",      // neither of the two forms is in both, and it locks gaps
    "SKIP LOCKED",           // not in TiDB
    "FOR SHARE",             // MySQL
    "LOCK IN SHARE MODE",    // deprecated by MySQL
    "->",                    // MySQL
    "MEMBER OF",             // MySQL
    "JSON_TABLE",            // late in MariaDB
    "LATERAL",               // MySQL
    "GET_LOCK",              // not on Galera and Vitess
    "TRANSACTION_ISOLATION", // the variable's name differs
    "UTF8MB4_0900",          // MySQL's collations
    "UCA1400",               // MariaDB's collations
];

fn violations(text: &str) -> Vec<&'static str> {
    let upper = text.to_uppercase();
    let single: Vec<&str> = upper.split_whitespace().collect();
    let single = single.join(" ");
    NOT_SHARED.into_iter().filter(|word| single.contains(word)).collect()
}

#[test]
fn statements_keep_to_what_mysql_8_and_mariadb_share() {
    for statement in ALL {
        assert_eq!(violations(statement.mysql), Vec::<&str>::new(), "{}", statement.name);
        let words = statement.mysql.to_uppercase();
        assert!(
            !words.contains('"') && !words.contains('`'),
            "{}: quotes depend on sql_mode",
            statement.name
        );
        assert!(!words.contains("||"), "{}: `||` depends on sql_mode", statement.name);
    }
    for text in MIGRATIONS.iter().chain(SESSION) {
        assert_eq!(violations(text), Vec::<&str>::new());
    }
    assert_eq!(violations("insert into t values (1)\n returning  id"), ["RETURNING"]);
    assert_eq!(
        violations("ALTER TABLE t ADD COLUMN\nIF NOT EXISTS x INT"),
        ["ADD COLUMN IF"]
    );
}

#[tokio::test]
async fn mariadb_prepares_every_statement() {
    let world = mysql().await;
    for statement in ALL {
        let text = statement.text(Dialect::MySql, [2]);
        let prepared = world.pool.prepare(sqlx::AssertSqlSafe(text).into_sql_str()).await;
        prepared.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
}

#[tokio::test]
async fn sqlite_explains_every_statement() {
    let world = sqlite().await;
    for statement in ALL {
        let parameters = statement.text(Dialect::Sqlite, [2]).replace('?', "1");
        world.read(&format!("EXPLAIN {parameters}")).await;
    }
}

#[test]
fn both_texts_take_the_same_parameters() {
    for statement in ALL {
        let count = |text: &str| (text.matches('?').count(), text.matches("{list}").count());
        assert_eq!(count(statement.mysql), count(statement.sqlite), "{}", statement.name);
    }
}
