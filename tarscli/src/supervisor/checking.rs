//! When the server is looked at, and what its checks mean. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// The first look after a start. The pause doubles until it is [`OFTEN`].
const SOON: Duration = Duration::from_millis(100);

/// Pause between two looks as long as the last one failed: what gets ready, or well again, is known at once.
const OFTEN: Duration = Duration::from_secs(1);

/// The checks of the server that runs.
#[derive(Debug)]
pub(super) struct Checking {
    interval: Duration,
    /// `None` while one runs.
    next: Option<Instant>,
    /// When the one that runs began.
    began: Instant,
    /// The pause after one that fails.
    pause: Duration,
    /// The last one succeeded.
    is_ready: bool,
    /// They fail since then; a start counts as a failure.
    failing: Option<Instant>,
}

/// What a check means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// As before.
    Nothing,
    /// Ready from now on.
    Ready,
    /// Not ready any more.
    NotReady,
}

impl Checking {
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            next: None,
            began: now,
            pause: SOON,
            is_ready: false,
            failing: Some(now),
        }
    }

    /// A server was started.
    pub(super) fn started(&mut self, now: Instant) {
        self.pause = SOON.min(self.interval);
        self.next = Some(now + self.pause);
        self.is_ready = false;
        self.failing = Some(now);
    }

    /// A server has ended.
    pub(super) fn ended(&mut self) {
        self.next = None;
        self.is_ready = false;
    }

    /// Looks again at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.next = self.next.map(|next| next.min(now));
    }

    /// When the next one is to begin. `None` while one runs.
    pub(super) fn due(&self) -> Option<Instant> {
        self.next
    }

    /// Whether one is to begin now; it has begun then.
    pub(super) fn begins(&mut self, now: Instant) -> bool {
        let is_due = self.next.is_some_and(|next| next <= now);
        if is_due {
            self.next = None;
            self.began = now;
        }
        is_due
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// For how long they have been failing.
    pub(super) fn failing(&self, now: Instant) -> Option<Duration> {
        self.failing.map(|since| now - since)
    }

    /// One has ended.
    pub(super) fn checked(&mut self, succeeded: bool, now: Instant) -> Meaning {
        if succeeded {
            self.next = Some(now + self.interval);
            self.failing = None;
            self.pause = OFTEN.min(self.interval);
            return if std::mem::replace(&mut self.is_ready, true) {
                Meaning::Nothing
            } else {
                Meaning::Ready
            };
        }
        self.next = Some(now + self.pause);
        self.pause = (self.pause * 2).min(OFTEN).min(self.interval);
        self.failing.get_or_insert(self.began);
        if std::mem::replace(&mut self.is_ready, false) {
            Meaning::NotReady
        } else {
            Meaning::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(10);

    /// Runs checks as they become due until `most` seconds are over. -> when they began, in milliseconds, and what they meant
    fn play(checking: &mut Checking, begin: Instant, results: &[bool]) -> Vec<(u128, Meaning)> {
        let check = |succeeded: &bool| {
            let due = checking.due().unwrap();
            assert!(!checking.begins(due.checked_sub(Duration::from_millis(1)).unwrap()));
            assert!(checking.begins(due));
            assert!(!checking.begins(due), "one at a time");
            ((due - begin).as_millis(), checking.checked(*succeeded, due))
        };
        results.iter().map(check).collect()
    }

    fn started() -> (Checking, Instant) {
        let now = Instant::now();
        let mut checking = Checking::new(INTERVAL, now);
        checking.started(now);
        (checking, now)
    }

    #[test]
    fn a_start_is_looked_at_often_and_a_ready_server_seldom() {
        let (mut checking, now) = started();
        let seen = play(
            &mut checking,
            now,
            &[false, false, false, false, false, false, true, true],
        );
        let times: Vec<_> = seen.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [100, 200, 400, 800, 1600, 2600, 3600, 13_600]);
        let meanings: Vec<_> = seen.iter().map(|(_, meaning)| *meaning).collect();
        assert_eq!(meanings[..6], [Meaning::Nothing; 6]);
        assert_eq!(meanings[6..], [Meaning::Ready, Meaning::Nothing]);
        assert_eq!(checking.failing(now), None);
    }

    #[test]
    fn a_failure_counts_at_once_and_is_looked_at_often() {
        let (mut checking, now) = started();
        let seen = play(&mut checking, now, &[true, false, false, true]);
        let expected = [
            (100, Meaning::Ready),
            (10_100, Meaning::NotReady),
            (11_100, Meaning::Nothing),
            (12_100, Meaning::Ready),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_failure_is_as_old_as_the_check_that_found_it() {
        let (mut checking, _) = started();
        let began = checking.due().unwrap();
        checking.begins(began);
        checking.checked(true, began);
        let began = checking.due().unwrap();
        checking.begins(began);
        let seconds = Duration::from_secs;
        checking.checked(false, began + seconds(5));
        assert_eq!(checking.failing(began + seconds(7)), Some(seconds(7)));
    }

    #[test]
    fn an_ended_server_is_not_looked_at() {
        let (mut checking, now) = started();
        play(&mut checking, now, &[true]);
        checking.ended();
        assert_eq!((checking.due(), checking.is_ready()), (None, false));
    }

    #[test]
    fn a_short_interval_bounds_every_pause() {
        let now = Instant::now();
        let mut checking = Checking::new(Duration::from_millis(50), now);
        checking.started(now);
        let seen = play(&mut checking, now, &[false, false, true, true]);
        let times: Vec<_> = seen.iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [50, 100, 150, 200]);
    }
}
