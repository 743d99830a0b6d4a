//! `tars2rs breaking`

use std::path::{Path, PathBuf};

use super::{Report, refusal};
use crate::breaking::{CONSEQUENCE, Comparison, Version};
use crate::cli::{Breaking, Format};

pub(super) fn run(args: &Breaking) -> Report {
    let version = |path: &Path, dirs: &[PathBuf]| Version {
        paths: vec![path.to_path_buf()],
        include_dirs: dirs.iter().chain(&args.include_dirs).cloned().collect(),
    };
    let (old, new) = (
        version(&args.old, &args.old_include),
        version(&args.new, &args.new_include),
    );
    let mut comparison = match Comparison::run(&old, &new) {
        Ok(comparison) => comparison,
        Err(refused) => return refusal(&refused, &args.messages, CONSEQUENCE),
    };
    comparison.allow(&args.allow);
    if comparison.is_compatible() {
        return Report::answer("");
    }
    let (text, summary) = match args.messages.format {
        Format::Human => (comparison.styled(args.messages.answer_style()), comparison.summary()),
        Format::Short => (comparison.short(), comparison.summary()),
        Format::Json => (comparison.json(), String::new()),
    };
    Report::found(text).remark(&summary)
}
