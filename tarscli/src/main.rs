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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match command::run(cli::Cli::parse().command).await {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tarscli: {error:#}");
            ExitCode::FAILURE
        }
    }
}
