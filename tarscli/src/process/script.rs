//! Shell commands of the operator: bounded in time, with all they start.

use std::{
    io,
    os::fd::OwnedFd,
    pin::pin,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::{io::AsyncReadExt as _, net::unix::pipe::Receiver, time::timeout};

use super::{Exit, Process, Processes, Signal};

/// How long a group that was killed may take to go.
const GOING: Duration = Duration::from_secs(1);

/// Bytes of what a script says that are read at a time, and kept.
const PART: usize = 1 << 10;

/// Bytes that a pipe takes in.
const PIPE: usize = 64 << 10;

/// Longest last line in bytes.
const LONGEST: usize = 200;

/// Why a shell command has no exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScriptError {
    /// There is no shell, or no process can be made.
    #[error("cannot run `sh`")]
    Start(#[source] io::Error),
    /// It was killed.
    #[error("not done after {} s: killed", .0.as_secs_f64())]
    Late(Duration),
}

/// Runs `sh -c text` without input; what it prints goes nowhere. At the limit, and when this future is dropped, its whole
/// process group is killed. What left the group is among the leftovers then.
pub(crate) async fn shell(processes: &Processes, text: &str, limit: Duration) -> Result<Exit, ScriptError> {
    run(processes, text, limit, Stdio::null()).await
}

/// The same, with the last line of what it said on stderr: why it failed, as a rule.
pub(crate) async fn shell_heard(
    processes: &Processes,
    text: &str,
    limit: Duration,
) -> (Result<Exit, ScriptError>, Option<String>) {
    let (from, to) = match pipe() {
        Ok(pipe) => pipe,
        Err(error) => return (Err(ScriptError::Start(error)), None),
    };
    let mut heard = Heard { from, end: Vec::new() };
    let ended = heard.while_runs(run(processes, text, limit, to)).await;
    (ended, heard.last_line())
}

async fn run(processes: &Processes, text: &str, limit: Duration, stderr: Stdio) -> Result<Exit, ScriptError> {
    let mut command = Command::new("sh");
    command
        .args(["-c", text])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr);
    let mut script = Script(processes.spawn(&mut command).map_err(ScriptError::Start)?);
    // With it goes our end of what the script writes to.
    drop(command);
    if let Ok(exit) = timeout(limit, script.0.ended()).await {
        return Ok(exit);
    }
    script.0.signal_group(Signal::KILL);
    // The group ends at once unless the kernel holds it; then it is reaped when it does.
    let _ = timeout(GOING, script.0.ended()).await;
    Err(ScriptError::Late(limit))
}

fn pipe() -> io::Result<(Receiver, Stdio)> {
    let (from, to) = io::pipe()?;
    Ok((Receiver::from_owned_fd(OwnedFd::from(from))?, to.into()))
}

/// The end of what a script says.
struct Heard {
    from: Receiver,
    end: Vec<u8>,
}

impl Heard {
    /// Listens while the script runs, however much it says, and takes what it has said by its end.
    async fn while_runs<T>(&mut self, script: impl Future<Output = T>) -> T {
        let mut script = pin!(script);
        let mut read = [0; PART];
        loop {
            tokio::select! {
                ended = &mut script => {
                    self.rest();
                    return ended;
                }
                Ok(count @ 1..) = self.from.read(&mut read) => self.keep(&read[..count]),
            }
        }
    }

    /// What is in the pipe by now. Who goes on writing has as much room as a pipe, and is not listened to.
    fn rest(&mut self) {
        let mut read = [0; PART];
        for _ in 0..PIPE / PART {
            match rustix::io::read(&self.from, &mut read) {
                Ok(count @ 1..) => self.keep(&read[..count]),
                _ => return,
            }
        }
    }

    fn keep(&mut self, text: &[u8]) {
        self.end.extend_from_slice(text);
        let most = self.end.len().saturating_sub(PART);
        self.end.drain(..most);
    }

    /// The last line with something in it, for people. What the script left running may go on writing: nobody reads it, but
    /// it is not ended by a pipe that is closed.
    fn last_line(self) -> Option<String> {
        let Self { mut from, end } = self;
        tokio::spawn(async move {
            let mut read = [0; PART];
            while let Ok(1..) = from.read(&mut read).await {}
        });
        let text = String::from_utf8_lossy(&end);
        let plain = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>();
        let mut line = text
            .lines()
            .rev()
            .map(|line| plain(line).trim().to_owned())
            .find(|line| !line.is_empty())?;
        line.truncate(line.floor_char_boundary(LONGEST));
        Some(line)
    }
}

/// A running script: it ends when nobody waits for it.
struct Script(Process);

impl Drop for Script {
    fn drop(&mut self) {
        if self.0.exit().is_none() {
            self.0.signal_group(Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_script_has_an_exit_code() {
        let processes = Processes::start().unwrap();
        for (text, exit) in [
            ("exit 0", Exit::Code(0)),
            ("exit 9", Exit::Code(9)),
            ("kill -9 $$", Exit::Signal { number: 9, core: false }),
        ] {
            assert_eq!(shell(&processes, text, LONG).await.unwrap(), exit, "{text}");
        }
    }

    #[tokio::test]
    async fn the_last_words_of_a_script_are_heard() {
        let processes = Processes::start().unwrap();
        let long = "x".repeat(LONGEST);
        for (text, expected) in [
            ("echo out; exit 0", None),
            ("echo one >&2; echo two >&2; echo >&2; exit 3", Some("two")),
            ("printf '\\033[1mred\\377\\n' >&2", Some("[1mred\u{fffd}")),
            ("yes | head -c 1000000 >&2; printf end >&2", Some("end")),
            ("printf '%01000d' 7 | tr '[:digit:]' x >&2", Some(long.as_str())),
            // Somebody has it open: the end of the script is what counts.
            ("sleep 2 & echo done >&2", Some("done")),
        ] {
            let (ended, heard) = shell_heard(&processes, text, LONG).await;
            assert!(matches!(ended, Ok(Exit::Code(_))), "{text}: {ended:?}");
            assert_eq!(heard.as_deref(), expected, "{text}");
        }
        let (ended, heard) = shell_heard(&processes, "echo why >&2; sleep 600", Duration::from_millis(300)).await;
        assert!(matches!(ended, Err(ScriptError::Late(_))), "{ended:?}");
        assert_eq!(heard.as_deref(), Some("why"));
    }

    #[tokio::test]
    async fn a_script_that_hangs_is_killed_with_what_it_started() {
        let mut processes = Processes::start().unwrap();
        let limit = Duration::from_millis(300);
        let error = shell(&processes, "trap '' TERM; sleep 600 & wait; sleep 600", limit).await;
        assert_eq!(error.unwrap_err().to_string(), "not done after 0.3 s: killed");
        timeout(LONG, async {
            while !processes.leftovers().is_empty() {
                processes.orphan_ended().await;
            }
        })
        .await
        .unwrap();
    }

    #[tokio::test]
    async fn a_script_nobody_waits_for_any_more_is_killed() {
        let mut processes = Processes::start().unwrap();
        let before = processes.orphans();
        let waiting = timeout(Duration::from_millis(300), shell(&processes, "sleep 600 & wait", LONG));
        assert!(waiting.await.is_err());
        timeout(LONG, async {
            while !processes.leftovers().is_empty() || processes.orphans() == before {
                processes.orphan_ended().await;
            }
        })
        .await
        .unwrap();
    }
}
