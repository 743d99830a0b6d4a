//! Chance in waiting times, so that many processes do not do things at the same moment.

use std::time::Duration;

/// `duration`, up to a tenth more or less.
pub(crate) fn around(duration: Duration) -> Duration {
    duration.mul_f64(rand::random_range(0.9..=1.1))
}

/// At least half of `duration` and at most all of it.
pub(crate) fn upper_half(duration: Duration) -> Duration {
    duration.mul_f64(rand::random_range(0.5..=1.0))
}

/// Anything up to `duration`: what spreads the retries of many best.
pub(crate) fn full(duration: Duration) -> Duration {
    duration.mul_f64(rand::random_range(0.0..=1.0))
}

/// `first` doubled with each failure after the first one, `most` at most.
pub(crate) fn doubled(first: Duration, failures: u32, most: Duration) -> Duration {
    let factor = 1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(most)
}

/// A place of one of `count`, which is not 0.
pub(crate) fn below(count: usize) -> usize {
    rand::random_range(0..count)
}

/// A place to begin counting from.
pub(crate) fn start() -> usize {
    usize::from(rand::random::<u16>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubling_ends_at_the_most() {
        let (first, most) = (Duration::from_millis(500), Duration::from_secs(30));
        let waits: Vec<_> = (0..9).map(|failures| doubled(first, failures, most)).collect();
        let millis: Vec<_> = waits.iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [500, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(doubled(first, u32::MAX, most), most);
    }

    #[test]
    fn chance_stays_within_its_bounds() {
        let second = Duration::from_secs(1);
        for _ in 0..100 {
            assert!((900..=1100).contains(&around(second).as_millis()));
            assert!((500..=1000).contains(&upper_half(second).as_millis()));
            assert!(full(second) <= second);
        }
    }
}
