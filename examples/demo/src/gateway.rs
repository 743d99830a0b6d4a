//! The gateway as a process of its own.

use std::{fmt, path::Path};

use tokio::process::Command;

use crate::{
    children::{Child, Family, fields, sibling},
    ports::{self, Ports},
    registry::Registry,
};

/// What may be called through the gateway, and nothing else.
const ALLOWED: &str =
    "Trace.TarsTraceFrontServer.FrontendObj,Trace.TarsTraceBackServer.BackendObj,HelloWorld.PHPTarsuser.Index";

/// A running gateway.
pub(crate) struct Gateway {
    child: Child,
    address: String,
    admin: String,
}

impl Gateway {
    /// Starts the gateway and waits until it listens. Every call through it begins a call chain in `trace_log` whose points
    /// all carry parameters.
    pub(crate) async fn start(
        ports: Ports,
        registry: &Registry,
        trace_log: &Path,
        family: &Family,
    ) -> anyhow::Result<Self> {
        let address = |default| format!("127.0.0.1:{}", ports.choose(default));
        let mut command = Command::new(sibling("tarsgateway")?);
        command
            .args(["--listen", &address(ports::GATEWAY)])
            .args(["--admin", &address(ports::GATEWAY_ADMIN)])
            .args(["--locator", registry.locator()])
            .args(["--allow", ALLOWED])
            .args(["--trace-sample", "probability:1", "--trace-flags", "f"])
            .args(["--trace-sink", &format!("file:{}", trace_log.display())])
            // Nothing in front of it has to notice that it ends.
            .args(["--drain-delay-ms", "0", "--log-format", "json"]);
        let child = family.start("the gateway", &mut command)?;
        let (address, admin) = child.wait_for("where it listens", listening).await?;
        Ok(Self { child, address, admin })
    }

    /// `HOST:PORT`, where calls come in.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Lets calls under way end, then ends the gateway.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.child.stop().await
    }
}

/// The addresses for calls and for health in the line that tells them.
fn listening(line: &str) -> Option<(String, String)> {
    let fields = fields(line)?;
    let field = |name: &str| Some(fields.get(name)?.as_str()?.to_owned());
    Some((field("listen")?, field("admin")?))
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "http://{}/json/OBJECT/FUNCTION\nhttp://{}/readyz",
            self.address, self.admin
        )
    }
}
