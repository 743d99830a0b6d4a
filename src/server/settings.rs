//! What a server allows.

use std::time::Duration;

use crate::codec::Limits;
use crate::packet::DEFAULT_MAX_FRAME;
use crate::trace::Tracer;

/// Limits of a server; the setters of [`ServerBuilder`](super::ServerBuilder) document them.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) max_connections: usize,
    pub(super) max_calls: usize,
    pub(super) max_call_bytes: usize,
    pub(super) max_unsent: usize,
    pub(super) max_frame: usize,
    pub(super) idle_timeout: Duration,
    pub(super) grace: Duration,
    pub(super) limits: Limits,
    pub(super) tracer: Option<Tracer>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            max_calls: 4096,
            max_call_bytes: 64 * 1024 * 1024,
            max_unsent: 4 * 1024 * 1024,
            max_frame: DEFAULT_MAX_FRAME,
            idle_timeout: Duration::from_mins(1),
            grace: Duration::from_secs(10),
            limits: Limits::default(),
            tracer: None,
        }
    }
}
