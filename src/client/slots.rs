//! The calls of a connection that wait for their answers, by request id.

use std::task::{Context, Poll, Waker};

use crate::Error;
use crate::clock::Instant;
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
    deadline: Instant,
    state: State,
}

/// A table whose size is a power of two, at least twice the calls it holds. Ids count up and the low bits of an id are
/// its place; an id whose place is taken is passed over. So a lookup is one access, and an id comes again only after
/// 2^31 others: a late answer cannot reach a call that it was not meant for.
#[derive(Debug)]
pub(super) struct Slots {
    table: Vec<Slot>,
    next: i32,
    used: usize,
    /// Where [`Slot::deadline`] points in a free slot; any time will do.
    epoch: Instant,
}

impl Slots {
    const MIN: usize = 64;

    pub(super) fn new(epoch: Instant) -> Self {
        let mut slots = Self {
            table: Vec::new(),
            next: 0,
            used: 0,
            epoch,
        };
        slots.resize(Self::MIN);
        slots
    }

    /// Calls in the table.
    pub(super) fn len(&self) -> usize {
        self.used
    }

    /// A new call; its id is never 0.
    pub(super) fn insert(&mut self, deadline: Instant, waker: Option<Waker>) -> i32 {
        if self.used * 2 >= self.table.len() {
            self.resize(self.table.len() * 2);
        }
        loop {
            self.next = self.next.checked_add(1).unwrap_or(1);
            let place = self.place(self.next);
            let slot = &mut self.table[place];
            if matches!(slot.state, State::Free) {
                *slot = Slot {
                    id: self.next,
                    deadline,
                    state: State::Waiting(waker),
                };
                self.used += 1;
                return self.next;
            }
        }
    }

    /// Ends a call's wait; nothing happens when it waits no longer. The waker is to be woken after unlocking.
    pub(super) fn complete(&mut self, id: i32, outcome: Outcome) -> Option<Waker> {
        let slot = self.find(id)?;
        match &mut slot.state {
            State::Waiting(waker) => {
                let waker = waker.take();
                slot.state = State::Done(outcome);
                waker
            }
            State::Free | State::Done(_) => None,
        }
    }

    /// The outcome of a call, which then leaves the table.
    pub(super) fn poll(&mut self, id: i32, cx: &Context<'_>) -> Poll<Outcome> {
        let slot = self
            .find(id)
            .expect("a call stays in the table until it took its outcome");
        match &mut slot.state {
            State::Waiting(Some(waker)) => waker.clone_from(cx.waker()),
            State::Waiting(none) => *none = Some(cx.waker().clone()),
            State::Free | State::Done(_) => {
                if let State::Done(outcome) = std::mem::replace(&mut slot.state, State::Free) {
                    self.used -= 1;
                    return Poll::Ready(outcome);
                }
            }
        }
        Poll::Pending
    }

    /// Forgets a call that was given up.
    pub(super) fn remove(&mut self, id: i32) {
        if let Some(slot) = self.find(id) {
            slot.state = State::Free;
            self.used -= 1;
        }
    }

    /// Ends the waits whose deadline has passed, and tells the earliest deadline of the others.
    pub(super) fn expire(&mut self, now: Instant, woken: &mut Vec<Waker>) -> Option<Instant> {
        let mut earliest = None;
        for slot in &mut self.table {
            if let State::Waiting(waker) = &mut slot.state {
                if slot.deadline <= now {
                    woken.extend(waker.take());
                    slot.state = State::Done(Outcome::TimedOut);
                } else if earliest.is_none_or(|earliest| slot.deadline < earliest) {
                    earliest = Some(slot.deadline);
                }
            }
        }
        earliest
    }

    /// Ends every wait, because the connection is gone.
    pub(super) fn fail(&mut self, error: &Error, woken: &mut Vec<Waker>) {
        for slot in &mut self.table {
            if let State::Waiting(waker) = &mut slot.state {
                woken.extend(waker.take());
                slot.state = State::Done(Outcome::Broken(error.clone()));
            }
        }
    }

    fn find(&mut self, id: i32) -> Option<&mut Slot> {
        let place = self.place(id);
        let slot = &mut self.table[place];
        (slot.id == id && !matches!(slot.state, State::Free)).then_some(slot)
    }

    fn place(&self, id: i32) -> usize {
        id.cast_unsigned() as usize & (self.table.len() - 1)
    }

    /// Ids that differ in their low bits still do with one bit more, so everything finds a place.
    fn resize(&mut self, size: usize) {
        let epoch = self.epoch;
        let free = move || Slot {
            id: 0,
            deadline: epoch,
            state: State::Free,
        };
        let old = std::mem::take(&mut self.table);
        self.table.resize_with(size, free);
        for slot in old {
            if !matches!(slot.state, State::Free) {
                let place = self.place(slot.id);
                self.table[place] = slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use std::time::Duration;

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
        assert_eq!(slots.expire(now, &mut Vec::new()), Some(later));
        assert!(matches!(outcome(&mut slots, due), Some(Outcome::TimedOut)));
        assert!(outcome(&mut slots, waiting).is_none());
    }
}
