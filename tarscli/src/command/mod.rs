//! One module a subcommand: each takes its arguments and gives what to print and how to end.

mod completion;
mod genconf;
mod hzcheck;
mod notify;
mod outcome;
mod prestop;
mod supervisor;
mod syncdir;
mod version;

use tracing::level_filters::LevelFilter;

pub(crate) use self::outcome::Outcome;
use crate::{cli::Command, output::Log};

/// Runs `command`.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    // The supervisor has a log of its own.
    let log = (!matches!(command, Command::Supervisor(_))).then(|| Log::start(None, LevelFilter::WARN));
    let outcome = match command {
        Command::Supervisor(args) => supervisor::run(&args).await,
        Command::Genconf(args) => genconf::run(&args).await.map(Outcome::text),
        Command::Hzcheck(args) => hzcheck::run(&args).await,
        Command::Notify(args) => notify::run(&args).await.map(Outcome::text),
        Command::Prestop(args) => prestop::run(&args).await,
        Command::Syncdir(args) => syncdir::run(&args).map(Outcome::text),
        Command::Version => Ok(Outcome::text(version::text())),
        Command::Completion(args) => Ok(Outcome::text(completion::script(&args))),
    };
    if let Some(log) = log {
        log.flush().await;
    }
    outcome
}
