//! Whether a server that ended is started again, and when. Pure.

use std::time::Duration;

/// The operator's wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// New starts in a row.
    pub(super) limit: u32,
    /// Longest pause before the first of them; it doubles with each.
    pub(super) first: Duration,
    /// It does not get longer.
    pub(super) most: Duration,
    /// A run of that length ends the row.
    pub(super) reset: Duration,
}

/// The new starts so far.
#[derive(Debug)]
pub(super) struct Restarts {
    policy: Policy,
    in_row: u32,
    total: u32,
}

impl Restarts {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            policy,
            in_row: 0,
            total: 0,
        }
    }

    /// All of them.
    pub(super) fn total(&self) -> u32 {
        self.total
    }

    /// The server ended after it `ran` so long. -> the pause before it is started again, `None` when it is not. `chance`
    /// is a number from 0 to 1: anything up to the longest pause spreads the starts of many best.
    pub(super) fn ended(&mut self, ran: Duration, chance: f64) -> Option<Duration> {
        if ran >= self.policy.reset {
            self.in_row = 0;
        }
        if self.in_row >= self.policy.limit {
            return None;
        }
        let factor = 1_u32.checked_shl(self.in_row).unwrap_or(u32::MAX);
        let longest = self.policy.first.saturating_mul(factor).min(self.policy.most);
        self.in_row += 1;
        self.total = self.total.saturating_add(1);
        Some(longest.mul_f64(chance.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy {
        limit: 10,
        first: Duration::from_secs(1),
        most: Duration::from_mins(1),
        reset: Duration::from_mins(5),
    };

    fn pauses(policy: Policy, runs: &[u64], chance: f64) -> Vec<Option<u128>> {
        let mut restarts = Restarts::new(policy);
        runs.iter()
            .map(|ran| restarts.ended(Duration::from_secs(*ran), chance))
            .map(|pause| pause.map(|pause| pause.as_millis()))
            .collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_then_it_is_enough() {
        let seconds = [1, 2, 4, 8, 16, 32, 60, 60, 60, 60].map(|seconds| Some(seconds * 1000));
        let mut expected = Vec::from(seconds);
        expected.push(None);
        assert_eq!(pauses(POLICY, &[0; 11], 1.0), expected);
    }

    #[test]
    fn chance_takes_any_part_of_them() {
        assert_eq!(pauses(POLICY, &[0; 3], 0.0), [Some(0); 3]);
        assert_eq!(pauses(POLICY, &[0; 3], 0.25), [Some(250), Some(500), Some(1000)]);
        assert_eq!(pauses(POLICY, &[0], f64::INFINITY), [Some(1000)]);
    }

    #[test]
    fn a_long_run_counts_as_the_first() {
        let pauses = pauses(POLICY, &[0, 299, 300, 0, 86_400], 1.0);
        assert_eq!(pauses, [Some(1000), Some(2000), Some(1000), Some(2000), Some(1000)]);
    }

    #[test]
    fn limits() {
        let limit = |limit| Policy { limit, ..POLICY };
        assert_eq!(pauses(limit(0), &[0, 1000], 1.0), [None, None], "never");
        assert_eq!(pauses(limit(1), &[0, 0, 300], 1.0), [Some(1000), None, Some(1000)]);
        let mut restarts = Restarts::new(limit(u32::MAX));
        for _ in 0..100 {
            assert!(restarts.ended(Duration::ZERO, 1.0).is_some());
        }
        assert_eq!(restarts.total(), 100);
    }
}
