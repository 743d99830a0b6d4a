//! `tarscli prestop`: takes the server out of the registry before it ends. A supervisor does it when one runs; without one
//! this command does.

use std::{fs::File, time::Duration};

use anyhow::{Context as _, anyhow, bail};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde::Serialize;
use tars::Endpoint;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::Outcome;
use crate::{
    cli::Prestop,
    control::{self, AskError, Left},
    files::{self, PUBLIC},
    layout::Layout,
    leaving::{Budget, Deadlines, leave, mark},
    server::{ServerInfo, registering},
    state::State,
};

/// Time in which a supervisor says that it is there.
const HELLO: Duration = Duration::from_secs(1);

/// What a supervisor's answer may take longer than its budget.
const SLACK: Duration = Duration::from_millis(500);

/// Pause before another hook's lock is tried again.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Who has taken the server out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum By {
    Supervisor,
    Prestop,
    /// An earlier hook.
    Earlier,
}

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    by: By,
    #[serde(flatten)]
    left: &'a Left,
    seconds: f64,
}

/// Takes the server out. When the registry could not be told, the command fails: Kubernetes makes an event of it, and goes
/// on.
pub(crate) async fn run(args: &Prestop) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let layout = Layout::new(&args.place.path);
    let times = Budget::new(&args.grace).from(start);
    let (by, left) = take_out(&layout, start, times).await?;
    let code = u8::from(!left.told);
    if args.json {
        let seconds = start.elapsed().as_secs_f64();
        let report = Report {
            by,
            left: &left,
            seconds,
        };
        return Ok(Outcome::text(serde_json::to_string(&report)?).with_code(code));
    }
    match left.error {
        _ if left.told => Ok(Outcome::SILENT),
        reason => Err(anyhow!(reason.unwrap_or_else(|| "no reason is known".to_owned()))
            .context("the registry was not told that the server is gone")),
    }
}

async fn take_out(layout: &Layout, start: Instant, times: Deadlines) -> anyhow::Result<(By, Left)> {
    if mark::is_set(layout) {
        return Ok((By::Earlier, Left::TOLD));
    }
    // A supervisor that is there and does nothing is no help.
    if control::ask_live(layout, HELLO).await.is_ok() {
        // Its budget begins with the order, whenever that comes.
        let limit = times.hook - start + SLACK;
        match control::ask_prestop(layout, limit).await {
            Ok(left) => return Ok((By::Supervisor, left)),
            Err(error @ (AskError::Late(_) | AskError::Refused(_))) => return Err(error.into()),
            Err(error @ (AskError::NoSupervisor(_) | AskError::Broken(_))) => {
                tracing::warn!(%error, "the supervisor is gone");
            }
        }
    }
    alone(layout, times).await
}

/// Without a supervisor.
async fn alone(layout: &Layout, times: Deadlines) -> anyhow::Result<(By, Left)> {
    let path = layout.server_info();
    let info = ServerInfo::read(layout)?.with_context(|| {
        format!(
            "no supervisor answers, and `{}` is missing: `tarscli genconf` writes it, in the folder that TARS_PATH names",
            path.display()
        )
    })?;
    let lock = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let Ok(locked) = timeout_at(times.hook, take(&lock)).await else {
        bail!("another `tarscli prestop` runs and has not ended in time");
    };
    locked.with_context(|| format!("cannot lock `{}`", path.display()))?;
    if mark::is_set(layout) {
        return Ok((By::Earlier, Left::TOLD));
    }
    let session = registering::registration(&info)?.resume(registering::instance(&info)?)?;
    let admin: Option<Endpoint> = info.conf.local.parse().ok();
    say_deactivating(layout);
    let outcome = leave(session, admin, times, CancellationToken::new(), |_| {}).await;
    if outcome.left.told
        && let Err(error) = mark::set(layout)
    {
        tracing::warn!("{error:#}: another hook tells the registry once more");
    }
    Ok((By::Prestop, outcome.left))
}

/// Waits for the file's lock, which ends with this process.
async fn take(file: &File) -> Result<(), Errno> {
    loop {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => sleep(LOCK_PAUSE).await,
            taken => return taken,
        }
    }
}

/// For `hzcheck`, where somebody keeps the file.
fn say_deactivating(layout: &Layout) {
    let path = layout.check_status();
    if path.exists()
        && let Err(error) = files::write(&path, State::Deactivating.as_str(), PUBLIC)
    {
        tracing::warn!("{error:#}");
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::UnixListener,
        time::advance,
    };

    use super::*;
    use crate::cli::Grace;

    /// Answers one question, after this time.
    async fn answer(listener: &UnixListener, after: Duration, answer: &str) {
        let (mut stream, _) = listener.accept().await.unwrap();
        BufReader::new(&mut stream).read_line(&mut String::new()).await.unwrap();
        advance(after).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_supervisor_that_was_slow_to_say_hello_has_its_whole_time() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::new(folder.path());
        std::fs::create_dir(layout.data()).unwrap();
        let listener = UnixListener::bind(layout.socket()).unwrap();
        // Time only passes where it is said: there is always something to do.
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let hook = Duration::from_secs(23);
        let supervisor = tokio::spawn(async move {
            answer(&listener, HELLO * 9 / 10, "{\"answer\":\"live\"}\n").await;
            let left = "{\"answer\":\"left\",\"told\":false,\"error\":\"no database\"}\n";
            answer(&listener, hook + SLACK * 9 / 10, left).await;
        });
        let start = Instant::now();
        let times = Budget::new(&Grace {
            grace_period: Duration::from_secs(29),
            prestop_waittime: None,
        });
        let (by, left) = take_out(&layout, start, times.from(start)).await.unwrap();
        supervisor.await.unwrap();
        assert_eq!(
            (by, left.told, left.error.as_deref()),
            (By::Supervisor, false, Some("no database"))
        );
    }
}
