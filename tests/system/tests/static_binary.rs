//! `tarscli` as one static file, alone in a root file system: no libraries, no shell, no resolver's settings.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use tars::{
    Context, Result, Server,
    protocol::{AdminF, AdminFServer},
};
use tars_test_support::process::{Process, binary};
use tempfile::TempDir;
use tokio::process::Command;

/// The static `tarscli`, built beside the binaries of this workspace.
fn program() -> PathBuf {
    let beside = binary("tarscli");
    let [folder, profile] = [2, 1].map(|up| beside.ancestors().nth(up).unwrap());
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let path = folder.join(target).join(profile.file_name().unwrap()).join("tarscli");
    assert!(
        path.exists(),
        "{} is missing: run `make static-for-tests` (make test does)",
        path.display()
    );
    path
}

/// A root file system that holds the program twice, and nothing else.
fn root() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in ["tarscli", "child"] {
        fs::copy(program(), root.path().join(name)).unwrap();
    }
    root
}

/// Runs a command in that file system, as its root, and returns exit code and output.
async fn run(root: &Path, words: &[&str]) -> (i32, String) {
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "chroot"])
        .arg(root)
        .args(words)
        .env_remove("TARS_APPLICATION");
    Process::start(command).wait().await
}

struct Admin;

impl AdminF for Admin {
    async fn shutdown(&self, _cx: &mut Context) -> Result<()> {
        Ok(())
    }

    async fn notify(&self, _cx: &mut Context, command: String) -> Result<String> {
        Ok(format!("heard {command}"))
    }

    async fn get_pid(&self, _cx: &mut Context) -> Result<i64> {
        Ok(0)
    }
}

/// Serves administration on this machine. -> its port
async fn admin() -> u16 {
    let server = Server::builder()
        .adapter("tcp -h 127.0.0.1 -p 0", "AdminObj", AdminFServer::new(Admin))
        .bind()
        .await
        .unwrap();
    let port = server.local_endpoints()[0].port;
    tokio::spawn(server.serve_with_shutdown(std::future::pending::<()>()));
    port
}

#[tokio::test]
async fn it_runs_where_nothing_else_is() {
    let root = root();
    let expected = (0, env!("CARGO_PKG_VERSION").to_owned());
    assert_eq!(run(root.path(), &["/tarscli", "version"]).await, expected);
}

#[tokio::test]
async fn it_supervises_where_nothing_else_is() {
    let root = root();
    let supervised = run(root.path(), &["/tarscli", "supervisor", "--", "/child", "version"]).await;
    assert_eq!(supervised, (0, env!("CARGO_PKG_VERSION").to_owned()));
    // The child's own exit code: that of a mistake in its command line.
    let (code, output) = run(root.path(), &["/tarscli", "supervisor", "--", "/child", "--wrong"]).await;
    assert_eq!(code, 2, "{output}");
    assert!(output.contains("--wrong"), "{output}");
}

#[tokio::test]
async fn host_names_are_resolved_where_nothing_else_is() {
    let root = root();
    let port = admin().await;
    let endpoint = format!("tcp -h admin.test -p {port}");
    let words = ["/child", "notify", "--admin", &endpoint, "tars.viewversion"];
    let (code, output) = run(root.path(), &words).await;
    assert_eq!(code, 1, "nobody knows the name yet: {output}");
    assert!(output.contains("admin.test"), "{output}");

    fs::create_dir(root.path().join("etc")).unwrap();
    fs::write(root.path().join("etc/hosts"), "127.0.0.1 admin.test\n").unwrap();
    let expected = (0, "notify succ:heard tars.viewversion".to_owned());
    assert_eq!(run(root.path(), &words).await, expected);
    let supervised = [&["/tarscli", "supervisor", "--"][..], &words].concat();
    assert_eq!(run(root.path(), &supervised).await, expected);
}
