//! A bounded queue of lines between calls and what writes them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::BoxFuture;
use crate::clock::{self, Instant};
use crate::trace::Line;

/// Lines that may wait.
const MAX_LINES: usize = 10_000;

/// Bytes that may wait: one line may hold up to 10 MB of parameters.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// How often losses are said at most.
const QUIET: Duration = Duration::from_secs(10);

/// The end that takes lines.
pub(super) struct Queue {
    sender: mpsc::Sender<Item>,
    load: Arc<Load>,
}

/// The end that writes them.
pub(super) struct Outlet {
    pub(super) receiver: mpsc::Receiver<Item>,
    pub(super) load: Arc<Load>,
}

pub(super) enum Item {
    Line(Box<Line>),
    /// To be answered when all lines before it are written.
    Flush(oneshot::Sender<()>),
}

/// A queue for what is called `name` in the log.
pub(super) fn queue(name: &'static str) -> (Queue, Outlet) {
    let (sender, receiver) = mpsc::channel(MAX_LINES);
    let load = Arc::new(Load {
        name,
        bytes: AtomicUsize::new(0),
        dropped: AtomicU64::new(0),
        said: Mutex::new(Said { lines: 0, next: None }),
    });
    let queue = Queue {
        sender,
        load: Arc::clone(&load),
    };
    (queue, Outlet { receiver, load })
}

impl Queue {
    /// Takes a line, or counts it as dropped when there is no room.
    pub(super) fn record(&self, line: Line) {
        let size = line.size();
        if self.load.bytes.fetch_add(size, Ordering::Relaxed) + size > MAX_BYTES {
            self.load.written(size);
            self.load.lost(1, "too much waits to be written");
        } else if let Err(error) = self.sender.try_send(Item::Line(Box::new(line))) {
            self.load.written(size);
            self.load.lost(
                1,
                match error {
                    TrySendError::Full(_) => "too much waits to be written",
                    TrySendError::Closed(_) => "nothing writes any more",
                },
            );
        }
    }

    pub(super) fn flush(&self) -> BoxFuture<()> {
        let sender = self.sender.clone();
        Box::pin(async move {
            let (done, flushed) = oneshot::channel();
            if sender.send(Item::Flush(done)).await.is_ok() {
                // An end that is gone has nothing left to write.
                let _ = flushed.await;
            }
        })
    }

    pub(super) fn dropped(&self) -> u64 {
        self.load.dropped.load(Ordering::Relaxed)
    }
}

/// What waits and what was lost.
pub(super) struct Load {
    name: &'static str,
    bytes: AtomicUsize,
    dropped: AtomicU64,
    said: Mutex<Said>,
}

/// What the log has been told.
struct Said {
    lines: u64,
    /// When it may be told again.
    next: Option<Instant>,
}

impl Load {
    /// Lines of `size` bytes wait no longer.
    pub(super) fn written(&self, size: usize) {
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }

    /// Counts lines that are lost, and says so at times.
    pub(super) fn lost(&self, lines: u64, why: &str) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
        self.say(clock::now(), why);
    }

    /// Says what was lost since the last time, when that was long enough ago.
    fn say(&self, now: Instant, why: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.next.is_some_and(|next| now < next) {
            return;
        }
        let dropped = self.dropped.load(Ordering::Relaxed);
        let lines = dropped - said.lines;
        *said = Said {
            lines: dropped,
            next: Some(now + QUIET),
        };
        drop(said);
        if lines > 0 {
            tracing::warn!(sink = self.name, lines, why, "lines of the trace were dropped");
        }
    }

    /// Says at the end what has not been said yet.
    pub(super) fn close(&self) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).next = None;
        self.say(clock::now(), "too much waited to be written");
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::trace::Annotation;

    pub(in crate::trace::sink) fn line(number: usize, params: usize) -> Line {
        Line {
            trace_id: "f-ab".to_owned(),
            span: "s".to_owned(),
            parent: "*".to_owned(),
            annotation: Annotation::Sr,
            client: String::new(),
            server: "App.Server".to_owned(),
            function: format!("f{number}"),
            unix_ms: 1,
            ret: 0,
            params: vec![b'1'; params].into(),
            error: String::new(),
        }
    }

    #[tokio::test]
    async fn what_has_no_room_is_dropped_and_counted() {
        let (queue, mut outlet) = queue("test");
        for number in 0..MAX_LINES + 5 {
            queue.record(line(number, 0));
        }
        assert_eq!(queue.dropped(), 5);
        for number in 0..MAX_LINES {
            let Some(Item::Line(line)) = outlet.receiver.recv().await else {
                panic!("a line is missing");
            };
            assert_eq!(line.function, format!("f{number}"));
            outlet.load.written(line.size());
        }
        assert_eq!(outlet.load.bytes.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn bytes_are_bounded_too() {
        let (queue, mut outlet) = queue("test");
        for number in 0..5 {
            queue.record(line(number, MAX_BYTES / 4));
        }
        assert_eq!(queue.dropped(), 2);
        let Some(Item::Line(first)) = outlet.receiver.recv().await else {
            panic!("a line is missing");
        };
        outlet.load.written(first.size());
        queue.record(line(5, MAX_BYTES / 4));
        assert_eq!(queue.dropped(), 2);
    }

    #[tokio::test]
    async fn a_flush_ends_when_the_other_end_is_gone() {
        let (queue, outlet) = queue("test");
        let flush = queue.flush();
        drop(outlet);
        flush.await;
        queue.flush().await;
        queue.record(line(0, 0));
        assert_eq!(queue.dropped(), 1);
    }
}
