//! Whether the registry may answer: never from tables it has not checked.

use tokio::sync::watch;

/// Shared state of the start.
#[derive(Debug)]
pub(crate) struct Readiness(watch::Sender<bool>);

impl Readiness {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn set(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_ready(&self) -> bool {
        *self.0.borrow()
    }
}
