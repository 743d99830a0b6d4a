//! Making a server known to a registry: what is said about it, when, and how it leaves.
//!
//! A [`Server`](crate::Server) that has a [`Registration`] registers itself. Who runs a server that does not, such as a
//! supervisor, registers it: a [`Registration`] and an [`Instance`] make a [`Session`], which says in which [`State`] the
//! instance is for as long as it lives.

mod instance;
mod life;
mod registrar;
mod report;
mod session;
mod talk;

use std::fmt;
use std::time::Duration;

pub use self::instance::{Adapter, Instance, State};
pub(crate) use self::registrar::{Leave, Registrar};
use self::session::{First, Prepared};
pub use self::session::{Session, Status};

use crate::set_division::SetDivision;
use crate::{Communicator, Endpoint, Error, ObjectAddress, Result, clock, code};

/// How a server is made known: to which registry and as what. For [`ServerBuilder::register`], or to
/// [`start`](Self::start) for a server that another process runs.
///
/// ```
/// # fn doc(builder: tars::ServerBuilder) -> tars::Result<()> {
/// use tars::Registration;
///
/// let registration = Registration::at("tars.tarsregistry.Registry@tcp -h 10.0.0.1 -p 17892")?
///     .version("1.4.0")
///     .metrics_port(9100);
/// let builder = builder.register(registration);
/// # Ok(())
/// # }
/// # doc(tars::Server::builder()).unwrap();
/// ```
///
/// While the server serves, it registers its adapters (`onStartup`), says that it is active (`keepAlive`) and repeats that
/// every [`beat_interval`](Self::beat_interval). A call of the registry that fails is tried again, for ever, without
/// disturbing the serving; when the registry has forgotten the server, it registers again. When the server shuts down it
/// takes itself out first (`keepAlive` with `deactivating`, then `onPrestop`).
///
/// Application and server are those of the adapters' objects, `Application.Server.Object`; an adapter whose object has
/// another form, as `AdminObj`, is not registered.
///
/// [`ServerBuilder::register`]: crate::ServerBuilder::register
#[derive(Clone)]
#[must_use = "it only describes how to register"]
pub struct Registration {
    /// The registry: an object, with endpoints unless the communicator looks it up.
    object: String,
    communicator: Communicator,
    /// Endpoints of the registry, or of who knows it: which way the node's own address is looked for.
    towards: Vec<Endpoint>,
    node_name: Option<String>,
    division: Option<SetDivision>,
    version: String,
    template: String,
    server_type: String,
    metrics_port: Option<u16>,
    disable_flow: bool,
    worker_id: bool,
    beat_interval: Duration,
    drain: Duration,
}

impl Registration {
    /// The object of the registry that servers register with.
    const OBJECT: &'static str = "tars.tarsregistry.Registry";

    /// Shortest time between two beats.
    const MIN_BEAT: Duration = Duration::from_secs(1);

    /// With the registry at given endpoints: `tars.tarsregistry.Registry@tcp -h HOST -p PORT[:tcp ...]`. Fails when the
    /// string is wrong or names no endpoint that can be called.
    pub fn at(object: &str) -> Result<Self> {
        let communicator = Communicator::new();
        let address: ObjectAddress = object.parse().map_err(|error: crate::ParseEndpointError| {
            Error::new(code::ADAPTER_NULL, format!("registry {error}")).with_source(error)
        })?;
        communicator
            .proxy(object)
            .map_err(|error| Error::new(error.code(), format!("registry: {}", error.message())))?;
        Ok(Self::new(object.to_owned(), communicator, address.endpoints))
    }

    /// With the registry that the communicator's [locator](crate::CommunicatorBuilder::locator) knows as
    /// `tars.tarsregistry.Registry`. A communicator without locator is a mistake that
    /// [`bind`](crate::ServerBuilder::bind) returns.
    pub fn with(communicator: &Communicator) -> Self {
        let towards = communicator.locator().map(|locator| locator.endpoints.clone());
        Self::new(
            Self::OBJECT.to_owned(),
            communicator.clone(),
            towards.unwrap_or_default(),
        )
    }

    fn new(object: String, communicator: Communicator, towards: Vec<Endpoint>) -> Self {
        Self {
            object,
            communicator,
            towards,
            node_name: None,
            division: None,
            version: String::new(),
            template: String::new(),
            server_type: String::new(),
            metrics_port: None,
            disable_flow: false,
            worker_id: false,
            beat_interval: Duration::from_secs(15),
            drain: Duration::ZERO,
        }
    }

    /// The node to register as. By default it is the host of the first adapter that is registered; when that stands for
    /// every address (`0.0.0.0`, `::`), it is the address from which this machine reaches the registry.
    ///
    /// A registry usually refuses a node that is not its caller's address.
    pub fn node_name(mut self, name: impl Into<String>) -> Self {
        self.node_name = Some(name.into());
        self
    }

    /// The set the server belongs to, `name.area.group`. Fails when it is not of that form.
    pub fn set_division(mut self, division: &str) -> Result<Self> {
        self.division = Some(SetDivision::parse(division)?);
        Ok(self)
    }

    /// Version of the program, none by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Name of the configuration template; none by default, which keeps what the registry has.
    pub fn template(mut self, name: impl Into<String>) -> Self {
        self.template = name.into();
        self
    }

    /// Kind of server as the registry names it, such as `tars_cpp`; none by default, which keeps what the registry has.
    pub fn server_type(mut self, kind: impl Into<String>) -> Self {
        self.server_type = kind.into();
        self
    }

    /// Port at which this node serves the server's metrics, none by default.
    pub fn metrics_port(mut self, port: u16) -> Self {
        self.metrics_port = Some(port);
        self
    }

    /// Registers the server without having clients sent to it.
    pub fn disable_flow(mut self, disable: bool) -> Self {
        self.disable_flow = disable;
        self
    }

    /// Asks the registry for a worker id, not done by default: a small number that no other living instance of the
    /// application has. [`Status::worker_id`] tells it. A registry that does not know of them gives none.
    pub fn worker_id(mut self, ask: bool) -> Self {
        self.worker_id = ask;
        self
    }

    /// Time between two beats, 15 seconds by default, at least one second; up to a tenth more or less. Registries take a
    /// server that is silent for about two minutes for dead.
    pub fn beat_interval(mut self, interval: Duration) -> Self {
        self.beat_interval = interval.clamp(Self::MIN_BEAT, clock::NEVER);
        self
    }

    /// How long the server goes on serving after it has told the registry that it leaves, none by default. Clients ask
    /// the registry about once a minute: what drains for a little longer than that loses no call.
    ///
    /// A [`Session`] leaves as its holder says.
    pub fn drain(mut self, time: Duration) -> Self {
        self.drain = time.min(clock::NEVER);
        self
    }

    /// Begins to register an instance in a state, in a task of its own.
    ///
    /// Fails when the registry's object cannot be called, when the instance is not one or clients could not call it, and
    /// outside a tokio runtime.
    pub fn start(self, instance: Instance, state: State) -> Result<Session> {
        Prepared::new(self, instance)?.start(First::Register(state))
    }

    /// Takes over an instance that somebody else has registered, to take it out. Nothing is said of it until its state
    /// is [reported](Session::report) or it leaves.
    ///
    /// Fails as [`start`](Self::start) does.
    pub fn resume(self, instance: Instance) -> Result<Session> {
        Prepared::new(self, instance)?.start(First::Resume)
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("registry", &self.object)
            .field("node_name", &self.node_name)
            .field("division", &self.division)
            .field("version", &self.version)
            .field("metrics_port", &self.metrics_port)
            .field("beat_interval", &self.beat_interval)
            .field("drain", &self.drain)
            .finish_non_exhaustive()
    }
}
