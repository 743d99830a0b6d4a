//! Whether the registry may answer: never from tables it has not checked.

use std::future::Future;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

/// Answers of the database are shared so long, so that probes from anywhere cost it next to nothing.
const SHARED: Duration = Duration::from_secs(1);

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
