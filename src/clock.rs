//! The only reader of the clock: tokio's, so that tests can pause time, and the wall's for what people read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use tokio::time::Instant;

/// Now.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Milliseconds since 1970 by the system's clock, which may be set; 0 before that.
pub(crate) fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time so far away that it never comes, small enough to be added to any instant.
pub(crate) const NEVER: Duration = Duration::from_hours(24 * 365 * 30);

/// A positive number of milliseconds as it travels in `iTimeout`: rounded up, at least 1, at most what fits.
pub(crate) fn to_millis(duration: Duration) -> i32 {
    let millis = duration.as_micros().div_ceil(1000).max(1);
    i32::try_from(millis).unwrap_or(i32::MAX)
}
