//! `tars2rs fmt`

use std::io::{self, Read as _};
use std::path::Path;

use super::Report;
use crate::cli::Fmt;
use crate::config::Error;
use crate::format::{self, diff};
use crate::output;
use crate::source::{FsLoader, Loader as _};

pub(super) fn run(args: &Fmt) -> Report {
    let reports = args.files.iter().map(|path| one(path, args.check));
    reports.fold(Report::answer(""), Report::and)
}

fn one(path: &Path, check: bool) -> Report {
    let stdin = path == Path::new("-");
    let name = if stdin {
        "<stdin>".into()
    } else {
        path.to_string_lossy()
    };
    let old = if stdin { read_stdin() } else { read(path) };
    let old = match old {
        Ok(old) => old,
        Err(reason) => return Error::unreadable(&name, &reason).report(),
    };
    let new = match format::format(&name, &old) {
        Ok(new) => new,
        Err(error) => return error.report(),
    };
    match (check, stdin) {
        (true, _) if old == new => Report::answer(""),
        (true, _) => Report::found(format!("{name}\n")).remark(&diff::unified(&name, &old, &new)),
        (false, true) => Report::answer(new),
        (false, false) => match output::replace_if_changed(path, &old, &new) {
            Ok(()) => Report::answer(""),
            Err(error) => Error::unwritable(path, &error).report(),
        },
    }
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
