//! Serving: listeners, their servants, and a shutdown that lets calls end.

mod builder;
mod connection;
mod dispatch;
mod listener;
mod refused;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use builder::ServerBuilder;
use listener::BoundListener;
use settings::Settings;

use crate::registration::{Leave, Registrar};
use crate::{Endpoint, Error, Result, code};

/// How long calls that are given up may take to notice: they are at their next `await`, unless they block.
const GIVING_UP: Duration = Duration::from_secs(5);

/// A server whose listeners are bound and which is ready to serve.
///
/// Connections are taken by the system from the moment of [`bind`](ServerBuilder::bind) on, and are served when
/// [`serve`](Self::serve) or [`serve_with_shutdown`](Self::serve_with_shutdown) runs. Dropping that future ends
/// everything at once.
///
/// ```
/// use tars::{BoxFuture, Request, Response, Result, Server};
///
/// // What generated code gives as `HelloServer::new(HelloImp)`; any `Service` of requests will do.
/// #[derive(Clone)]
/// struct Echo;
///
/// impl tars::Service<Request> for Echo {
///     type Response = Response;
///     type Error = tars::Error;
///     type Future = BoxFuture<Result<Response>>;
///
///     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
///         std::task::Poll::Ready(Ok(()))
///     }
///
///     fn call(&mut self, request: Request) -> Self::Future {
///         Box::pin(async move { Ok(Response::new(request.body().to_vec())) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let server = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", "TestApp.EchoServer.EchoObj", Echo).bind().await?;
/// let endpoint = server.local_endpoints()[0].clone(); // tells the port the system chose
/// # assert_ne!(endpoint.port, 0);
///
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let serving = tokio::spawn(server.serve_with_shutdown(async { drop(stopped.await) }));
///
/// let client = tars::Communicator::new().proxy(&format!("TestApp.EchoServer.EchoObj@{endpoint}"))?;
/// client.ping().await?;
///
/// drop(stop);
/// serving.await.expect("the server does not panic")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a server answers nothing until it serves"]
pub struct Server {
    listeners: Vec<BoundListener>,
    registrar: Option<Registrar>,
    endpoints: Vec<Endpoint>,
    settings: Arc<Settings>,
}

impl Server {
    /// Begins to describe a server.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// The endpoint of each adapter in the order they were added, with the port it really listens at.
    #[must_use]
    pub fn local_endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Ready when the registry knows the server, which it is told while the server [serves](Self::serve); at once for a
    /// server that does not [register](ServerBuilder::register). Fails when the server ends before that.
    ///
    /// ```no_run
    /// # async fn doc(server: tars::Server) -> tars::Result<()> {
    /// let registered = server.registered();
    /// let serving = tokio::spawn(server.serve());
    /// registered.await?;
    /// println!("clients find it");
    /// # Ok(())
    /// # }
    /// ```
    pub fn registered(&self) -> impl Future<Output = Result<()>> + Send + use<> {
        let status = self.registrar.as_ref().map(Registrar::status);
        async move {
            let Some(mut status) = status else {
                return Ok(());
            };
            let ended = status.wait_for(|status| status.registered).await.is_err();
            if ended {
                let text = "the server ended before it was registered";
                return Err(Error::new(code::PROXY_CONNECT_ERR, text));
            }
            Ok(())
        }
    }

    /// Serves for ever.
    pub async fn serve(self) -> Result<()> {
        self.serve_with_shutdown(std::future::pending()).await
    }

    /// Serves until `signal` is ready. Then a server that is [registered](ServerBuilder::register) takes itself out of the
    /// registry, serving on for its [drain time](crate::Registration::drain); a registry that is away holds that up for
    /// a few seconds at most. Then no connection is accepted any more; calls that have begun, and requests that
    /// had arrived, end and are answered. What has not ended after the [grace time](ServerBuilder::shutdown_grace) is
    /// given up: when this is ready, no servant runs any more, but for one that blocks its thread.
    ///
    /// Fails when a listener breaks, which takes a panic in code of the user such as a service's `Clone`.
    pub async fn serve_with_shutdown(self, signal: impl Future<Output = ()>) -> Result<()> {
        let (stop, give_up) = (CancellationToken::new(), CancellationToken::new());
        // Ends the listeners and their connections also when this future is dropped: a `JoinSet` aborts what it holds.
        let mut serving = JoinSet::new();
        for listener in self.listeners {
            serving.spawn(listener.serve(Arc::clone(&self.settings), stop.clone(), give_up.clone()));
        }
        let registering = self.registrar.map(Registrar::start).transpose()?;
        let broken = tokio::select! {
            () = signal => false,
            // Never ready without a listener.
            Some(_) = serving.join_next() => true,
        };
        if let Some(registering) = registering {
            registering
                .leave(if broken { Leave::AtOnce } else { Leave::Drained })
                .await;
        }
        stop.cancel();
        if timeout(self.settings.grace, ended(&mut serving)).await.is_err() {
            tracing::warn!(grace = ?self.settings.grace, "calls were given up at shutdown");
            give_up.cancel();
            if timeout(GIVING_UP, ended(&mut serving)).await.is_err() {
                tracing::warn!("a servant that blocks its thread was left behind at shutdown");
            }
        }
        // Calls that were given up have an end too, and their lines are the last.
        if let Some(tracer) = &self.settings.tracer {
            tracer.flush().await;
        }
        if broken {
            return Err(Error::new(code::UNKNOWN, "a listener broke; the log says more"));
        }
        Ok(())
    }
}

/// Waits until all tasks have ended.
async fn ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
