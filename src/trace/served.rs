//! The points of a call at its server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::tracer::Point;
use super::{Flags, Trace, Tracer, line, params};
use crate::message::RequestParts;
use crate::protocol::{JSONVERSION, RequestPacket};
use crate::{Error, Operation, Response, Result, clock, code};

/// A call that is served and whose end is to be recorded, once: when it ends, or when this is dropped before.
#[derive(Debug)]
pub(crate) struct Served {
    call: Arc<ServedCall>,
    ended: bool,
}

impl Served {
    /// The call of a packet.
    pub(crate) fn begin(tracer: &Tracer, trace: &Trace, packet: &RequestPacket) -> Option<Self> {
        if !trace.is_sampled() {
            return None;
        }
        let is_json = packet.i_version == JSONVERSION;
        let call = ServedCall {
            tracer: tracer.clone(),
            trace: trace.clone(),
            function: line::name(&packet.s_func_name),
            is_json,
            state: Mutex::new(State {
                received: Some(clock::unix_millis()),
                reply: Bytes::new(),
            }),
        };
        // Parameters that are wanted are waited for, until the request is opened.
        if tracer.param_limit(trace, Flags::SR).is_none() {
            call.record_received(Bytes::new());
        }
        Some(Self {
            call: Arc::new(call),
            ended: false,
        })
    }

    /// The call, to be told what its parameters are.
    pub(crate) fn call(&self) -> &Arc<ServedCall> {
        &self.call
    }

    /// Records the end.
    pub(crate) fn end(mut self, result: &Result<Response>) {
        self.ended = true;
        match result {
            Ok(response) => self.call.record_sent(None, Some(response.body())),
            Err(error) => self.call.record_sent(Some(error), None),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !self.ended {
            let error = Error::new(code::UNKNOWN, "the call was given up before it ended");
            self.call.record_sent(Some(&error), None);
        }
    }
}

/// A call that is served, as request and context know it.
#[derive(Debug)]
pub(crate) struct ServedCall {
    tracer: Tracer,
    /// The place that the request named.
    trace: Trace,
    function: String,
    is_json: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the request came; taken when that is recorded.
    received: Option<u64>,
    reply: Bytes,
}

impl ServedCall {
    /// Records that the call came, with its parameters; `None` when they cannot be decoded.
    pub(crate) fn opened<O: Operation>(&self, args: Option<&O::Args>, size: usize) {
        let params = self.tracer.param_limit(&self.trace, Flags::SR).zip(args);
        self.record_received(
            params
                .map(|(max, args)| params::args::<O>(args, size, max))
                .unwrap_or_default(),
        );
    }

    /// Notes what is answered.
    pub(crate) fn replied<O: Operation>(&self, reply: &O::Reply, size: usize) {
        if let Some(max) = self.tracer.param_limit(&self.trace, Flags::SS) {
            let params = params::reply::<O>(reply, size, max);
            self.state().reply = params;
        }
    }

    /// Records that the call came, unless that was recorded before.
    fn record_received(&self, params: Bytes) {
        let Some(unix_ms) = self.state().received.take() else {
            return;
        };
        let point = Point {
            unix_ms,
            failure: None,
            params,
        };
        self.tracer.server_point(&self.trace, &self.function, false, point);
    }

    fn record_sent(&self, failure: Option<&Error>, body: Option<&[u8]>) {
        self.record_received(Bytes::new());
        let mut params = Bytes::new();
        if let Some(body) = body {
            params = std::mem::take(&mut self.state().reply);
            if params.is_empty()
                && self.is_json
                && let Some(max) = self.tracer.param_limit(&self.trace, Flags::SS)
            {
                params = params::raw(body, max);
            }
        }
        let point = Point {
            unix_ms: clock::unix_millis(),
            failure,
            params,
        };
        self.tracer.server_point(&self.trace, &self.function, true, point);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing inside can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestParts {
    /// The call that is served, when it is recorded.
    pub(crate) fn served(&self) -> Option<&ServedCall> {
        self.served.as_deref()
    }
}
