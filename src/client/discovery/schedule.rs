//! When the registry is asked next. Pure: the chance is added where the time is waited.

use std::time::Duration;

use crate::jitter;

/// How a lookup ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With endpoints to call.
    Found,
    /// With an answer that has none.
    Empty,
    /// Without an answer that can be used.
    Failed,
}

/// Counts what went wrong.
#[derive(Debug)]
pub(super) struct Schedule {
    interval: Duration,
    failures: u32,
}

impl Schedule {
    /// After an answer without endpoints, as TarsCpp.
    const EMPTY: Duration = Duration::from_secs(10);
    /// After the first failure, as TarsCpp, and after many.
    const FAILED: Duration = Duration::from_secs(2);
    const FAILED_OFTEN: Duration = Duration::from_secs(30);

    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, failures: 0 }
    }

    /// How long to wait after a lookup.
    pub(super) fn after(&mut self, ended: Ended) -> Duration {
        match ended {
            Ended::Found => {
                self.failures = 0;
                jitter::around(self.interval)
            }
            Ended::Empty => {
                self.failures = 0;
                jitter::around(Self::EMPTY.min(self.interval))
            }
            Ended::Failed => {
                self.failures = self.failures.saturating_add(1);
                let most = Self::FAILED_OFTEN.min(self.interval.max(Self::FAILED));
                jitter::upper_half(jitter::doubled(Self::FAILED, self.failures, most))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(wait: Duration, from: u64, to: u64) {
        assert!(
            (from..=to).contains(&u64::try_from(wait.as_millis()).unwrap()),
            "{wait:?}"
        );
    }

    #[test]
    fn failures_are_retried_soon_then_seldom() {
        let mut schedule = Schedule::new(Duration::from_mins(1));
        range(schedule.after(Ended::Found), 54_000, 66_000);
        for most in [2000, 4000, 8000, 16_000, 30_000, 30_000] {
            range(schedule.after(Ended::Failed), most / 2, most);
        }
        range(schedule.after(Ended::Empty), 9000, 11_000);
        range(schedule.after(Ended::Failed), 1000, 2000);
    }

    #[test]
    fn a_short_interval_is_never_made_longer() {
        let mut schedule = Schedule::new(Duration::from_secs(1));
        range(schedule.after(Ended::Empty), 900, 1100);
        for _ in 0..9 {
            range(schedule.after(Ended::Failed), 1000, 2000);
        }
    }
}
