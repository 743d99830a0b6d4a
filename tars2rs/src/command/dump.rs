//! `tars2rs dump`

use super::Report;
use crate::cli::Dump;
use crate::dump;

pub(super) fn run(args: &Dump) -> Report {
    match dump::run(&args.input.files, &args.input.include_dirs) {
        Ok(dumped) => Report::answer(dumped.json).remark(&dumped.warnings),
        Err(error) => error.report(),
    }
}
