//! Shell commands of the operator: bounded in time, with all they start.

use std::{
    io,
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::timeout;

use super::{Exit, Process, Processes, Signal};

/// How long a group that was killed may take to go.
const GOING: Duration = Duration::from_secs(1);

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
    let mut command = Command::new("sh");
    command
        .args(["-c", text])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut script = Script(processes.spawn(&mut command).map_err(ScriptError::Start)?);
    if let Ok(exit) = timeout(limit, script.0.ended()).await {
        return Ok(exit);
    }
    script.0.signal_group(Signal::KILL);
    // The group ends at once unless the kernel holds it; then it is reaped when it does.
    let _ = timeout(GOING, script.0.ended()).await;
    Err(ScriptError::Late(limit))
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
