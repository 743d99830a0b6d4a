//! Who is whose child, as `/proc` tells it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
};

use rustix::process::{Pid, RawPid, getpid};

/// The processes that can be seen, without those that have ended and wait for their parent.
#[derive(Debug, Default)]
pub(super) struct Tree {
    processes: BTreeMap<RawPid, Seen>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    parent: RawPid,
    group: RawPid,
}

impl Tree {
    /// Looks at all processes.
    pub(super) fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<RawPid>().ok());
        // What is asked for is in the first bytes: a name has 15 at most.
        let mut line = [0; 256];
        let seen = pids.filter_map(|pid| {
            // One that has gone meanwhile is no process any more.
            let mut file = File::open(format!("/proc/{pid}/stat")).ok()?;
            let length = file.read(&mut line).ok()?;
            Some((pid, parse(&String::from_utf8_lossy(&line[..length]))?))
        });
        Self {
            processes: seen.collect(),
        }
    }

    /// The children of `parent`.
    pub(super) fn children(&self, parent: Pid) -> impl Iterator<Item = Pid> {
        let parent = Pid::as_raw(Some(parent));
        let children = self.processes.iter().filter(move |(_, seen)| seen.parent == parent);
        children.filter_map(|(pid, _)| Pid::from_raw(*pid))
    }

    /// Those of the children of `root` that `wanted` wants, each followed by its own descendants, wanted or not.
    pub(super) fn descendants(&self, root: Pid, wanted: impl Fn(Pid) -> bool) -> Vec<Pid> {
        let mut found: Vec<_> = self.children(root).filter(|pid| wanted(*pid)).collect();
        let mut next = 0;
        while let Some(parent) = found.get(next).copied() {
            // A process has one parent, so none comes twice; what was read while it changed is bounded all the same.
            let fresh: Vec<_> = self.children(parent).filter(|pid| !found.contains(pid)).collect();
            found.extend(fresh);
            next += 1;
        }
        found
    }

    /// Whether the process is in `group`.
    pub(super) fn is_in_group(&self, process: Pid, group: Pid) -> bool {
        let seen = self.processes.get(&Pid::as_raw(Some(process)));
        seen.is_some_and(|seen| seen.group == Pid::as_raw(Some(group)))
    }

    /// Whether `group` has members, and all of them descend from `root`.
    pub(super) fn is_group_ours(&self, group: Pid, root: Pid) -> bool {
        let group = Pid::as_raw(Some(group));
        let ours = self.descendants(root, |_| true);
        let mut members = self.processes.iter().filter(|(_, seen)| seen.group == group).peekable();
        members.peek().is_some() && members.all(|(pid, _)| Pid::from_raw(*pid).is_some_and(|pid| ours.contains(&pid)))
    }
}

/// The children this process has already, as the kernel lists them; nothing where it does not.
pub(super) fn own_children() -> Vec<RawPid> {
    let pid = Pid::as_raw(Some(getpid()));
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// A line of `/proc/PID/stat`: `PID (NAME) STATE PARENT GROUP ...`. The name may hold anything, brackets too.
fn parse(line: &str) -> Option<Seen> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let is_running = !matches!(fields.next()?, "Z" | "X");
    let seen = Seen {
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
    };
    is_running.then_some(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: RawPid) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    fn tree(processes: &[(RawPid, RawPid, RawPid)]) -> Tree {
        let seen = processes
            .iter()
            .map(|&(pid, parent, group)| (pid, Seen { parent, group }));
        Tree {
            processes: seen.collect(),
        }
    }

    #[test]
    fn lines() {
        let seen = |parent, group| Some(Seen { parent, group });
        assert_eq!(parse("12 (sh) S 1 12 12 0 -1"), seen(1, 12));
        assert_eq!(parse("12 (a) Z 9) (b) R 3 4 12 0 -1"), seen(3, 4), "any name");
        assert_eq!(parse("12 (sh) Z 1 12 12 0 -1"), None, "it has ended");
        for line in ["", "12", "12 (sh)", "12 (sh) S", "12 (sh) S x 12"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn trees() {
        let tree = tree(&[
            (1, 0, 1),
            (5, 1, 5),
            (6, 1, 6),
            (7, 6, 6),
            (8, 7, 8),
            (9, 5, 5),
            (10, 2, 10),
        ]);
        assert_eq!(tree.descendants(pid(1), |p| p != pid(5)), [pid(6), pid(7), pid(8)]);
        assert_eq!(tree.descendants(pid(10), |_| true), []);
    }

    #[test]
    fn groups() {
        let tree = tree(&[(1, 0, 1), (5, 1, 5), (6, 5, 5), (10, 2, 10), (11, 1, 10)]);
        assert!(tree.is_group_ours(pid(5), pid(1)));
        assert!(!tree.is_group_ours(pid(7), pid(1)), "nobody is in it");
        assert!(!tree.is_group_ours(pid(10), pid(1)), "another's process is in it");
    }

    #[test]
    fn a_line_that_goes_round_ends() {
        let tree = tree(&[(5, 1, 5), (6, 7, 6), (7, 6, 6)]);
        assert_eq!(tree.descendants(pid(6), |_| true), [pid(7), pid(6)]);
    }
}
