//! Room for connections: how many there may be, and the wish that an idle one ends when one more has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::activity::Activity;

/// Places for connections. One connection at a time waits for one.
#[derive(Debug)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    /// A connection waits, and none has ended for it yet.
    is_wished: AtomicBool,
    /// Says that there may be a wish. It can come late: only `is_wished` counts.
    asked: Notify,
}

impl Room {
    pub(super) fn new(places: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            is_wished: AtomicBool::new(false),
            asked: Notify::new(),
        }
    }

    /// A place, if one is free.
    pub(super) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// A place as soon as there is one: a connection that can be spared ends for it, or one ends by itself.
    pub(super) async fn place_in_time(&self) -> OwnedSemaphorePermit {
        self.is_wished.store(true, Ordering::Release);
        self.asked.notify_one();
        let place = Arc::clone(&self.places).acquire_owned().await;
        // Whoever got the place is not to make room for itself.
        self.is_wished.store(false, Ordering::Release);
        place.expect("the semaphore is never closed")
    }

    /// Ready when the connection of `activity` should end for another one: nobody else ends for that one.
    pub(super) async fn is_needed(&self, activity: &Activity) {
        loop {
            self.asked.notified().await;
            if !activity.is_spare() {
                // Perhaps someone else is.
                self.asked.notify_one();
                activity.spare().await;
            }
            if self.is_wished.swap(false, Ordering::AcqRel) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use axum::http::Version;
    use futures_util::FutureExt;

    use super::super::activity::Times;
    use super::*;

    fn activity() -> Arc<Activity> {
        Activity::new(Times {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            answer: Duration::from_secs(30),
        })
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_got_a_place_does_not_end_for_itself() {
        let room = Room::new(1);
        let place = room.place().unwrap();
        let mut waiting = pin!(room.place_in_time());
        assert!((&mut waiting).now_or_never().is_none());
        let first = activity();
        let request = first.begin(Version::HTTP_11);
        // It passes the wish on and ends by itself.
        assert!(room.is_needed(&first).now_or_never().is_none());
        drop((request, place));
        let _place = waiting.await;
        let second = activity();
        drop(second.begin(Version::HTTP_11));
        assert!(room.is_needed(&second).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_ends_for_one() {
        let room = Room::new(3);
        let places: Vec<_> = (0..3).map(|_| room.place().unwrap()).collect();
        assert!(room.place().is_none());
        let (busy, idle, other) = (activity(), activity(), activity());
        let request = busy.begin(Version::HTTP_2);
        drop((idle.begin(Version::HTTP_2), other.begin(Version::HTTP_11)));
        let mut needed = [&busy, &idle, &other].map(|activity| Box::pin(room.is_needed(activity)));
        let mut waiting = pin!(room.place_in_time());
        for needed in &mut needed {
            assert!(needed.now_or_never().is_none());
        }
        assert!((&mut waiting).now_or_never().is_none());
        let [first, second, third] = needed.each_mut().map(FutureExt::now_or_never);
        assert_eq!((first, second, third), (None, Some(()), None));
        // The next one, too, although the busy one heard of the first and is idle only now.
        drop(places);
        drop(waiting.await);
        drop(request);
        assert!((&mut needed[0]).now_or_never().is_none());
        let _places: Vec<_> = (0..3).map(|_| room.place().unwrap()).collect();
        let mut waiting = pin!(room.place_in_time());
        assert!((&mut waiting).now_or_never().is_none());
        let ready = [0, 2].map(|n| (&mut needed[n]).now_or_never().is_some());
        assert_eq!(ready.iter().filter(|ready| **ready).count(), 1, "{ready:?}");
    }
}
