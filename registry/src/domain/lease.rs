//! How long an instance counts as alive, and when too many would end at once to believe it.

use std::time::{Duration, Instant};

use super::{InstanceKey, State};

/// An activation may take that long; nobody beats meanwhile (seconds).
const ACTIVATING: u32 = 300;

/// A server that drains may wait that long for its last clients; nobody beats meanwhile (seconds).
const LEAVING: u32 = 120;

/// The database's clock may go faster than ours by that much between two looks; and no faster than by a part of the lease.
const CLOCK_JUMP: Duration = Duration::from_secs(5);

/// What a slow answer may look like.
const CLOCK_JITTER: Duration = Duration::from_secs(1);

/// So many leases must be about to run out before one suspects the registry instead of the instances.
const PROTECTED_FROM: u64 = 10;

/// Leases in seconds, by the state an instance is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leases {
    /// Of one that serves, or says that it does not.
    pub(crate) serving: u32,
    /// Of one that starts.
    pub(crate) activating: u32,
    /// Of one that leaves.
    pub(crate) leaving: u32,
}

impl Leases {
    /// The leases that follow from the setting.
    pub(crate) fn of(seconds: u32) -> Self {
        Self {
            serving: seconds,
            activating: seconds.max(ACTIVATING),
            leaving: seconds.max(LEAVING),
        }
    }

    /// An age at which an instance has missed beats, although its lease runs: three quarters.
    pub(crate) fn silence(self) -> Self {
        let part = |seconds: u32| seconds - seconds / 4;
        Self {
            serving: part(self.serving),
            activating: part(self.activating),
            leaving: part(self.leaving),
        }
    }
}

/// An instance whose lease ran out, as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overdue {
    /// Its row in our own table.
    pub(crate) id: i64,
    /// Who.
    pub(crate) key: InstanceKey,
    /// Its last beat, as the database writes it.
    pub(crate) last_beat: String,
    /// The state its lease is counted by.
    pub(crate) state: String,
}

/// A look at all leases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Those that ran out, longest first, a bounded number.
    pub(crate) overdue: Vec<Overdue>,
    /// Leases that are not settled yet as expired or ended. 0 when there was no need to count.
    pub(crate) live: u64,
    /// Those of them whose instance has missed beats: what ran out, and what is about to.
    pub(crate) silent: u64,
}

/// What a look at the database came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Looked {
    /// The database's clock (milliseconds since some moment).
    pub(crate) clock: i64,
    /// The leases, if the lead is this replica's.
    pub(crate) census: Option<Census>,
}

/// What may be done about leases that ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They expire.
    Expire,
    /// Nobody expires: too many would at once.
    Protect(Change),
}

/// Whether a state is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Began,
    Lasts,
}

/// Decides whether instances may expire. Pure: the time is a parameter, and monotonic.
///
/// Two things keep a silent instance alive. The registry itself could not have heard it: nobody expires before beats could
/// be taken for a whole lease without a gap. And too many are silent at once, which is rather a network or a registry that
/// fails than so many servers: nobody expires for one more lease. That ends by itself, so that a system that really
/// shrank is not shown as it was for ever.
#[derive(Debug)]
pub(crate) struct Guard {
    lease: Duration,
    /// More than that share of all leases, in percent, is too many. `None`: never.
    percent: Option<u8>,
    /// Since when beats could be taken without a gap.
    since: Option<Instant>,
    /// When that was last seen.
    last: Option<Instant>,
    /// The database's clock then.
    clock: i64,
    protection: Protection,
}

#[derive(Clone, Copy, Debug)]
enum Protection {
    Off,
    On {
        since: Instant,
    },
    /// It lasted as long as it may, and begins again only after it was not needed any more.
    Over,
}

impl Guard {
    pub(crate) fn new(lease: Duration, percent: Option<u8>) -> Self {
        Self {
            lease,
            percent,
            since: None,
            last: None,
            clock: 0,
            protection: Protection::Off,
        }
    }

    /// Beats could be taken at `now`. Whoever beats tries again within a quarter of its lease at the latest: a longer gap
    /// may have cost beats. So has a jump of the database's clock (it was set, the machine slept, another machine took
    /// over): every lease looks older than it is by then.
    pub(crate) fn heard(&mut self, now: Instant, clock: i64) {
        let gap = (self.lease / 4).max(Duration::from_millis(500));
        let is_gap = |last| {
            let passed = now.duration_since(last);
            passed > gap || self.has_jumped(passed, clock)
        };
        if self.last.is_none_or(is_gap) {
            self.since = Some(now);
        }
        (self.last, self.clock) = (Some(now), clock);
    }

    fn has_jumped(&self, passed: Duration, clock: i64) -> bool {
        let allowed = CLOCK_JUMP.min(self.lease / 8).max(CLOCK_JITTER);
        let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let advance = clock.saturating_sub(self.clock);
        advance > milliseconds(passed).saturating_add(milliseconds(allowed)) || advance < -milliseconds(allowed)
    }

    /// Whether everybody who lives has had the time to say so.
    pub(crate) fn has_settled(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.duration_since(since) >= self.lease)
    }

    /// What may be done at `now` about what a census found.
    pub(crate) fn judge(&mut self, now: Instant, census: &Census) -> Verdict {
        let is_suspicious = self.percent.is_some_and(|percent| {
            census.silent >= PROTECTED_FROM && census.silent * 100 > census.live * u64::from(percent)
        });
        let (protection, verdict) = match self.protection {
            _ if !is_suspicious => (Protection::Off, Verdict::Expire),
            Protection::Off => (Protection::On { since: now }, Verdict::Protect(Change::Began)),
            Protection::On { since } if now.duration_since(since) < self.lease => {
                (Protection::On { since }, Verdict::Protect(Change::Lasts))
            }
            Protection::On { .. } | Protection::Over => (Protection::Over, Verdict::Expire),
        };
        self.protection = protection;
        verdict
    }
}

/// Whether a beat of the past is all there is to say of an instance: its rows are as the beat left them.
pub(crate) fn is_unchanged(beat: State, server_state: &str, lease_state: &str, draining: bool) -> bool {
    !draining && !beat.is_leaving() && server_state == beat.as_str() && lease_state == beat.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_mins(2);

    fn census(live: u64, silent: u64) -> Census {
        Census {
            live,
            silent,
            ..Census::default()
        }
    }

    /// A guard at its beginning, and moments by seconds since then.
    fn guard(percent: Option<u8>) -> (Guard, impl Fn(u64) -> Instant) {
        let begin = Instant::now();
        let mut guard = Guard::new(LEASE, percent);
        guard.heard(begin, 0);
        (guard, move |second| begin + Duration::from_secs(second))
    }

    /// Hears of the database every two seconds.
    fn hear(guard: &mut Guard, at: &impl Fn(u64) -> Instant, seconds: std::ops::RangeInclusive<u64>) {
        for second in seconds.step_by(2) {
            guard.heard(at(second), 1000 * i64::try_from(second).unwrap());
        }
    }

    #[test]
    fn leases_are_longer_for_who_starts_or_leaves() {
        let leases = Leases::of(120);
        assert_eq!((leases.serving, leases.activating, leases.leaving), (120, 300, 120));
        let leases = Leases::of(600);
        assert_eq!((leases.serving, leases.activating, leases.leaving), (600, 600, 600));
        let silence = Leases::of(1).silence();
        assert_eq!((silence.serving, silence.activating, silence.leaving), (1, 225, 90));
    }

    #[test]
    fn nobody_expires_within_a_lease_after_the_start() {
        let (mut guard, at) = guard(None);
        assert!(!Guard::new(LEASE, None).has_settled(at(1000)));
        hear(&mut guard, &at, 0..=120);
        assert!(!guard.has_settled(at(119)));
        assert!(guard.has_settled(at(120)));
    }

    #[test]
    fn nor_within_a_lease_after_the_database_was_away() {
        let (mut guard, at) = guard(None);
        hear(&mut guard, &at, 0..=120);
        guard.heard(at(150), 150_000); // a short gap costs no beats
        assert!(guard.has_settled(at(150)));
        guard.heard(at(181), 181_000);
        assert!(!guard.has_settled(at(300)));
        assert!(guard.has_settled(at(301)));
    }

    #[test]
    fn nor_after_a_jump_of_the_clock() {
        for (clock, is_jump) in [
            (122_000, false),
            (126_900, false),
            (302_000, true),
            (119_500, false),
            (60_000, true),
        ] {
            let (mut guard, at) = guard(None);
            hear(&mut guard, &at, 0..=120);
            guard.heard(at(122), clock);
            assert_eq!(guard.has_settled(at(122)), !is_jump, "{clock}");
            guard.heard(at(124), clock + 2000);
            assert_eq!(guard.has_settled(at(124)), !is_jump, "{clock}");
        }
    }

    #[test]
    fn too_many_at_once_do_not_expire() {
        let verdict = |percent, live, silent| {
            let (mut guard, at) = guard(percent);
            guard.judge(at(0), &census(live, silent))
        };
        let protects = Verdict::Protect(Change::Began);
        assert_eq!(verdict(Some(30), 33, 10), protects);
        assert_eq!(verdict(Some(30), 100, 31), protects);
        assert_eq!(verdict(Some(30), 100, 30), Verdict::Expire, "more than 30 %");
        assert_eq!(verdict(Some(30), 9, 9), Verdict::Expire, "at least ten");
        assert_eq!(verdict(Some(30), 10, 10), protects);
        assert_eq!(verdict(Some(100), 10, 10), Verdict::Expire);
        assert_eq!(verdict(None, 100, 100), Verdict::Expire);
    }

    #[test]
    fn a_protection_ends_after_a_lease_and_begins_again_only_after_a_rest() {
        let (mut guard, at) = guard(Some(30));
        let (many, few) = (census(100, 50), census(100, 5));
        assert_eq!(guard.judge(at(0), &many), Verdict::Protect(Change::Began));
        assert_eq!(guard.judge(at(119), &many), Verdict::Protect(Change::Lasts));
        assert_eq!(guard.judge(at(120), &many), Verdict::Expire);
        assert_eq!(guard.judge(at(122), &many), Verdict::Expire, "until all are out");
        assert_eq!(guard.judge(at(124), &few), Verdict::Expire);
        assert_eq!(guard.judge(at(126), &many), Verdict::Protect(Change::Began));
        assert_eq!(guard.judge(at(128), &few), Verdict::Expire, "they are back");
    }

    #[test]
    fn a_beat_of_the_past_counts_only_for_what_it_says() {
        assert!(is_unchanged(State::Active, "active", "active", false));
        assert!(!is_unchanged(State::Active, "active", "active", true));
        assert!(!is_unchanged(State::Active, "inactive", "active", false));
        assert!(!is_unchanged(State::Inactive, "inactive", "expired", false));
        assert!(!is_unchanged(
            State::Deactivating,
            "deactivating",
            "deactivating",
            false
        ));
    }
}
