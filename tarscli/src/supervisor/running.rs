//! The server that runs.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    output::Capture,
    process::{Exit, Origin, Process},
};

/// The end of a server's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) exit: Exit,
    /// `None` when it could not be started.
    pub(super) pid: Option<i32>,
    pub(super) ran: Duration,
}

/// The server's process, or where its daemon came from.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) process: Process,
    pub(super) capture: Capture,
    /// By which what it leaves behind is known.
    pub(super) origin: Origin,
    /// The process has ended; what it left behind is the server.
    pub(super) is_daemon: bool,
    /// The loop knows that the process has ended.
    pub(super) is_told: bool,
    since: Instant,
}

impl Running {
    pub(super) fn new(process: Process, capture: Capture, origin: Origin) -> Self {
        Self {
            process,
            capture,
            origin,
            is_daemon: false,
            is_told: false,
            since: Instant::now(),
        }
    }

    /// The process; `None` when it is only known by what it left behind.
    pub(super) fn pid(&self) -> Option<i32> {
        (!self.is_daemon).then(|| self.process.pid())
    }

    /// It ended just now.
    pub(super) fn ended(&self, exit: Exit) -> Ended {
        Ended {
            exit,
            pid: Some(self.process.pid()),
            ran: self.age(),
        }
    }

    /// The time since its start.
    pub(super) fn age(&self) -> Duration {
        self.since.elapsed()
    }
}
