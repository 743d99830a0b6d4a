//! The task that talks to the registry.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep_until, timeout};

use super::Registration;
use super::instance::{Instance, State};
use super::life::{Farewell, Life, Outcome, Step, Wish};
use super::session::{Prepared, Status};
use crate::clock::{self, Instant};
use crate::message::Attributes;
use crate::protocol::TarsregistryClient;
use crate::{ByteString, Call, Error, Reply, Result, code, transport};

/// Time of one call of the registry, as K8STARS.
const CALL: Duration = Duration::from_secs(1);

/// Time of one call that takes an instance out, when there is time: a slow registry is still one.
const FAREWELL: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

/// How often a call is made that takes the instance out when that is to be brief.
const BRIEF_TRIES: u32 = 2;

/// Keys of contexts: the registry's advice, a word that tells this process from another one of the same name, and the
/// number of an instance.
const HINT: &str = "tars-registry-hint";
const LEASE: &str = "tars-registry-lease";
const WORKER_ID: &str = "tars-worker-id";

/// Return codes by which the registry refuses a request for what it says.
const REFUSALS: [i32; 2] = [1, 2];

/// What the owner wants, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders {
    wish: Wish,
    manner: Manner,
}

/// How an instance is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// In a few seconds, told or not.
    Brief,
    /// As long as there is time.
    Until(Instant),
}

/// What is said once, at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Deactivating,
    Prestop,
}

impl Orders {
    pub(super) fn to_be(state: Option<State>) -> Self {
        Self {
            wish: Wish::to_be(state),
            manner: Manner::Brief,
        }
    }

    /// Whether that is something new.
    pub(super) fn be(&mut self, state: State) -> bool {
        let is_new = !self.wish.leaves() && self.wish.state != Some(state);
        if is_new {
            self.wish.state = Some(state);
        }
        is_new
    }

    pub(super) fn leave(&mut self, word: Word, manner: Manner) {
        self.manner = manner;
        self.wish.tries = match manner {
            Manner::Brief => BRIEF_TRIES,
            Manner::Until(_) => u32::MAX,
        };
        match word {
            Word::Deactivating => self.wish.state = Some(State::Deactivating),
            Word::Prestop => self.wish.out = true,
        }
    }

    /// The time that a call may take.
    fn time(&self, step: Step) -> Duration {
        let [least, most] = FAREWELL;
        match (step, self.manner) {
            (Step::Beat(State::Deactivating) | Step::Prestop, Manner::Until(until)) => {
                // Half of what remains leaves time for another try.
                let half = until.saturating_duration_since(clock::now()) / 2;
                half.clamp(least, most)
            }
            _ => CALL,
        }
    }
}

/// How far the instance is on its way out.
#[derive(Debug)]
pub(super) struct Parting {
    deactivation: Farewell,
    removal: Farewell,
    /// Of the last call that failed.
    error: Option<(i32, Arc<str>)>,
}

impl Parting {
    pub(super) fn of(life: &Life) -> Self {
        Self {
            deactivation: life.deactivation(),
            removal: life.removal(),
            error: None,
        }
    }

    pub(super) fn farewell(&self, word: Word) -> Farewell {
        match word {
            Word::Deactivating => self.deactivation,
            Word::Prestop => self.removal,
        }
    }

    /// Why a word was not said.
    pub(super) fn error(&self, word: Word) -> Error {
        let word = match word {
            Word::Deactivating => "deactivating",
            Word::Prestop => "onPrestop",
        };
        let late: (i32, Arc<str>) = (code::INVOKE_TIMEOUT, Arc::from("it did not answer in time"));
        let (code, why) = self.error.as_ref().unwrap_or(&late);
        Error::new(
            *code,
            format!("the registry was not told that the server leaves ({word}): {why}"),
        )
    }
}

/// A word for this process.
fn new_word() -> ByteString {
    format!("{:016x}", rand::random::<u64>()).into()
}

/// What goes on between an instance and its registry.
pub(super) struct Talk {
    pub(super) settings: Registration,
    pub(super) instance: Instance,
    client: TarsregistryClient,
    pub(super) status: watch::Sender<Status>,
    parting: watch::Sender<Parting>,
    pub(super) life: Life,
    /// Found out once.
    pub(super) node: Option<String>,
    /// Our word for this process, from the first registration on: an answer that is lost makes no other one of it. None
    /// when somebody else registered the instance. A registry may answer another word.
    lease: Option<ByteString>,
    /// The number it gave last, which is asked for again.
    worker_id: Option<u32>,
}

impl Talk {
    pub(super) fn new(prepared: Prepared, life: Life, parting: watch::Sender<Parting>) -> Self {
        Self {
            settings: prepared.settings,
            instance: prepared.instance,
            client: prepared.client,
            status: prepared.status,
            parting,
            life,
            node: None,
            lease: None,
            worker_id: None,
        }
    }

    /// Talks until nobody gives orders any more.
    pub(super) async fn run(mut self, mut orders: watch::Receiver<Orders>) {
        let mut due = clock::now();
        loop {
            let now = *orders.borrow_and_update();
            let is_urgent = self.life.wish(now.wish);
            self.say_how_far(None);
            let step = self.life.step();
            if !is_urgent || step.is_none() {
                tokio::select! {
                    changed = orders.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return,
                    },
                    () = sleep_until(due), if step.is_some() => {}
                }
            }
            let Some(step) = step else { continue };
            // A call that has begun is awaited also when the server leaves: the registry could carry it out after what
            // takes the server out. That the server is deactivating does no harm then.
            let result = tokio::select! {
                result = self.call(step, now.time(step)) => result,
                () = superseded(orders.clone(), step) => continue,
            };
            due = clock::now() + self.ended(step, &result);
        }
    }

    /// Takes note of how a call ended. -> the pause after it
    fn ended(&mut self, step: Step, result: &Result<Reply<()>>) -> Duration {
        let outcome = match result {
            Ok(reply) if is_forgotten(reply) => Outcome::Forgotten,
            Ok(_) => Outcome::Accepted,
            Err(error) if REFUSALS.contains(&error.code()) => Outcome::Refused,
            Err(_) => Outcome::Failed,
        };
        let pause = self.life.ended(step, outcome);
        let error = result.as_ref().err();
        self.report(step, outcome, error);
        if let (Step::Startup(_), Ok(reply)) = (step, result) {
            self.take_worker_id(reply);
        }
        self.note(step, outcome, error);
        self.say_how_far(error);
        pause.time(self.settings.beat_interval)
    }

    /// What the session's holder sees.
    fn note(&self, step: Step, outcome: Outcome, error: Option<&Error>) {
        self.status.send_modify(|status| {
            match (step, outcome) {
                (Step::Beat(_), Outcome::Accepted) => status.registered = true,
                (Step::Beat(_), Outcome::Forgotten) | (Step::Prestop, Outcome::Accepted) => status.registered = false,
                _ => {}
            }
            status.worker_id = self.worker_id;
            status.failures = self.life.failures().saturating_add(self.life.refusals());
            if error.is_none() {
                status.last_accepted = Some(clock::now());
            }
            status.error = error.map(|error| error.to_string().into());
        });
    }

    fn say_how_far(&self, error: Option<&Error>) {
        self.parting.send_if_modified(|parting| {
            let (deactivation, removal) = (self.life.deactivation(), self.life.removal());
            let is_new = (parting.deactivation, parting.removal) != (deactivation, removal);
            (parting.deactivation, parting.removal) = (deactivation, removal);
            if let Some(error) = error {
                parting.error = Some((error.code(), error.message().into()));
            }
            is_new
        });
    }

    async fn call(&mut self, step: Step, time: Duration) -> Result<Reply<()>> {
        let node = self.node().await?;
        if let Step::Startup(_) = step {
            self.lease.get_or_insert_with(new_word);
        }
        let Self {
            settings,
            instance,
            client,
            ..
        } = self;
        let call = match step {
            Step::Startup(state) => {
                let call = client.on_startup(&instance.startup(&node, state, settings));
                if settings.worker_id {
                    let held = self.worker_id.map(|number| number.to_string());
                    call.context(WORKER_ID, held.unwrap_or_default())
                } else {
                    call
                }
            }
            Step::Metrics => {
                client.register_metrics(&instance.metrics(&node, settings.metrics_port.unwrap_or_default()))
            }
            Step::Beat(state) => client.keep_alive(&instance.beat(&node, state)),
            Step::Prestop => client.on_prestop(&instance.prestop(&node)),
        };
        self.life.sent(step);
        let reply = self.prepared(call, time).with_reply().await?;
        if let Some(lease) = value(&reply.context, LEASE) {
            self.lease = Some(lease.clone());
        }
        Ok(reply)
    }

    fn prepared(&self, call: Call<()>, time: Duration) -> Call<()> {
        let call = call.timeout(time);
        match &self.lease {
            Some(lease) => call.context(LEASE, lease.clone()),
            None => call,
        }
    }

    /// The number that the registry gave with a registration.
    fn take_worker_id(&mut self, reply: &Reply<()>) {
        if !self.settings.worker_id {
            return;
        }
        let given = value(&reply.context, WORKER_ID);
        let given = given.and_then(|given| std::str::from_utf8(given.as_bytes()).ok()?.parse().ok());
        let held = std::mem::replace(&mut self.worker_id, given);
        self.report_worker_id(held, given);
    }

    /// The node's name, found out when it is first needed: it may take the registry's address, which may have to be
    /// looked up.
    async fn node(&mut self) -> Result<String> {
        if let Some(node) = &self.node {
            return Ok(node.clone());
        }
        let node = match (&self.settings.node_name, self.instance.host()) {
            (Some(name), _) => name.clone(),
            (None, Some(host)) => host.to_owned(),
            (None, None) => {
                let address = timeout(CALL, transport::local_address_towards(&self.settings.towards)).await;
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
}

/// Ready when the call need not be awaited any more.
async fn superseded(mut orders: watch::Receiver<Orders>, step: Step) {
    let is_over = step == Step::Beat(State::Deactivating) && orders.wait_for(|orders| orders.wish.out).await.is_ok();
    if !is_over {
        pending::<()>().await;
    }
}

fn is_forgotten(reply: &Reply<()>) -> bool {
    value(&reply.context, HINT).is_some_and(|hint| hint.as_bytes() == b"reregister")
}

fn value<'a>(attributes: &'a Attributes, key: &str) -> Option<&'a ByteString> {
    attributes.get(key.as_bytes())
}
