//! Escapes of keys and values.

use std::borrow::Cow;

/// The characters that follow a backslash in an escape, and what they mean.
const ESCAPES: [(char, char); 5] = [('\\', '\\'), ('r', '\r'), ('n', '\n'), ('t', '\t'), ('=', '=')];

/// What `text` says. A backslash that begins no escape stands for itself.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let meant = chars
            .peek()
            .filter(|_| c == '\\')
            .and_then(|next| ESCAPES.iter().find(|(letter, _)| letter == next));
        match meant {
            Some((_, meant)) => {
                plain.push(*meant);
                chars.next();
            }
            None => plain.push(c),
        }
    }
    Cow::Owned(plain)
}

/// `text` as a line can hold it. Each backslash is escaped, so that TarsCpp reads it too; `=` only in a key, where it
/// would end it.
pub(super) fn escape(text: &str, is_key: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match ESCAPES.iter().find(|(_, meant)| *meant == c) {
            Some((letter, meant)) if is_key || *meant != '=' => escaped.extend(['\\', *letter]),
            _ => escaped.push(c),
        }
    }
    escaped
}
