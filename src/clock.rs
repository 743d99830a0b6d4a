//! The only reader of the clock: tokio's, so that tests can pause time.

use std::time::Duration;

pub(crate) use tokio::time::Instant;

/// Now.
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A time so far away that it never comes, small enough to be added to any instant.
pub(crate) const NEVER: Duration = Duration::from_hours(24 * 365 * 30);

/// A positive number of milliseconds as it travels in `iTimeout`: rounded up, at least 1, at most what fits.
pub(crate) fn to_millis(duration: Duration) -> i32 {
    let millis = duration.as_micros().div_ceil(1000).max(1);
    i32::try_from(millis).unwrap_or(i32::MAX)
}
