//! `tars2rs`, the command line tool: arguments in, text and exit code out.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tars2rs::{Config, Error};

/// Compiles .tars files to Rust.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes one Rust file an IDL module.
    Build {
        #[command(flatten)]
        input: Input,
        /// Directory to write to; made if it does not exist.
        #[arg(short, long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Looks for mistakes and writes nothing.
    Check {
        #[command(flatten)]
        input: Input,
    },
}

#[derive(Debug, clap::Args)]
struct Input {
    /// IDL files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Directory to look for included files in, after that of the including file and the working directory.
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    include_dirs: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Build { input, out } => run(&input).and_then(|generated| generated.write_to(out)),
        Command::Check { input } => run(&input).map(drop),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(input: &Input) -> Result<tars2rs::Generated, Error> {
    let generated = Config::new().generate(&input.files, &input.include_dirs)?;
    complain(generated.warnings());
    Ok(generated)
}

#[expect(clippy::print_stderr, reason = "the one place where the tool speaks")]
fn complain(text: &str) {
    eprint!("{text}");
}
