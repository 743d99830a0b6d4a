//! A proxy stands for an object somewhere else.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tower_layer::Layer;
use tower_service::Service;

use super::call::{Call, Decoder};
use super::exchange::ResponseFuture;
use super::target::Target;
use crate::codec::Writer;
use crate::error::BoxError;
use crate::layer::AnyService;
use crate::message::{Body, PING};
use crate::trace::describe_args;
use crate::{Error, Operation, Request, Response, Result, Version, code};

/// A typed client that the compiler generates for an interface.
pub trait Client {
    /// A client that calls through `proxy`.
    fn new(proxy: Proxy) -> Self;
}

/// An object somewhere else, to be called: a handle, cheap to clone.
///
/// It is a tower service of [`Request`]s, so layers go around it, and a proxy with layers around it is a proxy again:
///
/// ```
/// use std::time::Duration;
/// use tower::timeout::TimeoutLayer;
///
/// # fn doc() -> tars::Result<()> {
/// let comm = tars::Communicator::new();
/// let proxy = comm.proxy("TestApp.HelloServer.HelloObj@tcp -h 127.0.0.1 -p 18015")?;
/// let hasty = proxy.layer(TimeoutLayer::new(Duration::from_millis(200)));
/// // let hello = HelloClient::new(hasty);
/// # Ok(())
/// # }
/// # doc().unwrap();
/// ```
///
/// A layer cannot make a call last longer than its own timeout, 3 seconds unless set otherwise: that is for
/// [`CommunicatorBuilder::timeout`](crate::CommunicatorBuilder::timeout) and [`Call::timeout`].
#[derive(Clone)]
pub struct Proxy {
    target: Arc<Target>,
    /// The layers around the target, if any.
    layered: Option<Arc<Mutex<Box<dyn AnyService>>>>,
}

impl Proxy {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target: Arc::new(target),
            layered: None,
        }
    }

    pub(super) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// The object's name, `App.Server.Obj`.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.target.object
    }

    /// Calls that wait for answers on the connections of this proxy, which other proxies may share.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.target.in_flight()
    }

    /// This proxy inside `layer`.
    #[must_use]
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Self>,
        L::Service: Service<Request, Response = Response> + Clone + Send + 'static,
        <L::Service as Service<Request>>::Error: Into<BoxError>,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let target = Arc::clone(&self.target);
        Self {
            target,
            layered: Some(Arc::new(Mutex::new(Box::new(layer.layer(self))))),
        }
    }

    /// Calls operation `O` with its encoded parameters; generated clients call this.
    pub fn call<O: Operation>(&self, args: Writer) -> Call<O::Output> {
        let request = args
            .finish()
            .map(|body| {
                let mut request = Request::of(O::NAME.into(), Body::Owned(body));
                request.parts.describe = Some(describe_args::<O>);
                request
            })
            .map_err(|error| {
                let text = format!("parameters of {}.{}: {error}", self.object(), O::NAME);
                Error::new(code::SEND_REQUEST_ERR, text).with_source(error)
            });
        let decoder = Decoder {
            function: O::NAME,
            decode: |response, limits| {
                let reply = response.body.decode(limits)?;
                response.answered.read::<O>(&reply, response.body.as_slice().len());
                Ok(O::into_output(reply))
            },
        };
        Call::new(self.clone(), request, decoder)
    }

    /// Calls `function` with a JSON object of its parameters by their names in the IDL, and gives the JSON object of its
    /// `out` parameters and its return value, `tars_ret`. Neither is looked into.
    ///
    /// ```no_run
    /// # async fn doc(proxy: tars::Proxy) -> tars::Result<()> {
    /// let answer = proxy.call_json("add", r#"{"a":1,"b":2}"#).await?;
    /// assert_eq!(answer, r#"{"c":3,"tars_ret":0}"#);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A server that does not serve version 5 answers an error, usually [`code::SERVER_DECODE_ERR`].
    pub fn call_json(&self, function: impl Into<Cow<'static, str>>, body: impl Into<Bytes>) -> Call<Bytes> {
        let mut request = Request::new(function, body);
        request.set_version(Version::JSON);
        let decoder = Decoder {
            function: "call_json",
            decode: |response, _| Ok(std::mem::replace(&mut response.body, Body::Owned(Vec::new())).into_bytes()),
        };
        Call::new(self.clone(), Ok(request), decoder)
    }

    /// Calls `tars_ping`, which every servant answers without doing anything.
    pub fn ping(&self) -> Call<()> {
        let decoder = Decoder {
            function: PING,
            decode: |_, _| Ok(()),
        };
        Call::new(self.clone(), Ok(Request::new(PING, "")), decoder)
    }

    /// Sends a request through the layers.
    pub(super) fn send(&self, request: Request, cx: &mut Context<'_>) -> Sending {
        match &self.layered {
            None => Sending::Direct(request),
            Some(layered) => {
                let mut service = layered.lock().unwrap_or_else(PoisonError::into_inner).fork();
                Sending::Layered(service.start(request, code::INVOKE_TIMEOUT, cx))
            }
        }
    }
}

/// How a request goes.
pub(super) enum Sending {
    Direct(Request),
    Layered(crate::BoxFuture<Result<Response>>),
}

impl Service<Request> for Proxy {
    type Response = Response;
    type Error = Error;
    type Future = ResponseFuture;

    /// Always ready: a full connection is an error of the call.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Sends `request`; the proxy fills in the object.
    fn call(&mut self, request: Request) -> ResponseFuture {
        ResponseFuture::new(self.clone(), request)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("target", &self.target)
            .field("layered", &self.layered.is_some())
            .finish()
    }
}
