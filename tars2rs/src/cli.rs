//! What can be typed: the only module that knows clap.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::breaking::Allow;
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
    /// Tells what a new version of files breaks, for whom and why.
    Breaking(Breaking),
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

/// Exit codes: 0 when the new version is compatible, 1 when it is not or when files have mistakes, 2 when the command line
/// cannot be carried out.
#[derive(Debug, Args)]
pub(crate) struct Breaking {
    /// The old version: a file, or a directory whose .tars files are all meant.
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The new version, likewise.
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Directory to look for files in that the old version includes.
    #[arg(long, value_name = "DIR")]
    pub(crate) old_include: Vec<PathBuf>,
    /// Directory to look for files in that the new version includes.
    #[arg(long, value_name = "DIR")]
    pub(crate) new_include: Vec<PathBuf>,
    /// Directory to look for files in that either version includes.
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub(crate) include_dirs: Vec<PathBuf>,
    /// Accepts findings: a code such as T2009, or what may break: `wire`, `names` (JSON and TUP) or `source`.
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    pub(crate) allow: Vec<Allow>,
    /// How findings are written.
    #[arg(long, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) message_format: MessageFormat,
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

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum MessageFormat {
    /// With the lines of the files.
    #[default]
    Human,
    /// One line each.
    Short,
    /// One JSON object a line.
    Json,
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
