//! The task that deals with the registry.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Registration;
use super::instance::{Instance, State, is_loopback, mistake};
use super::life::{Life, Outcome, Step};
use crate::message::Attributes;
use crate::protocol::TarsregistryClient;
use crate::{ByteString, Call, Error, Reply, Result, code, transport};

/// Time of one call of the registry, as K8STARS.
const CALL: Duration = Duration::from_secs(1);

/// How often a call is made that takes the server out: the shutdown is not to wait for a registry that is away.
const LEAVING_TRIES: u32 = 2;

/// Keys of contexts. The registry's advice, and a word of it that this side repeats with each later call.
const HINT: &str = "tars-registry-hint";
const LEASE: &str = "tars-registry-lease";

/// Return codes by which the registry refuses a request for what it says.
const REFUSALS: [i32; 2] = [1, 2];

/// A server and the registry it is to be known to.
#[derive(Debug)]
pub(crate) struct Registrar {
    settings: Registration,
    instance: Instance,
    client: TarsregistryClient,
    registered: watch::Sender<bool>,
}

impl Registrar {
    /// Fails when the registry's object cannot be called, or when clients could not call an adapter.
    pub(crate) fn new(settings: Registration, instance: Instance) -> Result<Self> {
        check_reach(&settings, &instance)?;
        let client = settings
            .communicator
            .client(&settings.object)
            .map_err(|error| Error::new(error.code(), format!("cannot register the server: {}", error.message())))?;
        Ok(Self {
            settings,
            instance,
            client,
            registered: watch::Sender::new(false),
        })
    }

    /// Tells whether the server is registered.
    pub(crate) fn registered(&self) -> watch::Receiver<bool> {
        self.registered.subscribe()
    }

    /// Begins to register.
    pub(crate) fn start(self) -> Registering {
        let session = Session {
            life: Life::new(self.settings.metrics_port.is_some()),
            registrar: self,
            node: None,
            lease: None,
            tried: false,
        };
        let leave = watch::Sender::new(None);
        let mut task = JoinSet::new();
        task.spawn(session.run(leave.subscribe()));
        Registering { task, leave }
    }
}

/// How a server is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Serving on for the drain time.
    Drained,
    AtOnce,
}

/// A server that is being registered, or is. Dropping it ends that without a word to the registry.
#[derive(Debug)]
pub(crate) struct Registering {
    task: JoinSet<()>,
    leave: watch::Sender<Option<Leave>>,
}

impl Registering {
    /// Takes the server out and waits until it may stop serving. This takes the drain time and a few seconds at most.
    pub(crate) async fn leave(mut self, how: Leave) {
        self.leave.send_replace(Some(how));
        while self.task.join_next().await.is_some() {}
    }
}

/// What goes on between a server and its registry.
struct Session {
    registrar: Registrar,
    life: Life,
    /// Found out once.
    node: Option<String>,
    /// What the registry calls this registration.
    lease: Option<ByteString>,
    /// The registry may know the server.
    tried: bool,
}

impl Session {
    async fn run(mut self, mut leave: watch::Receiver<Option<Leave>>) {
        loop {
            let wish = *leave.borrow_and_update();
            if let Some(how) = wish {
                return self.leave(how).await;
            }
            // A call that has begun is awaited also when the server leaves: the registry could carry it out after what
            // takes the server out.
            let pause = self.next().await;
            tokio::select! {
                changed = leave.changed() => if changed.is_err() {
                    return; // nobody serves any more
                },
                () = sleep(pause) => {}
            }
        }
    }

    /// Makes the next call. -> the pause after it
    async fn next(&mut self) -> Duration {
        let step = self.life.step();
        let result = match self.node().await {
            Ok(node) => self.call(step, &node).await,
            Err(error) => Err(error),
        };
        let outcome = match &result {
            Ok(reply) if is_forgotten(reply) => Outcome::Forgotten,
            Ok(_) => Outcome::Accepted,
            Err(error) if REFUSALS.contains(&error.code()) => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        let pause = self.life.ended(outcome);
        self.report(step, outcome, result.err().as_ref());
        pause.time(self.registrar.settings.beat_interval)
    }

    async fn call(&mut self, step: Step, node: &str) -> Result<Reply<()>> {
        let Registrar {
            settings,
            instance,
            client,
            ..
        } = &self.registrar;
        let call = match step {
            Step::Startup => {
                self.tried = true;
                self.lease = None;
                client.on_startup(&instance.startup(node, settings))
            }
            Step::Metrics => {
                client.register_metrics(&instance.metrics(node, settings.metrics_port.unwrap_or_default()))
            }
            Step::Beat => client.keep_alive(&instance.beat(node, State::Active)),
        };
        let reply = self.prepared(call).with_reply().await?;
        if let Some(lease) = value(&reply.context, LEASE) {
            self.lease = Some(lease.clone());
        }
        Ok(reply)
    }

    fn prepared(&self, call: Call<()>) -> Call<()> {
        let call = call.timeout(CALL);
        match &self.lease {
            Some(lease) => call.context(LEASE, lease.clone()),
            None => call,
        }
    }

    /// The node's name, found out when it is first needed: it may take the registry's address, which may have to be
    /// looked up.
    async fn node(&mut self) -> Result<String> {
        if let Some(node) = &self.node {
            return Ok(node.clone());
        }
        let Registrar { settings, instance, .. } = &self.registrar;
        let node = match (&settings.node_name, instance.host()) {
            (Some(name), _) => name.clone(),
            (None, Some(host)) => host.to_owned(),
            (None, None) => {
                let address = timeout(CALL, transport::local_address_towards(&settings.towards)).await;
                let address = address.unwrap_or_else(|late| Err(late.into())).map_err(|error| {
                    let text = format!("this node's address towards the registry is not known: {error}");
                    Error::new(code::PROXY_CONNECT_ERR, text).with_source(error)
                })?;
                address.to_string()
            }
        };
        self.node = Some(node.clone());
        Ok(node)
    }

    /// Says what is worth knowing: every change, and the first of a row of failures.
    fn report(&self, step: Step, outcome: Outcome, error: Option<&Error>) {
        match (outcome, error) {
            (Outcome::Accepted, _) if step == Step::Beat => self.report_registered(),
            (Outcome::Forgotten, _) if step == Step::Beat => self.report_forgotten(),
            (_, Some(error)) => self.report_failure(step, outcome, error),
            (_, None) => tracing::debug!(server = self.registrar.instance.name(), ?step, "accepted"),
        }
    }

    fn report_registered(&self) {
        let Registrar { settings, instance, .. } = &self.registrar;
        if !self.registrar.registered.send_replace(true) {
            let node = self.node.as_deref().unwrap_or_default();
            let endpoints = instance.endpoints(node);
            tracing::info!(
                server = instance.name(),
                node,
                registry = settings.object,
                "registered: {endpoints}"
            );
        }
    }

    fn report_forgotten(&self) {
        self.registrar.registered.send_replace(false);
        let (server, registry) = (self.registrar.instance.name(), &self.registrar.settings.object);
        let times = self.life.forgotten();
        match times {
            1 => tracing::info!(
                server,
                registry,
                "the registry does not know the server: registering again"
            ),
            2 => tracing::warn!(
                server,
                registry,
                "the registry took the registration and still does not know the server: trying on, ever more slowly"
            ),
            _ => tracing::debug!(server, registry, times, "the registry does not know the server yet"),
        }
    }

    fn report_failure(&self, step: Step, outcome: Outcome, error: &Error) {
        let Registrar { settings, instance, .. } = &self.registrar;
        let (server, registry) = (instance.name(), &settings.object);
        let node = self.node.as_deref().unwrap_or_default();
        match (step, outcome) {
            (Step::Metrics, Outcome::Failed) if self.life.metrics_failures() == 1 => tracing::warn!(
                server,
                node,
                registry,
                %error,
                "the metrics port is not registered yet: registerMetrics failed; trying on"
            ),
            (Step::Metrics, Outcome::Refused) => tracing::error!(
                server,
                node,
                registry,
                %error,
                "the metrics port is not registered: the registry refuses registerMetrics"
            ),
            (Step::Startup | Step::Beat, Outcome::Refused) if self.life.refusals() == 1 => {
                tracing::error!(server, node, registry, ?step, %error, "the registry refuses; trying on");
            }
            (Step::Startup | Step::Beat, Outcome::Failed) if self.life.failures() == 1 => {
                tracing::warn!(server, node, registry, ?step, %error, "cannot reach the registry; trying on");
            }
            _ => tracing::debug!(server, node, registry, ?step, ?outcome, %error, "still so"),
        }
    }

    /// Takes the server out, serving on for the time that clients need to learn of it.
    async fn leave(mut self, how: Leave) {
        let Some(node) = self.node.take().filter(|_| self.tried) else {
            return; // nobody can know it
        };
        let Registrar {
            settings,
            instance,
            client,
            ..
        } = &self.registrar;
        let server = instance.name();
        let registry = &settings.object;
        let beat = instance.beat(&node, State::Deactivating);
        self.insist("deactivating", || client.keep_alive(&beat)).await;
        if how == Leave::Drained && !settings.drain.is_zero() {
            tracing::info!(server, node, registry, drain = ?settings.drain, "leaving; serving on for a while");
            sleep(settings.drain).await;
        }
        let prestop = instance.prestop(&node);
        if self.insist("onPrestop", || client.on_prestop(&prestop)).await {
            tracing::info!(server, node, registry, "taken out of the registry");
        }
    }

    /// Makes a call, and again when it fails. Whether it succeeded.
    async fn insist(&self, what: &str, call: impl Fn() -> Call<()>) -> bool {
        for tried in 1..=LEAVING_TRIES {
            match self.prepared(call()).await {
                Ok(()) => return true,
                Err(error) => {
                    let server = self.registrar.instance.name();
                    tracing::warn!(server, tried, %error, "the registry was not told that the server leaves ({what})");
                }
            }
        }
        false
    }
}

/// Looks for an adapter that listens on loopback although the clients that are told of it are elsewhere: it is a mistake
/// when the registry is, and worth a word when only the node's name says so.
fn check_reach(settings: &Registration, instance: &Instance) -> Result<()> {
    let Some((object, endpoint)) = instance.unreachable() else {
        return Ok(());
    };
    let host = &endpoint.host;
    if settings.towards.iter().any(|registry| !is_loopback(&registry.host)) {
        return Err(mistake(&format!(
            "`{object}` listens on loopback (`{host}`), where clients of other nodes cannot call it: use 0.0.0.0 or the \
             node's address"
        )));
    }
    if let Some(node) = settings.node_name.as_ref().filter(|node| !is_loopback(node)) {
        tracing::warn!(
            object,
            host,
            node,
            "clients are told a loopback address: only those of this machine can call it"
        );
    }
    Ok(())
}

fn is_forgotten(reply: &Reply<()>) -> bool {
    value(&reply.context, HINT).is_some_and(|hint| hint.as_bytes() == b"reregister")
}

fn value<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a ByteString> {
    attributes.get(key.as_bytes())
}
