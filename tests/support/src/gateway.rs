//! A `tarsgateway` process in front of a registry.

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
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(["--locator", locator, "--allow", allowed, "--drain-delay-ms", "0"]);
        let process = Process::start(command);
        let line = process.wait_for("calls at ").await;
        let (_, places) = line.split_once("calls at ").expect("the line was waited for");
        let (address, admin) = places
            .split_once(", health and metrics at ")
            .unwrap_or_else(|| panic!("no two addresses in: {line}"));
        Self {
            address: address.to_owned(),
            admin: admin.to_owned(),
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
