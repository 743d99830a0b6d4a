//! Token buckets by key, in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;
use crate::object::ObjectName;

/// Keys with a bucket of their own: nobody's bucket is forgotten before it is full again. The groups of more at once
/// share other buckets.
const BUCKETS: usize = 16_384;

/// Keys of one group with a bucket of their own: whoever can make up keys of one group leaves room for the others.
const GROUP: usize = BUCKETS / 16;

/// Buckets that are shared. Nobody knows which groups share one, so nobody can empty the bucket of another on purpose.
const SHARED: usize = 512;

/// How often full buckets are looked for at most when there is no room.
const SWEEP_PERIOD: Duration = Duration::from_secs(1);

/// What is limited, and the group of those that one party can make up.
pub(crate) trait Grouped: Hash + Eq {
    /// Such a group.
    type Group: Hash + Eq + std::fmt::Debug;

    /// The group it is in.
    fn group(&self) -> Self::Group;
}

/// How often each key may pass.
#[derive(Debug)]
pub(crate) struct RateLimit<K: Grouped> {
    per_second: f64,
    burst: f64,
    hasher: RandomState,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K: Grouped> {
    buckets: HashMap<K, Bucket>,
    /// How many of them each group has.
    groups: HashMap<K::Group, usize>,
    shared: Vec<Option<Bucket>>,
    swept: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl<K: Grouped> RateLimit<K> {
    #[expect(clippy::cast_precision_loss, reason = "both are at most a million")]
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            per_second: rate.per_second.get() as f64,
            burst: rate.burst.get() as f64,
            hasher: RandomState::new(),
            state: Mutex::new(State {
                buckets: HashMap::new(),
                groups: HashMap::new(),
                shared: vec![None; SHARED],
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
        let bucket = self.bucket(&mut state, key, full);
        bucket.tokens = self.tokens(bucket, now);
        bucket.at = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            Ok(())
        } else {
            Err(Self::seconds((1.0 - bucket.tokens) / self.per_second))
        }
    }

    /// The bucket of `key`; `full` when it has none yet.
    fn bucket<'a>(&self, state: &'a mut State<K>, key: K, full: Bucket) -> &'a mut Bucket {
        if !state.buckets.contains_key(&key) {
            let group = key.group();
            if !state.has_room(&group) {
                self.sweep(state, full.at);
            }
            if !state.has_room(&group) {
                let place = self.hasher.hash_one(&group) % SHARED as u64;
                let place = usize::try_from(place).expect("less than SHARED");
                return state.shared[place].get_or_insert(full);
            }
            *state.groups.entry(group).or_default() += 1;
        }
        state.buckets.entry(key).or_insert(full)
    }

    fn tokens(&self, bucket: &Bucket, now: Instant) -> f64 {
        let gained = now.duration_since(bucket.at).as_secs_f64() * self.per_second;
        (bucket.tokens + gained).min(self.burst)
    }

    /// Forgets buckets that are full: a new one would be no different.
    fn sweep(&self, state: &mut State<K>, now: Instant) {
        if state.swept.is_none_or(|at| now.duration_since(at) >= SWEEP_PERIOD) {
            state.swept = Some(now);
            let State { buckets, groups, .. } = state;
            buckets.retain(|key, bucket| {
                let is_kept = self.tokens(bucket, now) < self.burst;
                if !is_kept && let Some(count) = groups.get_mut(&key.group()) {
                    *count -= 1;
                }
                is_kept
            });
            groups.retain(|_, count| *count > 0);
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

impl<K: Grouped> State<K> {
    /// Whether one more of the group may have a bucket.
    fn has_room(&self, group: &K::Group) -> bool {
        self.buckets.len() < BUCKETS && self.groups.get(group).is_none_or(|&count| count < GROUP)
    }
}

/// What stands for a client: one may have a whole IPv6 network of 64 bits, and many of those in one of 48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Network(IpAddr);

impl Network {
    /// The network of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => leading(address, 64).into(),
        })
    }
}

impl Grouped for Network {
    type Group = IpAddr;

    fn group(&self) -> IpAddr {
        match self.0 {
            IpAddr::V4(address) => address.into(),
            IpAddr::V6(address) => leading(address, 48).into(),
        }
    }
}

/// The objects of one application: where an application is allowed, callers can make up the rest of the name.
impl Grouped for ObjectName {
    type Group = String;

    fn group(&self) -> String {
        self.as_str().split('.').next().unwrap_or_default().to_owned()
    }
}

fn leading(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    let rest = 128 - bits;
    Ipv6Addr::from_bits(address.to_bits() >> rest << rest)
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

    impl Grouped for &str {
        type Group = String;

        fn group(&self) -> String {
            (*self).to_owned()
        }
    }

    /// A network of 64 bits in one of 48.
    fn network(outer: usize, inner: usize) -> Network {
        Network::of(format!("2001:db8:{outer:x}:{inner:x}::1").parse().unwrap())
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
        let first = network(0, 0);
        limit.take(first).unwrap();
        let keys = (1..3 * BUCKETS).map(|key| network(key / GROUP, key % GROUP));
        let passed = keys.filter(|&key| limit.take(key).is_ok()).count();
        let shared = passed - (BUCKETS - 1);
        assert!(
            (1..=2 * BUCKETS / GROUP).contains(&shared),
            "and one for each other group"
        );
        assert!(limit.state.lock().unwrap().buckets.len() <= BUCKETS);
        assert!(limit.take(first).is_err(), "still remembered");
        tokio::time::advance(SWEEP_PERIOD).await;
        limit.take(network(0xffff, 0)).unwrap();
        let state = limit.state.lock().unwrap();
        assert_eq!(
            (state.buckets.len(), state.groups.len()),
            (1, 1),
            "full ones were forgotten"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn one_network_leaves_room_for_others() {
        let limit = RateLimit::new(rate(1, 1));
        let passed = (0..65_536)
            .filter(|&inner| limit.take(network(7, inner)).is_ok())
            .count();
        assert_eq!(passed, GROUP + 1, "each with a bucket once, and all the rest once");
        let others = (0..1000).filter(|&outer| limit.take(network(1000 + outer, 0)).is_ok());
        assert_eq!(others.count(), 1000);
    }

    #[test]
    fn a_client_is_an_address_or_an_ipv6_network() {
        for (address, network, group) in [
            ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::"),
        ] {
            let found = Network::of(address.parse().unwrap());
            assert_eq!(
                (found.0.to_string(), found.group().to_string()),
                (network.to_owned(), group.to_owned())
            );
        }
        let object: ObjectName = "App.Server.Obj".parse().unwrap();
        assert_eq!(object.group(), "App");
    }
}
