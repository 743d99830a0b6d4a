//! The tasks of the loop. One that panics counts as done, in the way that lets the supervisor go on: PID 1 must not wait
//! for what never comes.

use std::collections::BTreeMap;

use tokio::task::{AbortHandle, Id, JoinSet};

use super::machine::Event;

/// Tasks that run, and what stands for each that breaks.
pub(super) struct Tasks<T> {
    running: JoinSet<T>,
    instead: BTreeMap<Id, Event>,
}

impl<T: Send + 'static> Tasks<T> {
    pub(super) fn new() -> Self {
        Self {
            running: JoinSet::new(),
            instead: BTreeMap::new(),
        }
    }

    /// Begins `work`. When it panics, `instead` has happened.
    pub(super) fn spawn(&mut self, instead: Event, work: impl Future<Output = T> + Send + 'static) -> AbortHandle {
        let task = self.running.spawn(work);
        self.instead.insert(task.id(), instead);
        task
    }

    /// Waits for the next that ends by itself; `None` when none runs. An `Err` is what stands for one that broke.
    pub(super) async fn next(&mut self) -> Option<Result<T, Event>> {
        loop {
            match self.running.join_next_with_id().await? {
                Ok((id, done)) => {
                    self.instead.remove(&id);
                    return Some(Ok(done));
                }
                Err(error) => {
                    let instead = self.instead.remove(&error.id());
                    if let Some(event) = instead.filter(|_| error.is_panic()) {
                        tracing::error!(%error, "a task of the supervisor broke");
                        return Some(Err(event));
                    }
                }
            }
        }
    }

    /// Ends all of them.
    pub(super) async fn shutdown(&mut self) {
        self.running.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_breaks_has_a_stand_in_and_one_that_is_ended_has_none() {
        let mut tasks = Tasks::new();
        tasks.spawn(Event::Left, async { 1 });
        assert_eq!(tasks.next().await, Some(Ok(1)));
        tasks.spawn(Event::Stopped(None), async { panic!("a mistake") });
        assert_eq!(tasks.next().await, Some(Err(Event::Stopped(None))));
        tasks.spawn(Event::Checked(false), std::future::pending()).abort();
        assert_eq!(tasks.next().await, None);
        assert!(tasks.instead.is_empty());
    }
}
