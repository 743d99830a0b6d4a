//! What the supervisor says: its status to those who ask, what happens to its log and to the operators.

use std::time::Duration;

use tars::registration;
use tokio::{sync::watch, time::Instant};

use super::{
    machine::{Machine, Notice},
    running::Running,
};
use crate::{
    check::Fault,
    cli,
    control::{self, Left, Registry, Status},
    notice::{Level, Notices},
    server::ServerInfo,
    state::State,
};

/// How long the last message to the operators may take.
const NOTICES: Duration = Duration::from_millis(500);

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
    notices: Notices,
    status: watch::Sender<Status>,
}

impl Reporter {
    pub(super) fn new(args: &cli::Supervisor, info: &ServerInfo, mistake: Option<String>) -> Self {
        let (server, node) = (info.conf.name(), info.local_ip.clone());
        let notices = Notices::new(info).unwrap_or_else(|error| {
            tracing::warn!("tarsnotify hears nothing of the server: {error:#}");
            Notices::nobody()
        });
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
            notices,
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
        if let Some(error) = &left.error {
            tracing::warn!(error, "the registry has not been told yet that the server is gone");
        } else {
            tracing::info!("out of the registry");
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

    /// Says what has happened: to the log, and to the operators.
    pub(super) fn say(&self, notice: Notice) {
        let fault = self.fault.as_deref().unwrap_or("it was not looked at yet");
        let (level, text) = match notice {
            Notice::Started => (Level::Normal, format!("server version: {}", self.version)),
            Notice::Ended(exit) => (Level::Error, format!("server down, {exit}")),
            Notice::Again(pause) => (
                Level::Warn,
                format!("restart server, after {:.1} s", pause.as_secs_f64()),
            ),
            Notice::Held => (Level::Warn, "not started again as long as data/stop exists".to_owned()),
            Notice::Enough(exit) => (
                Level::Error,
                format!("[alarm] server down, {exit}; it ended too often: giving up"),
            ),
            Notice::EnoughHanging => (
                Level::Error,
                "[alarm] it was not ready for too long too often: giving up".to_owned(),
            ),
            Notice::Late(time) => {
                let seconds = time.as_secs();
                (Level::Error, format!("[alarm] not ready after {seconds} s: {fault}"))
            }
            Notice::Active => (Level::Normal, "server is active".to_owned()),
            Notice::Inactive => (Level::Error, format!("server is inactive: {fault}")),
            Notice::Watchdog(time) => {
                let seconds = time.as_secs();
                (
                    Level::Error,
                    format!("[alarm] not ready for {seconds} s, it is being ended: {fault}"),
                )
            }
            Notice::NoWorkerId(time) => {
                let seconds = time.as_secs();
                (
                    Level::Error,
                    format!("[alarm] no worker number after {seconds} s (TARS_WORKER_ID_TIMEOUT): giving up"),
                )
            }
        };
        let server = &self.server;
        match level {
            Level::Normal => tracing::info!(server, "{text}"),
            Level::Warn => tracing::warn!(server, "{text}"),
            Level::Error => tracing::error!(server, "{text}"),
        }
        self.notices.send(level, text);
    }

    /// Waits for what there was to tell the operators, for a moment.
    pub(super) async fn finish(self) {
        self.notices.finish(NOTICES).await;
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
