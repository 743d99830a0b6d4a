//! What is on its way to the editor. A thread writes, so that an editor that does not read cannot hold up the session: its
//! end is still seen, and what waits is bounded.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// So many bytes wait for an editor that does not read.
const MOST_WAITING: usize = 64 << 20;
/// So long the last messages may take.
const LAST: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Outbox {
    messages: Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    ended: Receiver<io::Result<()>>,
}

impl Outbox {
    pub(super) fn new(mut output: impl Write + Send + 'static) -> Self {
        let (messages, pending) = channel::<Vec<u8>>();
        let (end, ended) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = waiting.clone();
        thread::spawn(move || {
            let write = |message: Vec<u8>| {
                // What is being written does not wait: one long answer that is read slowly is no reason to give up.
                left.fetch_sub(message.len(), Ordering::Relaxed);
                output.write_all(&message)?;
                output.flush()
            };
            let written = pending.into_iter().try_for_each(write);
            // Nobody listens once the session has ended.
            let _ = end.send(written);
        });
        Self {
            messages,
            waiting,
            ended,
        }
    }

    /// Puts a message in line.
    pub(super) fn send(&self, message: Vec<u8>) -> Result<(), String> {
        if self.waiting.fetch_add(message.len(), Ordering::Relaxed) > MOST_WAITING {
            return Err("the editor does not read what it is told".to_owned());
        }
        let sent = self.messages.send(message);
        sent.map_err(|_| match self.ended.try_recv() {
            Ok(Err(error)) => format!("cannot write to the editor: {error}"),
            _ => "cannot write to the editor".to_owned(),
        })
    }

    /// Waits until all is written, but not for long.
    pub(super) fn close(self) -> Result<(), String> {
        drop(self.messages);
        match self.ended.recv_timeout(LAST) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("cannot write to the editor: {error}")),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err("the editor did not read the last messages".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what is written once it is told to.
    struct Slow(Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn one_long_message_may_be_read_slowly_but_not_too_many_wait() {
        let (go, wait) = channel();
        let outbox = Outbox::new(Slow(wait));
        let long = || vec![0; MOST_WAITING + 1];
        outbox.send(long()).expect("nothing waits");
        // What the thread has begun to write does not wait any more.
        while outbox.waiting.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        outbox.send(long()).expect("the first is being written");
        let told = outbox.send(vec![0]);
        assert_eq!(told, Err("the editor does not read what it is told".to_owned()));
        go.send(()).expect("the thread waits");
        go.send(()).expect("the thread waits");
        assert_eq!(outbox.close(), Ok(()));
    }
}
