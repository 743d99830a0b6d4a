//! The servers of `examples/trace`, each as in a container of its own: a folder with the files of its image, and `tarscli
//! supervisor`, which writes its configuration, starts it and registers it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tars::Endpoint;
use tokio::{
    process::Command,
    time::{interval, timeout},
};

use crate::{
    children::{Child, Family, LIMIT, kill, sibling},
    registry::Registry,
};

/// Pause between two questions to a supervisor that has not answered.
const ASK: Duration = Duration::from_millis(200);

/// The only node: this machine.
const NODE: &str = "127.0.0.1";

/// One of the servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    name: &'static str,
    application: &'static str,
    server: &'static str,
    /// The last part of its object's name.
    servant: &'static str,
    server_type: &'static str,
    program: Program,
}

/// What runs in the container.
#[derive(Clone, Copy, Debug)]
enum Program {
    /// A program of `examples/trace`.
    Rust(&'static str),
    /// `examples/trace/node`.
    Node,
}

/// Hands sums on to the back server.
pub(crate) const FRONT: Kind = Kind {
    name: "the front server",
    application: "Trace",
    server: "TarsTraceFrontServer",
    servant: "FrontendObj",
    server_type: "tars_rust",
    program: Program::Rust("trace-front"),
};

/// Computes sums.
pub(crate) const BACK: Kind = Kind {
    name: "the back server",
    application: "Trace",
    server: "TarsTraceBackServer",
    servant: "BackendObj",
    server_type: "tars_rust",
    program: Program::Rust("trace-back"),
};

/// A server in another language.
pub(crate) const NODE_JS: Kind = Kind {
    name: "the Node server",
    application: "HelloWorld",
    server: "PHPTarsuser",
    servant: "Index",
    server_type: "tars_nodejs",
    program: Program::Node,
};

/// What a server is told about its surroundings.
pub(crate) struct Place<'a> {
    pub(crate) registry: &'a Registry,
    /// Where the containers' folders are.
    pub(crate) folder: &'a Path,
    pub(crate) trace_log: &'a Path,
    /// How often a server asks the registry where those are that it calls.
    pub(crate) refresh_seconds: u64,
    pub(crate) family: &'a Family,
}

/// A container with a running server that the registry knows.
pub(crate) struct Server {
    kind: Kind,
    supervisor: Child,
    folder: PathBuf,
    endpoint: Endpoint,
}

impl Server {
    /// Starts a container and waits until the registry sends clients to its server.
    pub(crate) async fn start(kind: Kind, place: &Place<'_>) -> anyhow::Result<Self> {
        let folder = place.folder.join(kind.server);
        kind.write_image(&folder)?;
        let mut command = kind.supervisor(&folder, place)?;
        let supervisor = place.family.start(kind.name, &mut command)?;
        let endpoint = supervisor.wait_for("where it listens", listening).await?;
        let server = Self {
            kind,
            supervisor,
            folder,
            endpoint,
        };
        server.is_known(place.registry).await?;
        Ok(server)
    }

    /// Waits until the registry sends clients to it.
    pub(crate) async fn is_known(&self, registry: &Registry) -> anyhow::Result<()> {
        let sent = registry.sends_to(&self.kind.object(), self.endpoint.port).await;
        sent.context(self.kind.name)
    }

    /// Ends the container: its supervisor takes the server out of the registry, then ends it.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.supervisor.stop().await
    }

    /// Ends the server as a power cut does, and keeps it down. -> the process that was ended
    pub(crate) async fn kill(&self) -> anyhow::Result<i64> {
        fs::write(self.mark(), "").context("data/stop")?;
        let process = self.process().await?.context("the server does not run")?;
        kill(process)?;
        Ok(process)
    }

    /// Lets the supervisor start the server again.
    pub(crate) fn let_live(&self) -> anyhow::Result<()> {
        fs::remove_file(self.mark()).context("data/stop")
    }

    /// The folder of the container.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// As long as this file is there, the supervisor does not start the server again.
    fn mark(&self) -> PathBuf {
        self.folder.join("data").join("stop")
    }

    /// The number of the server's process, which its supervisor tells. Where that takes longer than a probe waits, its
    /// status file answers, which knows no such thing: then it is asked again.
    async fn process(&self) -> anyhow::Result<Option<i64>> {
        let told = timeout(LIMIT, async {
            let mut ticks = interval(ASK);
            loop {
                ticks.tick().await;
                let state = self.state().await?;
                if state["source"] == "supervisor" {
                    return Ok(state["pid"].as_i64());
                }
            }
        });
        told.await
            .with_context(|| format!("the supervisor of {} does not answer", self.kind.name))?
    }

    /// What `hzcheck` knows.
    async fn state(&self) -> anyhow::Result<serde_json::Value> {
        let mut command = Command::new(sibling("tarscli")?);
        command
            .args(["hzcheck", "--json", "--path"])
            .arg(&self.folder)
            .kill_on_drop(true)
            .stdin(Stdio::null());
        let output = command.output().await.context("run hzcheck")?;
        serde_json::from_slice(&output.stdout).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr);
            format!("hzcheck of {}: {said}", self.kind.name)
        })
    }
}

impl Kind {
    fn object(&self) -> String {
        format!("{}.{}.{}", self.application, self.server, self.servant)
    }

    /// What its image holds: what it is. Where it listens is the supervisor's to choose.
    fn write_image(&self, folder: &Path) -> anyhow::Result<()> {
        let meta = format!(
            "application: {}\nserver: {}\nserver_type: {}\nadapters:\n  - object: {}\n",
            self.application, self.server, self.server_type, self.servant
        );
        let bin = folder.join("bin");
        fs::create_dir_all(&bin)
            .and_then(|()| fs::write(bin.join("_server_meta.yaml"), meta))
            .with_context(|| format!("files of {}", bin.display()))
    }

    /// The command that is a container's first process.
    fn supervisor(&self, folder: &Path, place: &Place<'_>) -> anyhow::Result<Command> {
        let mut command = Command::new(sibling("tarscli")?);
        for (variable, _) in std::env::vars_os() {
            let is_ours = variable.to_str().is_some_and(|name| name.starts_with("TARS"));
            if is_ours {
                command.env_remove(variable);
            }
        }
        let refresh = place.refresh_seconds * 1000;
        command
            .args(["supervisor", "--node", NODE, "--locator", place.registry.locator()])
            .args(["--server-version", "1.0.0", "--ep-uptime", &refresh.to_string()])
            // Nobody calls any more when the demo ends.
            .args(["--check-interval", "1s", "--prestop-waittime", "0s", "--path"])
            .arg(folder)
            .arg("--");
        self.program.add_to(&mut command)?;
        let config = format!("{}.conf", self.server);
        command.arg("--config").arg(folder.join("conf").join(config));
        if let Program::Rust(_) = self.program {
            command.arg("--trace-log").arg(place.trace_log);
        }
        Ok(command)
    }
}

impl Program {
    fn add_to(self, command: &mut Command) -> anyhow::Result<()> {
        match self {
            Self::Rust(name) => command.arg(sibling(name)?),
            Self::Node => command.arg("node").arg(node_program()?),
        };
        Ok(())
    }
}

fn node_program() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("trace")
        .join("node");
    ensure!(
        folder.join("node_modules").exists(),
        "the packages of {} are missing: `scripts/install-test-tools demo` installs them",
        folder.display()
    );
    Ok(folder.join("index.js"))
}

/// The endpoint in the line that says where a server listens.
fn listening(line: &str) -> Option<Endpoint> {
    line.split_once("listening at ")?.1.parse().ok()
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.kind.object(), self.endpoint)
    }
}
