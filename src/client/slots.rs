//! The calls of a connection that wait for their answers, by request id.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::Error;
use crate::clock::{self, Instant};
use crate::protocol::ResponsePacket;

/// How a wait ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Answer(ResponsePacket),
    /// A one-way request was written.
    Sent,
    TimedOut,
    /// The connection broke.
    Broken(Error),
}

#[derive(Debug)]
enum State {
    Free,
    Waiting(Option<Waker>),
    Done(Outcome),
}

#[derive(Debug)]
struct Slot {
    id: i32,
    state: State,
}

/// A table whose size is a power of two, at least twice the calls it holds. Ids count up and the low bits of an id are
/// its place; an id whose place is taken is passed over. So a lookup is one access, and an id comes again only after
/// 2^31 others: a late answer cannot reach a call that it was not meant for.
#[derive(Debug)]
pub(super) struct Slots {
    table: Vec<Slot>,
    /// Deadlines by place, `never` where no call waits. Apart from the table, so that a sweep touches little memory.
    due: Vec<Instant>,
    next: i32,
    used: usize,
    never: Instant,
    /// No later than the earliest in `due`; `never` when no sweep is needed.
    earliest: Instant,
    /// No sweep before this, so that sweeps of a large table take a small share of the time.
    rest_until: Instant,
}

impl Slots {
    const MIN: usize = 64;

    /// Pause after a sweep for each place in the table, many times what looking at a place takes. The largest table of
    /// the default settings has 262,144 places: there a call times out up to 8 ms late.
    const REST: Duration = Duration::from_nanos(32);

    pub(super) fn new(now: Instant) -> Self {
        let never = now + clock::NEVER;
        let mut slots = Self {
            table: Vec::new(),
            due: Vec::new(),
            next: 0,
            used: 0,
            never,
            earliest: never,
            rest_until: now,
        };
        // Not `MIN`: a channel may never be used, and some hold thousands of them.
        slots.resize(1);
        slots
    }

    /// Calls in the table.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// A new call; its id is never 0.
    pub(super) fn insert(&mut self, deadline: Instant, waker: Option<Waker>) -> i32 {
        if self.table.len() < Self::MIN.max(self.used * 2 + 1) {
            self.resize(Self::MIN.max(self.table.len() * 2));
        }
        loop {
            self.next = self.next.checked_add(1).unwrap_or(1);
            let place = self.place(self.next);
            let slot = &mut self.table[place];
            if matches!(slot.state, State::Free) {
                *slot = Slot {
                    id: self.next,
                    state: State::Waiting(waker),
                };
                self.due[place] = deadline;
                self.earliest = self.earliest.min(deadline);
                self.used += 1;
                return self.next;
            }
        }
    }

    /// Ends a call's wait; nothing happens when it waits no longer. The waker is to be woken after unlocking.
    pub(super) fn complete(&mut self, id: i32, outcome: Outcome) -> Option<Waker> {
        let place = self.find(id)?;
        let slot = &mut self.table[place];
        match &mut slot.state {
            State::Waiting(waker) => {
                let waker = waker.take();
                slot.state = State::Done(outcome);
                self.due[place] = self.never;
                waker
            }
            State::Free | State::Done(_) => None,
        }
    }

    /// The outcome of a call, which then leaves the table.
    pub(super) fn poll(&mut self, id: i32, cx: &Context<'_>) -> Poll<Outcome> {
        let place = self
            .find(id)
            .expect("a call stays in the table until it took its outcome");
        let slot = &mut self.table[place];
        match &mut slot.state {
            State::Waiting(Some(waker)) => waker.clone_from(cx.waker()),
            State::Waiting(none) => *none = Some(cx.waker().clone()),
            State::Free | State::Done(_) => {
                if let State::Done(outcome) = std::mem::replace(&mut slot.state, State::Free) {
                    self.release();
                    return Poll::Ready(outcome);
                }
            }
        }
        Poll::Pending
    }

    /// Forgets a call that was given up. -> its outcome, when there is one already
    pub(super) fn remove(&mut self, id: i32) -> Option<Outcome> {
        let place = self.find(id)?;
        let state = std::mem::replace(&mut self.table[place].state, State::Free);
        self.due[place] = self.never;
        self.release();
        match state {
            State::Done(outcome) => Some(outcome),
            State::Free | State::Waiting(_) => None,
        }
    }

    /// When [`expire`](Self::expire) is to be called next.
    pub(super) fn sweep_at(&self) -> Instant {
        self.earliest.max(self.rest_until)
    }

    /// Ends the waits whose deadline has passed.
    pub(super) fn expire(&mut self, now: Instant, woken: &mut Vec<Waker>) {
        self.earliest = self.never;
        if self.used > 0 {
            for (slot, due) in self.table.iter_mut().zip(&mut self.due) {
                if *due > now {
                    self.earliest = self.earliest.min(*due);
                } else if let State::Waiting(waker) = &mut slot.state {
                    woken.extend(waker.take());
                    slot.state = State::Done(Outcome::TimedOut);
                    *due = self.never;
                }
            }
            let places = u32::try_from(self.table.len()).unwrap_or(u32::MAX);
            self.rest_until = now + Self::REST * places;
        }
        self.shrink();
    }

    /// Ends every wait, because the connection is gone.
    pub(super) fn fail(&mut self, error: &Error, woken: &mut Vec<Waker>) {
        for slot in &mut self.table {
            if let State::Waiting(waker) = &mut slot.state {
                woken.extend(waker.take());
                slot.state = State::Done(Outcome::Broken(error.clone()));
            }
        }
        self.due.fill(self.never);
        self.earliest = self.never;
        self.shrink();
    }

    /// The place of a call that is in the table.
    fn find(&self, id: i32) -> Option<usize> {
        let place = self.place(id);
        let slot = &self.table[place];
        (slot.id == id && !matches!(slot.state, State::Free)).then_some(place)
    }

    /// Counts a call that left. The last one gives the memory back when no sweep will.
    fn release(&mut self) {
        self.used -= 1;
        if self.used == 0 && self.earliest >= self.never {
            self.shrink();
        }
    }

    /// Gives memory back after a burst of calls: all of it when the table is empty, half of it when little is used and
    /// no two calls would have the same place then.
    fn shrink(&mut self) {
        let half = self.table.len() / 2;
        if half < Self::MIN {
            return;
        }
        let is_used = |slot: &Slot| !matches!(slot.state, State::Free);
        if self.used == 0 {
            self.resize(Self::MIN);
        } else if self.used * 4 <= half {
            let (low, high) = self.table.split_at(half);
            if !low.iter().zip(high).any(|(low, high)| is_used(low) && is_used(high)) {
                self.resize(half);
            }
        }
    }

    fn place(&self, id: i32) -> usize {
        id.cast_unsigned() as usize & (self.table.len() - 1)
    }

    /// Ids that differ in their low bits still do with one bit more, so everything finds a place in a larger table.
    fn resize(&mut self, size: usize) {
        let free = || Slot {
            id: 0,
            state: State::Free,
        };
        let old = std::mem::take(&mut self.table);
        let old_due = std::mem::replace(&mut self.due, vec![self.never; size]);
        self.table.resize_with(size, free);
        for (slot, due) in old.into_iter().zip(old_due) {
            if !matches!(slot.state, State::Free) {
                let place = self.place(slot.id);
                self.table[place] = slot;
                self.due[place] = due;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(slots: &mut Slots, id: i32) -> Option<Outcome> {
        match slots.poll(id, &Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    #[test]
    fn slow_calls_keep_their_place_while_the_table_turns_and_grows() {
        let now = clock::now();
        let mut slots = Slots::new(now);
        let slow: Vec<_> = (0..20).map(|_| slots.insert(now, None)).collect();
        for _ in 0..1000 {
            let id = slots.insert(now, None);
            assert!(!slow.contains(&id));
            slots.remove(id);
        }
        let many: Vec<_> = (0..1000).map(|_| slots.insert(now, None)).collect();
        assert_eq!(slots.len(), 1020);
        for id in slow.iter().chain(&many) {
            slots.complete(*id, Outcome::Sent);
            assert!(matches!(outcome(&mut slots, *id), Some(Outcome::Sent)));
        }
        assert_eq!(slots.len(), 0);
    }

    #[test]
    fn ids_wrap_without_zero_and_late_answers_are_dropped() {
        let now = clock::now();
        let mut slots = Slots::new(now);
        slots.next = i32::MAX - 1;
        let last = slots.insert(now, None);
        let first = slots.insert(now, None);
        assert_eq!((last, first), (i32::MAX, 1));
        slots.remove(first);
        assert!(slots.complete(first, Outcome::Sent).is_none());
        let same_place = first + 64;
        assert!(slots.complete(same_place, Outcome::Sent).is_none());
        assert!(slots.complete(0, Outcome::Sent).is_none());
        assert_eq!(slots.len(), 1);
    }

    #[test]
    fn expiry_ends_only_what_is_due() {
        let now = clock::now();
        let mut slots = Slots::new(now);
        let later = now + Duration::from_secs(1);
        let (due, waiting) = (slots.insert(now, None), slots.insert(later, None));
        assert_eq!(slots.sweep_at(), now);
        slots.expire(now, &mut Vec::new());
        assert_eq!(slots.sweep_at(), later);
        assert!(matches!(outcome(&mut slots, due), Some(Outcome::TimedOut)));
        assert!(outcome(&mut slots, waiting).is_none());
        slots.complete(waiting, Outcome::Sent);
        slots.expire(later, &mut Vec::new());
        assert!(slots.sweep_at() > later + Duration::from_hours(24));
        assert!(matches!(outcome(&mut slots, waiting), Some(Outcome::Sent)));
    }

    #[test]
    fn sweeps_of_a_large_table_are_far_between() {
        let now = clock::now();
        let mut slots = Slots::new(now);
        let micros = |count| now + Duration::from_micros(count);
        let ids: Vec<_> = (1..=100_000).map(|count| slots.insert(micros(count), None)).collect();
        slots.expire(now, &mut Vec::new());
        let next = slots.sweep_at();
        assert!(next >= now + Duration::from_millis(8), "{:?}", next - now);
        slots.insert(micros(1), None);
        assert_eq!(slots.sweep_at(), next, "an urgent call does not hasten the sweep");
        slots.expire(next, &mut Vec::new());
        let ended = ids.iter().filter(|id| outcome(&mut slots, **id).is_some()).count();
        assert_eq!(ended, usize::try_from((next - now).as_micros()).unwrap());
    }

    #[test]
    fn the_table_shrinks_after_a_burst_and_slow_calls_keep_their_place() {
        let now = clock::now();
        let mut slots = Slots::new(now);
        let later = now + Duration::from_secs(1);
        // Two calls that would share a place in a table of half the size, until the first one ends.
        let slow = slots.insert(later, None);
        let burst: Vec<_> = (0..20_000).map(|_| slots.insert(now, None)).collect();
        let size = slots.table.len();
        slots.next = slow + i32::try_from(size / 2).unwrap() - 1;
        let other = slots.insert(later, None);
        for id in burst {
            slots.remove(id);
        }
        slots.expire(now, &mut Vec::new());
        assert_eq!(slots.table.len(), size);
        slots.remove(slow);
        for _ in 0..20 {
            slots.expire(now, &mut Vec::new());
        }
        assert_eq!(slots.table.len(), Slots::MIN);
        slots.expire(later, &mut Vec::new());
        assert!(matches!(outcome(&mut slots, other), Some(Outcome::TimedOut)));
        assert_eq!(slots.len(), 0);
    }

    #[test]
    fn the_table_is_small_again_when_the_connection_has_ended() {
        let now = clock::now();
        let mut slots = Slots::new(now);
        let ids: Vec<_> = (0..20_000).map(|_| slots.insert(now, None)).collect();
        slots.fail(&Error::new(-8, "gone"), &mut Vec::new());
        for id in ids {
            assert!(matches!(outcome(&mut slots, id), Some(Outcome::Broken(_))));
        }
        assert_eq!((slots.len(), slots.table.len()), (0, Slots::MIN));
        assert!(slots.sweep_at() > now + Duration::from_hours(24));
    }
}
