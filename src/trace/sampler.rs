//! Which calls begin a chain.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::random;

use crate::clock::{self, Instant};

/// Keys that are told apart; what comes on top shares one turn.
const MAX_KEYS: usize = 10_000;

/// Decides where a chain begins whether this call is to be traced. It decides once, at the root: what travels is traced.
///
/// ```
/// use std::time::Duration;
/// use tars::trace::{Flags, Sampler, Trace};
///
/// let sampler = Sampler::interval(Duration::from_secs(60));
/// let trace = sampler.sample("TestApp.HelloServer.HelloObj:sayHello").then(|| Trace::root(Flags::ALL, 1));
/// assert!(trace.is_some());
/// assert!(!sampler.sample("TestApp.HelloServer.HelloObj:sayHello")); // the next one in a minute
/// ```
#[derive(Debug)]
pub struct Sampler {
    rule: Rule,
}

#[derive(Debug)]
enum Rule {
    Off,
    Interval(Duration, Mutex<Turns>),
    Probability(f64),
}

impl Sampler {
    /// No call.
    #[must_use]
    pub const fn off() -> Self {
        Self { rule: Rule::Off }
    }

    /// One call of each key in an interval, the first at once. The memory is bounded: beyond 10,000 keys in an interval
    /// the others share one turn.
    #[must_use]
    pub fn interval(interval: Duration) -> Self {
        Self {
            rule: Rule::Interval(interval, Mutex::default()),
        }
    }

    /// Each call with this probability, from 0 to 1.
    #[must_use]
    pub const fn probability(probability: f64) -> Self {
        Self {
            rule: Rule::Probability(probability),
        }
    }

    /// Whether this call of `key`, such as object and function, is to be traced.
    pub fn sample(&self, key: &str) -> bool {
        match &self.rule {
            Rule::Off => false,
            Rule::Probability(probability) => random::<f64>() < *probability,
            Rule::Interval(interval, turns) => {
                let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
                turns.take(key, *interval, clock::now())
            }
        }
    }
}

/// When each key had its last turn.
#[derive(Debug, Default)]
struct Turns {
    last: HashMap<String, Instant>,
    /// When forgetting keys is of use again.
    forget: Option<Instant>,
}

impl Turns {
    fn take(&mut self, key: &str, interval: Duration, now: Instant) -> bool {
        let mut key = key;
        if !self.last.contains_key(key) && self.last.len() >= MAX_KEYS && !self.make_room(interval, now) {
            key = "";
        }
        match self.last.get_mut(key) {
            Some(last) if now.saturating_duration_since(*last) < interval => false,
            Some(last) => {
                *last = now;
                true
            }
            None => {
                self.last.insert(key.to_owned(), now);
                true
            }
        }
    }

    /// Forgets the keys whose turn has come again. It looks for them only when there are some.
    fn make_room(&mut self, interval: Duration, now: Instant) -> bool {
        if self.forget.is_some_and(|forget| now < forget) {
            return false;
        }
        self.last
            .retain(|_, last| now.saturating_duration_since(*last) < interval);
        self.forget = self
            .last
            .values()
            .min()
            .map(|&oldest| oldest + interval.min(clock::NEVER));
        self.last.len() < MAX_KEYS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_key_has_its_turn_once_an_interval() {
        let sampler = Sampler::interval(Duration::from_secs(10));
        let sample = |key| sampler.sample(key);
        assert_eq!([sample("a"), sample("a"), sample("b")], [true, false, true]);
        tokio::time::advance(Duration::from_millis(9_999)).await;
        assert!(!sample("a"));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!([sample("a"), sample("a"), sample("b")], [true, false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn keys_without_number_take_bounded_memory() {
        let sampler = Sampler::interval(Duration::from_secs(10));
        let taken = (0..3 * MAX_KEYS).filter(|n| sampler.sample(&n.to_string())).count();
        assert_eq!(taken, MAX_KEYS + 1);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(sampler.sample("new"));
        let Rule::Interval(_, turns) = &sampler.rule else {
            unreachable!()
        };
        assert_eq!(turns.lock().unwrap().last.len(), 1);
    }

    #[test]
    fn probabilities() {
        for (sampler, range) in [
            (Sampler::off(), 0..=0),
            (Sampler::probability(0.0), 0..=0),
            (Sampler::probability(1.0), 1000..=1000),
            (Sampler::probability(f64::NAN), 0..=0),
            (Sampler::probability(0.5), 300..=700),
        ] {
            let taken = (0..1000).filter(|_| sampler.sample("a")).count();
            assert!(range.contains(&taken), "{sampler:?}: {taken}");
        }
    }
}
