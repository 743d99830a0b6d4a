//! The root of a program's clients: settings and shared connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::discovery::Discovery;
use super::discovery::locator::{self, Locator};
use super::pool::{self, Pool};
use super::proxy::{Client, Proxy};
use super::route::{Roster, Route};
use super::target::{Source, Target};
use crate::codec::Limits;
use crate::packet::{DEFAULT_MAX_FRAME, MAX_FRAME_RANGE};
use crate::set_division::SetDivision;
use crate::trace::Tracer;
use crate::{Endpoint, Error, ObjectAddress, Result, clock, code};

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

type NameAndMark = (String, Option<String>);

#[derive(Debug, Default)]
struct Inner {
    pool: Arc<Pool>,
    locator: Option<Arc<Locator>>,
    /// What is looked up.
    discoveries: Mutex<HashMap<NameAndMark, Weak<Discovery>>>,
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

    /// A proxy of `object`: `App.Server.Obj`, whose endpoints the registry at the
    /// [locator](CommunicatorBuilder::locator) tells, or `App.Server.Obj@tcp -h HOST -p PORT[:tcp -h HOST -p PORT...]`.
    /// Of several endpoints each call takes the next one that can be reached.
    ///
    /// Nothing is looked up or connected yet: the first call does that. Fails when the string is wrong, when it names an
    /// endpoint that cannot be called, or when it names none and there is no locator.
    pub fn proxy(&self, object: &str) -> Result<Proxy> {
        let address: ObjectAddress = object.parse().map_err(|error: crate::ParseEndpointError| {
            Error::new(code::ADAPTER_NULL, format!("object {error}")).with_source(error)
        })?;
        let source = if address.endpoints.is_empty() {
            Source::Registry(self.discovery(&address)?)
        } else {
            Source::Direct(Arc::new(self.roster(&address)?))
        };
        let settings = Arc::clone(&self.inner.pool.settings);
        Ok(Proxy::new(Target::new(address.name, source, settings)))
    }

    /// The endpoints that the object's string names.
    fn roster(&self, address: &ObjectAddress) -> Result<Roster> {
        let route = |endpoint: &Endpoint| {
            pool::check(endpoint)?;
            let channel = self.inner.pool.channel(endpoint.clone(), address.mark.as_deref());
            Ok(Route::new(channel))
        };
        let routes = address.endpoints.iter().map(route).collect::<Result<_>>()?;
        Ok(Roster { routes })
    }

    /// What tells the endpoints of an object, shared by its proxies.
    fn discovery(&self, address: &ObjectAddress) -> Result<Arc<Discovery>> {
        let Some(locator) = &self.inner.locator else {
            let name = &address.name;
            let text = format!(
                "`{name}` names no endpoint: write `{name}@tcp -h HOST -p PORT`, or give the communicator a locator"
            );
            return Err(Error::new(code::ADAPTER_NULL, text));
        };
        let key = (address.name.clone(), address.mark.clone());
        let mut discoveries = self.inner.discoveries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(discovery) = discoveries.get(&key).and_then(Weak::upgrade) {
            return Ok(discovery);
        }
        let (name, mark) = key.clone();
        let discovery = Discovery::new(name, mark, Arc::clone(locator), Arc::clone(&self.inner.pool));
        let discovery = Arc::new(discovery);
        discoveries.retain(|_, discovery| discovery.strong_count() > 0);
        discoveries.insert(key, Arc::downgrade(&discovery));
        Ok(discovery)
    }

    /// Where objects are looked up.
    pub(crate) fn locator(&self) -> Option<&ObjectAddress> {
        self.inner.locator.as_deref().map(|locator| &locator.address)
    }
}

/// What [`Communicator::builder`] gives: settings, then [`build`](Self::build).
#[derive(Clone, Debug, Default)]
#[must_use = "it only describes a communicator"]
pub struct CommunicatorBuilder {
    settings: Settings,
    lookups: locator::Settings,
}

impl CommunicatorBuilder {
    /// Shortest time between two lookups of an object.
    const MIN_REFRESH: Duration = Duration::from_secs(1);

    /// Where objects without endpoints of their own are looked up: an object that serves `QueryF`, usually
    /// `tars.tarsregistry.QueryObj`, with its endpoints. Of several one is asked, and the next one when it fails.
    ///
    /// ```
    /// # fn doc() -> tars::Result<()> {
    /// let comm = tars::Communicator::builder()
    ///     .locator("tars.tarsregistry.QueryObj@tcp -h 10.0.0.1 -p 17890:tcp -h 10.0.0.2 -p 17890")?
    ///     .build();
    /// let proxy = comm.proxy("TestApp.HelloServer.HelloObj")?; // its first call looks it up
    /// # Ok(())
    /// # }
    /// # doc().unwrap();
    /// ```
    ///
    /// The first call waits for the first lookup. Later ones, about every [`refresh_interval`](Self::refresh_interval),
    /// are made in the background as long as there is a proxy of the object. When the registry cannot be asked, or has
    /// no endpoint, the known ones stay in use. A call of an object that the registry does not know fails with
    /// [`code::ADAPTER_NULL`], of one that nobody serves with [`code::PROXY_CONNECT_ERR`].
    ///
    /// Fails when the string is wrong or names no endpoint that can be called.
    pub fn locator(mut self, object: &str) -> Result<Self> {
        self.lookups.address = Some(locator::parse(object)?);
        Ok(self)
    }

    /// Time between two lookups of an object, 60 seconds by default, at least one second; up to a tenth more or less, so
    /// that many processes do not ask at the same moment. A lookup that failed is tried again sooner.
    pub fn refresh_interval(mut self, interval: Duration) -> Self {
        self.lookups.interval = interval.clamp(Self::MIN_REFRESH, clock::NEVER);
        self
    }

    /// The set this process belongs to, `name.area.group`: lookups ask for endpoints of the same set. The group may be
    /// `*`. Fails when it is not of that form.
    pub fn set_division(mut self, division: &str) -> Result<Self> {
        self.lookups.division = Some(SetDivision::parse(division)?);
        Ok(self)
    }

    /// The node this process runs on. It travels with lookups as `node_name`: registries choose endpoints near by it.
    pub fn node_name(mut self, name: impl Into<String>) -> Self {
        self.lookups.node_name = Some(name.into());
        self
    }

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
        let pool = Pool::new(self.settings);
        let locator = Locator::new(self.lookups, &pool).map(Arc::new);
        let inner = Inner {
            pool: Arc::new(pool),
            locator,
            discoveries: Mutex::default(),
        };
        Communicator { inner: Arc::new(inner) }
    }
}
