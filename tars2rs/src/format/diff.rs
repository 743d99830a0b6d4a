//! What formatting changes, for people to read. The only module that knows similar.

use std::time::Duration;

use similar::TextDiff;

/// Texts that differ in nearly every line take long to compare; then the diff gets longer instead.
const PATIENCE: Duration = Duration::from_millis(200);

/// The change as a unified diff.
pub(crate) fn unified(name: &str, old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&*old, &*new);
    let (before, after) = (name.to_owned(), format!("{name} (formatted)"));
    diff.unified_diff().header(&before, &after).to_string()
}
