//! Token buckets by key, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

/// Keys with a bucket of their own. More at once share one: whoever makes up addresses gains nothing by it, and nobody's
/// bucket is forgotten before it is full again.
const BUCKETS: usize = 16_384;

/// How often full buckets are looked for at most when there is no room.
const SWEEP_PERIOD: Duration = Duration::from_secs(1);

/// How often each key may pass.
#[derive(Debug)]
pub(crate) struct RateLimit<K> {
    per_second: f64,
    burst: f64,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    buckets: HashMap<K, Bucket>,
    shared: Option<Bucket>,
    swept: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Hash + Eq> RateLimit<K> {
    #[expect(clippy::cast_precision_loss, reason = "both are at most a million")]
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            per_second: rate.per_second.get() as f64,
            burst: rate.burst.get() as f64,
            state: Mutex::new(State {
                buckets: HashMap::new(),
                shared: None,
                swept: None,
            }),
        }
    }

    /// Takes a token of `key`. Otherwise says how many seconds later there will be one.
    pub(crate) fn take(&self, key: K) -> Result<(), u64> {
        let now = Instant::now();
        let full = Bucket {
            tokens: self.burst,
            at: now,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.buckets.len() >= BUCKETS && !state.buckets.contains_key(&key) {
            self.sweep(&mut state, now);
        }
        let has_room = state.buckets.len() < BUCKETS || state.buckets.contains_key(&key);
        let bucket = if has_room {
            state.buckets.entry(key).or_insert(full)
        } else {
            state.shared.get_or_insert(full)
        };
        bucket.tokens = self.tokens(bucket, now);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Ok(())
        } else {
            Err(Self::seconds((1.0 - bucket.tokens) / self.per_second))
        }
    }

    fn tokens(&self, bucket: &Bucket, now: Instant) -> f64 {
        let gained = now.duration_since(bucket.at).as_secs_f64() * self.per_second;
        (bucket.tokens + gained).min(self.burst)
    }

    /// Forgets buckets that are full: a new one would be no different.
    fn sweep(&self, state: &mut State<K>, now: Instant) {
        if state.swept.is_none_or(|at| now.duration_since(at) >= SWEEP_PERIOD) {
            state.swept = Some(now);
            state.buckets.retain(|_, bucket| self.tokens(bucket, now) < self.burst);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most a second, rounded up"
    )]
    fn seconds(seconds: f64) -> u64 {
        seconds.ceil().max(1.0) as u64
    }
}

/// What stands for a client: one may have a whole IPv6 network of 64 bits.
pub(crate) fn by_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Number;

    fn rate(per_second: u64, burst: u64) -> Rate {
        Rate {
            per_second: Number::new(per_second),
            burst: Number::new(burst),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_bucket_empties_and_fills() {
        let limit = RateLimit::new(rate(2, 3));
        for _ in 0..3 {
            limit.take("a").unwrap();
        }
        assert_eq!(limit.take("a"), Err(1));
        limit.take("b").unwrap();
        tokio::time::advance(Duration::from_millis(500)).await;
        limit.take("a").unwrap();
        assert_eq!(limit.take("a"), Err(1));
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..10).filter(|_| limit.take("a").is_ok()).count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn strangers_cannot_push_others_out() {
        let limit = RateLimit::new(rate(1, 1));
        limit.take(0).unwrap();
        let passed = (1..3 * BUCKETS).filter(|&key| limit.take(key).is_ok()).count();
        assert_eq!(passed, BUCKETS, "each with a bucket once, and all the rest once");
        assert!(limit.state.lock().unwrap().buckets.len() <= BUCKETS);
        assert!(limit.take(0).is_err(), "still remembered");
        tokio::time::advance(SWEEP_PERIOD).await;
        limit.take(usize::MAX).unwrap();
        assert_eq!(limit.state.lock().unwrap().buckets.len(), 1, "full ones were forgotten");
    }

    #[test]
    fn a_client_is_an_address_or_an_ipv6_network() {
        for (address, network) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ] {
            let found = by_network(address.parse().unwrap());
            assert_eq!(found.to_string(), network);
        }
    }
}
