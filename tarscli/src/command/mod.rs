//! One module a subcommand: each takes its arguments and gives the text to print.

mod notify;

use anyhow::bail;

use crate::cli::Command;

/// Runs `command` and returns what it has to say.
pub(crate) async fn run(command: Command) -> anyhow::Result<String> {
    match command {
        Command::Notify(args) => notify::run(&args).await,
        Command::Version => Ok(env!("CARGO_PKG_VERSION").to_owned()),
        other => bail!("cannot run {other:?} yet"),
    }
}
