//! `tars2rs breaking`

use std::path::{Path, PathBuf};

use super::Report;
use crate::breaking::{Comparison, Version};
use crate::cli::{Breaking, MessageFormat};

pub(super) fn run(args: &Breaking) -> Report {
    let version = |path: &Path, dirs: &[PathBuf]| Version {
        paths: vec![path.to_path_buf()],
        include_dirs: dirs.iter().chain(&args.include_dirs).cloned().collect(),
    };
    let (old, new) = (
        version(&args.old, &args.old_include),
        version(&args.new, &args.new_include),
    );
    let mut comparison = match Comparison::of(&old, &new) {
        Ok(comparison) => comparison,
        Err(error) => return error.report(),
    };
    comparison.allow(&args.allow);
    if comparison.is_compatible() {
        return Report::answer("");
    }
    let (text, summary) = match args.message_format {
        MessageFormat::Human => (comparison.text(), comparison.summary()),
        MessageFormat::Short => (comparison.short(), comparison.summary()),
        MessageFormat::Json => (comparison.json(), String::new()),
    };
    Report::found(text).remark(&summary)
}
