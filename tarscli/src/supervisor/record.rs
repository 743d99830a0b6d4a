//! What the supervisor writes for others, in a thread of its own: a disk that hangs stops the files and nothing else. Nor does
//! a folder that cannot be written stop anything: it is told once.

use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, utimensat};
use serde::Serialize;
use tokio::{sync::oneshot, time::timeout};

use super::running::Ended;
use crate::{
    files::{self, PUBLIC},
    layout::Layout,
    leaving::mark,
    process::Exit,
    state::State,
};

/// Notes that may wait for the disk. More are dropped: the next sign of life makes up for a state.
const WAITING: usize = 64;

/// How long anybody waits for the disk.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the writing thread needs.
const STACK: usize = 256 << 10;

/// Where Kubernetes looks for the reason of an end.
const TERMINATION_LOG: &str = "/dev/termination-log";

/// Hands notes to the thread that writes them. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Record {
    notes: SyncSender<Note>,
    is_late: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Note {
    State(State),
    Beat(State),
    Exit(LastExit),
    LastWords(Vec<u8>),
    /// The server is out of the registry.
    Left,
    /// Say whether it was found to be.
    HasLeft(oneshot::Sender<bool>),
    /// Say when all before is written.
    Flush(oneshot::Sender<()>),
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
    /// Keeps the files of a server.
    pub(super) fn start(layout: Layout) -> Self {
        let mut files = Files::new(layout);
        Self::with(move |note| files.write(note))
    }

    fn with(mut write: impl FnMut(Note) + Send + 'static) -> Self {
        let (notes, taken) = sync_channel(WAITING);
        // Without a thread nothing is written, which is told as for a disk that hangs: the other end has gone with it.
        let _ = thread::Builder::new()
            .name("record".to_owned())
            .stack_size(STACK)
            .spawn(move || taken.into_iter().for_each(&mut write));
        Self {
            notes,
            is_late: Arc::default(),
        }
    }

    /// The state, in one word.
    pub(super) fn state(&self, state: State) {
        self.put(Note::State(state));
    }

    /// The status file is a heartbeat too: its time says that the supervisor lives.
    pub(super) fn beat(&self, state: State) {
        self.put(Note::Beat(state));
    }

    /// How the server ended.
    pub(super) fn exit(&self, ended: Ended) {
        self.put(Note::Exit(LastExit::of(ended, SystemTime::now())));
    }

    /// The last words of a server, where Kubernetes looks for them; nothing where it does not.
    pub(super) fn last_words(&self, text: Vec<u8>) {
        self.put(Note::LastWords(text));
    }

    /// The server is out of the registry: a `prestop` that comes later has nothing to do. Waits until that is written.
    pub(super) async fn left(&self) {
        self.put(Note::Left);
        self.flush().await;
    }

    /// Whether somebody else has taken the server out.
    pub(super) async fn has_left(&self) -> bool {
        self.answer(Note::HasLeft).await.unwrap_or(false)
    }

    /// Waits until everything is written, for a short time at most.
    pub(super) async fn flush(&self) {
        self.answer(Note::Flush).await;
    }

    async fn answer<T>(&self, question: impl FnOnce(oneshot::Sender<T>) -> Note) -> Option<T> {
        let (sender, answer) = oneshot::channel();
        self.put(question(sender));
        timeout(PATIENCE, answer).await.ok()?.ok()
    }

    fn put(&self, note: Note) {
        let is_late = self.notes.try_send(note).is_err();
        if is_late && !self.is_late.swap(is_late, Ordering::Relaxed) {
            tracing::warn!("the disk takes nothing: going on without the files in `data`");
        }
        self.is_late.store(is_late, Ordering::Relaxed);
    }
}

impl LastExit {
    fn of(Ended { exit, pid, ran }: Ended, at: SystemTime) -> Self {
        Self {
            exit,
            code: exit.code(),
            pid,
            ran_seconds: ran.as_secs_f64(),
            ended_at: at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
        }
    }
}

/// The files.
#[derive(Debug)]
struct Files {
    layout: Layout,
    /// What the status file says.
    state: Option<State>,
    is_lost: bool,
}

impl Files {
    fn new(layout: Layout) -> Self {
        Self {
            layout,
            state: None,
            is_lost: false,
        }
    }

    fn write(&mut self, note: Note) {
        // Who asked may have gone.
        match note {
            Note::State(state) => self.state(state),
            Note::Beat(state) => self.beat(state),
            Note::Exit(exit) => self.exit(&exit),
            Note::LastWords(text) => last_words(&text),
            Note::Left => {
                let written = mark::set(&self.layout);
                self.tell(written);
            }
            Note::HasLeft(answer) => drop(answer.send(mark::is_set(&self.layout))),
            Note::Flush(done) => drop(done.send(())),
        }
    }

    fn state(&mut self, state: State) {
        let written = files::write(&self.layout.check_status(), state.as_str(), PUBLIC);
        self.state = written.is_ok().then_some(state);
        self.tell(written);
    }

    fn beat(&mut self, state: State) {
        if self.state != Some(state) || touch(&self.layout.check_status()).is_err() {
            self.state(state);
        }
    }

    fn exit(&mut self, exit: &LastExit) {
        let written = serde_json::to_string(exit)
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

fn last_words(text: &[u8]) {
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
        sync::mpsc::channel,
        time::Duration,
    };

    use rustix::fs::{FileType, Mode, mknodat};
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn the_status_file_is_a_heartbeat() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let mut files = Files::new(layout.clone());
        files.state(State::Active);
        let path = layout.check_status();
        assert_eq!(fs::read_to_string(&path).unwrap(), "active");
        let old = SystemTime::now() - Duration::from_mins(1);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        files.beat(State::Active);
        assert!(path.metadata().unwrap().modified().unwrap() > old);
        fs::remove_file(&path).unwrap();
        files.beat(State::Active);
        assert_eq!(fs::read_to_string(&path).unwrap(), "active", "made again");
        files.beat(State::Inactive);
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "inactive",
            "what was dropped is made up for"
        );
    }

    #[test]
    fn a_pipe_in_place_of_the_status_file_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        fs::create_dir(layout.data()).unwrap();
        mknodat(CWD, layout.check_status(), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let mut files = Files::new(layout.clone());
        files.beat(State::Active);
        files.state(State::Inactive);
        assert_eq!(fs::read_to_string(layout.check_status()).unwrap(), "inactive");
    }

    #[test]
    fn the_last_exit() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let exit = Exit::Signal { number: 11, core: true };
        let ran = Duration::from_millis(1500);
        let ended = Ended {
            exit,
            pid: Some(7),
            ran,
        };
        Files::new(layout.clone()).exit(&LastExit::of(ended, SystemTime::now()));
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
        let mut files = Files::new(Layout::new(&file));
        files.state(State::Active);
        assert!(files.is_lost);
        files.beat(State::Active);
        assert!(files.is_lost);
    }

    #[tokio::test]
    async fn what_is_told_is_written_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        let record = Record::start(layout.clone());
        record.state(State::Active);
        record.beat(State::Deactivating);
        assert!(!record.has_left().await);
        record.left().await;
        assert!(record.has_left().await);
        assert_eq!(fs::read_to_string(layout.check_status()).unwrap(), "deactivating");
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_holds_nobody_up() {
        let (go_on, hangs) = channel::<()>();
        let (written, notes) = channel();
        let record = Record::with(move |note| {
            let _ = hangs.recv();
            let _ = written.send(note);
        });
        let begun = Instant::now();
        for _ in 0..2 * WAITING {
            record.beat(State::Active);
        }
        record.state(State::Inactive);
        record.left().await;
        assert!(!record.has_left().await);
        assert!(begun.elapsed() <= 3 * PATIENCE, "{:?}", begun.elapsed());

        // It comes back: there is room for more.
        drop(go_on);
        while !matches!(notes.recv().unwrap(), Note::Flush(_)) {
            record.flush().await;
        }
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
