//! Crates that are not of this workspace, built by cargo as their owner would.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A package, or a workspace, in a directory of its own.
#[derive(Debug)]
pub(crate) struct Outside {
    dir: PathBuf,
}

impl Outside {
    /// An empty directory. What a former run built stays where cargo builds, so it is always the same one.
    pub(crate) fn new(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if dir.exists() {
            fs::remove_dir_all(&dir).unwrap();
        }
        fs::create_dir_all(&dir).unwrap();
        // The workspace's lock file keeps the versions that are on this machine already.
        fs::copy(root().join("Cargo.lock"), dir.join("Cargo.lock")).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs cargo. Nothing is downloaded.
    pub(crate) fn cargo(&self, args: &[&str]) -> Output {
        let (command, options) = args.split_first().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.arg(command).arg("--offline").args(options).current_dir(&self.dir);
        // Kept between runs, and used by all tests of this kind: only the first one compiles the runtime.
        let target = assert_cmd::cargo::cargo_bin!("tars2rs").with_file_name("outside-crate");
        cargo.env("CARGO_TARGET_DIR", target);
        cargo.output().unwrap_or_else(|error| panic!("{cargo:?}: {error}"))
    }
}

/// The root of this workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The line of a manifest that depends on the runtime.
pub(crate) fn runtime() -> String {
    let path = root().to_str().unwrap().to_owned();
    format!("tars = {{ path = {path:?}, package = \"tars2rs-runtime\" }}\n")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
