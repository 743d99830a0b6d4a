//! Beats in memory: what this replica need not ask the database about, and what it has yet to write there.
//!
//! A beat that says nothing new is acknowledged from here as long as the database holds a beat of the same instance that
//! is younger than half its lease: even if this process and all it remembers is lost at once, the next beat at the same
//! pace comes in time. Every other beat goes to the database first.
//!
//! Pure: the time is a parameter.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::{InstanceKey, Scope, State, same_key};
use crate::store::PastBeat;

/// Parts with a lock of their own, by node.
const SHARDS: usize = 1024;

/// Every instance whose state this replica wrote lately. One entry an instance; old ones go with [`Beats::forget_old`].
#[derive(Debug)]
pub(crate) struct Beats {
    shards: Box<[Mutex<Shard>]>,
    hash: RandomState,
    /// `None`: every beat is written before it is acknowledged.
    lease: Option<Duration>,
}

#[derive(Debug, Default)]
struct Shard {
    /// Operations that began to go to the database.
    begun: u64,
    /// Those of them that ended, well or not.
    ended: u64,
    /// By names in lower case: keys ignore it.
    entries: HashMap<InstanceKey, Entry>,
    /// Keys of entries that may have a beat to write.
    unwritten: Vec<InstanceKey>,
}

#[derive(Debug)]
struct Entry {
    /// The names as they were said.
    key: InstanceKey,
    state: State,
    /// Whether the state is certainly the one stored: not while an operation on the instance is under way.
    is_certain: bool,
    /// The rows were seen with another state: somebody else wrote it, unless it was seen before it was written here.
    is_doubted: bool,
    /// The last beat that the database holds.
    written: Instant,
    /// The last beat.
    last: Instant,
    /// Whether `last` is yet to be written.
    is_unwritten: bool,
}

/// An operation on an instance, or on all of a node, that is on its way to the database. Dropped without being settled,
/// what it did is unknown, and the next beat goes to the database as well.
#[derive(Debug)]
#[must_use = "an operation that is not settled leaves its instance uncertain"]
pub(crate) struct Change<'a> {
    beats: &'a Beats,
    scope: &'a Scope,
    shard: usize,
    /// Its number, if no other one was under way when it began.
    number: Option<u64>,
    at: Instant,
}

impl Beats {
    /// For leases of that length; with `None` nothing is acknowledged from memory.
    pub(crate) fn new(lease: Option<Duration>) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hash: RandomState::new(),
            lease,
        }
    }

    /// Takes a beat that says nothing new. -> false: it must go to the database
    pub(crate) fn acknowledge(&self, key: &InstanceKey, state: State, now: Instant) -> bool {
        let Some(lease) = self.lease else { return false };
        let folded = folded(key);
        let shard = &mut *self.lock(self.place(&key.node));
        let Some(entry) = shard.entries.get_mut(&folded) else {
            return false;
        };
        let is_recent = now.saturating_duration_since(entry.written) < lease / 2;
        if !entry.is_certain || entry.is_doubted || entry.state != state || !is_recent {
            return false;
        }
        entry.last = now;
        if !entry.is_unwritten {
            entry.is_unwritten = true;
            shard.unwritten.push(folded);
        }
        true
    }

    /// An operation on `scope` goes to the database from `now` on.
    pub(crate) fn begin<'a>(&'a self, scope: &'a Scope, now: Instant) -> Change<'a> {
        let place = self.place(scope.node());
        let mut shard = self.lock(place);
        let is_alone = shard.begun == shard.ended;
        shard.begun += 1;
        match scope {
            Scope::Instance(key) => {
                if let Some(entry) = shard.entries.get_mut(&folded(key)) {
                    entry.is_certain = false;
                }
            }
            Scope::Node(node) => {
                for (_, entry) in of_node(&mut shard, node) {
                    entry.is_certain = false;
                }
            }
        }
        Change {
            beats: self,
            scope,
            shard: place,
            number: is_alone.then_some(shard.begun),
            at: now,
        }
    }

    /// The beats that are yet to be written, by node. Each is given away once: see [`Beats::written`], [`Beats::keep`].
    pub(crate) fn take(&self) -> Vec<PastBeat> {
        let mut beats = Vec::new();
        for place in 0..self.shards.len() {
            let shard = &mut *self.lock(place);
            for key in std::mem::take(&mut shard.unwritten) {
                let Some(entry) = shard.entries.get_mut(&key).filter(|entry| entry.is_unwritten) else {
                    continue;
                };
                entry.is_unwritten = false;
                beats.push(PastBeat {
                    key: entry.key.clone(),
                    state: entry.state,
                    at: entry.last,
                });
            }
        }
        beats.sort_by(|a, b| a.key.node.cmp(&b.key.node));
        beats
    }

    /// Beats that were taken and are in the database.
    pub(crate) fn written(&self, beat: &PastBeat) {
        let mut shard = self.lock(self.place(&beat.key.node));
        if let Some(entry) = shard.entries.get_mut(&folded(&beat.key)) {
            entry.written = entry.written.max(beat.at);
        }
    }

    /// A beat that was taken and could not be written: it is tried again.
    pub(crate) fn keep(&self, beat: &PastBeat) {
        let shard = &mut *self.lock(self.place(&beat.key.node));
        let folded = folded(&beat.key);
        if let Some(entry) = shard.entries.get_mut(&folded)
            && !entry.is_unwritten
            && entry.written < beat.at
        {
            entry.is_unwritten = true;
            shard.unwritten.push(folded);
        }
    }

    /// The rows of an instance were seen with a state. If that is not the one known here, another replica wrote it, and
    /// the next beat goes to the database. Beats that were taken until now are written or not as ever.
    pub(crate) fn seen(&self, key: &InstanceKey, present_state: &str) {
        if self.lease.is_none() {
            return;
        }
        if let Some(entry) = self.lock(self.place(&key.node)).entries.get_mut(&folded(key)) {
            entry.is_doubted |= entry.state.as_str() != present_state;
        }
    }

    /// Whether nothing newer than that beat is known here, or under way.
    pub(crate) fn is_last(&self, beat: &PastBeat) -> bool {
        let shard = self.lock(self.place(&beat.key.node));
        let entry = shard.entries.get(&folded(&beat.key));
        entry.is_some_and(|entry| entry.is_certain && entry.state == beat.state && entry.written < beat.at)
    }

    /// An instance of which the database says something else: its next beat goes there.
    pub(crate) fn forget(&self, key: &InstanceKey) {
        self.lock(self.place(&key.node)).entries.remove(&folded(key));
    }

    /// Forgets who has not beaten here for a lease: it ended, expired, or beats at another replica.
    pub(crate) fn forget_old(&self, now: Instant) {
        let Some(lease) = self.lease else { return };
        for place in 0..self.shards.len() {
            self.lock(place)
                .entries
                .retain(|_, entry| now.saturating_duration_since(entry.last) < lease);
        }
    }

    fn place(&self, node: &str) -> usize {
        let hash = self.hash.hash_one(node.to_ascii_lowercase());
        usize::try_from(hash % SHARDS as u64).unwrap_or_default()
    }

    fn lock(&self, place: usize) -> MutexGuard<'_, Shard> {
        // Whoever panicked here left a shard that is whole: every change is one assignment.
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Change<'_> {
    /// The operation is in the database: the instance is in `state`, or is none whose beats may be taken from memory.
    pub(crate) fn settle(self, state: Option<State>) {
        let mut shard = self.beats.lock(self.shard);
        let key = match self.scope {
            Scope::Instance(key) => key,
            Scope::Node(node) => {
                shard.entries.retain(|key, _| !same_key(&key.node, node));
                return;
            }
        };
        let Some(state) = state.filter(|state| self.beats.lease.is_some() && !state.is_leaving()) else {
            shard.entries.remove(&folded(key));
            return;
        };
        // Of two operations at once, which one came last only the database knows.
        if self.number == Some(shard.begun) {
            let entry = Entry {
                key: key.clone(),
                state,
                is_certain: true,
                is_doubted: false,
                written: self.at,
                last: self.at,
                is_unwritten: false,
            };
            shard.entries.insert(folded(key), entry);
        }
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.beats.lock(self.shard).ended += 1;
    }
}

fn of_node<'a>(shard: &'a mut Shard, node: &'a str) -> impl Iterator<Item = (&'a InstanceKey, &'a mut Entry)> {
    shard
        .entries
        .iter_mut()
        .filter(move |(key, _)| same_key(&key.node, node))
}

fn folded(key: &InstanceKey) -> InstanceKey {
    InstanceKey {
        application: key.application.to_ascii_lowercase(),
        server: key.server.to_ascii_lowercase(),
        node: key.node.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_mins(2);

    fn key(node: &str) -> InstanceKey {
        InstanceKey {
            application: "App".into(),
            server: "S".into(),
            node: node.into(),
        }
    }

    fn scope(node: &str) -> Scope {
        Scope::Instance(key(node))
    }

    /// One instance `n` that was written as active at the given moment.
    fn with_one() -> (Beats, Instant) {
        let (beats, now) = (Beats::new(Some(LEASE)), Instant::now());
        beats.begin(&scope("n"), now).settle(Some(State::Active));
        (beats, now)
    }

    fn after(now: Instant, seconds: u64) -> Instant {
        now + Duration::from_secs(seconds)
    }

    #[test]
    fn only_an_unchanged_beat_of_a_known_instance_is_taken() {
        let (beats, now) = with_one();
        assert!(beats.acknowledge(&key("n"), State::Active, now));
        assert!(beats.acknowledge(&key("N"), State::Active, now), "keys ignore case");
        assert!(!beats.acknowledge(&key("n"), State::Inactive, now));
        assert!(!beats.acknowledge(&key("m"), State::Active, now));
        beats.forget(&key("N"));
        assert!(!beats.acknowledge(&key("n"), State::Active, now));
        let through = Beats::new(None);
        through.begin(&scope("n"), now).settle(Some(State::Active));
        assert!(!through.acknowledge(&key("n"), State::Active, now));
    }

    #[test]
    fn what_another_replica_wrote_sends_the_next_beat_to_the_database() {
        let (beats, now) = with_one();
        beats.seen(&key("N"), "active");
        assert!(beats.acknowledge(&key("n"), State::Active, now));
        beats.seen(&key("n"), "inactive");
        assert!(!beats.acknowledge(&key("n"), State::Active, now));
        // What was taken before is not lost by it.
        assert_eq!(beats.take().len(), 1);
        beats.begin(&scope("n"), now).settle(Some(State::Active));
        assert!(beats.acknowledge(&key("n"), State::Active, now));
    }

    #[test]
    fn a_beat_is_taken_for_half_a_lease_after_what_is_written() {
        let (beats, now) = with_one();
        assert!(beats.acknowledge(&key("n"), State::Active, after(now, 30)));
        assert!(beats.acknowledge(&key("n"), State::Active, after(now, 59)));
        assert!(!beats.acknowledge(&key("n"), State::Active, after(now, 60)));
        let [beat] = &beats.take()[..] else {
            panic!("one beat is yet to be written")
        };
        assert_eq!(beat.at, after(now, 59));
        beats.written(beat);
        assert!(beats.acknowledge(&key("n"), State::Active, after(now, 118)));
    }

    #[test]
    fn each_beat_is_written_once_and_again_when_that_failed() {
        let (beats, now) = with_one();
        assert_eq!(beats.take(), []);
        for second in 1..4 {
            beats.acknowledge(&key("n"), State::Active, after(now, second));
        }
        let taken = beats.take();
        assert_eq!((taken.len(), taken[0].at), (1, after(now, 3)));
        assert_eq!(beats.take(), []);
        beats.keep(&taken[0]);
        assert_eq!(beats.take(), taken);
        // A younger beat came while the older one was written in vain: one entry, the younger one.
        beats.acknowledge(&key("n"), State::Active, after(now, 4));
        beats.keep(&taken[0]);
        let taken = beats.take();
        assert_eq!((taken.len(), taken[0].at), (1, after(now, 4)));
    }

    #[test]
    fn an_operation_under_way_makes_uncertain_and_its_end_decides() {
        let (beats, now) = with_one();
        let scope = scope("n");
        let change = beats.begin(&scope, now);
        assert!(!beats.acknowledge(&key("n"), State::Active, now));
        change.settle(Some(State::Inactive));
        assert!(beats.acknowledge(&key("n"), State::Inactive, now));
        // One whose outcome nobody knows.
        drop(beats.begin(&scope, now));
        assert!(!beats.acknowledge(&key("n"), State::Inactive, now));
        beats.begin(&scope, now).settle(Some(State::Active));
        assert!(beats.acknowledge(&key("n"), State::Active, now));
        for gone in [None, Some(State::Deactivating)] {
            beats.begin(&scope, now).settle(Some(State::Active));
            beats.begin(&scope, now).settle(gone);
            assert!(!beats.acknowledge(&key("n"), State::Active, now));
        }
    }

    #[test]
    fn of_two_operations_at_once_none_decides() {
        for first_ends_first in [true, false] {
            let (beats, now) = with_one();
            let scope = scope("n");
            let (a, b) = (beats.begin(&scope, now), beats.begin(&scope, now));
            let (first, last) = if first_ends_first { (a, b) } else { (b, a) };
            first.settle(Some(State::Active));
            last.settle(Some(State::Inactive));
            for state in [State::Active, State::Inactive] {
                assert!(!beats.acknowledge(&key("n"), state, now));
            }
        }
    }

    #[test]
    fn an_unwritten_beat_survives_an_operation_that_fails() {
        let (beats, now) = with_one();
        beats.acknowledge(&key("n"), State::Active, after(now, 1));
        drop(beats.begin(&scope("n"), after(now, 2)));
        assert_eq!(beats.take().len(), 1);
    }

    #[test]
    fn a_node_is_forgotten_as_a_whole() {
        let (beats, now) = with_one();
        let node = Scope::Node("N".into());
        let change = beats.begin(&node, now);
        assert!(!beats.acknowledge(&key("n"), State::Active, now));
        change.settle(None);
        assert!(!beats.acknowledge(&key("n"), State::Active, now));
    }

    #[test]
    fn who_beats_no_more_is_forgotten() {
        let (beats, now) = with_one();
        beats.acknowledge(&key("n"), State::Active, after(now, 30));
        beats.forget_old(after(now, 149));
        assert_eq!(beats.take().len(), 1);
        beats.acknowledge(&key("n"), State::Active, after(now, 31));
        beats.forget_old(after(now, 151));
        assert_eq!(beats.take(), [], "nothing is left of it");
    }
}
