//! The servers of `examples/trace` that register themselves, as processes of their own.

use std::{fmt, path::Path};

use anyhow::Context as _;
use tars::Endpoint;
use tokio::process::Command;

use crate::{
    children::{Child, Family, sibling},
    registry::Registry,
};

/// One of the two servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    name: &'static str,
    program: &'static str,
    pub(crate) object: &'static str,
}

/// Hands sums on to the back server.
pub(crate) const FRONT: Kind = Kind {
    name: "the front server",
    program: "trace-front",
    object: "Trace.TarsTraceFrontServer.FrontendObj",
};

/// Computes sums.
pub(crate) const BACK: Kind = Kind {
    name: "the back server",
    program: "trace-back",
    object: "Trace.TarsTraceBackServer.BackendObj",
};

/// A running server that the registry knows.
pub(crate) struct Server {
    kind: Kind,
    child: Child,
    endpoint: Endpoint,
}

impl Server {
    /// Starts a server at a free port and waits until the registry sends clients there.
    pub(crate) async fn start(kind: Kind, place: &Place<'_>) -> anyhow::Result<Self> {
        let mut command = Command::new(sibling(kind.program)?);
        command
            .args(["--locator", place.registry.locator()])
            .args(["--refresh-seconds", &place.refresh_seconds.to_string()])
            .arg("--trace-log")
            .arg(place.trace_log);
        let child = place.family.start(kind.name, &mut command)?;
        let endpoint = child.wait_for("where it listens", listening).await?;
        let port = endpoint.port;
        let server = Self { kind, child, endpoint };
        place.registry.sends_to(kind.object, port).await.context(kind.name)?;
        Ok(server)
    }

    /// Ends the server, which takes itself out of the registry first.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.child.stop().await
    }

    /// Ends the server as a power cut does: the registry goes on sending clients there.
    pub(crate) async fn kill(self) -> anyhow::Result<()> {
        self.child.kill().await
    }
}

/// What a server is told about its surroundings.
pub(crate) struct Place<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) trace_log: &'a Path,
    /// How often a server asks the registry where those are that it calls.
    pub(crate) refresh_seconds: u64,
    pub(crate) family: &'a Family,
}

/// The endpoint in the line that says where a server listens.
pub(crate) fn listening(line: &str) -> Option<Endpoint> {
    line.split_once("listening at ")?.1.parse().ok()
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind.object, self.endpoint)
    }
}
