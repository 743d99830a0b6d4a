//! `tars2rs check`

use super::{Report, findings_alone};
use crate::cli::Check;
use crate::config::Config;
use crate::diag::Levels;

pub(super) fn run(args: &Check) -> Report {
    let levels = match args.levels.over(Levels::default()) {
        Ok(levels) => levels,
        Err(report) => return report,
    };
    let outcome = Config::with(levels).check(&args.input.files, &args.input.include_dirs);
    findings_alone(&outcome.diagnostics, &outcome.sources, &args.messages)
}
