//! `tars2rs dump`

use super::{Report, refusal};
use crate::cli::Dump;
use crate::dump;

pub(super) fn run(args: &Dump) -> Report {
    match dump::run(&args.input.files, &args.input.include_dirs) {
        Ok(dumped) => Report::answer(dumped.json).and(refusal(&dumped.found, &args.messages, dump::CONSEQUENCE)),
        Err(refused) => refusal(&refused, &args.messages, dump::CONSEQUENCE),
    }
}
