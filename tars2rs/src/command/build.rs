//! `tars2rs build`

use super::Report;
use crate::cli::Build;
use crate::config::Config;

pub(super) fn run(args: &Build) -> Report {
    let result = Config::new().generate(&args.input.files, &args.input.include_dirs);
    match result.and_then(|generated| generated.write_to(&args.out).map(|()| generated)) {
        Ok(generated) => Report::answer(String::new()).remark(generated.warnings()),
        Err(error) => error.report(),
    }
}
