//! IDL comments as rustdoc: what is Markdown or HTML by accident is escaped, so that rustdoc has nothing to complain about.

use proc_macro2::TokenStream;
use quote::quote;

use crate::text::Doc;

/// What a Doxygen command begins with.
const COMMAND: [char; 2] = ['@', '\\'];

/// Doc attributes of a comment, or of `fallback` when there is none.
pub(super) fn docs(doc: &Doc, fallback: &str) -> TokenStream {
    let mut out = TokenStream::new();
    if doc.is_empty() && !fallback.is_empty() {
        return doc_line(fallback);
    }
    for line in markdown(doc) {
        out.extend(doc_line(&line));
    }
    out
}

/// The lines of a comment as Markdown.
fn markdown(doc: &Doc) -> Vec<String> {
    let mut out = Vec::new();
    // What follows an entry of a list belongs to it when it is indented, and otherwise may be a slip.
    let mut indent = 0;
    for text in doc.lines() {
        let line = sanitise(text);
        let marker = list_marker(&line);
        if marker > 0 || line.is_empty() {
            indent = marker;
            out.push(line);
            continue;
        }
        // A command ends what stands before it, the last parameter too.
        if indent > 0 && text.trim_start().starts_with(COMMAND) {
            indent = 0;
            out.push(String::new());
        }
        out.push(format!("{}{line}", " ".repeat(indent)));
    }
    out
}

/// One line of documentation that is Markdown already.
pub(super) fn doc_line(line: &str) -> TokenStream {
    let text = if line.is_empty() {
        String::new()
    } else {
        format!(" {line}")
    };
    quote!(#[doc = #text])
}

/// Width of the mark that makes the line an entry of a list, or 0.
fn list_marker(line: &str) -> usize {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let end = match (digits, line[digits..].bytes().next()) {
        (0, Some(b'-' | b'*' | b'+')) | (1..=9, Some(b'.' | b')')) => digits + 1,
        _ => return 0,
    };
    if line[end..].starts_with(' ') { end + 1 } else { 0 }
}

/// One line of a comment as Markdown that shows the same text.
fn sanitise(line: &str) -> String {
    let line = doxygen(line.replace(is_no_text, " ").trim());
    let mut out = String::with_capacity(line.len() + 8);
    // Code spans stay when their ticks pair up on the line; a fence would make the rest a test.
    let spans = line.matches('`').count().is_multiple_of(2) && !line.starts_with("```");
    let mut in_code = false;
    let mut before = None;
    let mut rest = line.as_str();
    while let Some(c) = rest.chars().next() {
        let address = if in_code { 0 } else { address(rest) };
        let taken = if address > 0 {
            out.extend(["<", &rest[..address], ">"]);
            address
        } else {
            in_code ^= c == '`' && spans;
            let next = rest[c.len_utf8()..].chars().next();
            if !in_code && means_something(c, (before, next), spans) {
                out.push('\\');
            }
            out.push(c);
            c.len_utf8()
        };
        before = rest[..taken].chars().next_back();
        rest = &rest[taken..];
    }
    out
}

/// Whether rustc refuses the character in documentation: a single carriage return, marks that reverse the text behind
/// them. What else steers a terminal has no place there either.
fn is_no_text(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether Markdown may take the character for markup.
fn means_something(c: char, (before, next): (Option<char>, Option<char>), spans: bool) -> bool {
    let inside_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    match c {
        '[' | ']' | '<' | '>' => true,
        '`' => !spans,
        '\\' => next.is_some_and(|next| next.is_ascii_punctuation()),
        '&' => inside_word(next) || next == Some('#'),
        // A star at the front of the line makes a list, which is what was meant.
        '*' => before.is_some(),
        '_' => !(inside_word(before) && inside_word(next)),
        '~' => next == Some('~') || before == Some('~'),
        _ => false,
    }
}

/// Doxygen commands as they occur in Tars files.
fn doxygen(line: &str) -> String {
    let Some(command) = line.strip_prefix(COMMAND) else {
        return line.to_owned();
    };
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    let rest = rest.trim();
    match word {
        "brief" | "details" => rest.to_owned(),
        "return" | "returns" | "retval" if rest.is_empty() => String::new(),
        "return" | "returns" | "retval" => format!("Returns: {rest}"),
        param if param == "param" || param.starts_with("param[") => {
            let (name, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
                return rest.to_owned();
            }
            format!("- `{name}` {}", text.trim()).trim_end().to_owned()
        }
        _ => line.to_owned(),
    }
}

/// Length of the address that the text begins with, or 0.
fn address(text: &str) -> usize {
    if !(text.starts_with("http://") || text.starts_with("https://")) {
        return 0;
    }
    let end = text
        .find(|c: char| !c.is_ascii_graphic() || "<>()[]{}\"'`|\\^,;".contains(c))
        .unwrap_or(text.len());
    text[..end].trim_end_matches(['.', ':', '!', '?']).len()
}

#[cfg(test)]
mod tests {
    use super::{markdown, sanitise};
    use crate::text::Doc;

    #[test]
    fn accidental_markup_is_escaped() {
        assert_eq!(sanitise("vector<T> x[3]"), "vector\\<T\\> x\\[3\\]");
        assert_eq!(sanitise("see `vector<T>`"), "see `vector<T>`");
        assert_eq!(sanitise("odd ` tick <a>"), "odd \\` tick \\<a\\>");
        assert_eq!(sanitise("```"), "\\`\\`\\`");
        assert_eq!(sanitise("  indented"), "indented");
        assert_eq!(sanitise("a\tb\rc\u{202E}d"), "a b c d");
        assert_eq!(
            sanitise("_a_ &amp; R&D \\n ~~x~~"),
            "\\_a\\_ \\&amp; R\\&D \\n \\~\\~x\\~\\~"
        );
        assert_eq!(sanitise("a_b and *c*"), "a_b and \\*c\\*");
    }

    #[test]
    fn addresses_become_links() {
        assert_eq!(sanitise("see http://a.b/c."), "see <http://a.b/c>.");
        assert_eq!(sanitise("(https://a.b)"), "(<https://a.b>)");
        assert_eq!(sanitise("中http://a.b文"), "中<http://a.b>文");
    }

    #[test]
    fn doxygen_commands_are_read() {
        assert_eq!(sanitise("@brief Finds it"), "Finds it");
        assert_eq!(sanitise("@param id name of <it>"), "- `id` name of \\<it\\>");
        assert_eq!(sanitise("\\return 0"), "Returns: 0");
        assert_eq!(sanitise("@author x"), "@author x");
    }

    #[test]
    fn a_command_ends_the_list_of_parameters() {
        let comment = "@param id the id,\nwhich counts\n@param name\n@return 0,\nor else\n\\note slow";
        let wanted = [
            "- `id` the id,",
            "  which counts",
            "- `name`",
            "",
            "Returns: 0,",
            "or else",
            "\\note slow",
        ];
        assert_eq!(markdown(&Doc::from(comment.to_owned())), wanted);
    }
}
