//! Lines in the log server's trace, where `TarsWeb`'s call chains come from.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use super::Sink;
use super::queue::{Item, Outlet, Queue, queue};
use crate::protocol::{LogClient, LogInfo};
use crate::trace::{Line, params};
use crate::{BoxFuture, Error, Result, clock, code};

/// The file whose lines the log server reads as a trace.
const FILE: &str = "_t_trace_";

/// Lines of a batch and how long the first waits for the others, as in TarsGo.
const MAX_LINES: usize = 2000;
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Bytes of a batch: it must fit into a frame.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Parameters of a line: the log server drops lines of more than 1 MB.
const MAX_PARAMS: usize = 512 * 1024;

/// Sends lines to the log server (`tars.tarslog.LogObj`), as the file that it reads traces from, in batches of at most
/// 2000 lines or one second.
///
/// The text of an error is left out: the log server takes `|` and a newline for the end of a line, and would miss it
/// after a text. The return code is there.
///
/// A task sends, in the runtime that the sink was made in; up to 10,000 lines wait for it. A batch that cannot be sent is
/// dropped, and counted. Call [`Tracer::flush`](crate::trace::Tracer::flush) before the program ends.
#[must_use = "nothing is sent without a tracer"]
pub struct LogSink {
    queue: Queue,
}

impl LogSink {
    /// The sink of the module `App.Server`. The calls of `log` are part of no chain. Fails outside of a tokio runtime.
    pub fn new(log: LogClient, module: &str) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|error| {
            Error::new(code::UNKNOWN, "a log sink is made inside a tokio runtime").with_source(error)
        })?;
        let (application, server) = module.split_once('.').unwrap_or(("", module));
        let info = LogInfo {
            appname: application.to_owned(),
            servername: server.to_owned(),
            s_filename: FILE.to_owned(),
            s_format: "%Y%m%d".to_owned(),
            ..LogInfo::default()
        };
        let (queue, outlet) = queue("log server");
        runtime.spawn(run(outlet, log, info));
        Ok(Self { queue })
    }
}

impl Sink for LogSink {
    fn record(&self, mut line: Line) {
        if line.params.len() > MAX_PARAMS {
            line.params = params::OVER_MAX_LEN;
        }
        line.error = String::new();
        self.queue.record(line);
    }

    fn flush(&self) -> BoxFuture<()> {
        self.queue.flush()
    }

    fn dropped(&self) -> u64 {
        self.queue.dropped()
    }
}

/// Sends until the other end is gone and nothing is left.
async fn run(mut outlet: Outlet, log: LogClient, info: LogInfo) {
    loop {
        let batch = Batch::gather(&mut outlet).await;
        if !batch.lines.is_empty()
            && let Err(error) = log.loggerby_info(&info, &batch.lines).await
        {
            outlet.load.lost(batch.lines.len() as u64, &error.to_string());
        }
        if let Some(done) = batch.flush {
            let _ = done.send(());
        }
        if batch.is_last {
            break;
        }
    }
    outlet.load.close();
}

/// Lines that are sent together.
#[derive(Default)]
struct Batch {
    lines: Vec<String>,
    /// Who waits for it.
    flush: Option<oneshot::Sender<()>>,
    /// Nothing comes after it.
    is_last: bool,
}

impl Batch {
    /// Waits for a line, then for more until the batch is full, its first line has waited long enough, or somebody
    /// waits for it.
    async fn gather(outlet: &mut Outlet) -> Self {
        let mut batch = Self::default();
        let (mut bytes, mut due) = (0, clock::now() + clock::NEVER);
        while batch.lines.len() < MAX_LINES && bytes < MAX_BYTES {
            match timeout_at(due, outlet.receiver.recv()).await {
                Ok(Some(Item::Line(line))) => {
                    outlet.load.written(line.size());
                    if batch.lines.is_empty() {
                        due = clock::now() + MAX_WAIT;
                    }
                    let text = format!("{line}\n");
                    bytes += text.len();
                    batch.lines.push(text);
                }
                Ok(Some(Item::Flush(done))) => {
                    batch.flush = Some(done);
                    break;
                }
                Ok(None) => {
                    batch.is_last = true;
                    break;
                }
                Err(_) => break,
            }
        }
        batch
    }
}

impl std::fmt::Debug for LogSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogSink").finish_non_exhaustive()
    }
}
