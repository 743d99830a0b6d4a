//! Tars RPC in Rust: the runtime that compiled `.tars` interfaces stand on.
//!
//! [Tars](https://tarscloud.org) services are described in the Tars IDL and call each other by object name,
//! `Application.Server.Object`. The compiler `tars2rs` turns an IDL file into structs, a trait to implement and a client
//! to call; this crate gives them their wire format, their server and their connections, in the protocol that TarsCpp,
//! TarsGo, TarsJava and Tars.js speak.
//!
//! # A server and a client
//!
//! From an `interface` of the IDL come a trait to implement, a service and a client, here those of `AdminF`, which the
//! framework's own [`protocol`] has:
//!
//! ```
//! use tars::protocol::{AdminF, AdminFClient, AdminFServer};
//! use tars::{Communicator, Context, Result, Server};
//!
//! struct Admin;
//!
//! impl AdminF for Admin {
//!     async fn shutdown(&self, _cx: &mut Context) -> Result<()> {
//!         Ok(())
//!     }
//!
//!     async fn notify(&self, _cx: &mut Context, command: String) -> Result<String> {
//!         Ok(format!("did {command}"))
//!     }
//!
//!     async fn get_pid(&self, _cx: &mut Context) -> Result<i64> {
//!         Ok(std::process::id().into())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let server = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", "AdminObj", AdminFServer::new(Admin)).bind().await?;
//! let endpoint = server.local_endpoints()[0].clone();
//! tokio::spawn(server.serve());
//!
//! let admin: AdminFClient = Communicator::new().client(&format!("AdminObj@{endpoint}"))?;
//! assert_eq!(admin.notify("tars.viewversion").await?, "did tars.viewversion");
//! # Ok(())
//! # }
//! ```
//!
//! # Structure
//!
//! - Serving: [`Server`] binds adapters and serves; a servant's method gets a [`Context`].
//! - Calling: a [`Communicator`] makes typed [`Client`]s over a [`Proxy`]; a call is a [`Call`], a builder to be awaited.
//! - Finding each other: a communicator with a [locator](CommunicatorBuilder::locator) asks the registry where objects
//!   are; a server with a [`Registration`] makes itself known there;
//!   [`registration`] also makes a server known that another process runs.
//! - In between: servants and proxies are tower services of [`Request`] and [`Response`], so layers go around both.
//! - Failing: an [`Error`] is a return code of [`code`] and a text, the same on both sides of the wire.
//! - Watching: [`trace`] follows calls from server to server.
//! - Addresses: [`Endpoint`] and [`ObjectAddress`].
//! - Settings: [`config`] reads and writes Tars' configuration files.
//! - Bytes: [`codec`] is the wire format, [`TarsStruct`] and [`TarsEnum`] derive it, [`protocol`] holds the framework's
//!   own packets and interfaces.
//!
//! Calls share one connection an endpoint, and a deadline and a call chain travel with them: a call made while serving
//! another ends with that one's deadline at the latest and is a part of its chain. Whatever a peer can send has a limit with a default and a setting.

// The derives' output says `::tars::..` and must mean the same inside this crate.
extern crate self as tars;

mod byte_string;
mod client;
mod clock;
pub mod code;
pub mod codec;
pub mod config;
mod context;
mod endpoint;
mod error;
mod jitter;
#[cfg(feature = "json")]
pub mod json;
mod layer;
mod message;
mod operation;
mod packet;
pub mod protocol;
pub mod registration;
mod server;
mod set_division;
pub mod trace;
mod transport;
mod tup;
mod version;

pub use bytes;
pub use tars_derive::{TarsEnum, TarsStruct};
pub use tower_layer::Layer;
pub use tower_service::Service;

pub use crate::byte_string::ByteString;
pub use crate::client::{
    Call, CallFuture, Client, Communicator, CommunicatorBuilder, OneWay, OneWayFuture, Proxy, Reply, ReplyFuture,
    ResponseFuture, WithReply,
};
pub use crate::context::{Context, CurrentCall};
pub use crate::endpoint::{Endpoint, ObjectAddress, ParseEndpointError, Protocol};
pub use crate::error::{BoxError, Error, Result};
pub use crate::layer::{BoxFuture, Spawn, SpawnLayer};
pub use crate::message::{Attributes, Request, Response};
pub use crate::operation::Operation;
pub use crate::registration::Registration;
pub use crate::server::{Server, ServerBuilder};
pub use crate::version::Version;

/// Includes what the compiler wrote into `OUT_DIR` for one IDL module: `tars::include_tars!("test_app")` gives
/// `pub mod test_app`, from `module TestApp` of a file that the build script compiled.
#[macro_export]
macro_rules! include_tars {
    ($module:literal) => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/", $module, ".rs"));
    };
}

/// What the derives' output names besides [`codec`] and `json`; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use core;
    #[cfg(feature = "json")]
    pub use std::borrow::Cow;

    #[cfg(feature = "json")]
    pub use serde;

    pub use crate::__if_json as if_json;
    pub use crate::codec::{Length, Text};
}

/// The derives cannot see whether this crate is built with JSON; this macro can.
#[cfg(feature = "json")]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_json {
    ($($items:tt)*) => { $($items)* };
}

#[cfg(not(feature = "json"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __if_json {
    ($($items:tt)*) => {};
}
