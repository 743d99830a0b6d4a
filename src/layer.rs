//! The tower seam: any service of requests is a servant, and a proxy is a service.

use std::any::Any;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::timeout_at;
use tower_layer::Layer;
use tower_service::Service;

use crate::error::BoxError;
use crate::{Context as CallContext, Error, Request, Response, Result, code};

/// A boxed future, the future type of generated services.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A service whose type is forgotten.
pub(crate) trait AnyService: Send {
    /// Begins a call. When the service is not ready, the future waits for it. `elapsed` is the return code of a call
    /// that a layer found to take too long.
    fn start(&mut self, request: Request, elapsed: i32, cx: &mut Context<'_>) -> BoxFuture<Result<Response>>;

    /// Another handle to the same service.
    fn fork(&self) -> Box<dyn AnyService>;
}

impl<S> AnyService for S
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    fn start(&mut self, request: Request, elapsed: i32, cx: &mut Context<'_>) -> BoxFuture<Result<Response>> {
        let into_error = move |error: S::Error| Error::of_layer(error.into(), elapsed);
        let ready = self.poll_ready(cx);
        // A handle that was asked for readiness may hold a permit or a place in a queue, even when a layer above hides
        // that. So it goes with the call, and the next call gets a handle of its own.
        let fresh = self.clone();
        let mut asked = std::mem::replace(self, fresh);
        match ready {
            Poll::Ready(Ok(())) => match into_boxed(asked.call(request)) {
                Ok(answer) => answer,
                Err(answer) => Box::pin(async move { answer.await.map_err(into_error) }),
            },
            Poll::Ready(Err(error)) => Box::pin(std::future::ready(Err(into_error(error)))),
            Poll::Pending => Box::pin(async move {
                let ready = poll_fn(|cx| asked.poll_ready(cx));
                match request.deadline() {
                    // Nobody waits any more for what a layer held back for too long.
                    Some(deadline) => timeout_at(deadline, ready).await.map_err(|_| held_back(elapsed))?,
                    None => ready.await,
                }
                .map_err(into_error)?;
                asked.call(request).await.map_err(into_error)
            }),
        }
    }

    fn fork(&self) -> Box<dyn AnyService> {
        Box::new(self.clone())
    }
}

fn held_back(elapsed: i32) -> Error {
    Error::new(elapsed, "the deadline passed while a layer held the call back")
}

/// The future itself when it is what generated services return: boxing it again would cost an allocation a call.
fn into_boxed<F: 'static>(future: F) -> Result<BoxFuture<Result<Response>>, F> {
    let mut future = Some(future);
    let any: &mut dyn Any = &mut future;
    match any
        .downcast_mut::<Option<BoxFuture<Result<Response>>>>()
        .and_then(Option::take)
    {
        Some(boxed) => Ok(boxed),
        None => Err(future.expect("only taken when it is returned")),
    }
}

fn into_error(error: impl Into<BoxError>) -> Error {
    Error::from_boxed(error.into())
}

impl fmt::Debug for dyn AnyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyService")
    }
}

/// A layer that runs each call of a servant in a task of its own.
///
/// By default a server runs calls in their connection's task, which is the fastest way for servants that compute little
/// between their waits. A servant that computes for longer than about 10 microseconds holds up the other calls of its
/// connection and is better spawned.
///
/// ```
/// # use tars::{Layer, Request, Response};
/// # fn doc(servant: impl tars::Service<Request, Response = Response, Error = tars::Error,
/// #     Future = tars::BoxFuture<tars::Result<Response>>> + Clone + Send + 'static) {
/// let builder = tars::Server::builder().adapter(
///     "tcp -h 127.0.0.1 -p 0",
///     "TestApp.HashServer.HashObj",
///     tars::SpawnLayer::new().layer(servant),
/// );
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SpawnLayer {}

impl SpawnLayer {
    /// The layer; it has no settings.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl<S> Layer<S> for SpawnLayer {
    type Service = Spawn<S>;

    fn layer(&self, inner: S) -> Spawn<S> {
        Spawn { inner }
    }
}

/// The service that [`SpawnLayer`] makes.
#[derive(Clone, Debug)]
pub struct Spawn<S> {
    inner: S,
}

impl<S> Service<Request> for Spawn<S>
where
    S: Service<Request, Response = Response>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.inner.poll_ready(cx).map_err(into_error)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let answer = self.inner.call(request);
        let mut task = tokio::task::JoinSet::new(); // ends the task when the call is given up
        task.spawn(CallContext::current().scope(async move { answer.await.map_err(into_error) }));
        Box::pin(async move {
            match task.join_next().await {
                Some(Ok(answer)) => answer,
                Some(Err(error)) if error.is_panic() => Err(panicked(error.into_panic().as_ref())),
                _ => Err(Error::new(code::UNKNOWN, "the call's task was ended")),
            }
        })
    }
}

/// The error of a call whose servant panicked. The panic's text is for the log of the server only.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("(no text)"), "a servant panicked");
    Error::new(code::UNKNOWN, "the servant panicked")
}
