//! Which process ids are ours by name. Waiting belongs to the whole program, so this does too.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

use rustix::process::{Pid, RawPid, WaitOptions, wait};
use tokio::sync::watch;

use super::Exit;

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

/// The children of this program that have not been waited for.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Those spawned here, and who wants to know of their end.
    pub(super) spawned: BTreeMap<RawPid, watch::Sender<Option<Exit>>>,
    /// Those that were here before this program took over the process: a shell may start something and `exec` us.
    pub(super) inherited: Vec<RawPid>,
    /// Orphans that were found to be a daemon's.
    pub(super) daemon: BTreeSet<RawPid>,
    /// The others that were waited for.
    pub(super) orphans: watch::Sender<Orphans>,
}

/// Orphans of our children that have ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Orphans {
    pub(super) count: u64,
    /// How the last one did that was a daemon's.
    pub(super) last_of_daemon: Option<Exit>,
}

/// The table, for this thread alone. A child is spawned, and reaped, while it is held: no end is told before its process
/// is in the table, and none is taken from the standard library while it still looks whether the program could be run.
pub(super) fn table() -> MutexGuard<'static, Table> {
    // Each change below is whole: a panic elsewhere in the holder leaves nothing half done.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    /// Waits for every child that has ended, and tells those who want to know.
    pub(super) fn reap(&mut self) {
        let before = *self.orphans.borrow();
        let mut orphans = before;
        while let Some((pid, exit)) = ended() {
            if let Some(sender) = self.spawned.remove(&pid) {
                sender.send_replace(Some(exit));
            } else {
                orphans.count = orphans.count.saturating_add(1);
                if self.daemon.remove(&pid) {
                    orphans.last_of_daemon = Some(exit);
                }
            }
            self.inherited.retain(|inherited| *inherited != pid);
        }
        if orphans.count > before.count {
            self.orphans.send_replace(orphans);
        }
    }
}

/// A child that has ended.
fn ended() -> Option<(RawPid, Exit)> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => {
                if let Some(exit) = Exit::from_raw(status.as_raw()) {
                    return Some((Pid::as_raw(Some(pid)), exit));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // None has ended, or there is no child at all.
            Ok(None) | Err(_) => return None,
        }
    }
}
