//! What the supervisor writes for others. A folder that cannot be written stops nothing: it is told once.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
use serde::Serialize;

use super::running::Ended;
use crate::{
    files::{self, PUBLIC},
    layout::Layout,
    process::Exit,
    state::State,
};

/// Where Kubernetes looks for the reason of an end.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Writes the files of `data`.
#[derive(Debug)]
pub(super) struct Record {
    layout: Layout,
    is_lost: bool,
}

/// `last_exit.json`.
#[derive(Debug, Serialize)]
struct LastExit {
    exit: Exit,
    /// As a shell gives it.
    code: u8,
    pid: Option<i32>,
    ran_seconds: f64,
    /// Seconds since 1970.
    ended_at: u64,
}

impl Record {
    pub(super) fn new(layout: Layout) -> Self {
        Self { layout, is_lost: false }
    }

    /// The state, in one word.
    pub(super) fn state(&mut self, state: State) {
        let written = files::write(&self.layout.check_status(), state.as_str(), PUBLIC);
        self.tell(written);
    }

    /// The status file is a heartbeat too: its time says that the supervisor lives.
    pub(super) fn beat(&mut self, state: State) {
        if touch(&self.layout.check_status()).is_err() {
            self.state(state);
        }
    }

    /// How the server ended.
    pub(super) fn exit(&mut self, Ended { exit, pid, ran }: Ended) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let last = LastExit {
            exit,
            code: exit.code(),
            pid,
            ran_seconds: ran.as_secs_f64(),
            ended_at: since.as_secs(),
        };
        let written = serde_json::to_string(&last)
            .map_err(anyhow::Error::from)
            .and_then(|text| files::write(&self.layout.last_exit(), &format!("{text}\n"), PUBLIC));
        self.tell(written);
    }

    fn tell(&mut self, written: anyhow::Result<()>) {
        match written {
            Ok(()) => self.is_lost = false,
            Err(error) if !self.is_lost => {
                self.is_lost = true;
                tracing::warn!("{error:#}: going on without");
            }
            Err(_) => {}
        }
    }
}

/// Makes the file's time of change now, without opening it: what the server may have put in its place, a pipe say, holds
/// nobody up.
fn touch(path: &Path) -> rustix::io::Result<()> {
    let nanoseconds = |tv_nsec| Timespec { tv_sec: 0, tv_nsec };
    let times = Timestamps {
        last_access: nanoseconds(UTIME_OMIT),
        last_modification: nanoseconds(UTIME_NOW),
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
}

/// Writes the last words of a server where Kubernetes looks for them; nothing where it does not.
pub(super) fn last_words(text: &[u8]) {
    if let Err(error) = write_over(Path::new(TERMINATION_LOG), text)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!(%error, "cannot write {TERMINATION_LOG}");
    }
}

/// In place: the file is a mount of its own.
fn write_over(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(text)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        time::Duration,
    };

    use rustix::fs::{FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn the_status_file_is_a_heartbeat() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let mut record = Record::new(layout.clone());
        record.state(State::Active);
        let path = layout.check_status();
        assert_eq!(fs::read_to_string(&path).unwrap(), "active");
        let old = SystemTime::now() - Duration::from_mins(1);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        record.beat(State::Active);
        assert!(path.metadata().unwrap().modified().unwrap() > old);
        fs::remove_file(&path).unwrap();
        record.beat(State::Inactive);
        assert_eq!(fs::read_to_string(&path).unwrap(), "inactive", "made again");
    }

    #[test]
    fn a_pipe_in_place_of_the_status_file_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        fs::create_dir(layout.data()).unwrap();
        mknodat(CWD, layout.check_status(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let mut record = Record::new(layout.clone());
        record.beat(State::Active);
        record.state(State::Inactive);
        assert_eq!(fs::read_to_string(layout.check_status()).unwrap(), "inactive");
    }

    #[test]
    fn the_last_exit() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let exit = Exit::Signal { number: 11, core: true };
        let ran = Duration::from_millis(1500);
        Record::new(layout.clone()).exit(Ended {
            exit,
            pid: Some(7),
            ran,
        });
        let text = fs::read_to_string(layout.last_exit()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["exit"]["signal"]["number"], 11);
        assert_eq!(value["exit"]["signal"]["core"], true);
        assert_eq!((&value["code"], &value["pid"]), (&139.into(), &7.into()));
        assert_eq!(value["ran_seconds"], 1.5);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        fs::write(&file, "").unwrap();
        let mut record = Record::new(Layout::new(&file));
        record.state(State::Active);
        assert!(record.is_lost);
        record.beat(State::Active);
        assert!(record.is_lost);
    }

    #[test]
    fn last_words_replace_the_earlier_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("termination-log");
        assert!(write_over(&path, b"x").is_err(), "it is not made");
        fs::write(&path, "something longer").unwrap();
        write_over(&path, b"the end\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the end\n");
    }
}
