//! A server's folder, the program in it, and what it talks to.
#![allow(unreachable_pub, dead_code, unused_imports, reason = "each test file uses a part")]

mod registry;

use std::{
    fmt::Write as _,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use tars::{
    Context, Endpoint, Result, Server,
    protocol::{AdminF, AdminFServer},
};
use tempfile::TempDir;
use tokio::{process::Command, sync::watch, time::timeout};

pub use self::registry::{Mood, Registry};

/// More than anything here takes on a busy machine.
pub const LONG: Duration = Duration::from_mins(1);

/// How a run of the program ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
    pub took: Duration,
}

impl Run {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// `TARS_PATH` of one server.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn data(&self, name: &str) -> std::path::PathBuf {
        self.path().join("data").join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::create_dir_all(self.path().join("data")).unwrap();
        std::fs::write(self.data(name), text).unwrap();
    }

    /// `server_info.yaml` of a server with these adapters, and its AdminObj.
    pub fn describe(&self, locator: &str, local: &str, adapters: &[(&str, String)]) {
        let mut list = String::new();
        for (object, endpoint) in adapters {
            writeln!(list, "    - object: {object}\n      endpoint: {endpoint}").unwrap();
        }
        let list = if adapters.is_empty() { "    []\n" } else { &list };
        let text = format!(
            "conf:\n  application: App\n  server: Server\n  locator: {locator}\n  local: \"{local}\"\n  adapters:\n{list}\
             local_ip: 127.0.0.1\ntars_path: {}\n",
            self.path().display()
        );
        self.write("server_info.yaml", &text);
    }

    pub async fn run(&self, words: &[&str]) -> Run {
        self.run_with(&[], words).await
    }

    /// Runs the program with these variables of the environment and no others.
    pub async fn run_with(&self, environment: &[(&str, &str)], words: &[&str]) -> Run {
        let start = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_tarscli"))
            .args(words)
            .env_clear()
            .env("TARS_PATH", self.path())
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = timeout(LONG, child).await.expect("the program ends").unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            took: start.elapsed(),
        }
    }
}

/// Starts a server on a free port of this machine and tells where.
pub async fn serve(server: tars::ServerBuilder) -> Vec<Endpoint> {
    let server = server.bind().await.unwrap();
    let endpoints = server.local_endpoints().to_vec();
    tokio::spawn(server.serve());
    endpoints
}

/// An `AdminObj` that remembers its commands.
pub struct Admin {
    pub endpoint: Endpoint,
    pub heard: watch::Receiver<Vec<String>>,
}

struct Ear(watch::Sender<Vec<String>>);

impl Admin {
    pub async fn start() -> Self {
        let (ear, heard) = watch::channel(Vec::new());
        let servant = AdminFServer::new(Ear(ear));
        let server = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", "AdminObj", servant);
        let endpoint = serve(server).await.remove(0);
        Self { endpoint, heard }
    }
}

impl AdminF for Ear {
    async fn shutdown(&self, _: &mut Context) -> Result<()> {
        Ok(())
    }

    async fn notify(&self, _: &mut Context, command: String) -> Result<String> {
        self.0.send_modify(|heard| heard.push(command.clone()));
        Ok(format!("did \"{command}\""))
    }

    async fn get_pid(&self, _: &mut Context) -> Result<i64> {
        Ok(7)
    }
}
