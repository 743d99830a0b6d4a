//! The subcommands, one thin module each: arguments in, text out.

mod breaking;
mod build;
mod check;
mod dump;
mod explain;
mod fmt;
mod lsp;

use std::ffi::OsString;

use crate::cli::{self, Command, Format, Messages};
use crate::compile::Refused;
use crate::config::Error;
use crate::diag::{Diagnostic, json, render_all, short};
use crate::source::SourceMap;

/// How a run ended, as other programs see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All is well, or there are only warnings.
    Success,
    /// The files were read and have mistakes.
    Mistakes,
    /// What was asked for cannot be done: an unknown option, a missing file, an output that cannot be written.
    Usage,
}

/// What a run has to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    answer: Vec<u8>,
    remarks: String,
    exit: Exit,
}

impl Report {
    /// What was asked for, and nothing else to say.
    pub(crate) fn answer(text: impl Into<Vec<u8>>) -> Self {
        Self {
            answer: text.into(),
            remarks: String::new(),
            exit: Exit::Success,
        }
    }

    /// The files have mistakes.
    pub(crate) fn mistakes(text: String) -> Self {
        Self {
            answer: Vec::new(),
            remarks: text,
            exit: Exit::Mistakes,
        }
    }

    /// Joins what two parts of a run have to say; the worse of their ends counts.
    #[must_use]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.answer.extend(other.answer);
        self.remarks.push_str(&other.remarks);
        self.exit = self.exit.max(other.exit);
        self
    }

    /// What was asked for, and it is not as it should be.
    pub(crate) fn found(text: impl Into<Vec<u8>>) -> Self {
        Self {
            exit: Exit::Mistakes,
            ..Self::answer(text)
        }
    }

    /// It cannot be done.
    pub(crate) fn usage(text: String) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::mistakes(text)
        }
    }

    /// Adds what is said besides the answer, on stderr.
    #[must_use]
    pub(crate) fn remark(mut self, text: &str) -> Self {
        self.remarks.push_str(text);
        self
    }

    /// For stdout: what was asked for.
    pub fn stdout(&self) -> &[u8] {
        &self.answer
    }

    /// For stderr: mistakes, warnings, complaints.
    pub fn stderr(&self) -> &str {
        &self.remarks
    }

    /// The exit code: 0, 1 for files with mistakes, 2 for what cannot be done.
    pub fn code(&self) -> u8 {
        match self.exit {
            Exit::Success => 0,
            Exit::Mistakes => 1,
            Exit::Usage => 2,
        }
    }
}

/// Runs the command line tool; the arguments begin with the program's name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Report {
    let cli = match cli::parse(args) {
        Ok(cli) => cli,
        Err(report) => return report,
    };
    match cli.command {
        Command::Build(args) => build::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Dump(args) => dump::run(&args),
        Command::Breaking(args) => breaking::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Lsp(args) => lsp::run(&args),
    }
}

/// What a run found that generates, as it is to be shown, with the exit code for it.
pub(crate) fn findings(diagnostics: &[Diagnostic], sources: &SourceMap, messages: &Messages) -> Report {
    findings_and(diagnostics, sources, messages, "nothing is generated")
}

/// The same of a run that only looks.
fn findings_alone(diagnostics: &[Diagnostic], sources: &SourceMap, messages: &Messages) -> Report {
    findings_and(diagnostics, sources, messages, "")
}

/// What made a run end early, and what comes of it.
fn refusal(refused: &Refused, messages: &Messages, consequence: &str) -> Report {
    findings_and(&refused.diagnostics, &refused.sources, messages, consequence)
}

fn findings_and(diagnostics: &[Diagnostic], sources: &SourceMap, messages: &Messages, consequence: &str) -> Report {
    let errors = diagnostics.iter().filter(|found| found.is_error()).count();
    let text = match messages.format {
        Format::Human => {
            let shown = render_all(diagnostics, sources, messages.style());
            if errors == 0 {
                shown
            } else {
                format!("{shown}{}\n", Error::count(errors, consequence))
            }
        }
        Format::Short => short::lines(diagnostics, sources),
        Format::Json => json::lines(diagnostics, sources),
    };
    if diagnostics.iter().any(Diagnostic::is_of_usage) {
        Report::usage(text)
    } else if errors > 0 {
        Report::mistakes(text)
    } else {
        Report::answer(String::new()).remark(&text)
    }
}
