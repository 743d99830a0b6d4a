//! What the supervisor says: its status to those who ask, what happens to its log and to the operators.

use tars::registration;
use tokio::{sync::watch, time::Instant};

use super::{
    machine::{Machine, Notice},
    record,
    running::Running,
};
use crate::{
    check::Fault,
    cli,
    control::{self, Left, Registry, Status},
    output::Output,
    server::ServerInfo,
    state::State,
};

/// Bytes of a server's last output that Kubernetes shows.
const LAST_WORDS: usize = 4 << 10;

/// Knows what there is to say.
pub(super) struct Reporter {
    begun: Instant,
    server: String,
    node: String,
    version: String,
    /// Why the server cannot be registered at all.
    mistake: Option<String>,
    checks: control::Checks,
    last_check: Option<Instant>,
    fault: Option<String>,
    left: Option<Left>,
    status: watch::Sender<Status>,
}

impl Reporter {
    pub(super) fn new(args: &cli::Supervisor, info: &ServerInfo, mistake: Option<String>) -> Self {
        let (server, node) = (info.conf.name(), info.local_ip.clone());
        Self {
            begun: Instant::now(),
            status: watch::Sender::new(first(server.clone(), node.clone())),
            server,
            node,
            version: args.server_version.clone(),
            mistake,
            checks: control::Checks::default(),
            last_check: None,
            fault: None,
            left: None,
        }
    }

    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// A check has ended.
    pub(super) fn checked(&mut self, result: Result<(), Fault>) {
        self.last_check = Some(Instant::now());
        match result {
            Ok(()) => {
                self.checks.succeeded += 1;
                self.fault = None;
            }
            Err(fault) => {
                self.checks.failed += 1;
                let fault = fault.to_string();
                if self.fault.as_ref() != Some(&fault) {
                    tracing::info!("not ready: {fault}");
                }
                self.fault = Some(fault);
            }
        }
    }

    /// The server has left the registry.
    pub(super) fn left(&mut self, left: Left) {
        match &left.error {
            Some(error) => tracing::warn!(error, "the registry has not been told yet that the server is gone"),
            None => tracing::info!("out of the registry"),
        }
        self.left = Some(left);
    }

    /// Says how things are.
    pub(super) fn publish(&self, machine: &Machine, running: Option<&Running>, registry: &registration::Status) {
        let ready = machine.is_ready();
        let reason = machine.idle().map(str::to_owned).or_else(|| self.fault.clone());
        self.status.send_replace(Status {
            server: self.server.clone(),
            node: self.node.clone(),
            state: machine.state(),
            ready,
            started: machine.was_ready(),
            reason: reason.filter(|_| !ready),
            supervisor_uptime_seconds: self.begun.elapsed().as_secs(),
            pid: running.and_then(Running::pid),
            server_uptime_seconds: running.map(|running| running.age().as_secs()),
            restarts: machine.restarts(),
            last_exit: machine.last_exit(),
            checks: control::Checks {
                last_seconds_ago: self.last_check.map(|last| last.elapsed().as_secs()),
                ..self.checks.clone()
            },
            registry: Registry {
                registered: registry.registered,
                last_accepted_seconds_ago: registry.last_accepted.map(|last| last.elapsed().as_secs()),
                failures: registry.failures,
                error: registry
                    .error
                    .as_deref()
                    .map(str::to_owned)
                    .or_else(|| self.mistake.clone()),
            },
            worker_id: registry.worker_id,
            leaving: machine.phase(),
            left: self.left.clone(),
        });
    }

    /// Says what has happened.
    pub(super) fn say(&self, notice: Notice, output: &Output) {
        let server = &self.server;
        match notice {
            Notice::Started => tracing::info!(server, version = self.version, "started"),
            Notice::Ended(exit) => {
                tracing::warn!(server, %exit, "the server ended");
                self.last_words(output);
            }
            Notice::Again(pause) => tracing::info!(server, ?pause, "it is started again after a pause"),
            Notice::Held => tracing::warn!(server, "not started again as long as data/stop exists"),
            Notice::Enough(exit) => tracing::error!(server, %exit, "the server ended too often: giving up"),
            Notice::Late(time) => {
                tracing::error!(
                    server,
                    ?time,
                    reason = self.fault,
                    "the server is not ready after so long"
                );
            }
            Notice::Active => tracing::info!(server, "active"),
            Notice::Inactive => tracing::warn!(server, reason = self.fault, "inactive"),
            Notice::Watchdog(time) => {
                tracing::error!(
                    server,
                    ?time,
                    reason = self.fault,
                    "its checks fail for too long: started again"
                );
            }
            Notice::NoWorkerId(time) => {
                tracing::error!(server, ?time, "the registry gave no worker number in time: giving up");
            }
        }
    }

    /// The last the server printed, where Kubernetes looks for it.
    pub(super) fn last_words(&self, output: &Output) {
        record::last_words(&output.last(LAST_WORDS));
    }
}

fn first(server: String, node: String) -> Status {
    Status {
        server,
        node,
        state: State::Activating,
        ready: false,
        started: false,
        reason: None,
        supervisor_uptime_seconds: 0,
        pid: None,
        server_uptime_seconds: None,
        restarts: 0,
        last_exit: None,
        checks: control::Checks::default(),
        registry: Registry::default(),
        worker_id: None,
        leaving: None,
        left: None,
    }
}
