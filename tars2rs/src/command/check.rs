//! `tars2rs check`

use super::Report;
use crate::cli::Check;
use crate::config::Config;

pub(super) fn run(args: &Check) -> Report {
    match Config::new().generate(&args.input.files, &args.input.include_dirs) {
        Ok(generated) => Report::answer(String::new()).remark(generated.warnings()),
        Err(error) => error.report(),
    }
}
