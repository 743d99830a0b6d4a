//! An instance that is being registered, or is: what its owner holds.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::Registration;
use super::instance::{Adapter, Instance, State, is_loopback, mistake};
use super::life::{Farewell, Life};
use super::talk::{Manner, Orders, Parting, Talk, Word};
use crate::clock::Instant;
use crate::protocol::TarsregistryClient;
use crate::{Error, Result};

/// What is known of an instance at its registry; see [`Session::status`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// The registry has the instance, as far as is known: it took what it was told and did not ask for a registration.
    pub registered: bool,
    /// The number that the registry gave, when it was [asked for](Registration::worker_id). A later registration may
    /// give another one, or none.
    pub worker_id: Option<u32>,
    /// Calls that failed or were refused since one was accepted.
    pub failures: u32,
    /// When a call was last accepted.
    pub last_accepted: Option<Instant>,
    /// Why the last call failed, until one is accepted.
    pub error: Option<Arc<str>>,
}

/// An instance at its registry, as [`Registration::start`] and [`Registration::resume`] give it.
///
/// A task talks to the registry for as long as this is held, and never keeps its owner waiting. Dropping this ends that
/// without a word to the registry, which takes the instance for dead when its lease is over.
///
/// ```no_run
/// # async fn doc() -> tars::Result<()> {
/// use std::time::Duration;
///
/// use tars::Registration;
/// use tars::registration::{Adapter, Instance, State};
/// use tokio::time::Instant;
///
/// let endpoint = "tcp -h 10.0.0.7 -p 18015".parse().expect("an endpoint");
/// let adapter = Adapter::new("TestApp.HelloServer.HelloObj", endpoint);
/// let instance = Instance::new("TestApp", "HelloServer").adapter(adapter);
/// let registration = Registration::at("tars.tarsregistry.Registry@tcp -h 10.0.0.1 -p 17892")?;
/// let session = registration.start(instance, State::Activating)?;
/// // The server is started; when it serves:
/// session.report(State::Active);
/// // When it is to end:
/// let soon = || Instant::now() + Duration::from_secs(5);
/// drop(session.deactivate(soon()).await);
/// // Clients hear of it meanwhile, and then:
/// session.deregister(soon()).await
/// # }
/// ```
#[must_use = "dropping it ends the dealings with the registry"]
pub struct Session {
    orders: watch::Sender<Orders>,
    parting: watch::Receiver<Parting>,
    status: watch::Receiver<Status>,
    /// Aborted when this is dropped.
    _task: JoinSet<()>,
}

/// What begins a session: checked, and able to call the registry.
pub(super) struct Prepared {
    pub(super) settings: Registration,
    pub(super) instance: Instance,
    pub(super) client: TarsregistryClient,
    pub(super) status: watch::Sender<Status>,
}

impl Prepared {
    /// Fails when the registry's object cannot be called, when the instance is none, or when clients could not call it.
    pub(super) fn new(settings: Registration, instance: Instance) -> Result<Self> {
        instance.check()?;
        check_reach(&settings, &instance)?;
        let client = settings
            .communicator
            .client(&settings.object)
            .map_err(|error| Error::new(error.code(), format!("cannot register the server: {}", error.message())))?;
        Ok(Self {
            settings,
            instance,
            client,
            status: watch::Sender::default(),
        })
    }

    /// Begins to talk. Fails outside a tokio runtime.
    pub(super) fn start(self, first: First) -> Result<Session> {
        let runtime = Handle::try_current().map_err(|error| mistake(&error.to_string()).with_source(error))?;
        let has_metrics = self.settings.metrics_port.is_some();
        let (life, state) = match first {
            First::Register(state) => (Life::new(state, has_metrics), Some(state)),
            First::Resume => (Life::resumed(has_metrics), None),
        };
        self.status
            .send_modify(|status| status.registered = first == First::Resume);
        let status = self.status.subscribe();
        let orders = watch::Sender::new(Orders::to_be(state));
        let (parting, parting_seen) = watch::channel(Parting::of(&life));
        let mut task = JoinSet::new();
        task.spawn_on(Talk::new(self, life, parting).run(orders.subscribe()), &runtime);
        Ok(Session {
            orders,
            parting: parting_seen,
            status,
            _task: task,
        })
    }
}

/// How a session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// By registering in a state.
    Register(State),
    /// Registered already.
    Resume,
}

impl Session {
    /// Says what the instance is now. A change is told at once, or with the next try when the registry is in trouble;
    /// what did not change is repeated with each beat. Once it [leaves](Self::deactivate), nothing else is told.
    pub fn report(&self, state: State) {
        self.orders.send_if_modified(|orders| orders.be(state));
    }

    /// What is known, and every change of it.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Says that the instance is about to end (`deactivating`), and again until the registry was told, refuses to hear
    /// it, or the time is over; then this goes on in the background. An instance that was never registered is not from
    /// now on, and needs no word. A registry that has forgotten the instance is not asked to know it again.
    ///
    /// Fails with the last error.
    pub async fn deactivate(&self, until: Instant) -> Result<()> {
        self.farewell(Word::Deactivating, Manner::Until(until)).await.map(drop)
    }

    /// Takes the instance out (`onPrestop`), and again until the registry was told, refuses to hear it, or the time is
    /// over. A call that runs is awaited first: the registry could carry it out later.
    ///
    /// Fails with the last error: then the registry may have the instance until its lease is over.
    pub async fn deregister(self, until: Instant) -> Result<()> {
        self.farewell(Word::Prestop, Manner::Until(until)).await.map(drop)
    }

    /// Says a word of farewell and waits until it was said.
    pub(super) async fn farewell(&self, word: Word, manner: Manner) -> Result<Farewell> {
        self.orders.send_modify(|orders| orders.leave(word, manner));
        let mut parting = self.parting.clone();
        let said = parting.wait_for(|parting| !parting.farewell(word).is_due());
        let in_time = match manner {
            Manner::Brief => said.await.is_ok(),
            Manner::Until(until) => timeout_at(until, said).await.is_ok_and(|said| said.is_ok()),
        };
        let parting = self.parting.borrow();
        match parting.farewell(word) {
            farewell @ (Farewell::Told | Farewell::Needless) if in_time => Ok(farewell),
            _ => Err(parting.error(word)),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("orders", &*self.orders.borrow())
            .field("status", &*self.status.borrow())
            .finish_non_exhaustive()
    }
}

/// Looks for an adapter that listens on loopback although the clients that are told of it are elsewhere: it is a mistake
/// when the registry is, and worth a word when only the node's name says so.
fn check_reach(settings: &Registration, instance: &Instance) -> Result<()> {
    let Some(Adapter { servant, endpoint, .. }) = instance.unreachable() else {
        return Ok(());
    };
    let host = &endpoint.host;
    if settings.towards.iter().any(|registry| !is_loopback(&registry.host)) {
        return Err(mistake(&format!(
            "`{servant}` listens on loopback (`{host}`), where clients of other nodes cannot call it: use 0.0.0.0 or the \
             node's address"
        )));
    }
    if let Some(node) = settings.node_name.as_ref().filter(|node| !is_loopback(node)) {
        tracing::warn!(
            object = servant,
            host,
            node,
            "clients are told a loopback address: only those of this machine can call it"
        );
    }
    Ok(())
}
