//! The end of processes that shall be gone: a word, some time, and the end.

use std::{collections::BTreeSet, time::Duration};

use rustix::process::{Pid, RawPid, kill_process};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Exit, Process, Processes, Signal, reaper::send};

/// How long what was killed may take to go. Longer means that the kernel holds it.
const GOING: Duration = Duration::from_secs(2);

/// Pause after which the leftovers are looked for again: one that somebody else waits for ends without a word to us.
const LOOK: Duration = Duration::from_millis(100);

/// Ends the server and everything it left behind: `signal` to its process group and to all leftovers, SIGKILL to what is
/// there still at `until`. -> how the server itself ended, `None` when not even SIGKILL helped
pub(crate) async fn end(
    processes: &Processes,
    server: Option<&mut Process>,
    signal: Signal,
    until: Instant,
) -> Option<Exit> {
    let mut ending = Ending {
        processes: processes.clone(),
        server,
        told: BTreeSet::new(),
    };
    if !ending.by(signal, until).await {
        tracing::info!("SIGKILL to what has not ended in time");
        // Also to those that were told before.
        ending.told.clear();
        ending.by(Signal::KILL, Instant::now().max(until) + GOING).await;
    }
    ending.server.and_then(|server| server.exit())
}

struct Ending<'a> {
    processes: Processes,
    server: Option<&'a mut Process>,
    /// Leftovers that were told. One that becomes a leftover later, when its parent ends, is told then.
    told: BTreeSet<RawPid>,
}

impl Ending<'_> {
    /// Sends `signal` once to everybody, and waits until nobody is left. -> whether that was so at `until`
    async fn by(&mut self, signal: Signal, until: Instant) -> bool {
        if let Some(server) = &self.server {
            server.signal_group(signal);
        }
        loop {
            self.tell_leftovers(signal);
            if let Some(server) = &mut self.server
                && server.exit().is_none()
            {
                if timeout_at(until, server.ended()).await.is_err() {
                    return false;
                }
                continue;
            }
            if self.processes.leftovers().is_empty() {
                return true;
            }
            let look = Instant::now() + LOOK;
            tokio::select! {
                () = self.processes.orphan_ended() => {}
                () = sleep_until(look.min(until)) => {}
            }
            if Instant::now() >= until {
                return false;
            }
        }
    }

    fn tell_leftovers(&mut self, signal: Signal) {
        for pid in self.processes.leftovers_outside(self.server.as_deref()) {
            if self.told.insert(Pid::as_raw(Some(pid))) {
                send(pid, || kill_process(pid, signal));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn sh(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command
    }

    /// Starts `text` and waits until it has made the file `up`.
    async fn start(processes: &Processes, text: &str) -> Process {
        let folder = tempfile::tempdir().unwrap();
        let up = folder.path().join("up");
        let process = processes.spawn(sh(text).env("UP", &up)).unwrap();
        while !up.exists() {
            tokio::task::yield_now().await;
        }
        process
    }

    fn seconds(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test]
    async fn one_that_hears_ends_by_itself() {
        let processes = Processes::start().unwrap();
        let text = "trap 'exit 4' TERM; touch $UP; while :; do sleep 0.05; done";
        let mut server = start(&processes, text).await;
        let exit = end(&processes, Some(&mut server), Signal::TERM, seconds(30)).await;
        assert_eq!(exit, Some(Exit::Code(4)));
    }

    #[tokio::test]
    async fn one_that_does_not_hear_is_killed_in_time_with_a_grandchild_that_left_the_group() {
        let processes = Processes::start().unwrap();
        let text = "trap '' TERM; setsid sh -c 'touch $UP; while :; do sleep 1; done' & while :; do sleep 1; done";
        let mut server = start(&processes, text).await;
        let begin = Instant::now();
        let exit = end(&processes, Some(&mut server), Signal::TERM, seconds(1)).await;
        let killed = Exit::Signal { number: 9, core: false };
        assert_eq!(exit, Some(killed));
        assert!(begin.elapsed() < Duration::from_secs(30), "its script has no end");
        assert_eq!(processes.leftovers(), []);
    }

    #[tokio::test]
    async fn a_daemon_hears_the_word_first() {
        let processes = Processes::start().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let heard = folder.path().join("heard");
        let text = format!(
            "setsid sh -c 'trap \"touch {}; exit\" TERM; touch $UP; while :; do sleep 0.05; done' & exit 0",
            heard.display()
        );
        let mut server = start(&processes, &text).await;
        server.ended().await;
        end(&processes, None, Signal::TERM, seconds(30)).await;
        assert!(heard.exists());
        assert_eq!(processes.leftovers(), []);
    }
}
