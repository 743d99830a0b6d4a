//! Programs for Node.js, the implementation of Tars that this project did not write.

use std::path::Path;

use tokio::process::Command;

use crate::process::Process;

/// Starts `node SCRIPT ARGS...` from the folder of the Node programs.
///
/// # Panics
/// When the Node packages are not installed: `scripts/install-test-tools` installs them.
#[must_use]
pub fn start(script: &str, args: &[&str]) -> Process {
    let folder = tests().join("system/node");
    run(&folder, script, args)
}

/// Starts the sample server `SCRIPT` of `examples/trace`, with the packages of the Node programs here.
///
/// # Panics
/// When the Node packages are not installed: `scripts/install-test-tools` installs them.
#[must_use]
pub fn start_sample(script: &str) -> Process {
    let root = tests().parent().expect("tests/ lies in the workspace");
    run(&root.join("examples/trace/node"), script, &[])
}

fn run(folder: &Path, script: &str, args: &[&str]) -> Process {
    let packages = tests().join("system/node/node_modules");
    assert!(
        packages.exists(),
        "the Node packages are missing: run `scripts/install-test-tools`"
    );
    let mut command = Command::new("node");
    command
        .arg(folder.join(script))
        .args(args)
        .current_dir(folder)
        .env("NODE_PATH", packages);
    Process::start(command)
}

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this crate lies in tests/")
}
