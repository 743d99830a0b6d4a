//! What formatting changes, for people to read. The only module that knows similar.

use std::time::Duration;

use similar::TextDiff;

/// Large texts that differ in nearly every line take long to compare; then the diff gets longer instead.
const PATIENCE: Duration = Duration::from_millis(200);

/// Texts of so many bytes are compared to the end: their diff does not depend on how busy the machine is.
const SMALL: usize = 100_000;

/// The change as a unified diff.
pub(crate) fn unified(name: &str, old: &[u8], new: &[u8]) -> String {
    let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    let mut config = TextDiff::configure();
    if old.len() + new.len() > SMALL {
        config.timeout(PATIENCE);
    }
    let diff = config.diff_lines(&*old, &*new);
    let (before, after) = (name.to_owned(), format!("{name} (formatted)"));
    diff.unified_diff().header(&before, &after).to_string()
}
