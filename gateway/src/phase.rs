//! From serving to the end.

use tokio::sync::watch;

/// What the gateway does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It takes calls.
    Serving,
    /// It takes calls and says that it is not ready, so that others send none.
    Leaving,
    /// It answers what it has.
    Ending,
}

/// The phase, shared.
#[derive(Clone, Debug)]
pub(crate) struct Phases(watch::Sender<Phase>);

impl Phases {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }

    pub(crate) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.0
            .send_if_modified(|now| std::mem::replace(now, phase.max(*now)) != phase.max(*now));
    }
}
