//! Whether the server may get calls: looked at from the outside.

mod fault;
mod ping;
mod ports;
mod script;
mod target;
mod udp;

use std::time::Duration;

use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

pub(crate) use self::fault::Fault;
pub(crate) use self::ports::Ports;
use self::script::Scripts;
use crate::{cli, process::Processes, server::ServerInfo};

/// Pause before a look that failed is repeated, K8STARS'.
const AGAIN: Duration = Duration::from_secs(1);

/// The checks of one server.
#[derive(Debug)]
pub(crate) struct Checks {
    ports: Ports,
    pings: bool,
    scripts: Scripts,
    /// `TARS_CHECK_RETRY_TIMEOUT`.
    patience: Duration,
    /// One check at a time: the operator's scripts need not bear more.
    turn: Mutex<()>,
}

impl Checks {
    /// Fails when the server has an endpoint that cannot be looked at.
    pub(crate) fn new(settings: &cli::Supervisor, info: &ServerInfo, processes: Processes) -> anyhow::Result<Self> {
        Ok(Self {
            ports: Ports::new(info)?,
            pings: settings.check_ping,
            scripts: Scripts::new(settings, processes),
            patience: settings.check_retry_timeout,
            turn: Mutex::new(()),
        })
    }

    /// One look. For a server that was not ready: the next check comes soon enough.
    pub(crate) async fn run(&self) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        self.scripts.before().await;
        self.look().await
    }

    /// Looks again each second while something is wrong, up to `TARS_CHECK_RETRY_TIMEOUT`. For a server that was ready: one
    /// bad moment does not take its calls away.
    pub(crate) async fn run_patiently(&self) -> Result<(), Fault> {
        let _turn = self.turn.lock().await;
        self.scripts.before().await;
        patiently(self.patience, || self.look()).await
    }

    /// What costs little comes first, and the first that finds a fault ends the look.
    async fn look(&self) -> Result<(), Fault> {
        self.ports.look().await?;
        if self.pings {
            ping::ping(&self.ports).await?;
        }
        self.scripts.check().await
    }
}

async fn patiently<L>(patience: Duration, look: impl Fn() -> L) -> Result<(), Fault>
where
    L: Future<Output = Result<(), Fault>>,
{
    let until = Instant::now() + patience;
    loop {
        let fault = match look().await {
            Ok(()) => return Ok(()),
            Err(fault) => fault,
        };
        if Instant::now() + AGAIN > until {
            return Err(fault);
        }
        sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests;
