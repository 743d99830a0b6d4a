//! One line of the trace: what is known at one point of a call.

use std::borrow::Cow;
use std::fmt;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// Longest name in a line: a function's name may come from anywhere.
const MAX_NAME: usize = 256;

/// Longest text of an error in a line.
const MAX_ERROR: usize = 512;

/// The point of a call that a line tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Annotation {
    /// The client sends.
    Cs,
    /// The client has its answer, or gave up.
    Cr,
    /// The gateway sends: [`Cs`](Self::Cs) where a chain enters the system.
    Ts,
    /// The gateway has its answer, or gave up.
    Te,
    /// The server receives.
    Sr,
    /// The server answers.
    Ss,
}

impl Annotation {
    /// The two letters that stand in a line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cs => "cs",
            Self::Cr => "cr",
            Self::Ts => "ts",
            Self::Te => "te",
            Self::Sr => "sr",
            Self::Ss => "ss",
        }
    }
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One point of a call. As a text it is what Tars' log server expects, without the newline:
/// `TRACEID|SPAN|PARENT|ANNOTATION|CLIENT|SERVER|FUNCTION|UNIX_MS|RET|BASE64(PARAMS)|ERROR`.
///
/// No text in it contains a `|`, a newline or another control character, whatever peers sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// `FLAGS[.MAXLEN]-ID`, as it travels.
    pub trace_id: String,
    /// The call's span at a client; at a server the span that it was called in.
    pub span: String,
    /// The span above at a client, the span itself for a root; `*` at a server.
    pub parent: String,
    /// The point of the call.
    pub annotation: Annotation,
    /// The client's module, `App.Server`; empty at a server, as in TarsCpp.
    pub client: String,
    /// At a client the name of the object called, at a server its own module.
    pub server: String,
    /// The function called.
    pub function: String,
    /// Time of the point, in milliseconds since 1970.
    pub unix_ms: u64,
    /// The return code, 0 where the call begins.
    pub ret: i32,
    /// Parameters as a JSON object, empty when they are not wanted here.
    pub params: Bytes,
    /// Why the call failed, empty when it did not. At most 512 bytes.
    pub error: String,
}

impl Line {
    /// Bytes that it holds, more or less.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.trace_id, &self.span, &self.parent, &self.client, &self.server];
        let texts: usize = texts.iter().map(|text| text.len()).sum();
        size_of::<Self>() + texts + self.function.len() + self.params.len() + self.error.len()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span,
            parent,
            annotation,
            client,
            server,
            function,
            unix_ms,
            ret,
            params,
            error,
        } = self;
        let params = Base64Display::new(params, &STANDARD);
        write!(
            f,
            "{trace_id}|{span}|{parent}|{annotation}|{client}|{server}|{function}|{unix_ms}|{ret}|{params}|{error}"
        )
    }
}

/// A name as it may stand in a line.
pub(super) fn name(text: &str) -> String {
    plain(text, MAX_NAME)
}

/// The text of an error as it may stand in a line.
pub(super) fn error(text: &str) -> String {
    plain(text, MAX_ERROR)
}

/// At most `max` bytes of `text`, without what would end a field or a line.
fn plain(text: &str, max: usize) -> String {
    let cut = &text[..text.floor_char_boundary(max)];
    let odd = |c: char| c == '|' || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut plain = Cow::Borrowed(cut);
    if cut.contains(odd) {
        plain = cut
            .chars()
            .map(|c| if odd(c) { ' ' } else { c })
            .collect::<String>()
            .into();
    }
    plain.into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line() -> Line {
        Line {
            trace_id: "f.2-ab".to_owned(),
            span: "s".to_owned(),
            parent: "*".to_owned(),
            annotation: Annotation::Sr,
            client: String::new(),
            server: "App.Server".to_owned(),
            function: "Add".to_owned(),
            unix_ms: 1_700_000_000_123,
            ret: -7,
            params: Bytes::from_static(br#"{"a":1}"#),
            error: "late".to_owned(),
        }
    }

    #[test]
    fn the_text_has_eleven_fields() {
        let mut line = line();
        assert_eq!(
            line.to_string(),
            "f.2-ab|s|*|sr||App.Server|Add|1700000000123|-7|eyJhIjoxfQ==|late"
        );
        line.params = Bytes::new();
        line.error = String::new();
        assert_eq!(line.to_string(), "f.2-ab|s|*|sr||App.Server|Add|1700000000123|-7||");
    }

    #[test]
    fn texts_are_bounded_and_plain() {
        assert_eq!(error("a|b\nc\r\0d\u{85}e\u{2028}f"), "a b c  d e f");
        assert_eq!(error(&"\u{e4}".repeat(400)).len(), 512);
        assert_eq!(name(&format!("x{}", "\u{e4}".repeat(400))).len(), 255);
    }

    proptest! {
        #[test]
        fn whatever_comes_a_line_is_one_line(function in "\\PC{0,9}[\\x00-\\x9f|]{0,9}", text in ".{0,40}[|\n\r]") {
            let line = Line { function: name(&function), error: error(&text), ..line() }.to_string();
            prop_assert_eq!(line.split('|').count(), 11);
            prop_assert_eq!(line.lines().count(), 1);
        }
    }
}
