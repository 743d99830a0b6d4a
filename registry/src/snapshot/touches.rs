//! What commits of this process changed, from the calls that made them to the task that reads it again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::domain::lookup::ServerName;

/// Servers whose rows changed and are to be read again. As many calls as come while one load runs share the next one.
#[derive(Debug, Default)]
pub(crate) struct Touches {
    pending: Mutex<Pending>,
    arrived: Notify,
    /// Nothing is read any more.
    is_closed: AtomicBool,
}

/// What is to be read, and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) servers: BTreeSet<ServerName>,
    /// Any server may have changed.
    pub(super) all: bool,
    pub(super) waiting: Vec<oneshot::Sender<()>>,
}

/// A change that lookups are about to show.
#[derive(Debug)]
pub(crate) struct Touched(oneshot::Receiver<()>);

impl Touched {
    /// Waits until lookups show the change. -> `false` when it could not be read; that is tried again, but not waited for
    pub(crate) async fn shown(self) -> bool {
        self.0.await.is_ok()
    }
}

impl Touches {
    /// Rows of a server changed, and are committed.
    pub(crate) fn server(&self, application: &str, server: &str) -> Touched {
        let mut pending = self.lock();
        pending.servers.insert(ServerName::new(application, server));
        self.wait(&mut pending)
    }

    /// Rows of servers changed, and are committed.
    pub(crate) fn all(&self) -> Touched {
        let mut pending = self.lock();
        pending.all = true;
        self.wait(&mut pending)
    }

    fn wait(&self, pending: &mut Pending) -> Touched {
        let (shown, waits) = oneshot::channel();
        if !self.is_closed.load(Ordering::Acquire) {
            pending.waiting.push(shown);
        }
        self.arrived.notify_one();
        Touched(waits)
    }

    /// Nothing will be read any more: whoever waits, or would, hears that his change is not shown.
    pub(crate) fn close(&self) {
        let mut pending = self.lock();
        self.is_closed.store(true, Ordering::Release);
        pending.waiting.clear();
    }

    /// What there is to read, as soon as there is something.
    pub(super) async fn next(&self) -> Pending {
        loop {
            let pending = std::mem::take(&mut *self.lock());
            if !pending.is_empty() {
                return pending;
            }
            self.arrived.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.servers.is_empty() && !self.all
    }

    /// Lookups show all of it.
    pub(super) fn tell(self) {
        for waiting in self.waiting {
            let _ = waiting.send(()); // it may have stopped waiting
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_when_nothing_is_read_any_more() {
        let touches = Touches::default();
        let before = touches.server("A", "S");
        touches.close();
        let after = touches.all();
        assert!(!before.shown().await && !after.shown().await);
    }
}
