//! What starts an init, alone in a PID namespace or as a process like others.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

/// Longer than anything takes on a slow and busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) const TARSCLI: &str = env!("CARGO_BIN_EXE_tarscli");

/// Where an init runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// As PID 1 of a namespace of its own.
    Namespace,
    /// As a process like others.
    Ordinary,
}

pub(crate) const PLACES: [Place; 2] = [Place::Namespace, Place::Ordinary];

impl Place {
    /// A command that runs `program` here, with nothing in its environment but a path.
    pub(crate) fn command(self, program: &str) -> Command {
        let mut command = match self {
            Self::Ordinary => Command::new(program),
            Self::Namespace => {
                let mut command = Command::new("unshare");
                if !geteuid().is_root() {
                    command.arg("-Ur");
                }
                command.args(["-pf", "--mount-proc", "--kill-child", program]);
                command
            }
        };
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// `tarscli supervisor -- WORDS`, which is an init and nothing else.
    pub(crate) fn plain(self, options: &[&str], words: &[&str]) -> Command {
        let mut command = self.command(TARSCLI);
        command.arg("supervisor").args(options).arg("--").args(words);
        command
    }
}

/// A running init, whose output is read line by line. Dropping it ends it.
pub(crate) struct Init {
    child: Child,
    place: Place,
    lines: watch::Receiver<Vec<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Init {
    /// Starts it, and reads what it prints.
    pub(crate) fn start(place: Place, mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (sender, lines) = watch::channel(Vec::new());
        let readers = vec![
            read(child.stdout.take().unwrap(), sender.clone()),
            read(child.stderr.take().unwrap(), sender),
        ];
        Self {
            child,
            place,
            lines,
            readers,
        }
    }

    /// Starts it with an output that nobody reads.
    pub(crate) fn start_unread(mut command: Command) -> (Child, Pid) {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        (child, Pid::from_raw(pid).unwrap())
    }

    /// Waits for `count` lines that contain `text`. -> the last of them
    pub(crate) async fn wait_for(&self, text: &str, count: usize) -> String {
        let mut lines = self.lines.clone();
        let found = |lines: &[String]| lines.iter().filter(|line| line.contains(text)).nth(count - 1).cloned();
        let seen = timeout(LIMIT, lines.wait_for(|lines| found(lines).is_some())).await;
        let line = seen.ok().and_then(|seen| found(&seen.ok()?));
        line.unwrap_or_else(|| panic!("`{text}` did not come {count} times:\n{}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        self.lines.borrow().join("\n")
    }

    /// Sends a signal to the init. It has to have said something: the namespace is made then.
    pub(crate) fn signal(&self, signal: Signal) {
        let own = i32::try_from(self.child.id().unwrap()).unwrap();
        let pid = match self.place {
            Place::Ordinary => own,
            Place::Namespace => child_of(own),
        };
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Waits for its end. -> its code and its output
    pub(crate) async fn wait(mut self) -> (i32, String) {
        let status = timeout(LIMIT, self.child.wait()).await;
        let status = status.unwrap_or_else(|_| panic!("it did not end:\n{}", self.text()));
        for reader in &mut self.readers {
            // What was left behind could hold the pipe open.
            timeout(LIMIT, reader).await.unwrap().unwrap();
        }
        (status.unwrap().code().unwrap(), self.text())
    }
}

fn read(stream: impl AsyncRead + Unpin + Send + 'static, sender: watch::Sender<Vec<String>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|all| all.push(line));
        }
    })
}

/// Looks until there is something, with a limit.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let found = timeout(LIMIT, async {
        let mut again = tokio::time::interval(Duration::from_millis(10));
        loop {
            again.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("never so: {what}"))
}

fn child_of(parent: i32) -> i32 {
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    children.split_whitespace().next().unwrap().parse().unwrap()
}

/// The processes whose command line has this word.
pub(crate) fn processes_with(word: &str) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|part| part == word.as_bytes())
    })
    .collect()
}

/// A number of seconds that no other test sleeps: it names the process that does.
pub(crate) fn unusual_time() -> String {
    rand::random_range(100_000_000..1_000_000_000_u32).to_string()
}

/// The folder of a Tars server, whose ports the test itself holds: it decides whether the server is ready.
pub(crate) struct Server {
    folder: TempDir,
    address: Ipv4Addr,
    ports: [u16; 2],
    place: Place,
}

impl Server {
    /// With this start script. No registry is to be found.
    pub(crate) fn new(place: Place, script: &str) -> Self {
        let address = own_address();
        let server = Self {
            folder: tempfile::tempdir().unwrap(),
            address,
            ports: [free_port(address), free_port(address)],
            place,
        };
        let bin = server.path("bin");
        fs::create_dir(&bin).unwrap();
        let [servant, admin] = server.ports;
        let meta = format!(
            "application: TestApp\nserver: InitServer\nlocator: tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 1\n\
             notifyObj: \"\"\nlocal: tcp -h {address} -p {admin}\nadapters:\n  - object: InitObj\n    endpoint: tcp -h \
             {address} -p {servant}\n"
        );
        fs::write(bin.join("_server_meta.yaml"), meta).unwrap();
        fs::write(bin.join("start.sh"), format!("#!/bin/sh\n{script}\n")).unwrap();
        let status = std::process::Command::new("chmod")
            .arg("+x")
            .arg(bin.join("start.sh"))
            .status();
        assert!(status.unwrap().success());
        server
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Opens the server's ports: its checks succeed as long as this is kept.
    pub(crate) fn ready(&self) -> [std::net::TcpListener; 2] {
        self.ports
            .map(|port| std::net::TcpListener::bind((self.address, port)).unwrap())
    }

    /// The supervisor. Everything is quick unless the variables say otherwise.
    pub(crate) fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = self.place.command(TARSCLI);
        command
            .arg("supervisor")
            .env("TARS_PATH", self.folder.path())
            .env("POD_IP", self.address.to_string())
            .env("TARS_GRACE_PERIOD", "2s")
            .env("TARS_CHECK_INTERVAL", "50ms")
            .env("TARS_CHECK_RETRY_TIMEOUT", "0")
            .env("TARS_RESTART_DELAY", "10ms")
            .env("TARS_RESTART_DELAY_MAX", "20ms")
            .envs(variables.iter().copied());
        command
    }

    pub(crate) fn start(&self, variables: &[(&str, &str)]) -> Init {
        Init::start(self.place, self.command(variables))
    }

    /// What the supervisor says of itself.
    pub(crate) fn status(&self) -> serde_json::Value {
        let output = std::process::Command::new(TARSCLI)
            .args(["hzcheck", "--json"])
            .env("TARS_PATH", self.folder.path())
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Waits until `data/check_status` says so.
    pub(crate) async fn is(&self, state: &str) {
        until(state, || (self.read("data/check_status") == state).then_some(())).await;
    }
}

/// An address of this machine that no other running test process has: who else looks for free ports does so at another.
fn own_address() -> Ipv4Addr {
    // Process numbers have 22 bits.
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 + high, middle, low)
}

/// A port that the system gives nobody by itself, and this process only once: it is free later, too.
fn free_port(address: Ipv4Addr) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(17_000);
    let is_free = |port: &u16| std::net::TcpListener::bind((address, *port)).is_ok();
    let mut ports = std::iter::repeat_with(|| NEXT.fetch_add(1, Ordering::Relaxed));
    ports.find(is_free).unwrap()
}

/// The file's time of change.
pub(crate) fn changed(path: &Path) -> Option<std::time::SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}
