//! The root of a program's clients: settings and shared connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::channel::Channel;
use super::proxy::{Client, Proxy};
use crate::codec::Limits;
use crate::endpoint::{ObjectAddress, Protocol};
use crate::packet::{DEFAULT_MAX_FRAME, MAX_FRAME_RANGE};
use crate::trace::Tracer;
use crate::{Endpoint, Error, Result, code};

/// Settings of a communicator; the setters of [`CommunicatorBuilder`] document them.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) max_calls: usize,
    pub(super) max_unsent: usize,
    pub(super) max_frame: usize,
    pub(super) limits: Limits,
    pub(super) tracer: Option<Tracer>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(3),
            connect_timeout: Duration::from_millis(1500),
            max_calls: 100_000,
            max_unsent: 64 * 1024 * 1024,
            max_frame: DEFAULT_MAX_FRAME,
            limits: Limits::default(),
            tracer: None,
        }
    }
}

/// Makes clients and holds what they share: one connection an endpoint, however many clients call it.
///
/// It is a handle: clones share the connections, and a connection ends when the last client that uses it is gone.
/// Calls are awaited inside a tokio runtime; the one that makes a connection runs it, and when it ends, the next call
/// connects again.
///
/// ```
/// # fn doc() -> tars::Result<()> {
/// let comm = tars::Communicator::builder().timeout(std::time::Duration::from_secs(1)).build();
/// let proxy = comm.proxy("TestApp.HelloServer.HelloObj@tcp -h 127.0.0.1 -p 18015")?;
/// // let hello: HelloClient = comm.client("TestApp.HelloServer.HelloObj@tcp -h 127.0.0.1 -p 18015")?;
/// # Ok(())
/// # }
/// # doc().unwrap();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Communicator {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    settings: Arc<Settings>,
    channels: Mutex<HashMap<Place, Weak<Channel>>>,
}

/// What a connection is shared by.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Place {
    host: String,
    port: u16,
    /// The object's mark, what follows `#`.
    mark: Option<String>,
}

impl Communicator {
    /// A communicator with every setting at its default.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins to describe a communicator.
    pub fn builder() -> CommunicatorBuilder {
        CommunicatorBuilder::default()
    }

    /// A typed client of `object`, as the compiler generates one for an interface. See [`proxy`](Self::proxy).
    pub fn client<C: Client>(&self, object: &str) -> Result<C> {
        self.proxy(object).map(C::new)
    }

    /// A proxy of `object`, `App.Server.Obj@tcp -h HOST -p PORT[:tcp -h HOST -p PORT...]`. Of several endpoints each
    /// call takes the next one that can be reached.
    ///
    /// Nothing is connected yet: the first call does that. Fails when the string is wrong or names no endpoint that
    /// can be called.
    pub fn proxy(&self, object: &str) -> Result<Proxy> {
        let address: ObjectAddress = object.parse().map_err(|error: crate::ParseEndpointError| {
            Error::new(code::ADAPTER_NULL, format!("object {error}")).with_source(error)
        })?;
        if address.endpoints.is_empty() {
            let name = &address.name;
            let text = format!("`{name}` names no endpoint: write `{name}@tcp -h HOST -p PORT`");
            return Err(Error::new(code::ADAPTER_NULL, text));
        }
        let channels = address
            .endpoints
            .into_iter()
            .map(|endpoint| self.channel(endpoint, address.mark.clone()));
        Ok(Proxy::new(
            address.name,
            channels.collect::<Result<_>>()?,
            Arc::clone(&self.inner.settings),
        ))
    }

    fn channel(&self, endpoint: Endpoint, mark: Option<String>) -> Result<Arc<Channel>> {
        if endpoint.protocol != Protocol::Tcp {
            return Err(Error::new(
                code::ADAPTER_NULL,
                format!("cannot call `{endpoint}`: only tcp is supported"),
            ));
        }
        if endpoint.port == 0 {
            return Err(Error::new(
                code::ADAPTER_NULL,
                format!("cannot call `{endpoint}`: it has no port"),
            ));
        }
        let place = Place {
            host: endpoint.host.clone(),
            port: endpoint.port,
            mark,
        };
        let mut channels = self.inner.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(&place).and_then(Weak::upgrade) {
            return Ok(channel);
        }
        let channel = Arc::new(Channel::new(endpoint, Arc::clone(&self.inner.settings)));
        channels.retain(|_, channel| channel.strong_count() > 0);
        channels.insert(place, Arc::downgrade(&channel));
        Ok(channel)
    }
}

/// What [`Communicator::builder`] gives: settings, then [`build`](Self::build).
#[derive(Clone, Debug, Default)]
#[must_use = "it only describes a communicator"]
pub struct CommunicatorBuilder {
    settings: Settings,
}

impl CommunicatorBuilder {
    /// Time of a call from its first poll to its answer, connecting included; 3 seconds by default. A call made while
    /// serving another ends with that call's deadline at the latest.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Time of one attempt to connect, looking the host name up included; 1.5 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Calls that may wait for answers on one connection, 100,000 by default. One more fails with
    /// [`code::SEND_REQUEST_ERR`].
    pub fn max_calls_in_flight(mut self, calls: usize) -> Self {
        self.settings.max_calls = calls;
        self
    }

    /// Bytes of requests that may wait to be sent on one connection, 64 MiB by default. A request that would make it
    /// more fails with [`code::SEND_REQUEST_ERR`].
    pub fn max_unsent_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_unsent = bytes;
        self
    }

    /// Size of a frame in bytes, its length included, both ways; 10 MiB by default. A longer request fails with
    /// [`code::SEND_REQUEST_ERR`], a longer answer ends the connection.
    pub fn max_frame_bytes(mut self, bytes: usize) -> Self {
        self.settings.max_frame = bytes.clamp(*MAX_FRAME_RANGE.start(), *MAX_FRAME_RANGE.end());
        self
    }

    /// Limits of decoding answers.
    pub fn decode_limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Records the calls that are part of a call chain. Without it chains are passed on and leave no lines.
    pub fn tracer(mut self, tracer: Tracer) -> Self {
        self.settings.tracer = Some(tracer);
        self
    }

    /// The communicator.
    #[must_use]
    pub fn build(self) -> Communicator {
        let inner = Inner {
            settings: Arc::new(self.settings),
            channels: Mutex::default(),
        };
        Communicator { inner: Arc::new(inner) }
    }
}
