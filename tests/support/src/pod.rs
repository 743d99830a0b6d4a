//! A pod without a cluster: a folder with the files of an image, a `tarscli supervisor` in it, and what a kubelet does to it.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fmt::Debug,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    process::Command,
    time::{interval, timeout},
};

use crate::process::{Process, binary};

/// Application and server of every pod, unless its environment says otherwise.
pub const APPLICATION: &str = "Pods";
/// See [`APPLICATION`].
pub const SERVER: &str = "PodServer";

/// How long a pod may take to become as a test waits for, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between two looks at a pod.
const LOOK: Duration = Duration::from_millis(100);

/// How a command in a pod ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub stdout: String,
    /// What it complained of.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// What it printed, as JSON.
    ///
    /// # Panics
    /// When it is none: the text shows it.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e} in {self:?}"))
    }
}

/// A pod. Dropping it kills every process that was started in it, also what escaped its supervisor.
#[derive(Debug)]
pub struct Pod {
    supervisor: Option<Process>,
    folder: TempDir,
    node: String,
    settings: BTreeMap<String, String>,
    command: Vec<String>,
}

impl Pod {
    /// The files of an image whose server is `pod-server`, on a node: an address of loopback. The registry's lookups are at
    /// `locator`. Nothing runs yet.
    ///
    /// It is looked at and reported each second, so that a test need not wait long.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn new(node: &str, locator: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pod = Self {
            supervisor: None,
            folder,
            node: node.to_owned(),
            settings: BTreeMap::new(),
            command: Vec::new(),
        };
        fs::create_dir(pod.orders()).expect("a new folder");
        // All ports are at an address that is this pod's alone: no other one takes them while its server does not run.
        pod.write_meta(&format!(
            "application: {APPLICATION}\nserver: {SERVER}\nlocal: tcp -h ${{local_ip}} -p ${{random_port}}\n\
             adapters:\n  - object: NamedObj\n"
        ));
        pod.write_start(&format!("exec {}", pod.server_command()));
        pod.with("TARS_LOCATOR", locator)
            .with("TARS_REPORT_INTERVAL", "1s")
            .with("TARS_CHECK_INTERVAL", "500ms")
            .with("TARS_CHECK_RETRY_TIMEOUT", "0")
            .with("TARS_RESTART_DELAY", "1s")
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        self.settings.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// With a command of its own in place of the start script.
    #[must_use]
    pub fn running(mut self, command: &[&str]) -> Self {
        self.command = command.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Writes `_server_meta.yaml`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_meta(&self, text: &str) {
        self.write("bin/_server_meta.yaml", text);
    }

    /// Writes the start script; `text` is its last line.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_start(&self, text: &str) {
        self.write("bin/start.sh", &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(self.path().join("bin/start.sh"), fs::Permissions::from_mode(0o755))
            .expect("a file of ours");
    }

    /// What starts the server, for a start script.
    #[must_use]
    pub fn server_command(&self) -> String {
        let config = self.path().join(format!("conf/{SERVER}.conf"));
        let program = binary("pod-server");
        let [program, config, orders] = [&program, &config, &self.orders()].map(|path| path.display().to_string());
        format!("{program} --config {config} --orders {orders}")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder of ours");
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Its `TARS_PATH`.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Where `pod-server` looks for orders.
    #[must_use]
    pub fn orders(&self) -> PathBuf {
        self.path().join("orders")
    }

    /// Gives the server an order: a file with a text.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn order(&self, name: &str, text: &str) {
        // Never half a file: the server reads it as soon as it is there.
        let path = self.orders().join(name);
        let draft = path.with_extension("draft");
        fs::write(&draft, text).expect("the folder of orders is there");
        fs::rename(&draft, path).expect("the folder of orders is there");
    }

    /// Takes an order back.
    ///
    /// # Panics
    /// When there was none.
    pub fn take_back(&self, name: &str) {
        fs::remove_file(self.orders().join(name)).unwrap_or_else(|e| panic!("order {name}: {e}"));
    }

    /// The lines of what the server wrote down, such as `started`.
    #[must_use]
    pub fn noted(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.orders().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The text of a file in its folder; empty when there is none.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    /// Waits until the text of a file in its folder is as a test waits for.
    ///
    /// # Panics
    /// When a minute passes before.
    pub async fn until_file(&self, name: &str, is_so: impl Fn(&str) -> bool) {
        self.until_some(name, async || {
            let text = self.file(name);
            if is_so(&text) { Ok(()) } else { Err(text) }
        })
        .await;
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary("tarscli"));
        command
            .args(words)
            .envs(&self.settings)
            .env("TARS_PATH", self.path())
            .env("POD_IP", &self.node)
            .env("NO_COLOR", "1");
        command
    }

    /// Starts its supervisor.
    ///
    /// # Panics
    /// When it runs already, or cannot be started.
    pub fn start(&mut self) {
        assert!(self.supervisor.is_none(), "a pod has one supervisor");
        let mut command = self.command(&["supervisor"]);
        if !self.command.is_empty() {
            command.arg("--").args(&self.command);
        }
        command.process_group(0);
        self.supervisor = Some(Process::start(command));
    }

    /// The supervisor.
    ///
    /// # Panics
    /// When it was not started, or its end was waited for.
    #[must_use]
    pub fn supervisor(&self) -> &Process {
        self.supervisor.as_ref().expect("the pod was started")
    }

    /// Runs `tarscli` in the pod, as a kubelet runs a probe or a hook.
    ///
    /// # Panics
    /// When it cannot be started or does not end in a minute.
    pub async fn run(&self, words: &[&str]) -> Outcome {
        let begun = Instant::now();
        let mut command = self.command(words);
        let output = timeout(PATIENCE, command.kill_on_drop(true).output())
            .await
            .unwrap_or_else(|_| panic!("tarscli {words:?} did not end in {PATIENCE:?}; {}", self.story()))
            .unwrap_or_else(|e| panic!("tarscli {words:?}: {e}"));
        Outcome {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            took: begun.elapsed(),
        }
    }

    /// The exit codes of `hzcheck` `--live`, `--ready` and `--startup`.
    pub async fn probes(&self) -> [Option<i32>; 3] {
        let codes = ["--live", "--ready", "--startup"].map(|probe| self.probe(probe));
        let [live, ready, startup] = codes;
        [live.await, ready.await, startup.await]
    }

    async fn probe(&self, probe: &str) -> Option<i32> {
        self.run(&["hzcheck", probe]).await.code
    }

    /// What the supervisor says of itself.
    ///
    /// # Panics
    /// When it does not answer for a minute.
    pub async fn status(&self) -> Value {
        self.until("the supervisor's answer", |_| true).await
    }

    /// Waits until the supervisor says of itself what a test waits for, and returns that.
    ///
    /// # Panics
    /// When a minute passes before: the text names `what` and shows the state and what the supervisor printed.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        self.until_some(what, async || {
            let outcome = self.run(&["hzcheck", "--live", "--json"]).await;
            let status: Value = serde_json::from_str(&outcome.stdout).unwrap_or_default();
            // Where the supervisor is too slow to answer, the files say less.
            if status["source"] == "supervisor" && is_so(&status) {
                Ok(status)
            } else {
                Err(status)
            }
        })
        .await
    }

    /// Looks again and again until a look gives something.
    ///
    /// # Panics
    /// When a minute passes before: the text shows what the last look gave in its place.
    pub async fn until_some<T, E: Debug>(&self, what: &str, look: impl AsyncFn() -> Result<T, E>) -> T {
        let end = Instant::now() + PATIENCE;
        let mut again = interval(LOOK);
        loop {
            again.tick().await;
            match look().await {
                Ok(found) => return found,
                Err(other) => assert!(
                    Instant::now() < end,
                    "never came to: {what}; last was {other:?}\n{}",
                    self.story()
                ),
            }
        }
    }

    /// Sends a signal to the supervisor.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn signal(&self, name: &str) {
        self.supervisor().signal(name).await;
    }

    /// The process id of the server that was started last; `None` before the first.
    #[must_use]
    pub fn server_id(&self) -> Option<u32> {
        fs::read_to_string(self.orders().join("pid")).ok()?.parse().ok()
    }

    /// Sends a signal to the server.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal_server(&self, signal: Signal) {
        let id = self.server_id().expect("the server was started");
        let id = i32::try_from(id).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).unwrap_or_else(|e| panic!("signal {signal:?} for the server: {e}"));
    }

    /// Waits for the end of the supervisor: its exit code and all it printed.
    ///
    /// # Panics
    /// When it does not end in a minute.
    pub async fn ended(&mut self) -> (i32, String) {
        let supervisor = self.supervisor.take().expect("the pod was started");
        supervisor.wait().await
    }

    /// Kills the supervisor as the kernel does when memory runs out. What it started stays.
    ///
    /// # Panics
    /// When it does not run.
    pub async fn kill_supervisor(&mut self) {
        let supervisor = self.supervisor.take().expect("the pod was started");
        supervisor.kill().await;
    }

    /// Kills every process in it at once, as the kernel does when PID 1 of a container dies.
    ///
    /// # Panics
    /// When its supervisor does not run.
    pub async fn kill(&mut self) {
        self.kill_supervisor().await;
        kill_all_in(self.path());
    }

    /// Whether any process runs that was started in this pod.
    #[must_use]
    pub fn has_processes(&self) -> bool {
        !processes(self.path()).is_empty()
    }

    /// What happened in it, for the text of a failure.
    #[must_use]
    pub fn story(&self) -> String {
        let printed = self.supervisor.as_ref().map_or_else(String::new, Process::output);
        let log = self.file("log/supervisor.log");
        format!(
            "pod {} printed:\n{printed}\nlog/supervisor.log:\n{log}\nstate file: {}; starts: {:?}; commands: {:?}",
            self.node,
            self.file("data/check_status"),
            self.noted("started"),
            self.noted("notified"),
        )
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        // Killed first, so that it starts nothing more.
        drop(self.supervisor.take());
        kill_all_in(self.path());
    }
}

/// Kills every process whose `TARS_PATH` is this folder, or one in it.
pub fn kill_all_in(folder: &Path) {
    // Bounded: a process that the kernel does not let go must not hold up the tests.
    for _ in 0..1000 {
        let left = processes(folder);
        if left.is_empty() {
            return;
        }
        for process in left {
            // It may have ended meanwhile.
            let _ = kill_process(process, Signal::KILL);
        }
    }
}

/// The processes whose environment says that they belong to this folder.
fn processes(folder: &Path) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| {
        // A process of somebody else, or one that has ended, tells nothing.
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|variable| {
            let path = variable.strip_prefix(b"TARS_PATH=");
            path.is_some_and(|path| Path::new(OsStr::from_bytes(path)).starts_with(folder))
        })
    })
    .filter_map(Pid::from_raw)
    .collect()
}
