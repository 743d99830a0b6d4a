//! How the grace period is divided. Pure: times from the request to leave.
//!
//! ```text
//! 0          W              G-6            G-1    G
//! | told, served on         | onPrestop    |      |
//! |                         | the server is ended |
//! ```

use std::time::Duration;

use tokio::time::Instant;

use crate::cli;

/// What of the grace period is not for waiting.
const REST: Duration = Duration::from_secs(9);

/// Of that: until the hook returns and the server is ended, and until nobody tries to tell the registry any more. The
/// last second is for the end itself.
const HOOK: Duration = Duration::from_secs(3);
const TELL: Duration = Duration::from_secs(8);

/// The grace period and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// The server is served on so long.
    wait: Duration,
    /// The server runs so long at least, unless the registry has been told before.
    hook: Duration,
    /// The registry is told so long at most.
    tell: Duration,
    /// Everything has ended.
    whole: Duration,
}

impl Budget {
    /// The parts of a grace period: nine seconds of it are not for waiting. A wait that was asked for makes the grace
    /// period itself that wait and nine seconds. In a shorter one there is no wait, and the parts shrink alike: a third
    /// of it is `onPrestop`'s alone.
    pub(crate) fn new(grace: &cli::Grace) -> Self {
        let whole = grace
            .prestop_waittime
            .map_or(grace.grace_period, |wait| wait.saturating_add(REST));
        let wait = whole.saturating_sub(REST);
        let rest = whole.saturating_sub(wait);
        // Exact while nothing is cut: a fraction of nanoseconds is lost otherwise.
        let part = |part: Duration| wait + rest.mul_f64(part.div_duration_f64(REST)).min(part);
        Self {
            wait,
            hook: part(HOOK),
            tell: part(TELL),
            whole,
        }
    }

    /// The points in time, counted from the request to leave.
    pub(crate) fn from(self, start: Instant) -> Deadlines {
        Deadlines {
            wait: start + self.wait,
            hook: start + self.hook,
            tell: start + self.tell,
            end: start + self.whole,
        }
    }
}

/// A budget that is being spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadlines {
    /// Until then the server is served on.
    pub(crate) wait: Instant,
    /// Then the hook returns, and the server is ended whether the registry has been told or not.
    pub(crate) hook: Instant,
    /// Then the registry is not told any more.
    pub(crate) tell: Instant,
    /// Then everything has ended.
    pub(crate) end: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(grace: &str, wait: Option<&str>) -> [u128; 4] {
        let time = |text: &str| Duration::from_millis(text.parse().unwrap());
        let budget = Budget::new(&cli::Grace {
            grace_period: time(grace),
            prestop_waittime: wait.map(time),
        });
        [budget.wait, budget.hook, budget.tell, budget.whole].map(|part| part.as_millis())
    }

    #[test]
    fn the_parts_of_grace_periods() {
        for (grace, wait, expected) in [
            ("29000", None, [20_000, 23_000, 28_000, 29_000]),
            ("10000", None, [1000, 4000, 9000, 10_000]),
            ("9000", None, [0, 3000, 8000, 9000]),
            ("3000", None, [0, 1000, 2666, 3000]),
            ("100", None, [0, 33, 88, 100]),
            ("0", None, [0, 0, 0, 0]),
            ("29000", Some("80000"), [80_000, 83_000, 88_000, 89_000]),
            ("29000", Some("1000"), [1000, 4000, 9000, 10_000]),
            ("1000", Some("0"), [0, 3000, 8000, 9000]),
            ("3600000", None, [3_591_000, 3_594_000, 3_599_000, 3_600_000]),
        ] {
            assert_eq!(parts(grace, wait), expected, "grace {grace}, wait {wait:?}");
        }
    }

    #[test]
    fn the_order_is_kept_and_a_third_of_what_is_not_waited_is_for_the_registry() {
        for millis in (0..40_000).step_by(37) {
            let [wait, hook, tell, whole] = parts(&millis.to_string(), None);
            assert!(wait <= hook && hook <= tell && tell <= whole, "{millis}");
            assert!(hook - wait + 1 >= (whole - wait) / 3, "{millis}");
            assert_eq!(whole, millis);
        }
    }
}
