//! What a process knows of itself as a place of call chains, and where its lines go.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::key::{DEFAULT_KB, MAX_KB};
use super::line::{self, Annotation, Line};
use super::sink::Sink;
use super::{Flags, Trace};
use crate::{Error, code};

/// How long a flush may take.
const FLUSH: Duration = Duration::from_secs(5);

/// Writes the lines of a process. Given to [`CommunicatorBuilder::tracer`](crate::CommunicatorBuilder::tracer) it
/// records the calls that are made, given to [`ServerBuilder::tracer`](crate::ServerBuilder::tracer) the calls that are
/// served. A handle, cheap to clone.
#[derive(Clone)]
pub struct Tracer {
    module: Arc<str>,
    sink: Arc<dyn Sink>,
    gateway: bool,
    param_flags: Flags,
    min_param_kb: u32,
    max_param_kb: u32,
}

impl Tracer {
    /// [`max_param_kb`](Self::max_param_kb) unless it is set.
    pub const DEFAULT_MAX_PARAM_KB: u32 = 64;

    /// The tracer of the module `App.Server`, whose lines go to `sink`.
    #[must_use]
    pub fn new(module: &str, sink: impl Sink) -> Self {
        Self {
            module: line::name(module).into(),
            sink: Arc::new(sink),
            gateway: false,
            param_flags: Flags::ALL,
            min_param_kb: DEFAULT_KB,
            max_param_kb: Self::DEFAULT_MAX_PARAM_KB,
        }
    }

    /// The tracer of a gateway, where chains enter the system: its calls are recorded as `ts` and `te`.
    #[must_use]
    pub fn gateway(mut self) -> Self {
        self.gateway = true;
        self
    }

    /// Points at which parameters may be recorded at all; [`Flags::ALL`] by default, as in every peer. A chain's flags,
    /// which its beginner chooses, ask for parameters; what is not allowed here they do not get.
    #[must_use]
    pub fn param_flags(mut self, flags: Flags) -> Self {
        self.param_flags = flags;
        self
    }

    /// Kilobytes of parameters that are recorded even when a chain asks for less, 1 by default. It is
    /// `trace_param_max_len` of other implementations.
    #[must_use]
    pub fn min_param_kb(mut self, kilobytes: u32) -> Self {
        self.min_param_kb = kilobytes;
        self
    }

    /// Kilobytes of parameters that are recorded at most, whatever a chain or [`min_param_kb`](Self::min_param_kb) asks
    /// for: 64 by default, at least 1, at most 10 MB. The beginner of a chain chooses its length, and anybody may begin
    /// one: a long line costs the time of calls and the room of other lines.
    #[must_use]
    pub fn max_param_kb(mut self, kilobytes: u32) -> Self {
        self.max_param_kb = kilobytes.clamp(DEFAULT_KB, MAX_KB);
        self
    }

    /// Waits until what was recorded is written, at most 5 seconds.
    pub async fn flush(&self) {
        if timeout(FLUSH, self.sink.flush()).await.is_err() {
            tracing::warn!("the trace's sink did not write its lines within {} s", FLUSH.as_secs());
        }
    }

    /// Lines that were dropped because the sink was behind or failed.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.sink.dropped()
    }

    /// Bytes of parameters that may stand in a line of this chain at `point`; `None` when they are not wanted.
    pub(super) fn param_limit(&self, trace: &Trace, point: Flags) -> Option<usize> {
        let is_wanted = trace.is_sampled() && trace.flags().contains(point) && self.param_flags.contains(point);
        let kilobytes = self.min_param_kb.max(trace.max_len_kb()).min(self.max_param_kb);
        is_wanted.then_some(kilobytes as usize * 1024)
    }

    /// Records a point of a client's call. `trace` is the call's own place.
    pub(super) fn client_point(&self, trace: &Trace, names: (&str, &str), end: bool, point: Point<'_>) {
        let annotation = match (self.gateway, end) {
            (false, false) => Annotation::Cs,
            (false, true) => Annotation::Cr,
            (true, false) => Annotation::Ts,
            (true, true) => Annotation::Te,
        };
        let (server, function) = names;
        self.sink.record(Line {
            trace_id: trace.trace_id().to_owned(),
            span: trace.span().to_owned(),
            parent: trace.parent().unwrap_or_default().to_owned(),
            annotation,
            client: (*self.module).to_owned(),
            server: line::name(server),
            function: line::name(function),
            unix_ms: point.unix_ms,
            ret: point.ret(),
            error: point.error(),
            params: point.params,
        });
    }

    /// Records a point of a call that is served. `trace` is the place that the request named, `function` is a name as it
    /// may stand in a line.
    pub(super) fn server_point(&self, trace: &Trace, function: &str, end: bool, point: Point<'_>) {
        self.sink.record(Line {
            trace_id: trace.trace_id().to_owned(),
            span: trace.span().to_owned(),
            parent: "*".to_owned(),
            annotation: if end { Annotation::Ss } else { Annotation::Sr },
            client: String::new(),
            server: (*self.module).to_owned(),
            function: function.to_owned(),
            unix_ms: point.unix_ms,
            ret: point.ret(),
            error: point.error(),
            params: point.params,
        });
    }
}

/// What differs from point to point.
pub(super) struct Point<'a> {
    pub(super) unix_ms: u64,
    pub(super) failure: Option<&'a Error>,
    pub(super) params: Bytes,
}

impl Point<'_> {
    fn ret(&self) -> i32 {
        // An error whose code says success is answered as an unknown one.
        self.failure.map_or(code::SUCCESS, |error| match error.code() {
            code::SUCCESS => code::UNKNOWN,
            code => code,
        })
    }

    fn error(&self) -> String {
        self.failure
            .map(|error| line::error(error.message()))
            .unwrap_or_default()
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("module", &self.module)
            .field("gateway", &self.gateway)
            .field("param_flags", &self.param_flags)
            .field("min_param_kb", &self.min_param_kb)
            .field("max_param_kb", &self.max_param_kb)
            .finish_non_exhaustive()
    }
}
