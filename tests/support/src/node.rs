//! Programs for Node.js, the implementation of Tars that this project did not write.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::process::Process;

/// Starts `node SCRIPT ARGS...` from the folder of the Node programs.
///
/// # Panics
/// When the Node packages are not installed: `scripts/install-test-tools` installs them.
#[must_use]
pub fn start(script: &str, args: &[&str]) -> Process {
    let folder = folder();
    assert!(
        folder.join("node_modules").exists(),
        "the Node packages are missing: run `scripts/install-test-tools`"
    );
    let mut command = Command::new("node");
    command.arg(folder.join(script)).args(args).current_dir(&folder);
    Process::start(command)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in tests/")
        .join("system/node")
}
