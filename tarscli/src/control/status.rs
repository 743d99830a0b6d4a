//! What a supervisor says of itself, as JSON on its socket: the state for probes, the figures for metrics.

use serde::{Deserialize, Serialize};

use crate::{process::Exit, state::State};

/// The answer to `state`. Times are durations, so that clocks do not matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Status {
    /// `Application.Server`.
    pub(crate) server: String,
    /// The node it is registered as.
    pub(crate) node: String,
    pub(crate) state: State,
    /// Whether it may get calls: its own checks say so, whatever the registry says.
    pub(crate) ready: bool,
    /// It has been ready once.
    pub(crate) started: bool,
    /// Why it is not ready.
    pub(crate) reason: Option<String>,
    pub(crate) supervisor_uptime_seconds: u64,
    /// Of the running server.
    pub(crate) pid: Option<i32>,
    pub(crate) server_uptime_seconds: Option<u64>,
    pub(crate) restarts: u32,
    pub(crate) last_exit: Option<Exit>,
    pub(crate) checks: Checks,
    pub(crate) registry: Registry,
    pub(crate) worker_id: Option<u32>,
    /// How far its end has come.
    pub(crate) leaving: Option<Phase>,
    /// How it left the registry: there from [`Phase::Gone`] on, and what a `prestop` waits for.
    #[serde(default)]
    pub(crate) left: Option<Left>,
}

/// How the attempt to leave the registry ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    /// The registry has taken the server out, or there is none that could know it.
    pub(crate) told: bool,
    /// Why it has not.
    pub(crate) error: Option<String>,
}

impl Left {
    /// It went well.
    pub(crate) const TOLD: Self = Self {
        told: true,
        error: None,
    };
}

/// How often the server was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checks {
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) last_seconds_ago: Option<u64>,
}

/// How it stands with the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registry {
    pub(crate) registered: bool,
    pub(crate) last_accepted_seconds_ago: Option<u64>,
    /// Calls that failed since one was accepted.
    pub(crate) failures: u32,
    /// Why the last one did.
    pub(crate) error: Option<String>,
}

/// A step of leaving. The order is that of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// The registry and the server are being told.
    Deactivating,
    /// Served on, so that clients can learn of it.
    Draining,
    /// `onPrestop` is being told.
    Deregistering,
    /// Out of the registry, or its time was over: the error says so.
    Gone,
    /// The server's process is being ended.
    Stopping,
}
