//! Text with lines, columns and indents. Columns count bytes, as the lexer's do.

use super::units::Comment;

/// Blanks of one level.
pub(super) const INDENT: usize = 4;

/// What ends a line without being seen.
const BLANKS: [char; 5] = [' ', '\t', '\r', '\x0B', '\x0C'];

/// Writes text line by line.
#[derive(Debug, Default)]
pub(super) struct Writer {
    out: String,
    /// Bytes on the present line.
    column: usize,
    /// Lines begun so far.
    line: usize,
    /// Line and column of the last comment that stands behind a token, if it ends with its line.
    tail: Option<(usize, usize)>,
}

impl Writer {
    /// A piece of a line.
    pub(super) fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.len();
    }

    /// A blank.
    pub(super) fn space(&mut self) {
        self.text(" ");
    }

    /// Begins a line; the first one is there already.
    pub(super) fn line(&mut self, column: usize, blank: bool) {
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
            self.line += if blank { 2 } else { 1 };
        }
        self.column = 0;
        self.text(&" ".repeat(column));
    }

    /// A comment behind a token.
    pub(super) fn behind(&mut self, comment: &Comment<'_>) {
        if comment.line {
            self.tail = Some((self.line, self.column));
        }
        self.comment(comment);
    }

    /// A line comment that goes on with the one behind a token on the line above.
    pub(super) fn continued(&mut self, comment: &Comment<'_>) {
        let column = self.tail.map_or(self.column, |(_, column)| column);
        self.line(column, false);
        self.behind(comment);
    }

    /// Begins a line for a comment of its own. In the column of the comment that ends the line above it would go on with
    /// that one, which it does not: then it stands one level deeper.
    pub(super) fn own_line(&mut self, indent: usize, blank: bool, comment: &Comment<'_>) {
        let below = self.tail == Some((self.line, indent)) && !blank && comment.line;
        self.line(if below { indent + INDENT } else { indent }, blank);
    }

    /// A comment where the writer stands.
    ///
    /// Where every line of a block begins with `*` the stars are set below each other; other blocks keep their lines.
    pub(super) fn comment(&mut self, comment: &Comment<'_>) {
        let mut lines = comment.text.split('\n').map(|line| line.trim_end_matches(BLANKS));
        let column = self.column;
        self.text(lines.next().unwrap_or_default());
        let mut texts = lines.clone().map(|line| line.trim_start_matches(BLANKS));
        let starred = texts.all(|text| text.is_empty() || text.starts_with('*'));
        for line in lines {
            self.line(0, false);
            let text = line.trim_start_matches(BLANKS);
            if starred && !text.is_empty() {
                self.text(&" ".repeat(column + 1));
            }
            self.text(if starred { text } else { line });
        }
    }

    /// The whole text; a last line without its end gets one.
    pub(super) fn finish(mut self) -> String {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }
}
