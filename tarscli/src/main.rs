//! `tarscli`: the life-cycle tool of Tars servers in containers. See `tarscli help`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one place where this program talks to a terminal"
)]

mod check;
mod cli;
mod command;
mod control;
mod files;
mod generate;
mod layout;
mod leaving;
mod notice;
mod output;
mod process;
mod server;
mod state;
mod supervisor;

use std::{
    io::{self, ErrorKind, Write as _},
    process::ExitCode,
};

use crate::{cli::Command, command::Outcome};

fn main() -> ExitCode {
    let command = match cli::read(std::env::args_os()) {
        Ok(command) => command,
        // Help and the version are answers, not mistakes: clap knows which stream and code they have.
        Err(answer) => {
            let _ = answer.print();
            return u8::try_from(answer.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match run(command).and_then(told) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("tarscli: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the command on one thread. Threads that are left do not hold up the end: the system's resolver may hold some.
fn run(command: Command) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(command::run(command));
    runtime.shutdown_background();
    outcome
}

/// Prints what there is to print. A reader who has gone, as `head` does, wants no more.
fn told(outcome: Outcome) -> anyhow::Result<u8> {
    let (text, code) = outcome.into_parts();
    let Some(text) = text else { return Ok(code) };
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(code),
    }
}
