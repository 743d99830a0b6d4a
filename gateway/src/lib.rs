//! HTTP gateway for Tars services: `POST /json/OBJECT/FUNCTION`, `POST /json` and `POST /tup` become calls.
//!
//! Bodies pass through as they are. What the gateway adds is everything around them: who may call what, how often, how
//! large and how long; one answer to every request; and the call chain.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let command = tarsgateway::Command::read(std::env::args_os(), |name| std::env::var(name).ok())?;
//! let gateway = tarsgateway::Bound::bind(command.config()).await?;
//! println!("{}", gateway.address()); // tells the port when it was 0
//! gateway.serve(async { drop(tokio::signal::ctrl_c().await) }, std::future::pending()).await;
//! # Ok(())
//! # }
//! ```
//!
//! From the outside in: `serve` (connections) and `route` hand a request to `gateway`, where each step is a gate; bodies are
//! read by `translate`, rules are in `access` and `context`, and only `upstream` calls servants.

mod access;
mod answer;
mod client;
mod config;
mod context;
mod exchange;
mod gateway;
mod incoming;
mod limit;
mod metrics;
mod object;
mod phase;
mod problem;
mod route;
mod serve;
mod trace;
mod translate;
mod upstream;
mod verify;

pub use access::{Pattern, PatternError};
pub use config::{Command, Config, ConfigError, FileError, LogFormat};
pub use gateway::{Gateway, Peer};
pub use object::{FunctionName, NameError, ObjectName};
pub use serve::{Bound, Error, check, run};
pub use translate::{BodyCall, Malformed, TupCall, TupHead, body_call, parameters, tup_call};
pub use upstream::{Answer, BodyFormat, Failure, Outgoing, Upstream};
pub use verify::TokenError;
