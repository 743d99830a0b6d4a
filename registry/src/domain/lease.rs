//! How long an instance counts as alive, and when too many would end at once to believe it.

use std::time::{Duration, Instant};

use super::{InstanceKey, State};

/// An activation may take that long; nobody beats meanwhile (seconds).
const ACTIVATING: u32 = 300;

/// A server that drains may wait that long for its last clients; nobody beats meanwhile (seconds).
const LEAVING: u32 = 120;

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
            protection: Protection::Off,
        }
    }

    /// Beats could be taken at `now`. Whoever beats tries again within a quarter of its lease at the latest: a longer gap
    /// may have cost beats.
    pub(crate) fn heard(&mut self, now: Instant) {
        let gap = (self.lease / 4).max(Duration::from_millis(500));
        if self.last.is_none_or(|last| now.duration_since(last) > gap) {
            self.since = Some(now);
        }
        self.last = Some(now);
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
