//! One module a subcommand: each takes its arguments and gives what to print and how to end.

mod completion;
mod genconf;
mod notify;
mod outcome;
mod version;

use anyhow::bail;

pub(crate) use self::outcome::Outcome;
use crate::cli::Command;

/// Runs `command`.
pub(crate) async fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Genconf(args) => genconf::run(&args).await.map(Outcome::text),
        Command::Notify(args) => notify::run(&args).await.map(Outcome::text),
        Command::Version => Ok(Outcome::text(version::text())),
        Command::Completion(args) => Ok(Outcome::text(completion::script(&args))),
        other => bail!("cannot run {other:?} yet"),
    }
}
