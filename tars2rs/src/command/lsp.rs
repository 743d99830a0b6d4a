//! `tars2rs lsp`

use super::Report;
use crate::cli::Lsp;
use crate::diag::Levels;
use crate::lsp;

pub(super) fn run(args: &Lsp) -> Report {
    let levels = match args.levels.over(Levels::default()) {
        Ok(levels) => levels,
        Err(report) => return report,
    };
    match lsp::serve(&args.include_dirs, levels) {
        Ok(()) => Report::answer(""),
        Err(reason) => Report::mistakes(format!("error: {reason}\n")),
    }
}
