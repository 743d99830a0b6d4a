//! What a servant knows about the call it serves, and what travels on from it to the calls it makes.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::{self, Instant};
use crate::codec;
use crate::message::{Attributes, Body, RequestParts};
use crate::trace::{Answered, Trace};
use crate::{BoxError, ByteString, Error, Operation, Request, Response, Result, Version, code, tup};

tokio::task_local! {
    /// The call that the running task serves. Set around each poll of a servant's future, so it holds for everything
    /// that runs in the same task.
    static CURRENT: CurrentCall;
}

/// The call a servant's method serves: who calls, what came along, until when an answer is of use.
///
/// ```
/// use tars::Context;
///
/// fn greet(cx: &mut Context, name: &str) -> String {
///     let greeting = cx.context_str("greeting").unwrap_or("hello").to_owned();
///     cx.set_response_context("served-by", "node-1");
///     format!("{greeting} {name}")
/// }
///
/// assert_eq!(greet(&mut Context::default(), "world"), "hello world"); // a context of no call serves unit tests
/// ```
pub struct Context {
    request: Box<RequestParts>,
    outgoing: Attributes,
    outgoing_status: Attributes,
}

impl Context {
    pub(crate) fn serving(request: Box<RequestParts>) -> Self {
        Self {
            request,
            outgoing: Attributes::new(),
            outgoing_status: Attributes::new(),
        }
    }

    /// The call that the running task serves, or a [`CurrentCall`] of nothing outside of any call.
    ///
    /// Calls made by the same task inherit it by themselves; a spawned task is given it with [`CurrentCall::scope`].
    #[must_use]
    pub fn current() -> CurrentCall {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// The object called, `App.Server.Obj`.
    #[must_use]
    pub fn object(&self) -> &str {
        self.request.object()
    }

    /// The function called.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.request.function
    }

    /// The version of the protocol in which the call came: the form of its body.
    #[must_use]
    pub fn version(&self) -> Version {
        self.request.version
    }

    /// Who calls; `None` only in the context of no call.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.request.arrival.as_ref().map(|arrival| arrival.peer)
    }

    /// The address of this server that was called; `None` only in the context of no call.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.request.arrival.as_ref().map(|arrival| arrival.local)
    }

    /// Whether nobody waits for an answer.
    #[must_use]
    pub fn is_one_way(&self) -> bool {
        self.request.one_way
    }

    /// When the caller stops waiting: the time of arrival and the request's `iTimeout`. `None` when it gave none.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.request.deadline
    }

    /// The time left until the [`deadline`](Self::deadline), zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        self.request
            .deadline
            .map(|deadline| deadline.saturating_duration_since(clock::now()))
    }

    /// The application's own context of the request.
    #[must_use]
    pub fn context(&self) -> &Attributes {
        &self.request.context
    }

    /// A value of the request's context; `None` when it is absent or not UTF-8.
    #[must_use]
    pub fn context_str(&self, key: &str) -> Option<&str> {
        text(&self.request.context, key)
    }

    /// The framework's status of the request (trace, set, dyeing).
    #[must_use]
    pub fn status(&self) -> &Attributes {
        &self.request.status
    }

    /// A value of the request's status; `None` when it is absent or not UTF-8.
    #[must_use]
    pub fn status_str(&self, key: &str) -> Option<&str> {
        text(&self.request.status, key)
    }

    /// Puts a value into the answer's context. An answer that is an error has none.
    pub fn set_response_context(&mut self, key: impl Into<ByteString>, value: impl Into<ByteString>) {
        self.outgoing.insert(key.into(), value.into());
    }

    /// Puts a value into the answer's status. An answer that is an error has none.
    pub fn set_response_status(&mut self, key: impl Into<ByteString>, value: impl Into<ByteString>) {
        self.outgoing_status.insert(key.into(), value.into());
    }

    /// Encodes the output of `O` as the answer, in the form the call came in; generated services call this. Fails with
    /// [`code::SERVER_ENCODE_ERR`].
    pub fn respond<O: Operation>(self, output: O::Output) -> Result<Response> {
        let reply = O::into_reply(output);
        let encoded = match self.version() {
            Version::TUP => tup::encode(&reply).map_err(BoxError::from),
            #[cfg(feature = "json")]
            Version::JSON => crate::json::to_vec(&reply).map_err(BoxError::from),
            _ => codec::encode(&reply).map_err(BoxError::from),
        };
        match encoded {
            Ok(body) => {
                if let Some(served) = self.request.served() {
                    served.replied::<O>(&reply, body.len());
                }
                Ok(Response {
                    body: Body::Owned(body),
                    context: self.outgoing,
                    status: self.outgoing_status,
                    answered: Answered::default(),
                })
            }
            Err(error) => {
                let text = format!("result of {}.{}: {error}", self.object(), self.function());
                Err(Error::new(code::SERVER_ENCODE_ERR, text).with_source(error))
            }
        }
    }
}

/// The UTF-8 value of `key`.
pub(crate) fn text<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a str> {
    attributes.get(key.as_bytes()).and_then(|value| value.to_str().ok())
}

impl Default for Context {
    /// The context of no call: everything is empty.
    fn default() -> Self {
        let mut request = Request::new("", Vec::new());
        request.parts.deadline = None;
        Self::serving(request.parts)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("object", &self.object())
            .field("function", &self.function())
            .field("peer_address", &self.peer_address())
            .field("deadline", &self.request.deadline)
            .field("context", &self.request.context)
            .field("status", &self.request.status)
            .finish_non_exhaustive()
    }
}

/// What calls inherit from the call in whose course they are made: its deadline and the call chain.
///
/// ```
/// # async fn doc() {
/// let current = tars::Context::current();
/// tokio::spawn(current.scope(async {
///     // calls made here end with the deadline of the call that spawned this task, and belong to its chain
/// }));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct CurrentCall {
    deadline: Option<Instant>,
    trace: Option<Trace>,
}

impl CurrentCall {
    pub(crate) fn new(deadline: Option<Instant>, trace: Option<Trace>) -> Self {
        Self { deadline, trace }
    }

    /// The same call as a part of another chain.
    pub(crate) fn with_trace(self, trace: Trace) -> Self {
        Self {
            trace: Some(trace),
            ..self
        }
    }

    /// Deadline and chain of the current call.
    pub(crate) fn inherited() -> (Option<Instant>, Option<Trace>) {
        CURRENT
            .try_with(|call| (call.deadline, call.trace.clone()))
            .unwrap_or_default()
    }

    /// The chain of the current call.
    pub(crate) fn chain() -> Option<Trace> {
        CURRENT.try_with(|call| call.trace.clone()).ok().flatten()
    }

    /// When the caller of the current call stops waiting.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The call chain that this call is a part of, if it is part of one.
    #[must_use]
    pub fn trace(&self) -> Option<Trace> {
        self.trace.clone()
    }

    /// Runs `future` as a part of this call: what it calls inherits from it.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs `f` as a part of this call.
    pub(crate) fn sync_scope<R>(self, f: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self, f)
    }
}
