//! Lines in a file.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::Sink;
use super::worker::Worker;
use crate::trace::Line;
use crate::{BoxFuture, Error, Result, code};

/// Appends lines to a file, one a write, so that processes can share it.
///
/// A thread writes; up to 10,000 lines wait for it. The file only grows: let a tool such as logrotate with
/// `copytruncate` keep it short. Dropping the sink waits until what it took is written.
#[must_use = "nothing is written without a tracer"]
pub struct FileSink {
    worker: Worker,
}

impl FileSink {
    /// Opens the file at `path`, which is made when it is missing. Fails when it cannot be opened for appending.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut file = File::options().create(true).append(true).open(path).map_err(|error| {
            let text = format!("cannot open `{}` for the trace: {error}", path.display());
            Error::new(code::UNKNOWN, text).with_source(error)
        })?;
        let worker = Worker::start("file", move |line| file.write_all(line));
        Ok(Self { worker })
    }
}

impl Sink for FileSink {
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

impl std::fmt::Debug for FileSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileSink").finish_non_exhaustive()
    }
}
