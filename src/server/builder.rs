//! Describing a server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tower_service::Service;

use super::dispatch::Servant;
use super::listener::BoundListener;
use super::refused::Refused;
use super::{Server, Settings};
use crate::codec::Limits;
use crate::endpoint::Protocol;
use crate::error::BoxError;
use crate::layer::AnyService;
use crate::packet::MAX_FRAME_RANGE;
use crate::registration::{Instance, Registrar, Registration};
use crate::trace::Tracer;
use crate::transport::Listener;
use crate::{Endpoint, Error, Request, Response, Result, code};

/// What [`Server::builder`] gives: adapters and limits, then [`bind`](Self::bind).
#[derive(Debug, Default)]
#[must_use = "a server listens only after `bind`"]
pub struct ServerBuilder {
    adapters: Vec<Adapter>,
    settings: Settings,
    registration: Option<Registration>,
    /// The first mistake in what was described; `bind` returns it.
    mistake: Option<Error>,
}

#[derive(Debug)]
struct Adapter {
    endpoint: Endpoint,
    servant: Servant,
}

impl ServerBuilder {
    /// Serves `object` (`App.Server.Obj`) with `service` at `endpoint`, an [`Endpoint`] or its string form.
    ///
    /// The service is what the compiler generates for an interface, or any other service of requests, wrapped in any
    /// layers. An error that is not a [`tars::Error`] becomes a return code as [`Error::from_boxed`] says.
    ///
    /// Each connection calls a clone of the service, so state that layers limit by has to be shared between clones, as
    /// that of tower's concurrency limit is.
    ///
    /// Adapters of the same host and port share one listener, port 0 included, with the `-t` of the first; their calls
    /// are told apart by the object's name. A call of any other object is answered with [`code::SERVER_NO_SERVANT`].
    pub fn adapter<E, S>(mut self, endpoint: E, object: impl Into<Arc<str>>, service: S) -> Self
    where
        E: TryInto<Endpoint>,
        E::Error: Into<BoxError>,
        S: Service<Request, Response = Response> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
    {
        let service: Box<dyn AnyService> = Box::new(service);
        match endpoint.try_into() {
            Ok(endpoint) => {
                self.adapters.push(Adapter {
                    endpoint,
                    servant: Servant {
                        object: object.into(),
                        service,
                    },
                });
            }
            Err(error) => {
                let error = error.into();
                self.mistake
                    .get_or_insert(Error::new(code::UNKNOWN, format!("endpoint {error}")).with_source(error));
            }
        }
        self
    }

    /// Connections of each listener at a time, 10,000 by default. One more is closed at once.
    ///
    /// Adapters of the same host and port share a listener. What has a listener of its own, as an object that only
    /// operators call, cannot be locked out by the clients of the others.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections.min(Semaphore::MAX_PERMITS);
        self
    }

    /// Calls of one connection that may run at a time, 4096 by default. While so many run, nothing more is read from
    /// the connection.
    pub fn max_calls_per_connection(mut self, calls: usize) -> Self {
        self.settings.max_calls = calls.max(1);
        self
    }

    /// Bytes of requests of one connection whose calls may run at a time, 64 MiB by default. While more run, nothing
    /// more is read from the connection.
    pub fn max_call_bytes_per_connection(mut self, bytes: usize) -> Self {
        self.settings.max_call_bytes = bytes;
        self
    }

    /// Bytes of answers that may wait for one connection's peer to read them, 4 MiB by default. While more wait, no
    /// call begins and nothing is read from the connection; answers of calls that run already still come on top.
    pub fn max_unsent_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_unsent = bytes;
        self
    }

    /// Size of a frame in bytes, its length included, both ways; 10 MiB by default. A longer request closes the
    /// connection, a longer answer becomes the error [`code::SERVER_ENCODE_ERR`].
    pub fn max_frame_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_frame = bytes.clamp(*MAX_FRAME_RANGE.start(), *MAX_FRAME_RANGE.end());
        self
    }

    /// Time after which a connection is closed on which no whole frame is received, nothing is sent and no call runs,
    /// for endpoints without `-t`; 60 seconds by default. Zero, here or as `-t 0`, never closes one.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.settings.idle_timeout = timeout;
        self
    }

    /// Time that running calls have to end when the server shuts down, 10 seconds by default.
    pub fn shutdown_grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Limits of decoding packets and parameters.
    pub fn decode_limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Records the calls that are part of a call chain. Without it chains are passed on and leave no lines.
    pub fn tracer(mut self, tracer: Tracer) -> Self {
        self.settings.tracer = Some(tracer);
        self
    }

    /// Makes the server known to a registry while it serves, and takes it out when it shuts down; see [`Registration`].
    pub fn register(mut self, registration: Registration) -> Self {
        self.registration = Some(registration);
        self
    }

    /// Listens at every endpoint. Fails when an endpoint string is wrong, cannot be bound, two adapters of a
    /// listener have the same object, or what is to be registered cannot be.
    pub async fn bind(self) -> Result<Server> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        let mut places: Vec<(Endpoint, BoundListener)> = Vec::new();
        let mut endpoints = Vec::new();
        let mut objects = Vec::new();
        for Adapter { endpoint, servant } in self.adapters {
            let index = if let Some(index) = places.iter().position(|(other, _)| is_same_place(other, &endpoint)) {
                index
            } else {
                let listener = bind(&endpoint).await?;
                let idle_timeout = endpoint
                    .timeout_ms
                    .map_or(self.settings.idle_timeout, |_| endpoint.timeout());
                let listener = BoundListener {
                    listener,
                    servants: Vec::new(),
                    idle_timeout,
                    room: Arc::new(Semaphore::new(self.settings.max_connections)),
                    refused: Refused::default(),
                };
                places.push((endpoint.clone(), listener));
                places.len() - 1
            };
            let (_, listener) = &mut places[index];
            if listener.servants.iter().any(|other| other.object == servant.object) {
                let text = format!("`{}` has two adapters at `{endpoint}`", servant.object);
                return Err(Error::new(code::UNKNOWN, text));
            }
            endpoints.push(real(endpoint, &listener.listener)?);
            objects.push(Arc::clone(&servant.object));
            listener.servants.push(servant);
        }
        let registrar = self.registration.map(|registration| {
            let adapters = objects.iter().map(|object| &**object).zip(&endpoints);
            Registrar::new(registration, Instance::of(adapters, self.settings.max_connections)?)
        });
        let listeners = places.into_iter().map(|(_, listener)| listener).collect();
        Ok(Server {
            listeners,
            registrar: registrar.transpose()?,
            endpoints,
            settings: Arc::new(self.settings),
        })
    }
}

fn is_same_place(a: &Endpoint, b: &Endpoint) -> bool {
    (a.protocol, &a.host, a.port, &a.bind) == (b.protocol, &b.host, b.port, &b.bind)
}

async fn bind(endpoint: &Endpoint) -> Result<Listener> {
    if endpoint.protocol != Protocol::Tcp {
        let text = format!("cannot listen at `{endpoint}`: only tcp is supported");
        return Err(Error::new(code::UNKNOWN, text));
    }
    Listener::bind(endpoint)
        .await
        .map_err(|error| cannot_listen(endpoint, error))
}

/// The endpoint with the port that was bound.
fn real(mut endpoint: Endpoint, listener: &Listener) -> Result<Endpoint> {
    match listener.local_address() {
        Ok(address) => endpoint.port = address.port(),
        Err(error) => return Err(cannot_listen(&endpoint, error)),
    }
    Ok(endpoint)
}

fn cannot_listen(endpoint: &Endpoint, error: std::io::Error) -> Error {
    Error::new(code::UNKNOWN, format!("cannot listen at `{endpoint}`: {error}")).with_source(error)
}
