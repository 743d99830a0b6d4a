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
    /// After the registry did not know the server, so many times since it last took a beat.
    Forgotten(u32),
    /// After it was refused to register: only an operator can change something.
    Refusal,
    /// After a refused beat. Beats cost little, and a registry forgets who is silent.
    RefusedBeat,
}

/// A server's dealings with the registry until it leaves.
#[derive(Debug)]
pub(super) struct Life {
    due: Step,
    has_metrics: bool,
    metrics: Metrics,
    /// Calls that failed, and that were refused, since one was accepted. Those for the metrics are counted apart.
    failures: u32,
    refusals: u32,
    /// How often the server was forgotten since a beat was accepted.
    forgotten: u32,
}

/// Whether the present registration has the metrics port.
#[derive(Debug)]
enum Metrics {
    Settled,
    /// It is to be told after so many accepted beats; telling it failed so many times.
    Owed {
        beats: u32,
        failures: u32,
    },
}

impl Metrics {
    /// A port that cannot be told is tried again after 1, 2, 4 ... beats, and at least this often.
    const SELDOM: u32 = 16;

    fn after_failures(failures: u32) -> Self {
        let beats = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        Self::Owed {
            beats: beats.min(Self::SELDOM),
            failures,
        }
    }

    fn failures(&self) -> u32 {
        match self {
            Self::Settled => 0,
            Self::Owed { failures, .. } => *failures,
        }
    }
}

impl Pause {
    /// Retries begin here and become as rare as the second.
    const FIRST: Duration = Duration::from_millis(500);
    const MOST: Duration = Duration::from_secs(30);

    /// After a refusal, at most.
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
            // Up to a second at first: a registry that lost its data has every server come at once.
            Self::Forgotten(count) => Self::Failures(count.saturating_add(1)).time(beat_interval),
            Self::Refusal => jitter::around(Self::REFUSAL),
            Self::RefusedBeat => jitter::around(Self::REFUSAL.min(beat_interval)),
        }
    }
}

impl Life {
    pub(super) fn new(has_metrics: bool) -> Self {
        Self {
            due: Step::Startup,
            has_metrics,
            metrics: Metrics::Settled,
            failures: 0,
            refusals: 0,
            forgotten: 0,
        }
    }

    /// The call to make.
    pub(super) fn step(&self) -> Step {
        self.due
    }

    /// How many calls have failed since one was accepted.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// How many were refused since then.
    pub(super) fn refusals(&self) -> u32 {
        self.refusals
    }

    /// How often telling the metrics port has failed.
    pub(super) fn metrics_failures(&self) -> u32 {
        self.metrics.failures()
    }

    /// How often the server was forgotten since a beat was accepted.
    pub(super) fn forgotten(&self) -> u32 {
        self.forgotten
    }

    /// Takes note of how the call ended. -> the pause before the next one
    pub(super) fn ended(&mut self, outcome: Outcome) -> Pause {
        if self.due == Step::Metrics {
            // Being visible is more important: the beat comes next, a port that could not be told again after some.
            self.metrics = match outcome {
                Outcome::Failed => Metrics::after_failures(self.metrics.failures().saturating_add(1)),
                Outcome::Accepted | Outcome::Forgotten | Outcome::Refused => Metrics::Settled,
            };
            self.due = Step::Beat;
            return Pause::None;
        }
        match outcome {
            Outcome::Accepted | Outcome::Forgotten => (self.failures, self.refusals) = (0, 0),
            Outcome::Refused => self.refusals = self.refusals.saturating_add(1),
            Outcome::Failed => self.failures = self.failures.saturating_add(1),
        }
        match (self.due, outcome) {
            (_, Outcome::Failed) => Pause::Failures(self.failures),
            (Step::Startup, Outcome::Refused) => Pause::Refusal,
            (Step::Startup, Outcome::Accepted | Outcome::Forgotten) => {
                self.due = if self.has_metrics { Step::Metrics } else { Step::Beat };
                self.metrics = Metrics::Settled;
                Pause::None
            }
            (_, Outcome::Refused) => Pause::RefusedBeat,
            (_, Outcome::Accepted) => {
                self.forgotten = 0;
                self.count_beat();
                Pause::Beat
            }
            // Only an accepted beat shows that registering helps: a registry that takes the registration and does not
            // know it is asked ever more slowly.
            (_, Outcome::Forgotten) => {
                self.forgotten = self.forgotten.saturating_add(1);
                self.due = Step::Startup;
                Pause::Forgotten(self.forgotten)
            }
        }
    }

    fn count_beat(&mut self) {
        if let Metrics::Owed { beats, .. } = &mut self.metrics {
            *beats = beats.saturating_sub(1);
            if *beats == 0 {
                self.due = Step::Metrics;
            }
        }
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
                (Beat, Forgotten, Pause::Forgotten(1)),
                (Startup, Accepted, Pause::None),
                (Metrics, Refused, Pause::None),
                (Beat, Accepted, Pause::Beat),
                (Beat, Accepted, Pause::Beat),
            ],
        );
    }

    #[test]
    fn a_metrics_port_that_failed_never_holds_up_the_beats() {
        let mut life = Life::new(true);
        life.ended(Accepted);
        let mut beats = Vec::new();
        for failures in 1..=7 {
            assert_eq!((life.step(), life.ended(Failed)), (Metrics, Pause::None));
            assert_eq!((life.metrics_failures(), life.failures()), (failures, 0));
            beats.push(0);
            while life.step() == Beat {
                assert_eq!(life.ended(Accepted), Pause::Beat);
                *beats.last_mut().unwrap() += 1;
            }
        }
        assert_eq!(beats, [1, 2, 4, 8, 16, 16, 16]);
        assert_eq!((life.step(), life.ended(Accepted)), (Metrics, Pause::None));
        for _ in 0..100 {
            assert_eq!((life.step(), life.ended(Accepted)), (Beat, Pause::Beat));
        }
    }

    #[test]
    fn a_registry_that_goes_on_forgetting_is_asked_ever_more_slowly() {
        let mut life = Life::new(false);
        for round in 1..=100 {
            assert_eq!((life.step(), life.ended(Accepted)), (Startup, Pause::None));
            assert_eq!((life.step(), life.ended(Forgotten)), (Beat, Pause::Forgotten(round)));
        }
        life.ended(Accepted);
        assert_eq!(life.ended(Accepted), Pause::Beat);
        assert_eq!(
            life.ended(Forgotten),
            Pause::Forgotten(1),
            "an accepted beat ends the row"
        );
        let beat = Duration::from_mins(1);
        for (count, most) in [(1, 1000), (2, 2000), (3, 4000), (6, 30_000), (u32::MAX, 30_000)] {
            let longest = (0..100).map(|_| Pause::Forgotten(count).time(beat).as_millis()).max();
            assert!(longest.is_some_and(|time| time <= most && time > most / 2), "{count}");
        }
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
                (Beat, Refused, Pause::RefusedBeat),
                (Beat, Failed, Pause::Failures(2)),
                (Beat, Refused, Pause::RefusedBeat),
                (Beat, Accepted, Pause::Beat),
                (Beat, Failed, Pause::Failures(1)),
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
        assert!(
            Pause::RefusedBeat.time(beat) <= Duration::from_secs(11),
            "a beat is due then"
        );
        assert!(Pause::RefusedBeat.time(beat * 100) <= Duration::from_secs(66));
        assert_eq!(Pause::None.time(beat), Duration::ZERO);
    }
}
