//! `tarscli hzcheck`: the answer to a container's probes. The supervisor is asked; where none answers, its status file
//! counts, and where that is missing, the server's ports. Nothing here asks a registry or a name server.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use super::Outcome;
use crate::{
    check::Ports,
    cli::Hzcheck,
    control::{self, AskError, Status},
    layout::Layout,
    server::ServerInfo,
    state::State,
};

/// Time for each of the supervisor's answers: Kubernetes gives a probe a second in all.
const LIMIT: Duration = Duration::from_millis(400);

/// Most bytes of a state's word.
const WORD: u64 = 64;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Probe {
    Live,
    Ready,
    Startup,
}

/// What is known.
#[derive(Debug, Serialize)]
#[serde(tag = "source", rename_all = "lowercase")]
enum Known {
    /// What the supervisor says.
    Supervisor(Box<Status>),
    /// What `data/check_status` says.
    File {
        state: String,
        seconds_old: u64,
        /// It is older than it would be if somebody kept it.
        stale: bool,
    },
    /// What the server's ports say.
    Ports { fault: Option<String> },
    /// Nothing is there, or nothing that can be read.
    Nothing { reason: String },
}

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    probe: Probe,
    problem: Option<&'a str>,
    #[serde(flatten)]
    known: &'a Known,
}

/// Answers with the exit code, and on failure with words for people.
pub(crate) async fn run(args: &Hzcheck) -> anyhow::Result<Outcome> {
    let probe = match args {
        Hzcheck { live: true, .. } => Probe::Live,
        Hzcheck { startup: true, .. } => Probe::Startup,
        _ => Probe::Ready,
    };
    let layout = Layout::new(&args.place.path);
    let known = look(&layout, probe, args.report_interval).await;
    let problem = problem(probe, &known);
    if args.json {
        let report = Report {
            probe,
            problem: problem.as_deref(),
            known: &known,
        };
        let code = u8::from(problem.is_some());
        return Ok(Outcome::text(serde_json::to_string(&report)?).with_code(code));
    }
    match problem {
        None => Ok(Outcome::SILENT),
        Some(problem) => Err(anyhow::Error::msg(problem)),
    }
}

async fn look(layout: &Layout, probe: Probe, interval: Duration) -> Known {
    let silence = match supervisor(layout, probe).await {
        Ok(known) => return known,
        Err(error) => error,
    };
    let seen = match file(layout, interval.saturating_mul(2)) {
        Ok(Some(known)) => return known,
        Ok(None) => ports(layout).await,
        Err(error) => Err(error.into()),
    };
    let unknown = match seen {
        Ok(Some(known)) => return known,
        Ok(None) => format!(
            "neither check_status nor server_info.yaml is in `{}`",
            layout.data().display()
        ),
        Err(error) => format!("{error:#}"),
    };
    Known::Nothing {
        reason: format!("{silence}, and {unknown}"),
    }
}

async fn ports(layout: &Layout) -> anyhow::Result<Option<Known>> {
    let Some(info) = ServerInfo::read(layout)? else {
        return Ok(None);
    };
    let looked = Ports::new(&info)?.look().await;
    let fault = looked.err().map(|fault| fault.to_string());
    Ok(Some(Known::Ports { fault }))
}

/// The loop is only asked when it matters. What is slow to answer may be so for the machine: then its file tells.
async fn supervisor(layout: &Layout, probe: Probe) -> Result<Known, AskError> {
    if probe == Probe::Live {
        control::ask_live(layout, LIMIT).await?;
    }
    let status = control::ask_state(layout, LIMIT).await?;
    Ok(Known::Supervisor(Box::new(status)))
}

fn file(layout: &Layout, most: Duration) -> io::Result<Option<Known>> {
    let path = layout.check_status();
    let (text, changed) = match word(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(io::Error::new(
                error.kind(),
                format!("cannot read `{}`: {error}", path.display()),
            ));
        }
    };
    // A clock that was set back makes it young, not old.
    let age = SystemTime::now().duration_since(changed).unwrap_or_default();
    Ok(Some(Known::File {
        state: text.trim().to_owned(),
        seconds_old: age.as_secs(),
        stale: age > most,
    }))
}

/// The file's text, of which a state is only the begin, and its time.
fn word(path: &Path) -> io::Result<(String, SystemTime)> {
    let file = File::open(path)?;
    let changed = file.metadata()?.modified()?;
    let mut text = String::new();
    file.take(WORD).read_to_string(&mut text)?;
    Ok((text, changed))
}

/// What keeps the probe from succeeding. The words are K8STARS', with the reason behind them.
fn problem(probe: Probe, known: &Known) -> Option<String> {
    match known {
        Known::Supervisor(status) => of_status(probe, status),
        Known::File {
            seconds_old,
            stale: true,
            ..
        } => Some(format!(
            "supervisor not alive: it does not answer, and check_status is {seconds_old} s old"
        )),
        Known::File { state, .. } => of_word(probe, state),
        Known::Ports { fault } => fault.as_ref().map(|fault| format!("not ready: {fault}")),
        Known::Nothing { reason } => Some(format!("not ready: {reason}")),
    }
}

fn of_status(probe: Probe, status: &Status) -> Option<String> {
    let is_fine = match probe {
        Probe::Live => true,
        Probe::Startup => status.started,
        Probe::Ready => matches!(status.state, State::Active | State::Deactivating),
    };
    if is_fine {
        return None;
    }
    let word = match probe {
        Probe::Startup => "not ready".to_owned(),
        _ => format!("not active:{}", status.state.as_str()),
    };
    Some(match &status.reason {
        Some(reason) => format!("{word}: {reason}"),
        None => word,
    })
}

/// A server that is inactive was active once.
fn of_word(probe: Probe, state: &str) -> Option<String> {
    let is_fine = match probe {
        Probe::Live => true,
        Probe::Startup => matches!(state, "active" | "inactive" | "deactivating"),
        Probe::Ready => matches!(state, "active" | "deactivating"),
    };
    let word = match probe {
        Probe::Startup => "not ready",
        _ => "not active",
    };
    (!is_fine).then(|| format!("{word}:{state}"))
}
