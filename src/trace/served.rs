//! The points of a call at its server.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::tracer::Point;
use super::{Flags, Trace, Tracer, line, params};
use crate::message::RequestParts;
use crate::protocol::RequestPacket;
use crate::{Error, Operation, Response, Result, Version, clock, code};

/// A call that is served and whose end is to be recorded, once: when this is dropped, with what it knows by then.
#[derive(Debug)]
pub(crate) struct Served {
    call: Arc<ServedCall>,
    /// How it ended, and what it answers; `None` until then.
    end: Option<(Option<Error>, Bytes)>,
}

impl Served {
    /// The call of a packet.
    pub(crate) fn begin(tracer: &Tracer, trace: &Trace, packet: &RequestPacket) -> Option<Self> {
        if !trace.is_sampled() {
            return None;
        }
        let is_json = Version(packet.i_version) == Version::JSON;
        let call = ServedCall {
            tracer: tracer.clone(),
            trace: trace.clone(),
            function: line::name(&packet.s_func_name),
            is_json,
            state: Mutex::new(State {
                received: Some(clock::unix_millis()),
                body: None,
                reply: Bytes::new(),
            }),
        };
        match tracer.param_limit(trace, Flags::SR) {
            None => call.record_received(Bytes::new()),
            // Parameters that are wanted are waited for, until the request is opened. JSON is readable without that.
            Some(max) if is_json => call.state().body = Some(params::raw(&packet.s_buffer, max)),
            Some(_) => {}
        }
        Some(Self {
            call: Arc::new(call),
            end: None,
        })
    }

    /// The call, to be told what its parameters are.
    pub(crate) fn call(&self) -> &Arc<ServedCall> {
        &self.call
    }

    /// Notes how the call ended.
    pub(crate) fn ended(&mut self, result: &Result<Response>) {
        self.end = Some(match result {
            Ok(response) => (None, self.call.reply(response.body())),
            Err(error) => (Some(error.clone()), Bytes::new()),
        });
    }

    /// Notes that an error is answered instead.
    pub(crate) fn failed(&mut self, error: Error) {
        self.end = Some((Some(error), Bytes::new()));
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let (failure, params) = self.end.take().unwrap_or_else(|| {
            let given_up = Error::new(code::UNKNOWN, "the call was given up before it ended");
            (Some(given_up), Bytes::new())
        });
        let body = self.call.state().body.take();
        self.call.record_received(body.unwrap_or_default());
        self.call.record(
            true,
            Point {
                unix_ms: clock::unix_millis(),
                failure: failure.as_ref(),
                params,
            },
        );
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
    /// Parameters in JSON as they came.
    body: Option<Bytes>,
    reply: Bytes,
}

impl ServedCall {
    /// Records that the call came, with its parameters; `None` when they cannot be decoded.
    pub(crate) fn opened<O: Operation>(&self, args: Option<&O::Args>, size: usize) {
        let body = self.state().body.take();
        let params = match self.tracer.param_limit(&self.trace, Flags::SR).zip(args) {
            Some((max, args)) => params::args::<O>(args, size, max),
            None => body.unwrap_or_default(),
        };
        self.record_received(params);
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
        self.record(
            false,
            Point {
                unix_ms,
                failure: None,
                params,
            },
        );
    }

    /// What is answered, as far as it is known: a servant may have made `body` without [`replied`](Self::replied).
    fn reply(&self, body: &[u8]) -> Bytes {
        let reply = std::mem::take(&mut self.state().reply);
        match self.tracer.param_limit(&self.trace, Flags::SS) {
            Some(max) if reply.is_empty() && self.is_json => params::raw(body, max),
            _ => reply,
        }
    }

    fn record(&self, end: bool, point: Point<'_>) {
        self.tracer.server_point(&self.trace, &self.function, end, point);
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
