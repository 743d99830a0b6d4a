//! A thread that writes lines to something that may block.

use std::io;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::queue::{Item, Outlet, Queue, queue};
use crate::BoxFuture;
use crate::trace::Line;

/// How long an end waits for what is not written yet, so that a pipe that nobody reads does not hold it up for ever.
const GOODBYE: Duration = Duration::from_secs(3);

/// A queue and the thread behind it. Dropped, it waits until what it took is written.
pub(super) struct Worker {
    /// `None` only while it is dropped.
    queue: Option<Queue>,
    /// Disconnected when the thread ends.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Worker {
    /// Starts the thread. `write` gets a line with its newline. When the system has no thread left, all lines are lost,
    /// and counted.
    pub(super) fn start(name: &'static str, mut write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static) -> Self {
        let (queue, outlet) = queue(name);
        let (alive, ended) = mpsc::channel();
        let thread = thread::Builder::new().name("tars-trace".to_owned()).spawn(move || {
            run(outlet, &mut write);
            drop(alive);
        });
        if let Err(error) = thread {
            tracing::error!(sink = name, %error, "no thread to write the trace");
        }
        Self {
            queue: Some(queue),
            ended: Mutex::new(ended),
        }
    }

    pub(super) fn record(&self, line: Line) {
        if let Some(queue) = &self.queue {
            queue.record(line);
        }
    }

    pub(super) fn flush(&self) -> BoxFuture<()> {
        match &self.queue {
            Some(queue) => queue.flush(),
            None => Box::pin(std::future::ready(())),
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.queue.as_ref().map_or(0, Queue::dropped)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.queue = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(GOODBYE);
    }
}

/// Writes until the other end is gone and nothing is left.
fn run(mut outlet: Outlet, write: &mut impl FnMut(&[u8]) -> io::Result<()>) {
    let mut text = Vec::new();
    while let Some(item) = outlet.receiver.blocking_recv() {
        match item {
            Item::Line(line) => {
                text.clear();
                text.extend_from_slice(format!("{line}\n").as_bytes());
                outlet.load.written(line.size());
                if let Err(error) = write(&text) {
                    outlet.load.lost(1, &error.to_string());
                }
            }
            Item::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
    outlet.load.close();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::queue::tests::line;
    use super::*;

    #[tokio::test]
    async fn a_flush_waits_for_what_was_recorded_and_a_drop_does_too() {
        let (gate, open) = mpsc::channel::<()>();
        let written = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&written);
        let worker = Worker::start("test", move |_| {
            open.recv().unwrap();
            *counter.lock().unwrap() += 1;
            Ok(())
        });
        worker.record(line(0, 0));
        worker.record(line(1, 0));
        let mut flush = worker.flush();
        assert!(futures_util::poll!(&mut flush).is_pending());
        gate.send(()).unwrap();
        gate.send(()).unwrap();
        flush.await;
        assert_eq!(*written.lock().unwrap(), 2);
        worker.record(line(2, 0));
        gate.send(()).unwrap();
        drop(worker);
        assert_eq!(*written.lock().unwrap(), 3);
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_counted() {
        let worker = Worker::start("test", |_| Err(io::ErrorKind::StorageFull.into()));
        worker.record(line(0, 0));
        worker.record(line(1, 0));
        worker.flush().await;
        assert_eq!(worker.dropped(), 2);
    }
}
