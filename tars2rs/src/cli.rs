//! What can be typed: the only module that knows clap.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::command::Report;

/// Compiles .tars files to Rust.
///
/// Exit codes: 0 when all is well, 1 when the files have mistakes, 2 when the command line cannot be carried out: an
/// unknown option, a missing file, a directory where a file belongs, an output that cannot be written.
#[derive(Debug, Parser)]
#[command(name = "tars2rs", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes one Rust file an IDL module.
    Build(Build),
    /// Looks for mistakes and writes nothing.
    Check(Check),
    /// Lays files out in the canonical way.
    Fmt(Fmt),
    /// Writes what the files declare as JSON, for other tools.
    Dump(Dump),
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Directory to write to; made if it does not exist.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) input: Input,
}

/// Only the syntax of a file matters: neither are its includes looked for nor its names looked up. A file is written only
/// when it changes, and not at all when its syntax is wrong.
#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// IDL files; `-` is standard input, which is written to standard output.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Writes nothing: names the files that would change, and ends with 1 if there are any.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Names are resolved, enumerators numbered, fields in the order of their tags; included files are in it too. The form is
/// described by tars2rs/schema/dump.schema.json.
#[derive(Debug, Args)]
pub(crate) struct Dump {
    #[command(flatten)]
    pub(crate) input: Input,
}

/// The files of a run.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// IDL files.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Directory to look for included files in, after that of the including file and the working directory.
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub(crate) include_dirs: Vec<PathBuf>,
}

/// Reads the arguments, program name first. What is to be shown instead of running, such as help, is a report.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Report> {
    Cli::try_parse_from(args).map_err(|error| {
        // Clap knows the stream and its colours; when that is gone, there is nobody to tell.
        let _ = error.print();
        if error.use_stderr() {
            Report::usage(String::new())
        } else {
            Report::answer(String::new())
        }
    })
}
