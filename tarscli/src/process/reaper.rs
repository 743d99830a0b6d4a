//! The reaper, and the processes it tells of.

use std::{collections::BTreeSet, io, os::unix::process::CommandExt as _, process::Command};

use rustix::{
    io::Errno,
    process::{Pid, Signal, getpid, kill_process, kill_process_group, set_child_subreaper},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{
    Exit, Origin,
    table::{Orphans, table},
    tree::{self, Tree},
};

/// All processes of this program. A handle, cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Processes {
    orphans: watch::Receiver<Orphans>,
}

impl Processes {
    /// Begins to wait for children, and asks for the orphans among their descendants. Needs tokio's runtime.
    pub(crate) fn start() -> io::Result<Self> {
        // Listened to before anything is spawned: no end is missed.
        let mut ends = signal(SignalKind::child())?;
        if !getpid().is_init() {
            set_child_subreaper(Some(getpid()))?;
        }
        let orphans = {
            let mut table = table();
            if table.spawned.is_empty() && table.inherited.is_empty() {
                table.inherited = tree::own_children();
            }
            table.orphans.subscribe()
        };
        tokio::spawn(async move {
            loop {
                table().reap();
                if ends.recv().await.is_none() {
                    return;
                }
            }
        });
        Ok(Self { orphans })
    }

    /// Starts a process in a group of its own. Pipes are made by who reads them: see `output`.
    #[expect(clippy::unused_self, reason = "without a reaper nobody would tell of its end")]
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Process> {
        let mut table = table();
        let child = command.process_group(0).spawn()?;
        let pid = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("process ids are positive numbers");
        let end = watch::Sender::new(None);
        let ended = end.subscribe();
        table.spawned.insert(Pid::as_raw(Some(pid)), end);
        Ok(Process { pid, ended })
    }

    /// The orphans that were re-parented to us and run still, and all their descendants: what nobody here spawned, or
    /// can wait for by name. Nothing when `/proc` cannot be read.
    pub(crate) fn leftovers(&self) -> Vec<Pid> {
        self.leftovers_in(&Tree::read(), |_| true)
    }

    /// Of the leftovers those that the ended `process` has left: what runs in its group or comes from `origin`, with all
    /// the processes around it. How the last of them ends is in [`last_of_daemon`](Self::last_of_daemon).
    pub(crate) fn daemon(&self, process: &Process, origin: &Origin) -> Vec<Pid> {
        let tree = Tree::read();
        let mut daemon = Vec::new();
        let mut first = BTreeSet::new();
        for child in tree.children(getpid()) {
            let family = self.leftovers_in(&tree, |pid| pid == child);
            let is_its = |pid: &Pid| tree.is_in_group(*pid, process.pid) || origin.may_be_of(*pid);
            if family.iter().any(is_its) {
                first.insert(Pid::as_raw(Some(child)));
                daemon.extend(family);
            }
        }
        // One that is gone meanwhile stays in there until it is waited for: nobody would know how it ended.
        table().daemon.extend(first);
        daemon
    }

    /// Whether some of the [`daemon`](Self::daemon) run, or have not been waited for.
    pub(crate) fn has_daemon(&self, process: &Process, origin: &Origin) -> bool {
        !self.daemon(process, origin).is_empty() || !table().daemon.is_empty()
    }

    /// Sends a signal to the first process of a daemon: the one that started the others.
    pub(crate) fn signal_daemon(&self, process: &Process, origin: &Origin, signal: Signal) {
        if let Some(pid) = self.daemon(process, origin).first() {
            send(*pid, || kill_process(*pid, signal));
        }
    }

    /// The leftovers that are not in the process group of `process`.
    pub(super) fn leftovers_outside(&self, process: Option<&Process>) -> Vec<Pid> {
        let tree = Tree::read();
        let is_outside = |pid: &Pid| process.is_none_or(|process| !tree.is_in_group(*pid, process.pid));
        self.leftovers_in(&tree, |_| true)
            .into_iter()
            .filter(is_outside)
            .collect()
    }

    #[expect(clippy::unused_self, reason = "without a reaper no orphan is re-parented to us")]
    fn leftovers_in(&self, tree: &Tree, wanted: impl Fn(Pid) -> bool) -> Vec<Pid> {
        let table = table();
        let is_known = |pid| table.spawned.contains_key(&pid) || table.inherited.contains(&pid);
        tree.descendants(getpid(), |pid| !is_known(Pid::as_raw(Some(pid))) && wanted(pid))
    }

    /// How many orphans were waited for.
    pub(crate) fn orphans(&self) -> u64 {
        self.orphans.borrow().count
    }

    /// How the last of those ended that were found to be the daemon's.
    pub(crate) fn last_of_daemon(&self) -> Option<Exit> {
        self.orphans.borrow().last_of_daemon
    }

    /// Waits until one more orphan has ended than before the last time this was asked.
    pub(crate) async fn orphan_ended(&mut self) {
        if self.orphans.changed().await.is_err() {
            unreachable!("the table lives as long as the program");
        }
    }
}

/// A child process in a group of its own. Dropping it does nothing to the process: it is reaped all the same.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    ended: watch::Receiver<Option<Exit>>,
}

impl Process {
    /// Its number, which is that of its group too.
    pub(crate) fn pid(&self) -> i32 {
        Pid::as_raw(Some(self.pid))
    }

    /// How it ended, once it has.
    pub(crate) fn exit(&self) -> Option<Exit> {
        *self.ended.borrow()
    }

    /// Waits for its end. Can be asked any number of times.
    pub(crate) async fn ended(&mut self) -> Exit {
        match self.ended.wait_for(Option::is_some).await.map(|exit| *exit) {
            Ok(Some(exit)) => exit,
            _ => unreachable!("an end is told before its sender goes"),
        }
    }

    /// Sends a signal to the process. Nothing when it has ended: its number may be another's by now.
    pub(crate) fn signal(&self, signal: Signal) {
        // The table is held so that the process cannot be reaped between the look and the signal.
        let table = table();
        if table.spawned.contains_key(&self.pid()) {
            send(self.pid, || kill_process(self.pid, signal));
        }
    }

    /// Sends a signal to what is left of its group. A group has its number as long as it has a member; one without
    /// members is looked for first, so that nothing else can be hit.
    pub(crate) fn signal_group(&self, signal: Signal) {
        let table = table();
        if table.spawned.contains_key(&self.pid()) || Tree::read().is_group_ours(self.pid, getpid()) {
            send(self.pid, || kill_process_group(self.pid, signal));
        }
    }
}

/// Sends, and tells when it was not allowed. That the receiver has gone is as good.
pub(super) fn send(pid: Pid, signal: impl FnOnce() -> rustix::io::Result<()>) {
    if let Err(error) = signal()
        && error != Errno::SRCH
    {
        tracing::warn!(pid = Pid::as_raw(Some(pid)), %error, "cannot send a signal");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn sh(text: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        command
    }

    #[tokio::test]
    async fn two_hundred_exit_codes_at_once_are_all_right() {
        let mut processes = Processes::start().unwrap();
        let mut children: Vec<_> = (0..200_u8)
            .map(|code| (code, processes.spawn(&mut sh(&format!("(:) & exit {code}"))).unwrap()))
            .collect();
        for (code, child) in &mut children {
            let exit = timeout(LIMIT, child.ended()).await.unwrap();
            assert_eq!(exit, Exit::Code(*code));
            assert_eq!(child.exit(), Some(exit), "it can be asked again");
        }
        // Each of them has left a child of its own.
        timeout(LIMIT, async {
            while processes.orphans() < 200 {
                processes.orphan_ended().await;
            }
        })
        .await
        .unwrap();
        assert_eq!(processes.leftovers(), []);
    }

    /// The same in a PID namespace of its own, where the test's program is PID 1.
    #[test]
    fn two_hundred_exit_codes_are_right_for_pid_1() {
        let mut command = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            command.arg("-Ur");
        }
        let output = command
            .args(["-pf", "--mount-proc", "--kill-child"])
            .arg(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "process::reaper::tests::two_hundred_exit_codes_at_once_are_all_right",
            ])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
    }

    /// What a daemon does to be on its own, twice; a process of the command's group; and what others left.
    #[tokio::test]
    async fn what_a_start_command_left_is_told_from_what_others_left() {
        let processes = Processes::start().unwrap();
        let origin = Origin::new();
        let mut start = sh("setsid sh -c '(sleep 601 &)' & env -i sleep 602 & exit 0");
        origin.mark(&mut start);
        let mut start = processes.spawn(&mut start).unwrap();
        let mut other = sh("setsid sleep 603 & sleep 604 & exit 0");
        Origin::new().mark(&mut other);
        let mut other = processes.spawn(&mut other).unwrap();
        let mut third = processes.spawn(&mut sh("setsid sleep 605 & exit 0")).unwrap();
        for process in [&mut start, &mut other, &mut third] {
            assert_eq!(timeout(LIMIT, process.ended()).await.unwrap(), Exit::Code(0));
        }
        let line = |pid: &Pid| {
            let pid = Pid::as_raw(Some(*pid));
            std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default()
        };
        let sleeping = |pids: &[Pid]| {
            let mut lines: Vec<_> = pids.iter().map(line).filter(|line| line.starts_with("sleep")).collect();
            lines.sort();
            lines.join(" ").replace('\0', " ")
        };
        timeout(LIMIT, async {
            // Until each is what its shell has made of it.
            while sleeping(&processes.leftovers()) != "sleep 601  sleep 602  sleep 603  sleep 604  sleep 605 " {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert_eq!(sleeping(&processes.daemon(&start, &origin)), "sleep 601  sleep 602 ");

        let mut waiting = processes.clone();
        for pid in processes.daemon(&start, &origin) {
            kill_process(pid, Signal::KILL).unwrap();
        }
        timeout(LIMIT, async {
            while processes.has_daemon(&start, &origin) {
                waiting.orphan_ended().await;
            }
        })
        .await
        .unwrap();
        let killed = Exit::Signal { number: 9, core: false };
        assert_eq!(processes.last_of_daemon(), Some(killed));
        assert_eq!(processes.leftovers().len(), 3, "those of others");
        for pid in processes.leftovers() {
            kill_process(pid, Signal::KILL).unwrap();
        }
    }

    #[tokio::test]
    async fn a_signal_ends_a_child_and_its_group() {
        let processes = Processes::start().unwrap();
        let mut child = processes.spawn(&mut sh("sleep 600 & wait")).unwrap();
        child.signal_group(Signal::KILL);
        let exit = timeout(LIMIT, child.ended()).await.unwrap();
        assert_eq!(exit, Exit::Signal { number: 9, core: false });
        child.signal(Signal::KILL);
        child.signal_group(Signal::KILL);
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_an_error_and_nothing_is_left() {
        let processes = Processes::start().unwrap();
        let error = processes.spawn(&mut Command::new("/no/such/program")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn orphans_are_found_with_their_trees_and_children_of_ours_are_not() {
        let mut processes = Processes::start().unwrap();
        let mut ours = processes.spawn(&mut sh("sleep 600 & wait")).unwrap();
        let mut parent = processes
            .spawn(&mut sh("setsid sh -c 'sleep 600 & wait' & exit 3"))
            .unwrap();
        assert_eq!(timeout(LIMIT, parent.ended()).await.unwrap(), Exit::Code(3));
        let tree = timeout(LIMIT, async {
            loop {
                let left = processes.leftovers();
                if left.len() == 2 {
                    return left;
                }
                tokio::task::yield_now().await;
            }
        });
        let tree = tree.await.unwrap();
        assert!(tree.iter().all(|pid| Pid::as_raw(Some(*pid)) != ours.pid()), "{tree:?}");
        let before = processes.orphans();
        for pid in tree {
            kill_process(pid, Signal::KILL).unwrap();
        }
        timeout(LIMIT, async {
            while !processes.leftovers().is_empty() || processes.orphans() == before {
                processes.orphan_ended().await;
            }
        })
        .await
        .unwrap();
        ours.signal_group(Signal::KILL);
        timeout(LIMIT, ours.ended()).await.unwrap();
    }
}
