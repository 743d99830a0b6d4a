//! Where things are in a server's container: the files of K8STARS, all under `TARS_PATH`.

use std::path::{Path, PathBuf};

/// The root folder, `/tars` unless `TARS_PATH` says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Program, start script, `_server_meta.yaml`.
    pub(crate) fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// What the image says about its server.
    pub(crate) fn meta(&self) -> PathBuf {
        self.bin().join("_server_meta.yaml")
    }

    /// The generated configuration; `build_server` is `TARS_BUILD_SERVER`.
    pub(crate) fn config(&self, build_server: &str) -> PathBuf {
        self.root.join("conf").join(format!("{build_server}.conf"))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The server as it was resolved: what every command but genconf reads.
    pub(crate) fn server_info(&self) -> PathBuf {
        self.data().join("server_info.yaml")
    }

    /// One word, the state. Its time of change is the supervisor's heartbeat.
    pub(crate) fn check_status(&self) -> PathBuf {
        self.data().join("check_status")
    }

    /// There once the server has left the registry.
    pub(crate) fn prestop_mark(&self) -> PathBuf {
        self.data().join("prestop")
    }

    /// Put there by an operator: a server that ends is not started again.
    pub(crate) fn stop_mark(&self) -> PathBuf {
        self.data().join("stop")
    }

    /// How the server's process last ended.
    pub(crate) fn last_exit(&self) -> PathBuf {
        self.data().join("last_exit.json")
    }

    /// Where the supervisor answers.
    pub(crate) fn socket(&self) -> PathBuf {
        self.data().join("supervisor.sock")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// What the supervisor says.
    pub(crate) fn supervisor_log(&self) -> PathBuf {
        self.log().join("supervisor.log")
    }

    /// What the server prints.
    pub(crate) fn start_log(&self) -> PathBuf {
        self.log().join("start.log")
    }
}
