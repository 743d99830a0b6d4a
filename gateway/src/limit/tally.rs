//! Shares: how much each of many keys may have at once, so that none of them takes all.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What each key has now. A key that has nothing takes no memory.
#[derive(Debug)]
pub(crate) struct Tally<K: Hash + Eq> {
    max: usize,
    held: Mutex<HashMap<K, usize>>,
}

/// What a key has, until it is dropped.
#[derive(Debug)]
pub(crate) struct Part<K: Hash + Eq> {
    tally: Arc<Tally<K>>,
    key: K,
    size: usize,
}

impl<K: Hash + Eq + Clone> Tally<K> {
    /// Each key may have `max`.
    pub(crate) fn new(max: usize) -> Arc<Self> {
        Arc::new(Self {
            max,
            held: Mutex::default(),
        })
    }

    /// Takes `size` for `key`, unless that is more than it may have.
    pub(crate) fn take(self: &Arc<Self>, key: K, size: usize) -> Option<Part<K>> {
        let mut part = Part {
            tally: Arc::clone(self),
            key,
            size: 0,
        };
        part.grow(size).then_some(part)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> Part<K> {
    /// Takes `more`; says whether there was so much.
    pub(crate) fn grow(&mut self, more: usize) -> bool {
        let mut held = self.tally.held();
        let now = held.get(&self.key).copied().unwrap_or_default();
        let then = now.saturating_add(more);
        if then > self.tally.max {
            return false;
        }
        if more > 0 {
            held.insert(self.key.clone(), then);
            self.size += more;
        }
        true
    }
}

impl<K: Hash + Eq> Drop for Part<K> {
    fn drop(&mut self) {
        let mut held = self.tally.held.lock().unwrap_or_else(PoisonError::into_inner);
        let left = held.get(&self.key).map_or(0, |&held| held.saturating_sub(self.size));
        if left == 0 {
            held.remove(&self.key);
        } else if let Some(held) = held.get_mut(&self.key) {
            *held = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_share_and_gives_it_back() {
        let tally = Tally::new(10);
        let mut first = tally.take("a", 6).unwrap();
        assert!(tally.take("a", 5).is_none());
        let other = tally.take("b", 10).unwrap();
        assert!(first.grow(4));
        assert!(!first.grow(1));
        let nothing = tally.take("a", 0).unwrap();
        drop(first);
        assert!(tally.take("a", 10).is_some());
        drop((nothing, other));
        assert!(tally.held().is_empty(), "nothing is remembered");
    }
}
