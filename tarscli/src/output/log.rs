//! What this program has to say of itself, written by a thread: a reader of stderr who stops reading stops nobody.

use std::{
    ffi::OsStr,
    io,
    path::PathBuf,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::{
    capture::{own_stderr, write_all},
    rotated::Rotated,
};

/// Lines that may wait to be written. More are dropped, and counted.
const WAITING: usize = 1000;

/// How long the last lines may take to be written.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Who says that a lookup found nothing.
const LOOKUPS: &str = "tars::client::discovery";

/// What the writing thread needs.
const STACK: usize = 256 << 10;

/// Where this program's log goes. A handle, cheap to clone. The thread is started with the first line.
#[derive(Clone)]
pub(crate) struct Log(Arc<LazyLock<Writer, Box<dyn FnOnce() -> Writer + Send>>>);

enum Order {
    Line(Vec<u8>),
    /// Tell when all before is written.
    Flush(oneshot::Sender<()>),
}

/// Hands lines to the thread that writes them.
pub(crate) struct Writer {
    orders: SyncSender<Order>,
    dropped: Arc<AtomicU64>,
}

impl Log {
    /// To stderr, and to a file when there is a path. `RUST_LOG` chooses what is logged, `level` and what is worse
    /// without it.
    pub(crate) fn start(path: Option<PathBuf>, level: LevelFilter) -> Self {
        let log = Self(Arc::new(LazyLock::new(Box::new(move || Writer::start(path)))));
        let wish = std::env::var_os("RUST_LOG");
        let (filter, mistake) = filter(wish.as_deref(), level);
        let lines = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_target(false)
            .with_writer(log.clone());
        // A second one in the same program is a test's.
        let _ = tracing_subscriber::registry()
            .with(lines.with_filter(filter))
            .try_init();
        if let Some(mistake) = mistake {
            tracing::warn!("{mistake}");
        }
        log
    }

    /// Waits until what was said is written, for a short time at most.
    pub(crate) async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.0.orders.try_send(Order::Flush(done)).is_ok() {
            let _ = timeout(LAST_WORDS, is_done).await;
        }
    }
}

/// What `RUST_LOG` says, or the usual; and what is wrong with it. That is no reason to fail: the server reads it too, and may
/// understand more.
fn filter(wish: Option<&OsStr>, level: LevelFilter) -> (Targets, Option<String>) {
    // That nobody has registered a `tarsnotify` is no news to a server that can do without; a registry that is missed says
    // so itself.
    let usual = Targets::new()
        .with_default(level)
        .with_target(LOOKUPS, LevelFilter::ERROR.min(level));
    let Some(wish) = wish.filter(|wish| !wish.is_empty()) else {
        return (usual, None);
    };
    let read = wish
        .to_str()
        .ok_or_else(|| "it is not UTF-8".to_owned())
        .and_then(|wish| wish.parse().map_err(|error| format!("{error}")));
    match read {
        Ok(filter) => (filter, None),
        Err::<_, String>(why) => {
            let wish = wish.to_string_lossy();
            let text = format!(
                "the variable RUST_LOG, `{wish}`: expected a list of `target=level`: {why}; this log has the level `{level}`"
            );
            (usual, Some(text))
        }
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Writer;

    fn make_writer(&'a self) -> &'a Writer {
        &self.0
    }
}

impl io::Write for &Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.orders.try_send(Order::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Writer {
    fn start(path: Option<PathBuf>) -> Self {
        let (orders, ordered) = sync_channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        // Without a thread every line is dropped: the receiver has gone with it.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .stack_size(STACK)
            .spawn(move || write(&ordered, path.map(Rotated::new), &lost));
        Self { orders, dropped }
    }
}

fn write(orders: &Receiver<Order>, mut file: Option<Rotated>, dropped: &AtomicU64) {
    let mut stderr = own_stderr().ok();
    let mut put = |line: &[u8]| {
        if let Some(file) = &mut file {
            // That files cannot be written is told once, with the first of the others.
            let _ = file.write(line);
        }
        if let Some(own) = &mut stderr
            && write_all(own, line).is_err()
        {
            stderr = None;
        }
    };
    while let Ok(order) = orders.recv() {
        match order {
            Order::Line(line) => put(&line),
            Order::Flush(done) => drop(done.send(())),
        }
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            put(format!("{lost} lines of this log were dropped: nobody read them\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;

    #[tokio::test]
    async fn lines_are_written_in_order_and_what_does_not_fit_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("supervisor.log");
        let log = Log(Arc::new(LazyLock::new(Box::new({
            let path = path.clone();
            move || Writer::start(Some(path))
        }))));
        let mut writer = log.make_writer();
        writer.write_all(b"one\n").unwrap();
        writer.write_all(b"two\n").unwrap();
        log.flush().await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }

    #[test]
    fn the_filter_is_what_rust_log_says_when_it_can_be_read() {
        use std::os::unix::ffi::OsStrExt as _;

        use tracing::Level;

        let of = |text: &'static [u8]| filter(Some(OsStr::from_bytes(text)), LevelFilter::INFO);
        let (chosen, mistake) = of(b"warn,tars::client=debug");
        assert_eq!(mistake, None);
        assert!(chosen.would_enable(LOOKUPS, &Level::DEBUG) && !chosen.would_enable("tarscli", &Level::INFO));
        for (text, expected) in [
            (
                &b"tars=..."[..],
                "RUST_LOG, `tars=...`: expected a list of `target=level`",
            ),
            (b"tars=loud", "RUST_LOG, `tars=loud`"),
            (b"warn,tars=very", "the level `info`"),
            (b"\xff", "it is not UTF-8"),
        ] {
            let (usual, mistake) = of(text);
            assert!(
                mistake.clone().is_some_and(|text| text.contains(expected)),
                "{mistake:?}"
            );
            assert!(usual.would_enable("tarscli", &Level::INFO));
        }
        for none in [None, Some(OsStr::new(""))] {
            let (usual, mistake) = filter(none, LevelFilter::INFO);
            assert_eq!(mistake, None);
            assert!(usual.would_enable("tarscli", &Level::INFO) && !usual.would_enable(LOOKUPS, &Level::WARN));
        }
    }

    #[test]
    fn a_writer_that_stands_still_holds_nobody_up() {
        let (orders, _ordered) = sync_channel(1);
        let writer = Writer {
            orders,
            dropped: Arc::default(),
        };
        for _ in 0..3 {
            (&writer).write_all(b"line\n").unwrap();
        }
        assert_eq!(writer.dropped.load(Ordering::Relaxed), 2);
    }
}
