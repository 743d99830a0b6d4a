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
    process::Signal,
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
    /// New starts in a row.
    restarts: u32,
    notices: Notices,
    status: watch::Sender<Status>,
}

impl Reporter {
    pub(super) fn new(args: &cli::Supervisor, info: &ServerInfo, mistake: Option<String>) -> Self {
        let (server, node) = (info.conf.name(), info.local_ip.clone());
        let notices = Notices::new(info).unwrap_or_else(|error| {
            tracing::warn!("tarsnotify hears nothing of the server: {}", words(&error));
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
            restarts: super::policy(args).limit,
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

    /// The server has left the registry, which its session has said; or it has not, and somebody may try on.
    pub(super) fn left(&mut self, left: Left, is_tried_on: bool) {
        match &left.error {
            Some(error) if is_tried_on => tracing::debug!(error, "the registry has not been told yet"),
            Some(error) => tracing::error!(error, "the registry has not been told that the server is gone"),
            None => {}
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
    pub(super) fn say(&self, notice: Notice, pid: Option<i32>) {
        let server = &self.server;
        let (level, text) = self.text(notice, pid);
        match level {
            Level::Normal => tracing::info!(server, "{text}"),
            Level::Warn => tracing::warn!(server, "{text}"),
            Level::Error => tracing::error!(server, "{text}"),
        }
        // Nobody has to be told of what he has asked for.
        if !notice.is_of_the_end() {
            self.notices.send(level, text);
        }
    }

    fn text(&self, notice: Notice, pid: Option<i32>) -> (Level, String) {
        let fault = self.fault.as_deref().unwrap_or("it was not looked at yet");
        let error = |text| (Level::Error, text);
        let normal = |text| (Level::Normal, text);
        match notice {
            Notice::Started => normal(self.started(pid)),
            Notice::Ended(exit) => error(format!("server down, {exit}")),
            Notice::Again(pause) => (
                Level::Warn,
                format!("restart server, after {:.1} s", pause.as_secs_f64()),
            ),
            Notice::Held => (Level::Warn, "not started again as long as data/stop exists".to_owned()),
            Notice::Enough(exit) => error(format!("[alarm] server down, {exit}; {}", self.enough("it ended"))),
            Notice::EnoughHanging => error(format!("[alarm] {}", self.enough("it was not ready for too long"))),
            Notice::Late(time) => error(format!("[alarm] not ready after {} s: {fault}", time.as_secs())),
            Notice::Active => normal("server is active".to_owned()),
            Notice::Inactive => error(format!("server is inactive: {fault}")),
            Notice::Watchdog(time) => error(format!(
                "[alarm] not ready for {} s, it is being ended: {fault}",
                time.as_secs()
            )),
            Notice::NoWorkerId(time) => error(format!(
                "[alarm] no worker number after {} s (TARS_WORKER_ID_TIMEOUT): giving up",
                time.as_secs()
            )),
            Notice::Leaving(None) => {
                normal("`prestop`: the server leaves, and runs on until a signal comes".to_owned())
            }
            Notice::Leaving(Some(signal)) => normal(format!("{}: the server leaves", name(signal))),
            Notice::Asked(signal) => normal(format!("{}: the server is to end, too", name(signal))),
            Notice::Stopping(signal, time) => normal(format!(
                "{} to the server; SIGKILL after {:.1} s",
                name(signal),
                time.as_secs_f64()
            )),
            Notice::Stopped(exit) => normal(format!("server ended, {exit}")),
        }
    }

    fn started(&self, pid: Option<i32>) -> String {
        let pid = pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
        match self.version.as_str() {
            "" => format!("server started{pid}"),
            version => format!("server started{pid}, server version: {version}"),
        }
    }

    /// Why it is not started again.
    fn enough(&self, what: &str) -> String {
        match self.restarts {
            0 => format!("{what}, and TARS_MAX_RESTARTS is 0: giving up"),
            _ => format!("{what} too often: giving up"),
        }
    }

    /// Waits for what there was to tell the operators, for a moment.
    pub(super) async fn finish(self) {
        self.notices.finish(NOTICES).await;
    }
}

/// The signals that ask for the end.
fn name(signal: Signal) -> &'static str {
    match signal {
        Signal::INT => "SIGINT",
        _ => "SIGTERM",
    }
}

/// An error with its causes. Some say again what the one before has said.
pub(super) fn words(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.ends_with(&cause) {
            text += ": ";
            text += &cause;
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the object `x`: {0}")]
    struct Outer(#[source] std::num::ParseIntError);

    #[test]
    fn what_a_cause_says_again_is_left_out() {
        let number = || "x".parse::<u8>().unwrap_err();
        let once = "invalid digit found in string";
        let text = Err::<(), _>(Outer(number())).context("notifyObj").unwrap_err();
        assert_eq!(words(&text), format!("notifyObj: the object `x`: {once}"));
        let text = Err::<(), _>(number()).context("locator").unwrap_err();
        assert_eq!(words(&text), format!("locator: {once}"));
    }
}
