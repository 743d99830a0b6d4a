//! Lines on the standard output, the only module that writes there.

use std::io::{self, Write};

use super::Sink;
use super::worker::Worker;
use crate::BoxFuture;
use crate::trace::Line;

/// Writes lines to the standard output. A thread writes, as for a [`FileSink`](super::FileSink).
#[must_use = "nothing is written without a tracer"]
pub struct StdoutSink {
    worker: Worker,
}

impl StdoutSink {
    /// The sink.
    pub fn new() -> Self {
        let worker = Worker::start("stdout", |line| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(line)?;
            stdout.flush()
        });
        Self { worker }
    }
}

impl Default for StdoutSink {
    fn default() -> Self {
        Self::new()
    }
}

impl Sink for StdoutSink {
    fn record(&self, line: Line) {
        self.worker.record(line);
    }

    fn flush(&self) -> BoxFuture<()> {
        self.worker.flush()
    }

    fn dropped(&self) -> u64 {
        self.worker.dropped()
    }
}

impl std::fmt::Debug for StdoutSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StdoutSink").finish_non_exhaustive()
    }
}
