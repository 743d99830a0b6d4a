//! What to tell the registry next. Pure: how the calls ended goes in, the next call and the pause before it come out.

use std::time::Duration;

use super::instance::State;
use crate::jitter;

/// A call of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `onStartup` in this state
    Startup(State),
    /// `registerMetrics`
    Metrics,
    /// `keepAlive` with this state
    Beat(State),
    /// `onPrestop`
    Prestop,
}

/// What the instance's owner wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// What the registry is to think of it; `None` as long as nobody asks. Nothing follows `Deactivating`.
    pub(super) state: Option<State>,
    /// It is to be taken out.
    pub(super) out: bool,
    /// How often `deactivating` and `onPrestop` are tried at most, each.
    pub(super) tries: u32,
}

impl Wish {
    /// To be in a state.
    pub(super) fn to_be(state: Option<State>) -> Self {
        Self {
            state,
            out: false,
            tries: u32::MAX,
        }
    }

    pub(super) fn leaves(self) -> bool {
        self.out || self.state == Some(State::Deactivating)
    }
}

/// How far something is that is said once, when the instance leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Not said yet; it failed so many times.
    Due(u32),
    /// The registry took it.
    Told,
    /// Nobody can know the instance: there is nothing to say.
    Needless,
    /// The registry does not want it, or it was tried often enough.
    GivenUp,
}

impl Farewell {
    fn ended(self, outcome: Outcome, tries: u32) -> Self {
        match (self, outcome) {
            // Who is not known needs no farewell.
            (_, Outcome::Accepted | Outcome::Forgotten) => Self::Told,
            (Self::Due(failed), Outcome::Failed) if failed.saturating_add(1) < tries => Self::Due(failed + 1),
            (_, Outcome::Refused | Outcome::Failed) => Self::GivenUp,
        }
    }

    pub(super) fn is_due(self) -> bool {
        matches!(self, Self::Due(_))
    }
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
    /// After so many failures to say that the instance leaves: its time is short.
    Farewell(u32),
}

/// A server's dealings with the registry.
#[derive(Debug)]
pub(super) struct Life {
    wish: Wish,
    due: Due,
    /// The state that the registry took last, since it was last registered.
    told: Option<State>,
    /// The registry may know the instance.
    known: bool,
    /// Nothing went wrong with the last call: a change of state need not wait.
    well: bool,
    has_metrics: bool,
    metrics: Metrics,
    /// Calls that failed, and that were refused, since one was accepted. Those for the metrics are counted apart.
    failures: u32,
    refusals: u32,
    /// How often the server was forgotten since a beat was accepted.
    forgotten: u32,
    deactivation: Farewell,
    removal: Farewell,
}

/// What comes next for an instance that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Startup,
    Metrics,
    Beat,
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

    /// The same for who leaves: shorter, and not as if by lot, since the time it has is its own.
    const FIRST_FAREWELL: Duration = Duration::from_millis(200);
    const MOST_FAREWELL: Duration = Duration::from_secs(1);

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
            Self::Farewell(count) => {
                jitter::upper_half(jitter::doubled(Self::FIRST_FAREWELL, count, Self::MOST_FAREWELL))
            }
        }
    }
}

impl Life {
    /// Of an instance that is to be registered.
    pub(super) fn new(state: State, has_metrics: bool) -> Self {
        Self {
            wish: Wish::to_be(Some(state)),
            due: Due::Startup,
            told: None,
            known: false,
            well: false,
            has_metrics,
            metrics: Metrics::Settled,
            failures: 0,
            refusals: 0,
            forgotten: 0,
            deactivation: Farewell::Due(0),
            removal: Farewell::Due(0),
        }
    }

    /// Of one that somebody else has registered: nothing is said of it until something is to be.
    pub(super) fn resumed(has_metrics: bool) -> Self {
        Self {
            wish: Wish::to_be(None),
            due: Due::Beat,
            known: true,
            well: true,
            ..Self::new(State::Active, has_metrics)
        }
    }

    /// Takes a wish. -> whether the next call does not wait for the pause before it to end
    pub(super) fn wish(&mut self, wish: Wish) -> bool {
        let before = std::mem::replace(&mut self.wish, wish);
        if wish.leaves() && !self.known {
            (self.deactivation, self.removal) = (Farewell::Needless, Farewell::Needless);
        }
        if wish.leaves() {
            return (wish.out, wish.state) != (before.out, before.state);
        }
        // What goes wrong keeps its pause also when the state changes: many servers may lose the same thing at once.
        self.well && self.due == Due::Beat && self.told != wish.state
    }

    /// The call to make, if any.
    pub(super) fn step(&self) -> Option<Step> {
        if self.wish.out {
            return self.removal.is_due().then_some(Step::Prestop);
        }
        if self.wish.leaves() {
            return self.deactivation.is_due().then_some(Step::Beat(State::Deactivating));
        }
        let state = self.wish.state?;
        Some(match self.due {
            Due::Startup => Step::Startup(state),
            Due::Metrics => Step::Metrics,
            Due::Beat => Step::Beat(state),
        })
    }

    /// The call is on its way.
    pub(super) fn sent(&mut self, step: Step) {
        if let Step::Startup(_) = step {
            self.known = true;
            self.told = None;
        }
    }

    /// What has become of `deactivating`.
    pub(super) fn deactivation(&self) -> Farewell {
        self.deactivation
    }

    /// What has become of `onPrestop`.
    pub(super) fn removal(&self) -> Farewell {
        self.removal
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
    pub(super) fn ended(&mut self, step: Step, outcome: Outcome) -> Pause {
        if step == Step::Metrics {
            // Being visible is more important: the beat comes next, a port that could not be told again after some.
            self.metrics = match outcome {
                Outcome::Failed => Metrics::after_failures(self.metrics.failures().saturating_add(1)),
                Outcome::Accepted | Outcome::Forgotten | Outcome::Refused => Metrics::Settled,
            };
            self.due = Due::Beat;
            return Pause::None;
        }
        self.count(outcome);
        match step {
            Step::Metrics => Pause::None,
            Step::Startup(state) => self.startup_ended(state, outcome),
            Step::Beat(State::Deactivating) => {
                self.deactivation = self.deactivation.ended(outcome, self.wish.tries);
                Pause::Farewell(self.failures)
            }
            Step::Beat(state) => self.beat_ended(state, outcome),
            Step::Prestop => {
                self.removal = self.removal.ended(outcome, self.wish.tries);
                Pause::Farewell(self.failures)
            }
        }
    }

    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Accepted | Outcome::Forgotten => (self.failures, self.refusals) = (0, 0),
            Outcome::Refused => self.refusals = self.refusals.saturating_add(1),
            Outcome::Failed => self.failures = self.failures.saturating_add(1),
        }
        self.well = outcome == Outcome::Accepted;
    }

    fn startup_ended(&mut self, state: State, outcome: Outcome) -> Pause {
        match outcome {
            Outcome::Failed => Pause::Failures(self.failures),
            Outcome::Refused => Pause::Refusal,
            // The beat that follows shows whether the registry knows what it took.
            Outcome::Accepted | Outcome::Forgotten => {
                self.told = Some(state);
                self.due = if self.has_metrics { Due::Metrics } else { Due::Beat };
                self.metrics = Metrics::Settled;
                Pause::None
            }
        }
    }

    fn beat_ended(&mut self, state: State, outcome: Outcome) -> Pause {
        match outcome {
            Outcome::Failed => Pause::Failures(self.failures),
            Outcome::Refused => Pause::RefusedBeat,
            Outcome::Accepted => {
                self.told = Some(state);
                self.forgotten = 0;
                self.count_beat();
                Pause::Beat
            }
            // Only an accepted beat shows that registering helps: a registry that takes the registration and does not
            // know it is asked ever more slowly.
            Outcome::Forgotten => {
                self.told = None;
                self.forgotten = self.forgotten.saturating_add(1);
                self.due = Due::Startup;
                Pause::Forgotten(self.forgotten)
            }
        }
    }

    fn count_beat(&mut self) {
        if let Metrics::Owed { beats, .. } = &mut self.metrics {
            *beats = beats.saturating_sub(1);
            if *beats == 0 {
                self.due = Due::Metrics;
            }
        }
    }
}

#[cfg(test)]
mod tests;
