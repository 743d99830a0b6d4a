//! The points of a call at its client.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use super::tracer::Point;
use super::{Flags, Trace, Tracer, params};
use crate::codec::Limits;
use crate::context::CurrentCall;
use crate::message::{PING, RequestParts};
use crate::protocol::TARSMESSAGETYPETRACE;
use crate::{Error, Operation, Response, Result, Version, clock, code};

/// Makes a request a part of the chain it is made in, if it is made in one, and records that it is sent. What comes back
/// has to learn how the call ends; a one-way call ends when its request is written.
pub(crate) fn continue_chain(
    request: &mut RequestParts,
    object: &str,
    tracer: Option<&Tracer>,
    limits: &Limits,
) -> Option<Box<ClientCall>> {
    // A call may be made outside of a scope and awaited inside.
    let trace = request.trace.take().or_else(CurrentCall::chain)?;
    if request.function == PING {
        return None;
    }
    let trace = trace.call();
    trace.write_to(&mut request.status);
    if !trace.is_sampled() {
        return None;
    }
    request.message_type |= TARSMESSAGETYPETRACE;
    let subject = Subject {
        tracer: tracer?.clone(),
        trace,
        object: object.to_owned(),
        function: request.function.clone(),
        is_json: request.version == Version::JSON,
        is_one_way: request.one_way,
    };
    subject.record_begin(request, limits);
    Some(Box::new(ClientCall {
        subject,
        end: None,
        params: Bytes::new(),
    }))
}

/// What the points of a call have in common.
struct Subject {
    tracer: Tracer,
    /// The call's own place.
    trace: Trace,
    object: String,
    function: Cow<'static, str>,
    is_json: bool,
    is_one_way: bool,
}

/// A call whose end is to be recorded, once: when it is dropped, with what it knows by then.
pub(crate) struct ClientCall {
    subject: Subject,
    /// When it ended and how; `None` until then.
    end: Option<(u64, Option<Error>)>,
    params: Bytes,
}

impl Subject {
    fn record_begin(&self, request: &RequestParts, limits: &Limits) {
        let params = self.param_limit(Flags::CS).map(|max| {
            let body = request.body.as_slice();
            match request.describe {
                _ if self.is_json => params::raw(body, max),
                Some(describe) => describe(body, limits, max),
                None => Bytes::new(),
            }
        });
        let begin = Point {
            unix_ms: clock::unix_millis(),
            failure: None,
            params: params.unwrap_or_default(),
        };
        self.record(false, begin);
    }

    fn record(&self, end: bool, point: Point<'_>) {
        self.tracer
            .client_point(&self.trace, (&self.object, &self.function), end, point);
    }

    fn param_limit(&self, point: Flags) -> Option<usize> {
        self.tracer.param_limit(&self.trace, point)
    }
}

impl ClientCall {
    /// Notes how the call ended. An answer goes on with the end, because it may still turn out to be unreadable.
    pub(crate) fn end(mut self: Box<Self>, answer: Result<Response>) -> Result<Response> {
        match answer {
            Ok(mut response) => {
                self.end = Some((clock::unix_millis(), None));
                if self.subject.is_json
                    && let Some(max) = self.subject.param_limit(Flags::CR)
                {
                    self.params = params::raw(response.body(), max);
                }
                response.answered = Answered(Some(self));
                Ok(response)
            }
            Err(error) => {
                self.end = Some((clock::unix_millis(), Some(error.clone())));
                Err(error)
            }
        }
    }
}

impl Drop for ClientCall {
    fn drop(&mut self) {
        let (unix_ms, failure) = self.end.take().unwrap_or_else(|| {
            let text = if self.subject.is_one_way {
                "the call was given up before it was sent"
            } else {
                "the call was given up before its answer came"
            };
            (clock::unix_millis(), Some(Error::new(code::INVOKE_TIMEOUT, text)))
        });
        let end = Point {
            unix_ms,
            failure: failure.as_ref(),
            params: std::mem::take(&mut self.params),
        };
        self.subject.record(true, end);
    }
}

impl fmt::Debug for ClientCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCall")
            .field("trace", &self.subject.trace)
            .field("function", &self.subject.function)
            .finish_non_exhaustive()
    }
}

/// The end of the call that an answer is of. It is recorded when the answer has been read, or is dropped.
#[derive(Debug, Default)]
pub(crate) struct Answered(Option<Box<ClientCall>>);

impl Answered {
    /// Notes what the answer says.
    pub(crate) fn read<O: Operation>(&mut self, reply: &O::Reply, size: usize) {
        if let Some(call) = &mut self.0
            && let Some(max) = call.subject.param_limit(Flags::CR)
        {
            call.params = params::reply::<O>(reply, size, max);
        }
    }

    /// Records that the answer cannot be read.
    pub(crate) fn unreadable(&mut self, error: &Error) {
        if let Some(mut call) = self.0.take()
            && let Some((_, failure)) = &mut call.end
        {
            *failure = Some(error.clone());
        }
    }
}

impl Clone for Answered {
    /// Nothing: the end of a call is recorded once.
    fn clone(&self) -> Self {
        Self(None)
    }
}
