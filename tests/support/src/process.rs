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

    /// Sends `SIGTERM`, as a container runtime does at the end of a pod.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub async fn terminate(&self) {
        let status = Command::new("kill")
            .args(["-TERM", &self.id().to_string()])
            .status()
            .await;
        assert!(status.is_ok_and(|s| s.success()), "kill -TERM {}", self.name);
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
