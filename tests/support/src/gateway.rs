//! A `tarsgateway` process in front of a registry.

use serde_json::Value;
use tokio::process::Command;

use crate::process::{Process, binary};

/// A running gateway on ports of its own.
#[derive(Debug)]
pub struct Gateway {
    /// The process.
    pub process: Process,
    address: String,
    admin: String,
}

impl Gateway {
    /// Starts a gateway that may call what `allowed` says and finds it through `locator`.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(locator: &str, allowed: &str) -> Self {
        let mut command = Command::new(binary("tarsgateway"));
        command
            .args([
                "--listen",
                "127.0.0.1:0",
                "--admin",
                "127.0.0.1:0",
                "--log-format",
                "json",
            ])
            .args(["--locator", locator, "--allow", allowed, "--drain-delay-ms", "0"]);
        let process = Process::start(command);
        let line = process.wait_for("calls at ").await;
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
        let field = |name: &str| {
            line["fields"][name]
                .as_str()
                .unwrap_or_else(|| panic!("no {name} in {line}"))
                .to_owned()
        };
        Self {
            address: field("listen"),
            admin: field("admin"),
            process,
        }
    }

    /// Where health and metrics are, `host:port`.
    #[must_use]
    pub fn admin(&self) -> &str {
        &self.admin
    }

    /// Where it takes calls, `host:port`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}
