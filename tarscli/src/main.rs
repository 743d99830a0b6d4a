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
mod output;
mod process;
mod server;
mod state;
mod supervisor;

use std::process::ExitCode;

use clap::Parser;

use crate::{cli::Usage, command::Outcome};

/// Bad arguments, or a bad variable of the environment.
const USAGE: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match command::run(cli::Cli::parse().command).await.map(Outcome::into_parts) {
        Ok((text, code)) => {
            if let Some(text) = text {
                println!("{text}");
            }
            ExitCode::from(code)
        }
        Err(error) => {
            eprintln!("tarscli: {error:#}");
            if error.is::<Usage>() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}
