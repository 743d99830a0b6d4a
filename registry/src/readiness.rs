//! Whether the registry may answer: never from tables it has not checked.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// Answers of the database are shared so long, so that probes from anywhere cost it next to nothing.
const SHARED: Duration = Duration::from_secs(1);

/// Where a registry is between its start and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The tables are not checked and read yet.
    Starting,
    /// Calls are served.
    Ready,
    /// Calls are still served, but no more should come.
    Ending,
}

/// How far start and end are, shared.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    is_read: AtomicBool,
    is_ending: AtomicBool,
}

impl Readiness {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The tables are checked and read.
    pub(crate) fn set(&self) {
        self.is_read.store(true, Ordering::Release);
    }

    /// No more calls should come; those that come are served.
    pub(crate) fn leave(&self) {
        self.is_ending.store(true, Ordering::Release);
    }

    /// Whether the tables are checked and read, so that calls may use them; also while it ends.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_read.load(Ordering::Acquire)
    }

    pub(crate) fn phase(&self) -> Phase {
        match (self.is_ending.load(Ordering::Acquire), self.is_ready()) {
            (true, _) => Phase::Ending,
            (false, true) => Phase::Ready,
            (false, false) => Phase::Starting,
        }
    }
}

/// Whether the database takes writes, asked at most once in [`SHARED`], and by one caller at a time.
#[derive(Debug, Default)]
pub(crate) struct Probe(Mutex<Option<(Instant, bool)>>);

impl Probe {
    /// The last answer, or that of `ask` when the last one is old.
    pub(crate) async fn answer(&self, ask: impl Future<Output = bool>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.filter(|(at, _)| at.elapsed() < SHARED) {
            return answer;
        }
        let answer = ask.await;
        *last = Some((Instant::now(), answer));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn probes_share_an_answer_for_a_second() {
        let (probe, asked) = (Probe::default(), Cell::new(0));
        let ask = async || {
            asked.set(asked.get() + 1);
            tokio::task::yield_now().await;
            asked.get() == 1
        };
        let (a, b) = tokio::join!(probe.answer(ask()), probe.answer(ask()));
        assert!(a && b && probe.answer(ask()).await);
        assert_eq!(asked.get(), 1);
        tokio::time::advance(SHARED).await;
        assert!(!probe.answer(ask()).await);
        assert_eq!(asked.get(), 2);
    }
}
