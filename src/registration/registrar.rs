//! A server of this process at its registry.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::Registration;
use super::instance::{Instance, State};
use super::life::Farewell;
use super::session::{First, Prepared, Session, Status};
use super::talk::{Manner, Word};
use crate::Result;

/// A server and the registry it is to be known to.
pub(crate) struct Registrar {
    prepared: Prepared,
}

impl Registrar {
    /// Fails when the registry's object cannot be called, or when clients could not call an adapter.
    pub(crate) fn new(settings: Registration, instance: Instance) -> Result<Self> {
        let prepared = Prepared::new(settings, instance)?;
        Ok(Self { prepared })
    }

    /// Tells whether the server is registered.
    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.prepared.status.subscribe()
    }

    /// Begins to register. The server is active already: its listeners are open. (As `activating` it would stay
    /// invisible if the beat after that call were lost.)
    pub(crate) fn start(self) -> Result<Registering> {
        Ok(Registering {
            server: self.prepared.instance.name(),
            drain: self.prepared.settings.drain,
            session: self.prepared.start(First::Register(State::Active))?,
        })
    }
}

impl std::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registrar")
            .field("settings", &self.prepared.settings)
            .field("instance", &self.prepared.instance)
            .finish_non_exhaustive()
    }
}

/// How a server is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Serving on for the drain time.
    Drained,
    AtOnce,
}

/// A server that is being registered, or is. Dropping it ends that without a word to the registry.
#[derive(Debug)]
pub(crate) struct Registering {
    server: String,
    drain: Duration,
    session: Session,
}

impl Registering {
    /// Takes the server out and waits until it may stop serving. This takes the drain time and a few seconds at most: a
    /// shutdown is not to wait for a registry that is away.
    pub(crate) async fn leave(self, how: Leave) {
        let said = self.session.farewell(Word::Deactivating, Manner::Brief).await;
        if said.is_ok_and(|said| said == Farewell::Needless) {
            return;
        }
        if how == Leave::Drained && !self.drain.is_zero() {
            tracing::info!(server = self.server, drain = ?self.drain, "leaving; serving on for a while");
            sleep(self.drain).await;
        }
        // What goes wrong is in the log already.
        drop(self.session.farewell(Word::Prestop, Manner::Brief).await);
    }
}
