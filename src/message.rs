//! The request and the response that services exchange: the two types at the tower seam.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Instant;
use crate::codec::{self, DecodeError, Limits, Struct};
use crate::context::CurrentCall;
use crate::operation::Parameters;
use crate::trace::{Answered, Describe, ServedCall, Trace};
use crate::{ByteString, Context, Error, Operation, Result, Version, code, tup};

/// Context or status of a packet: bytes that somebody else wrote, usually text.
///
/// They are not `String`, so that one odd value never fails a call.
pub type Attributes = BTreeMap<ByteString, ByteString>;

/// The function every servant has: it does nothing and answers that.
pub(crate) const PING: &str = "tars_ping";

/// A packet's `sBuffer`: as encoded here, or as cut out of what was received.
#[derive(Clone)]
pub(crate) enum Body {
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl Body {
    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Reads the fields of `T`; large byte vectors share what was received instead of copying it.
    pub(crate) fn decode<T: Struct>(&self, limits: &Limits) -> Result<T, DecodeError> {
        match self {
            Self::Owned(bytes) => codec::decode(bytes, limits),
            Self::Shared(bytes) => codec::decode_bytes(bytes, limits),
        }
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Owned(bytes) => bytes.into(),
            Self::Shared(bytes) => bytes,
        }
    }
}

/// The connection a request came in on, and how much of it may be decoded.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) limits: Limits,
}

/// A call on its way to a servant.
///
/// In a server the generated service opens it into typed parameters; in a client a [`Proxy`](crate::Proxy), which is a
/// service too, sends it. Layers in between may read it and change its context and status.
///
/// ```
/// use tars::Request;
///
/// let mut request = Request::new("sayHello", "");
/// request.context_mut().insert("user".into(), "7".into());
/// assert_eq!(request.function(), "sayHello");
/// ```
pub struct Request {
    pub(crate) parts: Box<RequestParts>,
}

#[derive(Clone)]
pub(crate) struct RequestParts {
    pub(crate) version: Version,
    pub(crate) one_way: bool,
    /// `None` in a client, whose proxy knows it.
    pub(crate) object: Option<Arc<str>>,
    pub(crate) function: Cow<'static, str>,
    pub(crate) body: Body,
    pub(crate) context: Attributes,
    pub(crate) status: Attributes,
    /// When the caller stops waiting. In a client: the deadline inherited from the call being served.
    pub(crate) deadline: Option<Instant>,
    /// In a client: the time this call may take, when it is not the communicator's.
    pub(crate) timeout: Option<Duration>,
    pub(crate) arrival: Option<Arc<Arrival>>,
    /// `iMessageType`, as far as it is to be sent.
    pub(crate) message_type: i32,
    /// The call chain it came in or is made in.
    pub(crate) trace: Option<Trace>,
    /// In a server: the call, when it is recorded.
    pub(crate) served: Option<Arc<ServedCall>>,
    /// In a client: how its parameters are recorded.
    pub(crate) describe: Option<Describe>,
}

impl RequestParts {
    pub(crate) fn object(&self) -> &str {
        self.object.as_deref().unwrap_or_default()
    }

    /// Reads the parameters in the form of the request's version.
    fn parameters<T: Parameters>(&self, limits: &Limits) -> Result<T, DecodeError> {
        match self.version {
            Version::TUP => tup::decode(self.body.as_slice(), limits),
            #[cfg(feature = "json")]
            Version::JSON => match self.body.as_slice() {
                [] => crate::json::from_slice(b"{}", limits),
                text => crate::json::from_slice(text, limits),
            },
            _ => self.body.decode(limits),
        }
    }
}

impl Request {
    /// A call of `function` with an encoded body, to be sent through a [`Proxy`](crate::Proxy). The deadline of the
    /// call being served, if any, is inherited.
    pub fn new(function: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Self {
        Self::of(function.into(), Body::Shared(body.into()))
    }

    pub(crate) fn of(function: Cow<'static, str>, body: Body) -> Self {
        let (deadline, trace) = CurrentCall::inherited();
        Self {
            parts: Box::new(RequestParts {
                version: Version::TARS,
                one_way: false,
                object: None,
                function,
                body,
                context: Attributes::new(),
                status: Attributes::new(),
                deadline,
                timeout: None,
                arrival: None,
                message_type: 0,
                trace,
                served: None,
                describe: None,
            }),
        }
    }

    /// The object called, `App.Server.Obj`; empty in a client, where the proxy knows it.
    #[must_use]
    pub fn object(&self) -> &str {
        self.parts.object()
    }

    /// The function called.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.parts.function
    }

    /// The version of the protocol: the form of the body, and of the answer's.
    #[must_use]
    pub fn version(&self) -> Version {
        self.parts.version
    }

    /// Says which form the body has.
    pub fn set_version(&mut self, version: Version) {
        self.parts.version = version;
    }

    /// The encoded parameters.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.parts.body.as_slice()
    }

    /// Whether nobody waits for an answer.
    #[must_use]
    pub fn is_one_way(&self) -> bool {
        self.parts.one_way
    }

    /// Asks for no answer: the call is done as soon as the request is sent.
    pub fn set_one_way(&mut self, one_way: bool) {
        self.parts.one_way = one_way;
    }

    /// Sets the time the call may take, instead of the communicator's setting.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.parts.timeout = Some(timeout);
    }

    /// When the caller stops waiting, if it said so. In a client this is the deadline of the call being served.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.parts.deadline
    }

    /// Who calls; `None` in a client.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.parts.arrival.as_ref().map(|arrival| arrival.peer)
    }

    /// The application's own context of the call.
    #[must_use]
    pub fn context(&self) -> &Attributes {
        &self.parts.context
    }

    /// The application's own context of the call, to be changed.
    pub fn context_mut(&mut self) -> &mut Attributes {
        &mut self.parts.context
    }

    /// The framework's status of the call (trace, set, dyeing).
    #[must_use]
    pub fn status(&self) -> &Attributes {
        &self.parts.status
    }

    /// The framework's status of the call, to be changed.
    pub fn status_mut(&mut self) -> &mut Attributes {
        &mut self.parts.status
    }

    /// Decodes the parameters of `O`, whatever form they came in; generated services call this. Fails with [`code::SERVER_DECODE_ERR`].
    pub fn open<O: Operation>(mut self) -> Result<(Context, O::Args)> {
        let limits = self
            .parts
            .arrival
            .as_ref()
            .map_or_else(Limits::default, |arrival| arrival.limits);
        let decoded = self.parts.parameters(&limits);
        if let Some(served) = self.parts.served() {
            served.opened::<O>(decoded.as_ref().ok(), self.body().len());
        }
        match decoded {
            Ok(args) => {
                // A call may run for long; the bytes it came in as are not needed any more.
                self.parts.body = Body::Owned(Vec::new());
                Ok((Context::serving(self.parts), args))
            }
            Err(error) => {
                let (object, function) = (self.object(), self.function());
                let text = match self.version() {
                    // The parameters were put together anew: their offsets are nowhere in what was received.
                    Version::TUP => format!("parameters of {object}.{function}: {}", error.without_offset()),
                    _ => format!("parameters of {object}.{function}: {error}"),
                };
                Err(Error::new(code::SERVER_DECODE_ERR, text).with_source(error))
            }
        }
    }

    /// The error for a function that the servant does not have; generated services call this.
    #[must_use]
    pub fn unknown_function(&self) -> Error {
        Error::new(
            code::SERVER_NO_FUNC,
            format!("`{}` has no function `{}`", self.object(), self.function()),
        )
    }
}

impl Clone for Request {
    /// A copy that could be sent again.
    fn clone(&self) -> Self {
        Self {
            parts: self.parts.clone(),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("object", &self.object())
            .field("function", &self.parts.function)
            .field("version", &self.parts.version)
            .field("body_len", &self.body().len())
            .field("context", &self.parts.context)
            .field("status", &self.parts.status)
            .field("one_way", &self.parts.one_way)
            .finish_non_exhaustive()
    }
}

/// The answer to a [`Request`].
///
/// A failed call is an [`Error`], not a response; so a response always means return code 0.
///
/// ```
/// let mut response = tars::Response::new(&b"\x00\x07"[..]);
/// response.context_mut().insert("cached".into(), "yes".into());
/// assert_eq!(response.body(), b"\x00\x07");
/// ```
#[derive(Clone)]
pub struct Response {
    pub(crate) body: Body,
    pub(crate) context: Attributes,
    pub(crate) status: Attributes,
    /// In a client: the call's end, to be recorded.
    pub(crate) answered: Answered,
}

impl Response {
    /// An answer with an encoded body.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: Body::Shared(body.into()),
            context: Attributes::new(),
            status: Attributes::new(),
            answered: Answered::default(),
        }
    }

    /// The encoded return value and `out` parameters.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_slice()
    }

    /// The encoded return value and `out` parameters, without copying them.
    #[must_use]
    pub fn into_body(self) -> Bytes {
        self.body.into_bytes()
    }

    /// Body, context and status, without copying them.
    ///
    /// ```
    /// let (body, context, status) = tars::Response::new(&b"\x00\x07"[..]).into_parts();
    /// assert_eq!(body, &b"\x00\x07"[..]);
    /// assert!(context.is_empty() && status.is_empty());
    /// ```
    #[must_use]
    pub fn into_parts(self) -> (Bytes, Attributes, Attributes) {
        (self.body.into_bytes(), self.context, self.status)
    }

    /// The application's own context of the answer.
    #[must_use]
    pub fn context(&self) -> &Attributes {
        &self.context
    }

    /// The application's own context of the answer, to be changed.
    pub fn context_mut(&mut self) -> &mut Attributes {
        &mut self.context
    }

    /// The framework's status of the answer.
    #[must_use]
    pub fn status(&self) -> &Attributes {
        &self.status
    }

    /// The framework's status of the answer, to be changed.
    pub fn status_mut(&mut self) -> &mut Attributes {
        &mut self.status
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("body_len", &self.body().len())
            .field("context", &self.context)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
