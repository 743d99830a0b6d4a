//! The server's output: to this program's own, to a file, and its end into memory.

use std::{
    fs::File,
    io::{self, PipeReader, Read as _, Write as _, pipe},
    os::fd::{AsFd, OwnedFd},
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{sync::mpsc, time::timeout};

use super::{lines::Lines, rotated::Rotated, tail::Tail};

/// How long the end of a line is waited for.
const LINE: Duration = Duration::from_millis(100);

/// What a thread that passes bytes on needs.
const STACK: usize = 256 << 10;

/// What all servers of this program print, one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    log: Arc<Mutex<Log>>,
    tail: Arc<Tail>,
}

#[derive(Debug)]
struct Log {
    file: Rotated,
    is_lost: bool,
}

/// What one of them prints.
#[derive(Debug)]
pub(crate) struct Capture {
    /// Closed when both streams have ended.
    open: mpsc::Receiver<()>,
}

impl Output {
    /// Kept in a file, which is made with the first output.
    pub(crate) fn to(path: PathBuf) -> Self {
        let file = Rotated::new(path);
        Self {
            log: Arc::new(Mutex::new(Log { file, is_lost: false })),
            tail: Arc::default(),
        }
    }

    /// Makes `command` print here.
    pub(crate) fn capture(&self, command: &mut Command) -> io::Result<Capture> {
        let (guard, open) = mpsc::channel(1);
        let own = [
            io::stdout().as_fd().try_clone_to_owned()?,
            io::stderr().as_fd().try_clone_to_owned()?,
        ];
        let [out, err] = own.map(|own| -> io::Result<_> {
            let (from, to) = pipe()?;
            let pump = Pump {
                from,
                own: Some(File::from(own)),
                output: self.clone(),
                _guard: guard.clone(),
            };
            thread::Builder::new()
                .name("output".to_owned())
                .stack_size(STACK)
                .spawn(move || pump.run())?;
            Ok(to)
        });
        command.stdout(out?).stderr(err?);
        Ok(Capture { open })
    }

    /// The last `most` bytes, whole lines when possible; 64 KiB are kept.
    pub(crate) fn last(&self, most: usize) -> Vec<u8> {
        self.tail.last(most)
    }

    fn keep(&self, text: &[u8]) {
        // Both streams in one order, here and there.
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.tail.add(text);
        match log.file.write(text) {
            Ok(()) => log.is_lost = false,
            Err(error) if !log.is_lost => {
                log.is_lost = true;
                tracing::warn!(%error, "cannot write the log of the server's output: it is only passed on to stdout and stderr");
            }
            Err(_) => {}
        }
    }
}

impl Capture {
    /// Waits until all was read: whoever holds the pipes has ended. At the limit, the rest comes when it comes.
    pub(crate) async fn ended(&mut self, limit: Duration) {
        let _ = timeout(limit, self.open.recv()).await;
    }
}

/// Passes one stream on, in a thread of its own.
struct Pump {
    from: PipeReader,
    /// This program's own. `None` once nobody reads it any more.
    own: Option<File>,
    output: Output,
    _guard: mpsc::Sender<()>,
}

impl Pump {
    fn run(mut self) {
        let mut lines = Lines::default();
        let mut read = vec![0; 16 << 10];
        loop {
            if lines.is_waiting() && !is_ready(self.from.as_fd(), PollFlags::IN, Some(LINE)) {
                lines.flush(|text| pass_on(&mut self.own, &self.output, text));
            }
            match self.from.read(&mut read) {
                Ok(0) => break,
                Ok(count) => lines.take(&read[..count], |text| pass_on(&mut self.own, &self.output, text)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        lines.flush(|text| pass_on(&mut self.own, &self.output, text));
    }
}

fn pass_on(own: &mut Option<File>, output: &Output, text: &[u8]) {
    output.keep(text);
    if let Some(file) = own
        && write_all(file, text).is_err()
    {
        *own = None;
    }
}

/// Writes everything, however long the reader takes, also when somebody has made the stream one that does not wait.
pub(super) fn write_all(file: &mut File, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match file.write(text) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => text = &text[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                is_ready(file.as_fd(), PollFlags::OUT, None);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a stream can be read or written, or is at its end, before the limit.
fn is_ready(stream: impl AsFd, flags: PollFlags, limit: Option<Duration>) -> bool {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    !matches!(poll(&mut [PollFd::new(&stream, flags)], limit.as_ref()), Ok(0))
}

/// This program's stderr, for a thread that writes to it.
pub(super) fn own_stderr() -> io::Result<File> {
    let own: OwnedFd = io::stderr().as_fd().try_clone_to_owned()?;
    Ok(File::from(own))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::process::{Exit, Processes};

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn both_streams_are_kept_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log/start.log");
        let output = Output::to(path.clone());
        let processes = Processes::start().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; printf half; exit 3"]);
        let mut capture = output.capture(&mut command).unwrap();
        let mut process = processes.spawn(&mut command).unwrap();
        drop(command);
        assert_eq!(timeout(LIMIT, process.ended()).await.unwrap(), Exit::Code(3));
        capture.ended(LIMIT).await;
        let text = fs::read_to_string(&path).unwrap();
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        lines.sort_unstable();
        assert!(
            text.contains("out\n") && text.contains("err\n") && text.contains("half"),
            "{text}"
        );
        assert_eq!(text.len(), "out\nerr\nhalf".len());
        assert_eq!(output.last(4096), text.into_bytes());
    }

    #[tokio::test]
    async fn half_a_line_is_passed_on_while_its_writer_lives() {
        let folder = tempfile::tempdir().unwrap();
        let output = Output::to(folder.path().join("start.log"));
        let processes = Processes::start().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "printf half; sleep 600"]);
        let _capture = output.capture(&mut command).unwrap();
        let process = processes.spawn(&mut command).unwrap();
        timeout(LIMIT, async {
            while output.last(10) != b"half" {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        process.signal_group(crate::process::Signal::KILL);
    }
}
