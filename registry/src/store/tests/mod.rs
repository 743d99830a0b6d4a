//! The same behaviour on both databases, and what only one of them can get wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod adopt;
mod chaos;
mod clean;
mod equal;
mod flush;
mod instances;
mod leases;
mod lookups;
mod only_mysql;
mod only_sqlite;
mod statements;
mod workers;
mod world;

/// Writes each test of a suite twice: on SQLite and on MySQL.
macro_rules! on_both {
    ($($test:ident)+) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $test() { super::$test(crate::store::tests::world::sqlite().await).await })+
        }
        mod on_mysql {
            $(#[tokio::test] async fn $test() { super::$test(crate::store::tests::world::mysql().await).await })+
        }
    };
}
use on_both;
