//! The running gateway: its listeners, its start and its end.

mod activity;
mod connection;
mod paced;
mod room;
mod taking;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::gateway::Gateway;
use crate::phase::Phase;
use crate::upstream::{TarsUpstream, Upstream};
use connection::Connections;

/// Connections to the listener of operators.
const ADMIN_CONNECTIONS: usize = 64;

/// How long a probe that never reads its answer may hold up the end.
const ADMIN_GRACE: Duration = Duration::from_secs(1);

/// Why the gateway cannot serve.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

impl Error {
    fn new(what: &str, error: &dyn fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}

/// A gateway that is bound to its addresses and not serving yet.
#[derive(Debug)]
pub struct Bound {
    gateway: Gateway,
    calls: TcpListener,
    admin: TcpListener,
    address: SocketAddr,
    admin_address: SocketAddr,
    config: Config,
}

/// Serves until `shutdown` is ready, and ends at once when `hurry` is, too.
pub async fn run(
    config: &Config,
    shutdown: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) -> Result<(), Error> {
    let bound = Bound::bind(config).await?;
    if config.access.allow.is_empty() {
        tracing::warn!("nothing may be called: no --allow (access.allow) is set, so every call is answered 403");
    }
    let (listen, admin) = (bound.address, bound.admin_address);
    tracing::info!(%listen, %admin, "calls at {listen}, health and metrics at {admin}");
    bound.serve(shutdown, hurry).await;
    Ok(())
}

/// Everything that can be wrong before anything is bound.
pub fn check(config: &Config) -> Result<(), Error> {
    let upstream = TarsUpstream::new(config).map_err(|error| Error::new("cannot call servants", &error))?;
    Gateway::new(config, upstream).map_err(|error| Error::new("cannot check tokens", &error))?;
    Ok(())
}

impl Bound {
    /// Binds the listeners of a gateway that calls servants.
    pub async fn bind(config: &Config) -> Result<Self, Error> {
        let upstream = TarsUpstream::new(config).map_err(|error| Error::new("cannot call servants", &error))?;
        Self::bind_with(config, upstream).await
    }

    /// Binds the listeners of a gateway in front of `upstream`.
    pub async fn bind_with(config: &Config, upstream: impl Upstream) -> Result<Self, Error> {
        let gateway = Gateway::new(config, upstream).map_err(|error| Error::new("cannot check tokens", &error))?;
        let (calls, address) = listen(config.listen).await?;
        let (admin, admin_address) = listen(config.admin).await?;
        Ok(Self {
            gateway,
            calls,
            admin,
            address,
            admin_address,
            config: config.clone(),
        })
    }

    /// Where calls come in.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are told.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Serves until `shutdown` is ready: then says for a while that it is not ready, takes no more connections, answers
    /// what is under way, and returns. `hurry` cuts all of this short.
    pub async fn serve(self, shutdown: impl Future<Output = ()>, hurry: impl Future<Output = ()>) {
        let Self {
            gateway,
            calls,
            admin,
            config,
            ..
        } = self;
        let (limits, drain) = (&config.limits, config.drain);
        let phases = gateway.phases();
        let hurry = hurry.shared();
        let callers = Connections::new(gateway.router(), limits, limits.connections.size()).counted(gateway.metrics());
        let operators = Connections::new(gateway.admin_router(), limits, ADMIN_CONNECTIONS);
        let leaving = async {
            shutdown.await;
            phases.enter(Phase::Leaving);
            gateway.metrics().ready.set(0);
            tracing::info!("not ready any more; taking calls for {} ms", drain.delay_ms.get());
            tokio::select! {
                () = tokio::time::sleep(drain.delay_ms.millis()) => {}
                () = hurry.clone() => {}
            }
            phases.enter(Phase::Ending);
        };
        let work = async {
            callers.accept(calls, leaving).await;
            tracing::info!("taking no more calls");
            let late = async {
                tokio::select! {
                    () = tokio::time::sleep(drain.grace_ms.millis()) => {}
                    () = hurry.clone() => {}
                }
            };
            callers.ended(late).await;
            gateway.upstream().end().await;
        };
        // Operators see the end to its last moment.
        operators.accept(admin, work).await;
        operators.ended(tokio::time::sleep(ADMIN_GRACE)).await;
        tracing::info!("ended");
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let wrong = |error| Error::new(&format!("cannot listen at {address}"), &error);
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let bound = listener.local_addr().map_err(wrong)?;
    Ok((listener, bound))
}
