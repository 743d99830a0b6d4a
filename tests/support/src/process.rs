//! The workspace's binaries as child processes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

/// How long a child may take to say what a test waits for, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// The path of a binary of this workspace, built beside the running test.
///
/// # Panics
/// When it has not been built: `cargo build --workspace --bins` builds it.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a running program has a path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("tests run from target/PROFILE/deps");
    let path = profile.join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build --workspace --bins` (make test does)",
        path.display()
    );
    path
}

/// A running child whose standard output and error are read line by line. Dropping it kills the child.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    lines: watch::Receiver<Vec<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` and reads what it prints.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("start {name}: {e}"));
        let (sender, lines) = watch::channel(Vec::new());
        let readers = vec![
            read_lines(child.stdout.take().expect("stdout is piped"), sender.clone()),
            read_lines(child.stderr.take().expect("stderr is piped"), sender),
        ];
        Self {
            name,
            child,
            lines,
            readers,
        }
    }

    /// Waits for a line that contains `text` and returns it.
    ///
    /// # Panics
    /// When the child ends, or a minute passes, without such a line: the text shows what it printed.
    pub async fn wait_for(&self, text: &str) -> String {
        let mut lines = self.lines.clone();
        let seen = timeout(
            PATIENCE,
            lines.wait_for(|lines| lines.iter().any(|line| line.contains(text))),
        )
        .await;
        if let Ok(Ok(lines)) = seen
            && let Some(line) = lines.iter().find(|line| line.contains(text))
        {
            return line.clone();
        }
        panic!("{} never printed `{text}`; it printed:\n{}", self.name, self.output())
    }

    /// Waits until the lines printed so far are as `is_so` wants them.
    ///
    /// # Panics
    /// When the child ends, or a minute passes, before they are: the text names `what` and shows the last of them.
    pub async fn wait_until(&self, what: &str, is_so: impl Fn(&[String]) -> bool) {
        let mut lines = self.lines.clone();
        let seen = timeout(PATIENCE, lines.wait_for(|lines| is_so(lines))).await;
        if !matches!(seen, Ok(Ok(_))) {
            let lines = self.lines.borrow();
            let last = &lines[lines.len().saturating_sub(50)..];
            panic!(
                "{} never got to: {what}; the last it printed:\n{}",
                self.name,
                last.join("\n")
            );
        }
    }

    /// How many lines it has printed.
    #[must_use]
    pub fn printed(&self) -> usize {
        self.lines.borrow().len()
    }

    /// Waits for a line that says `listening at` and returns where: what follows these words.
    ///
    /// # Panics
    /// As [`wait_for`](Self::wait_for).
    pub async fn endpoint(&self) -> String {
        const WORDS: &str = "listening at ";
        let line = self.wait_for(WORDS).await;
        let (_, endpoint) = line.split_once(WORDS).expect("the line was waited for");
        endpoint.to_owned()
    }

    /// Everything printed so far, standard output and error as they came.
    #[must_use]
    pub fn output(&self) -> String {
        self.lines.borrow().join("\n")
    }

    /// The process id.
    ///
    /// # Panics
    /// When the child has been waited for already.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id().expect("the child has not been waited for")
    }

    /// Whether the child runs still.
    ///
    /// # Panics
    /// When the system does not tell.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked about").is_none()
    }

    /// Kills the child at once (`SIGKILL`) and waits until it is gone.
    ///
    /// # Panics
    /// When the system does not let it be killed.
    pub async fn kill(mut self) {
        self.child
            .kill()
            .await
            .unwrap_or_else(|e| panic!("kill {}: {e}", self.name));
    }

    /// Memory it holds, in KiB.
    ///
    /// # Panics
    /// When the child is gone.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        resident_kib(self.id()).unwrap_or_else(|| panic!("{} is gone", self.name))
    }

    /// How many files and sockets it holds open.
    ///
    /// # Panics
    /// When the child is gone.
    #[must_use]
    pub fn open_files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.id());
        let files = std::fs::read_dir(&path).unwrap_or_else(|e| panic!("{path} of {}: {e}", self.name));
        files.count()
    }

    /// Sends `SIGTERM`, as a container runtime does at the end of a pod.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Sends a signal by its name, such as `STOP`.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub async fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.id().to_string()])
            .status()
            .await;
        assert!(status.is_ok_and(|s| s.success()), "kill -s {name} {}", self.name);
    }

    /// Waits for the end of the child, at most a minute, and returns its exit code and output.
    ///
    /// # Panics
    /// When the child does not end, or a signal ended it.
    pub async fn wait(mut self) -> (i32, String) {
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .unwrap_or_else(|_| panic!("{} did not end; it printed:\n{}", self.name, self.output()))
            .unwrap_or_else(|e| panic!("wait for {}: {e}", self.name));
        for reader in &mut self.readers {
            reader.await.expect("a reader of lines does not panic");
        }
        let code = status
            .code()
            .unwrap_or_else(|| panic!("{} ended by {status}:\n{}", self.name, self.output()));
        (code, self.output())
    }
}

/// Memory a process holds, in KiB; `None` when it is gone.
#[must_use]
pub fn resident_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse().ok())
}

fn read_lines(
    stream: impl tokio::io::AsyncRead + Unpin + Send + 'static,
    sender: watch::Sender<Vec<String>>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            sender.send_modify(|all| all.push(line));
        }
    })
}
