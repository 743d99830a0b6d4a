//! What can be typed: the only module that knows clap.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::breaking::Allow;
use crate::command::Report;
use crate::diag::{self, Level, Selection, Style};

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
    /// Tells what a code means: a bad example, its message, and what to do.
    Explain(Explain),
    /// Serves editors: the language server protocol over standard input and output.
    Lsp(Lsp),
}

#[derive(Debug, Args)]
pub(crate) struct Build {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) levels: Levels,
    #[command(flatten)]
    pub(crate) messages: Messages,
    /// Directory to write to; made if it does not exist.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) wishes: Wishes,
}

/// What generated code is to be like. PATH is dotted, of the names of the IDL: `Module.Type.field`, a part of it, or `.` for
/// everything.
#[derive(Debug, Args)]
#[command(next_help_heading = "Generated code")]
pub(crate) struct Wishes {
    /// `structs` leaves interfaces out; `client` and `server` give only that side of them.
    #[arg(long, value_name = "PART")]
    pub(crate) only: Option<Part>,
    /// Writes one more file, which includes the others: `mod.rs` makes the directory a module.
    #[arg(long, value_name = "NAME")]
    pub(crate) include_file: Option<String>,
    /// The Rust path of an IDL module that is compiled elsewhere: `tars=::tars::protocol`.
    #[arg(long, value_name = "MODULE=PATH", value_parser = pair)]
    pub(crate) extern_module: Vec<(String, String)>,
    /// The Rust path of a struct or enum that is compiled elsewhere: `tars.EndpointF=::tars::protocol::EndpointF`.
    #[arg(long, value_name = "TYPE=PATH", value_parser = pair)]
    pub(crate) extern_type: Vec<(String, String)>,
    /// The Rust name of what stands at a path: `demo.LEVEL=Level`.
    #[arg(long, value_name = "PATH=NAME", value_parser = pair)]
    pub(crate) rename: Vec<(String, String)>,
    /// Strings that need not be UTF-8.
    #[arg(long, value_name = "PATH")]
    pub(crate) bytes: Vec<String>,
    /// Maps that are `HashMap`s.
    #[arg(long, value_name = "PATH")]
    pub(crate) hash_map: Vec<String>,
    /// Optional fields that are `Option`s.
    #[arg(long, value_name = "PATH")]
    pub(crate) presence: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Structs,
    Client,
    Server,
}

/// `NAME=VALUE`
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("there is no `=`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) levels: Levels,
    #[command(flatten)]
    pub(crate) messages: Messages,
}

/// An editor starts it. Exit codes: 0 after `shutdown` and `exit`, 1 when the session ends in another way.
#[derive(Debug, Args)]
pub(crate) struct Lsp {
    /// Directory to look for included files in, after that of the including file and the root of the workspace; relative to
    /// that root. The editor may add more with the initialization option `includeDirs`.
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub(crate) include_dirs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) levels: Levels,
    /// The only transport there is; editors tend to say so.
    #[arg(long, hide = true)]
    stdio: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// A code, such as T0203; without one, all codes are listed.
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// How seriously findings are taken that are no mistakes. WHAT is a code such as T0901, `portability`, `warnings` or
/// `all`; the narrower one wins.
#[derive(Debug, Args)]
pub(crate) struct Levels {
    /// Makes errors of warnings: of a code, of `portability`, of all `warnings`, or of `all` that could be one.
    #[arg(long, value_name = "WHAT")]
    deny: Vec<Selection>,
    /// Warns of a code, of `portability` or of `all`, where it would not.
    #[arg(long, value_name = "WHAT")]
    warn: Vec<Selection>,
    /// Says nothing of a code, of `portability`, of all `warnings`.
    #[arg(long, value_name = "WHAT")]
    allow: Vec<Selection>,
}

impl Levels {
    /// Adds what was asked for to the levels of the command. Of two for the same the stricter one counts.
    pub(crate) fn over(&self, mut levels: diag::Levels) -> Result<diag::Levels, Report> {
        for (selections, level) in [
            (&self.allow, Level::Allow),
            (&self.warn, Level::Warn),
            (&self.deny, Level::Deny),
        ] {
            for selection in selections {
                levels
                    .set(*selection, level)
                    .map_err(|reason| Report::usage(format!("error: {reason}\n")))?;
            }
        }
        Ok(levels)
    }
}

/// How findings are shown, on stderr.
#[derive(Debug, Args)]
pub(crate) struct Messages {
    /// `human` shows the lines; `short` is a line each; `json` is an object a line, for other programs.
    #[arg(long = "message-format", value_name = "FORMAT", default_value = "human")]
    pub(crate) format: Format,
    /// When `human` messages are coloured: `auto` is on a terminal, unless `NO_COLOR` or `CLICOLOR=0` is set.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Short,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Messages {
    /// Whether stderr gets colours.
    pub(crate) fn style(&self) -> Style {
        self.style_on(std::io::stderr().is_terminal())
    }

    /// Whether stdout gets colours, where findings are what was asked for.
    pub(crate) fn answer_style(&self) -> Style {
        self.style_on(std::io::stdout().is_terminal())
    }

    fn style_on(&self, terminal: bool) -> Style {
        let wanted = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => wants_colour(|name| std::env::var(name).ok(), terminal),
        };
        if wanted { Style::Coloured } else { Style::Plain }
    }
}

/// What the environment says about colours, as <https://no-color.org> and CLICOLOR have it.
fn wants_colour(variable: impl Fn(&str) -> Option<String>, terminal: bool) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    let forced = variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
    let unwanted = variable("CLICOLOR").is_some_and(|value| value == "0");
    let dumb = variable("TERM").is_some_and(|value| value == "dumb");
    !set("NO_COLOR") && (forced || (terminal && !unwanted && !dumb))
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
    #[command(flatten)]
    pub(crate) messages: Messages,
}

/// Names are resolved, enumerators numbered, fields in the order of their tags; included files are in it too. The form is
/// described by tars2rs/schema/dump.schema.json.
#[derive(Debug, Args)]
pub(crate) struct Dump {
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) messages: Messages,
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
    #[command(flatten)]
    pub(crate) messages: Messages,
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
        if error.use_stderr() {
            Report::usage(shown(&error, std::io::stderr().is_terminal()))
        } else {
            Report::answer(shown(&error, std::io::stdout().is_terminal()))
        }
    })
}

/// Help or a complaint, as it is to be shown.
fn shown(error: &clap::Error, terminal: bool) -> String {
    let text = error.render();
    if wants_colour(|name| std::env::var(name).ok(), terminal) {
        text.ansi().to_string()
    } else {
        text.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::wants_colour;

    #[test]
    fn colours_follow_the_environment() {
        let with = |set: &[(&str, &str)], terminal| {
            let value = |name: &str| set.iter().find(|(known, _)| *known == name);
            wants_colour(|name| value(name).map(|(_, value)| (*value).to_owned()), terminal)
        };
        assert!(with(&[], true) && !with(&[], false));
        assert!(!with(&[("NO_COLOR", "1")], true) && with(&[("NO_COLOR", "")], true));
        assert!(!with(&[("CLICOLOR", "0")], true) && with(&[("CLICOLOR", "1")], true));
        assert!(with(&[("CLICOLOR_FORCE", "1")], false) && !with(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
        assert!(!with(&[("TERM", "dumb")], true));
    }
}
