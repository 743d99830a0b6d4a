//! `tars2rs fmt`

use std::io::{self, Read as _};
use std::path::Path;

use super::{Report, refusal};
use crate::cli::{Fmt, Messages};
use crate::compile::Refused;
use crate::diag::{Code, Diagnostic};
use crate::format::{self, diff};
use crate::output;
use crate::source::{FsLoader, Loader as _};

pub(super) fn run(args: &Fmt) -> Report {
    let reports = args.files.iter().map(|path| one(path, args));
    reports.fold(Report::answer(""), Report::and)
}

fn one(path: &Path, args: &Fmt) -> Report {
    let stdin = path == Path::new("-");
    let name = if stdin {
        "<stdin>".into()
    } else {
        path.to_string_lossy()
    };
    let old = if stdin { read_stdin() } else { read(path) };
    let old = match old {
        Ok(old) => old,
        Err(reason) => {
            let refused = Refused::unreadable(&name, &reason);
            return findings_of(&refused, &args.messages);
        }
    };
    let new = match format::run(&name, &old) {
        Ok(new) => new,
        Err(refused) => return findings_of(&refused, &args.messages),
    };
    match (args.check, stdin) {
        (true, _) if old == new => Report::answer(""),
        (true, _) => Report::found(format!("{name}\n")).remark(&diff::unified(&name, &old, &new)),
        (false, true) => Report::answer(new),
        (false, false) => write(path, (&old, &new), &args.messages),
    }
}

fn findings_of(refused: &Refused, messages: &Messages) -> Report {
    refusal(refused, messages, format::CONSEQUENCE)
}

fn write(path: &Path, (old, new): (&[u8], &[u8]), messages: &Messages) -> Report {
    let Err(error) = output::replace_if_changed(path, old, new) else {
        return Report::answer("");
    };
    let message = format!("cannot write `{}`: {error}", path.display());
    let refused = Refused {
        diagnostics: vec![Diagnostic::general(Code::Unwritable, message)],
        ..Refused::default()
    };
    findings_of(&refused, messages)
}

fn read_stdin() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|error| error.to_string())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    // A pipe or a device would never end.
    let path = FsLoader.canonical(path).ok_or_else(|| FsLoader.why_not(path))?;
    FsLoader.read(&path).map_err(|error| error.to_string())
}
