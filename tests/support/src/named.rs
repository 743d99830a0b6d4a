//! Servers that tell their names: several of them serve one object, and a test sees which was called.

use tokio::process::Command;

use crate::process::{Process, binary};

/// What they serve.
pub const OBJECT: &str = "Peers.NamedServer.NamedObj";

/// A running `named-server`.
#[derive(Debug)]
pub struct Named {
    /// The process.
    pub process: Process,
    endpoint: String,
}

impl Named {
    /// Starts the server `name` at an address of loopback, which is its node, and waits until it listens. `more` are arguments of its
    /// command line: `--registry OBJECT` makes it register itself.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(name: &str, host: &str, more: &[&str]) -> Self {
        let mut command = Command::new(binary("named-server"));
        let endpoint = format!("tcp -h {host} -p 0");
        command.args([name, "--endpoint", &endpoint]).args(more);
        let process = Process::start(command);
        let endpoint = process.endpoint().await;
        Self { process, endpoint }
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Its object with its endpoint, to call it without a registry.
    #[must_use]
    pub fn object(&self) -> String {
        format!("{OBJECT}@{}", self.endpoint)
    }
}
