//! Callers that were the node they named, remembered for when names cannot be looked up.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Addresses remembered at most: more than a registry has callers. What does not fit is only not remembered.
const ADDRESSES: usize = 65_536;

/// Names of one address at most: whoever has a zone of his own cannot fill the memory of others with its names.
const NAMES: usize = 16;

/// Which names stood for which addresses lately.
///
/// Pure: the time is a parameter.
#[derive(Debug)]
pub(crate) struct Verified {
    /// So long after it was seen last.
    for_long: Duration,
    names: Mutex<HashMap<IpAddr, Vec<Seen>>>,
}

#[derive(Debug)]
struct Seen {
    /// In lower case.
    node: String,
    at: Instant,
}

impl Verified {
    pub(crate) fn new(for_long: Duration) -> Self {
        Self {
            for_long,
            names: Mutex::default(),
        }
    }

    /// A look-up said that `node` is `address`, or that it is not.
    pub(crate) fn found(&self, address: IpAddr, node: &str, is_it: bool, now: Instant) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if is_it && names.len() >= ADDRESSES && !names.contains_key(&address) {
            names.retain(|_, seen| seen.iter().any(|seen| self.is_young(seen, now)));
            if names.len() >= ADDRESSES {
                return;
            }
        }
        let node = node.to_ascii_lowercase();
        if let Some(seen) = names.get_mut(&address) {
            seen.retain(|seen| seen.node != node && self.is_young(seen, now));
        }
        if is_it {
            let seen = names.entry(address).or_default();
            if seen.len() == NAMES {
                seen.remove(0); // the oldest
            }
            seen.push(Seen { node, at: now });
        }
        if names.get(&address).is_some_and(Vec::is_empty) {
            names.remove(&address);
        }
    }

    /// Whether `node` was `address` lately.
    pub(crate) fn was(&self, address: IpAddr, node: &str, now: Instant) -> bool {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = names.get(&address).into_iter().flatten();
        seen.any(|seen| seen.node.eq_ignore_ascii_case(node) && self.is_young(seen, now))
    }

    fn is_young(&self, seen: &Seen, now: Instant) -> bool {
        now.saturating_duration_since(seen.at) < self.for_long
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const LONG: Duration = Duration::from_mins(4);

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn what_was_seen_holds_for_a_while_and_until_it_is_denied() {
        let (verified, now) = (Verified::new(LONG), Instant::now());
        verified.found(address(1), "Pod", true, now);
        let later = now + Duration::from_secs(239);
        assert!(verified.was(address(1), "pod", later));
        assert!(!verified.was(address(2), "pod", now) && !verified.was(address(1), "other", now));
        assert!(!verified.was(address(1), "pod", now + LONG));
        verified.found(address(1), "pod", true, later);
        assert!(verified.was(address(1), "pod", now + LONG));
        verified.found(address(1), "pod", false, later);
        assert!(!verified.was(address(1), "pod", later));
        assert!(verified.names.lock().unwrap().is_empty());
    }

    #[test]
    fn it_is_bounded_and_old_names_make_room() {
        let (verified, now) = (Verified::new(LONG), Instant::now());
        for number in 0..40 {
            verified.found(address(0), &format!("pod{number}"), true, now);
        }
        assert!(verified.was(address(0), "pod39", now) && !verified.was(address(0), "pod0", now));
        let more = u32::try_from(ADDRESSES).unwrap();
        for number in 1..more + 10 {
            verified.found(address(number), "pod", true, now);
        }
        assert!(verified.was(address(1), "pod", now) && !verified.was(address(more + 1), "pod", now));
        verified.found(address(more + 1), "pod", true, now + LONG);
        assert!(verified.was(address(more + 1), "pod", now + LONG));
        assert_eq!(verified.names.lock().unwrap().len(), 1);
    }
}
