//! A container-native registry for Tars services, on MySQL or SQLite.
//!
//! Servers in containers register themselves through the interface `tarsregistry` (`onStartup`, `keepAlive`,
//! `onPrestop`), and the registry keeps their rows in `db_tars`' tables. Clients look servers up through `QueryF`.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let command = tarsregistry::Command::read(std::env::args_os(), |name| std::env::var(name).ok())?;
//! if let tarsregistry::Command::Serve(config) = command {
//!     let registry = tarsregistry::Bound::bind(&config).await?;
//!     println!("{}", registry.registry_endpoint()); // tells the port when it was 0
//!     registry.serve(async { drop(tokio::signal::ctrl_c().await) }).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! From the outside in: `servant` (the generated traits) and `http` call `registry`, which checks a request by the rules
//! of `domain` and hands the checked one to the `store`. Lookups never reach the store: a `snapshot` of it answers them.

mod beats;
mod clean;
mod config;
mod domain;
mod expiry;
mod failure;
mod flush;
mod http;
mod identity;
mod metrics;
mod readiness;
mod registry;
mod resolver;
mod servant;
mod serve;
mod snapshot;
mod store;
mod verified;

pub use config::{
    Command, Config, ConfigError, Database, DatabaseSettingError, LogFormat, MySqlAddress, MySqlParts, NodeIdentity,
    Secret, Tls,
};
pub use serve::{Bound, Error, migrate, run};
