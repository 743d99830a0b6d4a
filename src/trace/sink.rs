//! Where lines go.

mod file;
mod log;
mod queue;
mod stdout;
mod worker;

use std::sync::Arc;

use super::Line;
use crate::BoxFuture;

pub use file::FileSink;
pub use log::LogSink;
pub use stdout::StdoutSink;

/// Takes the lines of a [`Tracer`](super::Tracer).
///
/// ```
/// use std::sync::Mutex;
/// use tars::trace::{Line, Sink};
///
/// #[derive(Default)]
/// struct Memory(Mutex<Vec<Line>>);
///
/// impl Sink for Memory {
///     fn record(&self, line: Line) {
///         self.0.lock().unwrap().push(line);
///     }
/// }
/// ```
pub trait Sink: Send + Sync + 'static {
    /// Takes a line. It is called in the course of calls, so it must not block: what is slow belongs behind a queue.
    fn record(&self, line: Line);

    /// Ready when what was taken is written.
    fn flush(&self) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }

    /// Lines that were taken and never written.
    fn dropped(&self) -> u64 {
        0
    }
}

impl<S: Sink + ?Sized> Sink for Arc<S> {
    fn record(&self, line: Line) {
        (**self).record(line);
    }

    fn flush(&self) -> BoxFuture<()> {
        (**self).flush()
    }

    fn dropped(&self) -> u64 {
        (**self).dropped()
    }
}
