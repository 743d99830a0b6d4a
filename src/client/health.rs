//! When an endpoint is set aside: how calls fare there. No connections and no clock, time is handed in.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Instant;

/// How the calls of one object fare at one endpoint.
///
/// A failure is a call without an answer: none came in time, or the connection broke. Whatever a server answers is an
/// answer, an error too. How much a call tells that had no answer says [`Unanswered`]. An endpoint is set aside
///
/// - after [`RUN`] failures in a row that took [`RUN_TIME`] at least, so that a short pause of many calls at once does
///   not count, or
/// - when in [`WINDOW`] at least [`MIN_CALLS`] calls ended and half of them or more failed,
///
/// close to TarsGo's rule. It comes back when a probe is answered.
#[derive(Debug, Default)]
pub(super) struct Health {
    aside: AtomicBool,
    /// Failures since the last answer.
    run: AtomicU32,
    /// Answers of the present window.
    answers: AtomicU32,
    record: Mutex<Record>,
}

/// What a call without an answer tells. Its caller chooses how long it waits, and that may be a caller of this process
/// who has no time at all: it must not look as if the endpoint had failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// Nothing: nobody could have answered.
    TooSoon,
    /// A little: it is one of a row, which any answer ends.
    Doubtful,
    /// It is a failure.
    Failure,
}

impl Unanswered {
    /// Shorter waits tell nothing.
    const DOUBTFUL: Duration = Duration::from_millis(100);
    /// Longer ones are failures.
    const FAILURE: Duration = Duration::from_millis(500);

    /// Of a call that ran out of time after it `waited`, `usual` being the time that calls have.
    pub(super) fn timed_out(waited: Duration, usual: Duration) -> Self {
        if waited >= Self::FAILURE.min(usual) {
            Self::Failure
        } else {
            Self::given_up(waited, usual)
        }
    }

    /// Of a call that was dropped after it `waited`: by a layer, by whoever asked two endpoints at a time, or because
    /// the caller's own caller is gone.
    pub(super) fn given_up(waited: Duration, usual: Duration) -> Self {
        if waited >= Self::DOUBTFUL.min(usual) {
            Self::Doubtful
        } else {
            Self::TooSoon
        }
    }
}

/// What only failures change.
#[derive(Debug, Default)]
struct Record {
    /// When the run of failures began.
    run_began: Option<Instant>,
    /// When the window began, with a failure, and the failures in it.
    window_began: Option<Instant>,
    failures: u32,
    /// The last connection that broke.
    broken: u32,
    probe: Probe,
}

/// Whether it is time to see if the endpoint is back.
#[derive(Debug, Default)]
enum Probe {
    #[default]
    None,
    At(Instant),
    Running,
}

pub(super) const RUN: u32 = 5;
pub(super) const RUN_TIME: Duration = Duration::from_secs(1);
pub(super) const WINDOW: Duration = Duration::from_mins(1);
pub(super) const MIN_CALLS: u32 = 20;

/// How long an endpoint is left alone before it is probed, each time.
pub(super) const PAUSE: Duration = Duration::from_secs(5);

impl Health {
    pub(super) fn is_aside(&self) -> bool {
        self.aside.load(Ordering::Relaxed)
    }

    /// Takes note of an answer.
    pub(super) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        if self.run.load(Ordering::Relaxed) != 0 {
            self.run.store(0, Ordering::Relaxed);
        }
    }

    /// Takes note of a call that was not answered. `true` when this sets the endpoint aside.
    pub(super) fn unanswered(&self, call: Unanswered, now: Instant) -> bool {
        match call {
            Unanswered::TooSoon => false,
            Unanswered::Doubtful => {
                let mut record = self.lock();
                let is_long_row = self.row_grows(&mut record, now);
                is_long_row && self.set_aside(&mut record, now)
            }
            Unanswered::Failure => self.failed(&mut self.lock(), now),
        }
    }

    /// Takes note of a call whose connection, counted from 1, broke. All calls that were on it are one failure.
    pub(super) fn broken(&self, connection: u32, now: Instant) -> bool {
        let mut record = self.lock();
        if record.broken == connection {
            return false;
        }
        record.broken = connection;
        self.failed(&mut record, now)
    }

    fn failed(&self, record: &mut Record, now: Instant) -> bool {
        let is_long_row = self.row_grows(record, now);
        let poor = self.closes_poor_window(record, now);
        record.failures = record.failures.saturating_add(1);
        (is_long_row || poor) && self.set_aside(record, now)
    }

    /// Counts a failure since the last answer; whether there are enough of them.
    fn row_grows(&self, record: &mut Record, now: Instant) -> bool {
        let run = self.run.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if run == 1 {
            record.run_began = Some(now);
        }
        run >= RUN && record.run_began.is_some_and(|began| now >= began + RUN_TIME)
    }

    /// -> `false` when it is set aside already
    fn set_aside(&self, record: &mut Record, now: Instant) -> bool {
        if self.is_aside() {
            return false;
        }
        record.probe = Probe::At(now + PAUSE);
        self.aside.store(true, Ordering::Relaxed);
        true
    }

    /// Begins a new window when the old one is over; whether that one was poor.
    fn closes_poor_window(&self, record: &mut Record, now: Instant) -> bool {
        match record.window_began {
            Some(began) if now < began + WINDOW => false,
            ended => {
                let answers = self.answers.swap(0, Ordering::Relaxed);
                let failures = std::mem::take(&mut record.failures);
                record.window_began = Some(now);
                ended.is_some() && answers.saturating_add(failures) >= MIN_CALLS && failures >= answers
            }
        }
    }

    /// Whether a probe is due. Who is told so makes it, and nobody else until it has [ended](Self::probed).
    pub(super) fn begins_probe(&self, now: Instant) -> bool {
        if !self.is_aside() {
            return false;
        }
        let mut record = self.lock();
        let is_due = matches!(record.probe, Probe::At(at) if now >= at);
        if is_due {
            record.probe = Probe::Running;
        }
        is_due
    }

    /// Takes note of how a probe ended.
    pub(super) fn probed(&self, answered: bool, now: Instant) {
        let mut record = self.lock();
        if answered {
            *record = Record {
                broken: record.broken,
                ..Record::default()
            };
            self.run.store(0, Ordering::Relaxed);
            self.answers.store(0, Ordering::Relaxed);
            self.aside.store(false, Ordering::Relaxed);
        } else {
            record.probe = Probe::At(now + PAUSE);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        // Nothing inside can panic half-way.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Unanswered::{Doubtful, Failure, TooSoon};
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn failures_in_a_row_set_aside_once_they_last() {
        let (health, now) = (Health::default(), clock::now());
        for _ in 0..100 {
            assert!(!health.unanswered(Failure, now), "a short pause of many calls");
        }
        assert!(health.unanswered(Failure, now + SECOND));
        assert!(health.is_aside());
        assert!(!health.unanswered(Failure, now + SECOND), "said once");
    }

    #[test]
    fn an_answer_ends_the_row() {
        let (health, now) = (Health::default(), clock::now());
        for second in 0..10 {
            assert!(!health.unanswered(Failure, now + SECOND * second));
            if second % 4 == 3 {
                health.answered();
            }
        }
        assert!(!health.is_aside());
    }

    #[test]
    fn calls_of_one_broken_connection_are_one_failure() {
        let (health, now) = (Health::default(), clock::now());
        for connection in 1..=4 {
            for _ in 0..100 {
                assert!(!health.broken(connection, now + SECOND * connection));
            }
        }
        assert!(health.broken(5, now + SECOND * 5));
    }

    #[test]
    fn half_of_a_window_that_fails_sets_aside() {
        for (answers, is_aside) in [(30, true), (31, false)] {
            let (health, now) = (Health::default(), clock::now());
            for _ in 0..1000 {
                health.answered(); // before the window, which begins with a failure
            }
            health.unanswered(Failure, now);
            for call in 1..30 {
                health.answered();
                health.unanswered(Failure, now + SECOND * call);
            }
            for _ in 29..answers {
                health.answered();
            }
            assert!(!health.is_aside(), "the window is not over");
            assert_eq!(health.unanswered(Failure, now + WINDOW), is_aside, "{answers} answers");
        }
    }

    #[test]
    fn few_calls_say_nothing() {
        let (health, now) = (Health::default(), clock::now());
        for call in 0..9 {
            health.unanswered(Failure, now + SECOND * call);
            health.answered();
        }
        assert!(!health.unanswered(Failure, now + WINDOW));
    }

    #[test]
    fn one_probe_at_a_time_until_one_is_answered() {
        let (health, now) = (Health::default(), clock::now());
        assert!(!health.begins_probe(now + PAUSE));
        for call in 0..RUN {
            health.unanswered(Failure, now + SECOND * call);
        }
        let aside = now + SECOND * (RUN - 1);
        assert!(health.is_aside());
        assert!(!health.begins_probe(aside), "left alone for a while");
        assert!(health.begins_probe(aside + PAUSE));
        assert!(!health.begins_probe(aside + PAUSE * 9), "one at a time");
        health.probed(false, aside + PAUSE);
        health.answered();
        assert!(health.is_aside(), "a late answer is no probe");
        assert!(!health.begins_probe(aside + PAUSE));
        assert!(health.begins_probe(aside + PAUSE * 2));
        health.probed(true, aside + PAUSE * 2);
        assert!(!health.is_aside());
        assert!(!health.unanswered(Failure, aside + PAUSE * 2), "it begins anew");
    }

    #[test]
    fn a_wait_tells_as_much_as_it_was_long() {
        let millis = Duration::from_millis;
        let usual = millis(3000);
        for (waited, timed_out, given_up) in [
            (5, TooSoon, TooSoon),
            (99, TooSoon, TooSoon),
            (100, Doubtful, Doubtful),
            (499, Doubtful, Doubtful),
            (500, Failure, Doubtful),
            (9000, Failure, Doubtful),
        ] {
            assert_eq!(Unanswered::timed_out(millis(waited), usual), timed_out, "{waited}");
            assert_eq!(Unanswered::given_up(millis(waited), usual), given_up, "{waited}");
        }
        // Where calls have less time, that is a failure.
        assert_eq!(Unanswered::timed_out(millis(50), millis(50)), Failure);
        assert_eq!(Unanswered::given_up(millis(50), millis(50)), Doubtful);
        assert_eq!(Unanswered::timed_out(millis(5), millis(50)), TooSoon);
    }

    #[test]
    fn callers_without_patience_set_nothing_aside() {
        let (health, now) = (Health::default(), clock::now());
        for call in 0..1000 {
            assert!(!health.unanswered(TooSoon, now + SECOND * call));
        }
        for call in 0..1000 {
            assert!(!health.unanswered(Doubtful, now + SECOND * call), "half of a window");
            health.answered();
        }
        for call in 0..4 {
            assert!(!health.unanswered(Doubtful, now + SECOND * call));
        }
        assert!(health.unanswered(Doubtful, now + SECOND * 4), "a row without an answer");
        assert!(health.is_aside());
        assert!(!health.unanswered(Doubtful, now + SECOND * 5), "said once");
    }
}
