//! What to tell the registry next. Pure: how the calls ended goes in, the next call and the pause before it come out.

use std::time::Duration;

use crate::jitter;

/// A call of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `onStartup`
    Startup,
    /// `registerMetrics`
    Metrics,
    /// `keepAlive`, active
    Beat,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    /// Accepted, but the registry does not know the server.
    Forgotten,
    /// The registry does not want the request as it is.
    Refused,
    /// The registry is away or in trouble.
    Failed,
}

/// How long to wait before the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    None,
    /// Until the next beat.
    Beat,
    /// After so many failures in a row.
    Failures(u32),
    /// After a refusal: only an operator can change something.
    Refusal,
}

/// A server's dealings with the registry until it leaves.
#[derive(Debug)]
pub(super) struct Life {
    due: Step,
    has_metrics: bool,
    /// The metrics port is still to be told to the present registration.
    owes_metrics: bool,
    /// Calls that failed in a row.
    failures: u32,
}

impl Pause {
    /// Retries begin here and become as rare as the second.
    const FIRST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_secs(30);

    /// After a refusal.
    const REFUSAL: Duration = Duration::from_mins(1);

    /// The time to wait, with chance in it.
    pub(super) fn time(self, beat_interval: Duration) -> Duration {
        match self {
            Self::None => Duration::ZERO,
            Self::Beat => jitter::around(beat_interval),
            // Never longer than between two beats: a registry that is back must hear of the living before their lease is over.
            Self::Failures(count) => {
                let most = Self::MOST.min(beat_interval).max(Self::FIRST);
                jitter::full(jitter::doubled(Self::FIRST, count, most))
            }
            Self::Refusal => jitter::around(Self::REFUSAL),
        }
    }
}

impl Life {
    pub(super) fn new(has_metrics: bool) -> Self {
        Self {
            due: Step::Startup,
            has_metrics,
            owes_metrics: false,
            failures: 0,
        }
    }

    /// The call to make.
    pub(super) fn step(&self) -> Step {
        self.due
    }

    /// How many calls have failed in a row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Takes note of how the call ended. -> the pause before the next one
    pub(super) fn ended(&mut self, outcome: Outcome) -> Pause {
        self.failures = match outcome {
            Outcome::Accepted | Outcome::Forgotten => 0,
            Outcome::Refused | Outcome::Failed => self.failures.saturating_add(1),
        };
        match (self.due, outcome) {
            (Step::Startup, Outcome::Accepted | Outcome::Forgotten) => {
                self.owes_metrics = self.has_metrics;
                self.due = self.after_registering();
                Pause::None
            }
            // Being visible is more important: the beat comes next, a port that failed again after it.
            (Step::Metrics, outcome) => {
                self.owes_metrics = outcome == Outcome::Failed;
                self.due = Step::Beat;
                Pause::None
            }
            (Step::Beat, Outcome::Accepted) => {
                self.due = self.after_registering();
                Pause::Beat
            }
            (Step::Beat, Outcome::Forgotten) => {
                self.due = Step::Startup;
                Pause::None
            }
            (Step::Startup | Step::Beat, Outcome::Refused) => Pause::Refusal,
            (Step::Startup | Step::Beat, Outcome::Failed) => Pause::Failures(self.failures),
        }
    }

    fn after_registering(&self) -> Step {
        if self.owes_metrics { Step::Metrics } else { Step::Beat }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Accepted, Failed, Forgotten, Refused};
    use super::Step::{Beat, Metrics, Startup};
    use super::*;

    /// Plays outcomes and checks the calls they answer and the pauses they cause.
    fn play(has_metrics: bool, calls: &[(Step, Outcome, Pause)]) {
        let mut life = Life::new(has_metrics);
        for (index, (step, outcome, pause)) in calls.iter().enumerate() {
            assert_eq!(life.step(), *step, "call {index}");
            assert_eq!(life.ended(*outcome), *pause, "call {index}");
        }
    }

    #[test]
    fn registers_and_beats() {
        play(
            false,
            &[
                (Startup, Accepted, Pause::None),
                (Beat, Accepted, Pause::Beat),
                (Beat, Accepted, Pause::Beat),
            ],
        );
    }

    #[test]
    fn the_metrics_port_is_told_once_for_each_registration() {
        play(
            true,
            &[
                (Startup, Accepted, Pause::None),
                (Metrics, Accepted, Pause::None),
                (Beat, Accepted, Pause::Beat),
                (Beat, Forgotten, Pause::None),
                (Startup, Accepted, Pause::None),
                (Metrics, Refused, Pause::None),
                (Beat, Accepted, Pause::Beat),
                (Beat, Accepted, Pause::Beat),
            ],
        );
    }

    #[test]
    fn a_metrics_port_that_failed_never_holds_up_the_beats() {
        play(
            true,
            &[
                (Startup, Accepted, Pause::None),
                (Metrics, Failed, Pause::None),
                (Beat, Accepted, Pause::Beat),
                (Metrics, Accepted, Pause::None),
                (Beat, Accepted, Pause::Beat),
                (Beat, Accepted, Pause::Beat),
            ],
        );
    }

    #[test]
    fn failures_are_repeated_ever_more_slowly_and_refusals_slowly() {
        play(
            false,
            &[
                (Startup, Failed, Pause::Failures(1)),
                (Startup, Failed, Pause::Failures(2)),
                (Startup, Refused, Pause::Refusal),
                (Startup, Accepted, Pause::None),
                (Beat, Failed, Pause::Failures(1)),
                (Beat, Refused, Pause::Refusal),
                (Beat, Accepted, Pause::Beat),
            ],
        );
    }

    #[test]
    fn pauses_have_bounds() {
        let beat = Duration::from_secs(10);
        for count in 0..40 {
            assert!(Pause::Failures(count).time(beat) <= beat);
            assert!(Pause::Failures(count).time(beat * 10) <= Pause::MOST);
            assert!(Pause::Failures(1).time(beat) <= Pause::FIRST);
        }
        assert!((9_000..=11_000).contains(&Pause::Beat.time(beat).as_millis()));
        assert!(Pause::Refusal.time(beat) > Duration::from_secs(50));
        assert_eq!(Pause::None.time(beat), Duration::ZERO);
    }
}
