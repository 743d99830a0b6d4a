//! A call as a builder that can be awaited.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::exchange::ResponseFuture;
use super::proxy::Proxy;
use crate::codec::{DecodeError, Limits};
use crate::message::Attributes;
use crate::{ByteString, Error, Request, Response, Result, code};

/// Makes the output of a call of `function` from its response.
pub(super) struct Decoder<T> {
    pub(super) function: &'static str,
    pub(super) decode: fn(&mut Response, &Limits) -> Result<T, DecodeError>,
}

/// A call that is prepared and sent when it is awaited.
///
/// Parameters are encoded already, so it borrows nothing and can be handed to another task.
///
/// A call that fails with [`code::PROXY_CONNECT_ERR`] was not sent when the text says `cannot connect to` or
/// `no connection to`. When the text says `connection to ... ended`, the call was on its way and the server may have
/// carried it out.
///
/// ```no_run
/// # async fn doc(proxy: tars::Proxy) -> tars::Result<()> {
/// use std::time::Duration;
///
/// proxy.ping().await?;
/// proxy.ping().timeout(Duration::from_millis(200)).context("user", "7").await?;
/// let reply = proxy.ping().with_reply().await?;
/// println!("{:?}", reply.context);
/// proxy.ping().one_way().await?; // sent, not answered
/// tokio::spawn(proxy.ping().into_future());
/// # Ok(())
/// # }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<T> {
    proxy: Proxy,
    request: Result<Request>,
    decoder: Decoder<T>,
}

impl<T> Call<T> {
    pub(super) fn new(proxy: Proxy, request: Result<Request>, decoder: Decoder<T>) -> Self {
        Self {
            proxy,
            request,
            decoder,
        }
    }

    /// The time this call may take, instead of the communicator's setting.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.change(|request| request.set_timeout(timeout))
    }

    /// Adds to the application's own context that travels with the call.
    pub fn context(self, key: impl Into<ByteString>, value: impl Into<ByteString>) -> Self {
        self.change(|request| drop(request.context_mut().insert(key.into(), value.into())))
    }

    /// Adds to the framework's status that travels with the call.
    pub fn status(self, key: impl Into<ByteString>, value: impl Into<ByteString>) -> Self {
        self.change(|request| drop(request.status_mut().insert(key.into(), value.into())))
    }

    /// Gives context and status of the answer together with its value.
    pub fn with_reply(self) -> WithReply<T> {
        WithReply { call: self }
    }

    /// Sends the call without asking for an answer. It is done when the request has been handed to the system; that
    /// it arrives, or succeeds, nobody tells.
    pub fn one_way(self) -> OneWay {
        let Self { proxy, request, .. } = self.change(|request| request.set_one_way(true));
        OneWay { proxy, request }
    }

    fn change(mut self, change: impl FnOnce(&mut Request)) -> Self {
        if let Ok(request) = &mut self.request {
            change(request);
        }
        self
    }
}

impl<T> IntoFuture for Call<T> {
    type Output = Result<T>;
    type IntoFuture = CallFuture<T>;

    fn into_future(self) -> CallFuture<T> {
        CallFuture {
            reply: self.with_reply().into_future(),
        }
    }
}

/// A call whose answer comes with its context and status; made by [`Call::with_reply`].
#[must_use = "a call does nothing until it is awaited"]
pub struct WithReply<T> {
    call: Call<T>,
}

impl<T> IntoFuture for WithReply<T> {
    type Output = Result<Reply<T>>;
    type IntoFuture = ReplyFuture<T>;

    fn into_future(self) -> ReplyFuture<T> {
        let Call {
            proxy,
            request,
            decoder,
        } = self.call;
        ReplyFuture {
            response: Sent::new(proxy, request),
            decoder,
        }
    }
}

/// A call that is only sent; made by [`Call::one_way`].
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct OneWay {
    proxy: Proxy,
    request: Result<Request>,
}

impl IntoFuture for OneWay {
    type Output = Result<()>;
    type IntoFuture = OneWayFuture;

    fn into_future(self) -> OneWayFuture {
        OneWayFuture {
            response: Sent::new(self.proxy, self.request),
        }
    }
}

/// The answer of a call with all that came along.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply<T> {
    /// Return value and `out` parameters.
    pub value: T,
    /// The application's own context, as the servant set it.
    pub context: Attributes,
    /// The framework's status.
    pub status: Attributes,
}

/// A request that is on its way, or the error that kept it from being made.
#[derive(Debug)]
enum Sent {
    Way(ResponseFuture),
    Failed(Option<Error>),
}

impl Sent {
    fn new(proxy: Proxy, request: Result<Request>) -> Self {
        match request {
            Ok(request) => Self::Way(ResponseFuture::new(proxy, request)),
            Err(error) => Self::Failed(Some(error)),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Response, &ResponseFuture)>> {
        match self {
            Self::Way(future) => {
                let response = ready!(Pin::new(&mut *future).poll(cx));
                Poll::Ready(response.map(|response| (response, &*future)))
            }
            Self::Failed(error) => Poll::Ready(Err(error.take().expect("not polled after it was ready"))),
        }
    }
}

/// The future of a [`WithReply`]. Dropping it gives the call up.
#[must_use = "a call does nothing until it is awaited"]
pub struct ReplyFuture<T> {
    response: Sent,
    decoder: Decoder<T>,
}

impl<T> Future for ReplyFuture<T> {
    type Output = Result<Reply<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Reply<T>>> {
        let Decoder { function, decode } = self.decoder;
        let (mut response, exchange) = ready!(self.response.poll(cx))?;
        Poll::Ready(match decode(&mut response, exchange.limits()) {
            Ok(value) => Ok(Reply {
                value,
                context: response.context,
                status: response.status,
            }),
            Err(error) => {
                let text = format!("answer of {}.{function}: {error}", exchange.proxy().object());
                let error = Error::new(code::CLIENT_DECODE_ERR, text).with_source(error);
                response.answered.unreadable(&error);
                Err(error)
            }
        })
    }
}

/// The future of a [`Call`]. Dropping it gives the call up.
#[must_use = "a call does nothing until it is awaited"]
pub struct CallFuture<T> {
    reply: ReplyFuture<T>,
}

impl<T> Future for CallFuture<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        Pin::new(&mut self.reply).poll(cx).map_ok(|reply| reply.value)
    }
}

/// The future of a [`OneWay`]. Dropping it before it is ready may leave the request unsent.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug)]
pub struct OneWayFuture {
    response: Sent,
}

impl Future for OneWayFuture {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.response.poll(cx).map_ok(drop)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("proxy", &self.proxy)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for WithReply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WithReply").field(&self.call).finish()
    }
}

impl<T> fmt::Debug for ReplyFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReplyFuture").field(&self.response).finish()
    }
}

impl<T> fmt::Debug for CallFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CallFuture").field(&self.reply.response).finish()
    }
}
