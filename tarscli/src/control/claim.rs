//! Who looks after a server's folder: one supervisor at a time.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::time::{Instant, sleep};

use super::socket;
use crate::layout::Layout;

/// How long one that has just ended may take to be gone: it writes its last words.
const ENDING: Duration = Duration::from_secs(2);

/// Pause between two looks whether it is.
const LOOK: Duration = Duration::from_millis(50);

/// Somebody else looks after the folder.
#[derive(Debug, thiserror::Error)]
#[error(
    "another supervisor looks after `{}`: end that one first, or give this one a folder of its own (TARS_PATH)",
    .0.display()
)]
pub(crate) struct Taken(PathBuf);

impl Taken {
    pub(super) fn of(layout: &Layout) -> Self {
        Self(layout.root().to_owned())
    }
}

/// The folder is this supervisor's as long as this is kept, and the program lives: the kernel takes a lock away with its
/// holder.
#[derive(Debug)]
#[must_use = "dropping it lets others have the folder"]
pub(crate) struct Claim {
    /// `None` where nothing can be locked: then only the socket keeps others away, once it is there.
    _lock: Option<File>,
}

impl Claim {
    /// Takes the folder before anything in it is touched. One who is about to end is waited for, for a moment.
    pub(crate) async fn take(layout: &Layout) -> Result<Self, Taken> {
        Self::within(layout, ENDING).await
    }

    async fn within(layout: &Layout, patience: Duration) -> Result<Self, Taken> {
        let until = Instant::now() + patience;
        loop {
            if let Some(claim) = Self::now(layout) {
                return Ok(claim);
            }
            if Instant::now() >= until {
                return Err(Taken::of(layout));
            }
            sleep(LOOK).await;
        }
    }

    /// `None` when somebody else has it.
    fn now(layout: &Layout) -> Option<Self> {
        let lock = match lock(&layout.data()) {
            Err(Errno::WOULDBLOCK) => return None,
            // Where no folder can be made, or its file system knows no locks.
            lock => lock.ok(),
        };
        let is_free = socket::knock(&layout.socket()).is_ok();
        is_free.then_some(Self { _lock: lock })
    }
}

fn lock(folder: &Path) -> Result<File, Errno> {
    let open = std::fs::create_dir_all(folder).and_then(|()| File::open(folder));
    let folder = open.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRIEF: Duration = Duration::from_millis(100);

    fn folder() -> (tempfile::TempDir, Layout) {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        (folder, layout)
    }

    #[tokio::test]
    async fn a_folder_has_one_supervisor_and_the_next_when_it_is_gone() {
        let (_folder, layout) = folder();
        let claim = Claim::within(&layout, BRIEF).await.unwrap();
        let error = Claim::within(&layout, BRIEF).await.unwrap_err().to_string();
        let path = layout.root().display().to_string();
        assert!(error.contains(&path) && error.contains("TARS_PATH"), "{error}");

        let (next, ()) = tokio::join!(Claim::within(&layout, Duration::from_secs(30)), async { drop(claim) });
        drop(next.unwrap());
    }

    #[tokio::test]
    async fn one_that_listens_has_it_where_nothing_can_be_locked() {
        let (_folder, layout) = folder();
        std::fs::create_dir(layout.data()).unwrap();
        let listener = std::os::unix::net::UnixListener::bind(layout.socket()).unwrap();
        assert!(Claim::within(&layout, BRIEF).await.is_err());
        drop(listener);
        assert!(layout.socket().exists(), "nobody listens at it any more");
        assert!(Claim::within(&layout, BRIEF).await.is_ok());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_keeps_nobody_from_starting() {
        let (_folder, layout) = folder();
        std::fs::write(layout.data(), "a file").unwrap();
        let claims = (Claim::within(&layout, BRIEF).await, Claim::within(&layout, BRIEF).await);
        assert!(claims.0.is_ok() && claims.1.is_ok());
    }
}
