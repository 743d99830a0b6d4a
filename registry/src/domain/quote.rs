//! What a refusal repeats of a request.

/// Characters of a field that a text repeats at most: fields have no bound on the wire, and refusals go to the log too.
const QUOTED: usize = 64;

/// A text of a request, for a refusal: in backquotes, control characters escaped, cut when it is long.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        None => format!("`{}`", text.escape_debug()),
        Some((end, _)) => format!("`{}...`", text[..end].escape_debug()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_whole_and_long_ones_are_cut() {
        assert_eq!(quoted("a\n"), "`a\\n`");
        assert_eq!(quoted(&"\u{e9}".repeat(64)), format!("`{}`", "\u{e9}".repeat(64)));
        assert_eq!(quoted(&"\u{e9}".repeat(65)), format!("`{}...`", "\u{e9}".repeat(64)));
    }
}
