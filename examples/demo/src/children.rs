//! Child processes: started, listened to, and ended by a signal. The only place here that starts long-lived processes
//! and sends signals.

use std::{
    collections::VecDeque,
    fmt::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    pin::pin,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child as Process, Command},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// Longer than a start, an end or an answer ever takes, so that nothing hangs.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// How long a child that was dropped may take to end well.
const GRACE: Duration = Duration::from_secs(5);

/// How long the last lines of a child that has ended may take to arrive.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Lines of a child's output that are kept; a long demo must not grow.
const KEPT_LINES: usize = 200;

/// Lines of them that an error shows.
const SHOWN_LINES: usize = 12;

/// The status of a process whose end could not be waited for: exit code 255.
const UNKNOWN: i32 = 0xff00;

/// All children, and where it is told when something goes wrong by itself. A handle, cheap to clone.
#[derive(Clone)]
pub(crate) struct Family {
    alarm: mpsc::UnboundedSender<anyhow::Error>,
    /// Children that have not ended.
    count: watch::Sender<usize>,
}

impl Family {
    /// No children yet; what goes wrong by itself comes out of the receiver.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<anyhow::Error>) {
        let (alarm, alarms) = mpsc::unbounded_channel();
        let count = watch::Sender::new(0);
        (Self { alarm, count }, alarms)
    }

    /// Tells that something went wrong.
    pub(crate) fn alarm(&self, error: anyhow::Error) {
        // Nobody listens any more when the demo is ending.
        let _ = self.alarm.send(error);
    }

    /// Starts `command`. What it prints is its log.
    pub(crate) fn start(&self, name: &'static str, command: &mut Command) -> anyhow::Result<Child> {
        let mut process = command
            .process_group(0)
            .kill_on_drop(true)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start of {name}: {}", command.as_std().get_program().display()))?;
        let (lines, log) = watch::channel(VecDeque::new());
        let readers = [
            process.stdout.take().map(|stdout| read(stdout, lines.clone())),
            process.stderr.take().map(|stderr| read(stderr, lines)),
        ];
        let (orders, ordered) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(None);
        let watched = Watched {
            process,
            readers,
            ordered,
        };
        let (family, last_lines) = (self.clone(), log.clone());
        self.count.send_modify(|count| *count += 1);
        tokio::spawn(async move {
            let (status, by_itself) = watched.end().await;
            if by_itself {
                family.alarm(anyhow!("{name} ended by itself, {status}{}", tail(&last_lines)));
            }
            end.send_replace(Some(status));
            family.count.send_modify(|count| *count -= 1);
        });
        Ok(Child {
            name,
            log,
            orders,
            ended,
        })
    }

    /// Waits until no more than `left` children are left. Those that were dropped are being ended.
    pub(crate) async fn at_most(&self, left: usize) -> anyhow::Result<()> {
        let mut count = self.count.subscribe();
        match timeout(LIMIT, count.wait_for(|count| *count <= left)).await {
            Ok(_) => Ok(()),
            Err(_) => bail!(
                "{} children are still there after {} s",
                *self.count.borrow(),
                LIMIT.as_secs()
            ),
        }
    }
}

/// A running child process in a group of its own: Ctrl-C reaches the demo, and the demo decides in which order its children
/// end. Dropping it ends the process, within [`GRACE`].
pub(crate) struct Child {
    name: &'static str,
    log: watch::Receiver<VecDeque<String>>,
    orders: mpsc::UnboundedSender<Signal>,
    /// How the process ended, once it has, and all its output has been read.
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Child {
    /// Waits for a line from which `find` finds something.
    pub(crate) async fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> anyhow::Result<T> {
        let name = self.name;
        let mut log = self.log.clone();
        let found = timeout(LIMIT, async {
            loop {
                if let Some(found) = log.borrow_and_update().iter().find_map(|line| find(line)) {
                    return Some(found);
                }
                log.changed().await.ok()?;
            }
        });
        match found.await {
            Ok(Some(found)) => Ok(found),
            Ok(None) => bail!("{name} ended before it told {what}{}", self.tail()),
            Err(_) => bail!("{name} did not tell {what} in {} s{}", LIMIT.as_secs(), self.tail()),
        }
    }

    /// Ends the process as a container runtime does, and checks that it ended well.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let status = self.end_by(Signal::TERM).await?;
        ensure!(status.success(), "{} ended with {status}{}", self.name, self.tail());
        Ok(())
    }

    async fn end_by(&self, signal: Signal) -> anyhow::Result<ExitStatus> {
        // An order that reaches nobody comes after the end.
        let _ = self.orders.send(signal);
        let mut ended = self.ended.clone();
        match timeout(LIMIT, ended.wait_for(Option::is_some)).await {
            Ok(Ok(status)) => status.context("what was waited for"),
            Ok(Err(_)) => bail!("nobody watches {}", self.name),
            Err(_) => bail!("{} did not end in {} s{}", self.name, LIMIT.as_secs(), self.tail()),
        }
    }

    fn tail(&self) -> String {
        tail(&self.log)
    }
}

/// A process with those who read its output. Its signals are sent from where its end is waited for, so that none ever
/// reaches another process that has got its number.
struct Watched {
    process: Process,
    readers: [Option<JoinHandle<()>>; 2],
    ordered: mpsc::UnboundedReceiver<Signal>,
}

impl Watched {
    /// Carries out orders until the process has ended and its output has been read. -> how it ended, whether by itself
    async fn end(mut self) -> (ExitStatus, bool) {
        let (mut by_itself, mut is_held) = (true, true);
        let mut patience = pin!(sleep(GRACE));
        let status = loop {
            tokio::select! {
                status = self.process.wait() => break status.unwrap_or_else(|_| ExitStatus::from_raw(UNKNOWN)),
                order = self.ordered.recv(), if is_held => {
                    by_itself = false;
                    is_held = order.is_some();
                    self.send(order.unwrap_or(Signal::TERM));
                    patience.as_mut().reset(Instant::now() + GRACE);
                }
                () = &mut patience, if !is_held => {
                    self.send(Signal::KILL);
                    patience.as_mut().reset(Instant::now() + GRACE);
                }
            }
        };
        for reader in self.readers.iter_mut().flatten() {
            // A grandchild could keep the pipe open.
            let _ = timeout(LAST_WORDS, reader).await;
        }
        (status, by_itself)
    }

    fn send(&self, signal: Signal) {
        let id = self.process.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let Some(id) = id {
            // It may have ended just now: its end is noticed next.
            let _ = kill_process(id, signal);
        }
    }
}

/// Ends a process that a child started, as a power cut does.
pub(crate) fn kill(process: i64) -> anyhow::Result<()> {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw);
    let id = id.with_context(|| format!("{process} is no number of a process"))?;
    kill_process(id, Signal::KILL).with_context(|| format!("kill {process}"))
}

fn read(stream: impl AsyncRead + Unpin + Send + 'static, log: watch::Sender<VecDeque<String>>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut lines = BufReader::new(stream).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.send_modify(|kept| {
                if kept.len() == KEPT_LINES {
                    kept.pop_front();
                }
                kept.push_back(line);
            });
        }
    })
}

/// The last lines of a log, for the end of an error.
fn tail(log: &watch::Receiver<VecDeque<String>>) -> String {
    let lines = log.borrow();
    if lines.is_empty() {
        return "; it printed nothing".into();
    }
    lines
        .iter()
        .skip(lines.len().saturating_sub(SHOWN_LINES))
        .fold("; its last lines:".to_owned(), |mut text, line| {
            let _ = write!(text, "\n    {line}");
            text
        })
}

/// The fields of a line of a log in JSON.
pub(crate) fn fields(line: &str) -> Option<serde_json::Map<String, serde_json::Value>> {
    let record: serde_json::Value = serde_json::from_str(line).ok()?;
    record.get("fields")?.as_object().cloned()
}

/// A program that was built beside this one.
pub(crate) fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()
        .context("this program's path")?
        .with_file_name(name);
    ensure!(path.exists(), "{} is missing: `make demo` builds it", path.display());
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> (Child, mpsc::UnboundedReceiver<anyhow::Error>) {
        let (family, alarms) = Family::new();
        let child = family
            .start("the child", Command::new("sh").args(["-c", script]))
            .unwrap();
        (child, alarms)
    }

    #[tokio::test]
    async fn what_a_child_prints_can_be_waited_for_and_a_stop_is_no_alarm() {
        let (child, mut alarms) = shell("trap 'exit 0' TERM; echo one; echo port=7 >&2; while :; do sleep 0.1; done");
        let port = child
            .wait_for("its port", |line| line.strip_prefix("port=").map(str::to_owned))
            .await;
        assert_eq!(port.unwrap(), "7");
        child.stop().await.unwrap();
        assert!(alarms.recv().await.is_none());
    }

    #[tokio::test]
    async fn a_child_that_dies_is_named_with_its_last_lines() {
        let (child, mut alarms) = shell("echo going; echo gone >&2; exit 3");
        let error = alarms.recv().await.unwrap().to_string();
        assert!(
            error.starts_with("the child ended by itself, exit status: 3; its last lines:"),
            "{error}"
        );
        assert!(error.contains("\n    going") && error.contains("\n    gone"), "{error}");
        let error = child
            .wait_for("its port", |_| None::<()>)
            .await
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the child ended before it told its port"), "{error}");
        assert!(child.stop().await.unwrap_err().to_string().contains("exit status: 3"));
    }

    #[tokio::test]
    async fn a_child_that_stops_badly_is_an_error() {
        let (child, _alarms) = shell("trap 'echo ouch; exit 4' TERM; echo up; while :; do sleep 0.1; done");
        child.wait_for("up", |line| (line == "up").then_some(())).await.unwrap();
        let error = child.stop().await.unwrap_err().to_string();
        assert_eq!(
            error,
            "the child ended with exit status: 4; its last lines:\n    up\n    ouch"
        );
    }

    #[tokio::test]
    async fn a_process_of_a_child_can_be_killed() {
        let (child, _alarms) = shell("sleep 60 & echo $!; wait $!; echo ended $?; while :; do sleep 0.1; done");
        let process = child.wait_for("its number", |line| line.parse().ok()).await.unwrap();
        kill(process).unwrap();
        let is_it = |line: &str| (line == "ended 137").then_some(());
        child.wait_for("its end", is_it).await.unwrap();
        assert!(kill(0).is_err() && kill(i64::MAX).is_err());
    }

    #[tokio::test]
    async fn a_dropped_child_is_told_to_end_and_then_killed() {
        for (on_term, how) in [("exit 0", None), ("", Some(9))] {
            let (family, mut alarms) = Family::new();
            let script = format!("trap '{on_term}' TERM; echo up; while :; do sleep 0.1; done");
            let child = family
                .start("the child", Command::new("sh").args(["-c", &script]))
                .unwrap();
            child.wait_for("up", |line| (line == "up").then_some(())).await.unwrap();
            let ended = child.ended.clone();
            drop(child);
            family.at_most(0).await.unwrap();
            assert_eq!(ended.borrow().map(|status| status.signal()), Some(how), "{on_term}");
            drop(family);
            assert!(alarms.recv().await.is_none());
        }
    }

    #[tokio::test]
    async fn a_program_that_cannot_start_is_named() {
        let (family, _alarms) = Family::new();
        let error = family.start("it", &mut Command::new("/no/such/program")).err().unwrap();
        assert!(
            format!("{error:#}").starts_with("start of it: /no/such/program"),
            "{error:#}"
        );
    }
}
