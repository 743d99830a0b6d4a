//! The socket's file: the one place that binds and connects it.

use std::{
    fs::{File, Permissions},
    io,
    os::{
        fd::AsRawFd as _,
        unix::{
            ffi::OsStrExt as _,
            fs::{MetadataExt as _, PermissionsExt as _},
        },
    },
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{UnixListener, UnixStream};

use crate::files;

/// Longest path in bytes that the kernel takes for a unix socket.
const LONGEST_PATH: usize = 107;

/// A socket that listens. Dropping it removes its file.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) listener: UnixListener,
    /// Kept beside the listener, so that the file goes with it.
    pub(super) file: SocketFile,
}

/// The file, known by its number: another supervisor's in its place is left alone.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode));
        if is_ours {
            // It is gone already, or the next supervisor replaces it.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Another supervisor has the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Busy {
    #[error("another supervisor listens")]
    Listens,
    #[error("another supervisor listens and does not answer")]
    Silent,
}

/// Listens at `path`, which only this user can use. A file that nobody listens at is replaced; [`Busy`] otherwise.
pub(super) fn bind(path: &Path) -> anyhow::Result<Bound> {
    knock(path)?;
    listen(path).with_context(|| format!("cannot listen at `{}`", path.display()))
}

/// Whether somebody listens at `path`.
pub(super) fn knock(path: &Path) -> Result<(), Busy> {
    match touch(path) {
        Ok(()) => Err(Busy::Listens),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(Busy::Silent),
        Err(_) => Ok(()),
    }
}

/// Connects without waiting: somebody who does not accept would hold us up.
fn touch(path: &Path) -> io::Result<()> {
    let address = Address::of(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(&address.path)?)
}

/// Under another name first: nobody can connect before the permissions are set.
fn listen(path: &Path) -> io::Result<Bound> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    // Shorter than the socket's own name, so that it fits as well.
    let hidden = folder.join(format!(".s{}", std::process::id()));
    let _ = std::fs::remove_file(&hidden);
    let listener = UnixListener::bind(Address::of(&hidden)?.path)?;
    let moved = std::fs::set_permissions(&hidden, Permissions::from_mode(files::PRIVATE))
        .and_then(|()| std::fs::rename(&hidden, path));
    if let Err(error) = moved {
        let _ = std::fs::remove_file(&hidden);
        return Err(error);
    }
    let found = std::fs::symlink_metadata(path)?;
    let file = SocketFile {
        path: path.to_owned(),
        device: found.dev(),
        inode: found.ino(),
    };
    Ok(Bound { listener, file })
}

/// Connects to who listens at `path`.
pub(super) async fn connect(path: &Path) -> io::Result<UnixStream> {
    let address = Address::of(path)?;
    UnixStream::connect(&address.path).await
}

/// What the kernel is given for a path: one that is too long is named from its open folder on.
struct Address {
    path: PathBuf,
    /// Open as long as the path is used.
    _folder: Option<File>,
}

impl Address {
    fn of(path: &Path) -> io::Result<Self> {
        let (folder, Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if path.as_os_str().as_bytes().len() <= LONGEST_PATH {
            return Ok(Self {
                path: path.to_owned(),
                _folder: None,
            });
        }
        let folder = File::open(folder.unwrap_or(Path::new(".")))?;
        Ok(Self {
            path: Path::new("/proc/self/fd")
                .join(folder.as_raw_fd().to_string())
                .join(name),
            _folder: Some(folder),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_its_user_may_connect_and_the_file_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/supervisor.sock");
        let bound = bind(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1);
        drop(bound);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_left_behind_is_replaced_and_another_supervisor_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("supervisor.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let bound = bind(&path).unwrap();
        let error = bind(&path).unwrap_err().to_string();
        assert!(error.contains("another supervisor"), "{error}");

        std::fs::remove_file(&path).unwrap();
        let next = bind(&path).unwrap();
        drop(bound);
        assert!(path.exists(), "that of the next one is left alone");
        drop(next);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn one_that_does_not_accept_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("supervisor.sock");
        let other = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        other.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        other.listen(0).unwrap();
        let _first = std::os::unix::net::UnixStream::connect(&path).unwrap();
        let error = bind(&path).unwrap_err().to_string();
        assert!(error.contains("does not answer"), "{error}");
    }

    #[tokio::test]
    async fn a_long_path_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l".repeat(200)).join("supervisor.sock");
        let bound = bind(&path).unwrap();
        let (accepted, connected) = tokio::join!(bound.listener.accept(), connect(&path));
        drop((accepted.unwrap(), connected.unwrap()));
        assert!(bind(&path).unwrap_err().to_string().contains("another supervisor"));
        drop(bound);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_is_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("supervisor.sock");
        std::fs::create_dir(&path).unwrap();
        let error = format!("{:#}", bind(&path).unwrap_err());
        assert!(error.contains("cannot listen at"), "{error}");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1, "nothing is left behind");
    }
}
