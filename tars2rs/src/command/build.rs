//! `tars2rs build`

use super::{Report, findings};
use crate::cli::Build;
use crate::compile::Outcome;
use crate::config::{Config, write_all};
use crate::diag::Levels;

pub(super) fn run(args: &Build) -> Report {
    let levels = match args.levels.over(Levels::of_builds()) {
        Ok(levels) => levels,
        Err(report) => return report,
    };
    let mut outcome = Config::with(levels).run(&args.input.files, &args.input.include_dirs);
    write(&mut outcome, args);
    findings(&outcome.diagnostics, &outcome.sources, &args.messages)
}

/// Writes what came out. A file that cannot be written is a finding too.
fn write(outcome: &mut Outcome, args: &Build) {
    if let Ok(files) = &outcome.files
        && let Err(error) = write_all(files, &args.out)
    {
        outcome.diagnostics.insert(0, error);
    }
}
