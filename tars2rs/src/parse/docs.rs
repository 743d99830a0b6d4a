//! Which comments document what, and what they say without their comment marks.

use super::lexical::is_blank;
use crate::text::Doc;

/// How a comment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavor {
    /// `//`
    Line,
    /// `///`, `//!`
    DocLine,
    /// `/* */`, `/** */`
    Block,
}

impl Flavor {
    /// By the first characters of the comment.
    pub(super) fn of(text: &str) -> Self {
        if text.starts_with("/*") {
            Flavor::Block
        } else if (text.starts_with("///") && !text.starts_with("////")) || text.starts_with("//!") {
            Flavor::DocLine
        } else {
            Flavor::Line
        }
    }

    /// Whether it ends with its line.
    pub(super) fn is_line(self) -> bool {
        self != Flavor::Block
    }
}

/// A comment in its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'s> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: &'s str,
    pub(super) flavor: Flavor,
    /// Stands behind a token, or continues a comment that does.
    pub(super) trailing: bool,
    /// Continues the trailing comment of the line above, in the same column.
    pub(super) continues: bool,
    /// Bytes before it on its line.
    pub(super) column: usize,
}

/// The comments of a text, to be asked what belongs to a place. All offsets are local to the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Docs<'t, 's> {
    pub(super) text: &'s str,
    pub(super) comments: &'t [Comment<'s>],
}

impl Docs<'_, '_> {
    /// The comment directly above a declaration, before which there are so many comments.
    pub(super) fn above(&self, start: usize, before: usize) -> Doc {
        let mut first = before;
        let end = first;
        let mut below = start;
        while let Some(comment) = first.checked_sub(1).map(|at| &self.comments[at]) {
            if comment.trailing && comment.flavor.is_line() {
                break;
            }
            let same_run = first == end || (comment.flavor.is_line() && comment.flavor == self.comments[first].flavor);
            match newlines(&self.text[comment.end..below]) {
                Some(0) if first == end && !comment.flavor.is_line() => {}
                Some(1) if same_run && !comment.trailing => {}
                _ => break,
            }
            first -= 1;
            below = comment.start;
            if !comment.flavor.is_line() {
                break;
            }
        }
        clean(&self.comments[first..end])
    }

    /// The comments that end the line behind `end`, if they are the next, before which there are so many comments.
    pub(super) fn behind(&self, end: usize, first: usize) -> Doc {
        let mut after = first;
        let mut from = end;
        while let Some(comment) = self.comments.get(after) {
            if newlines(&self.text[from..comment.start]) != Some(0) {
                break;
            }
            after += 1;
            from = comment.end;
            if comment.flavor.is_line() {
                break;
            }
        }
        let ends_line = self.text[from..]
            .chars()
            .find(|c| !is_blank(*c))
            .is_none_or(|c| c == '\n');
        if !ends_line {
            return Doc::default();
        }
        let more = self.comments[after..]
            .iter()
            .take_while(|comment| comment.continues)
            .count();
        clean(&self.comments[first..after + more])
    }
}

/// Number of line ends in a gap; `None` when there is more than white space.
fn newlines(gap: &str) -> Option<usize> {
    let blank = gap.chars().all(|c| is_blank(c) || c == '\n');
    blank.then(|| gap.bytes().filter(|b| *b == b'\n').count())
}

/// The lines of comments that belong together, without those that say nothing at both ends.
fn clean(comments: &[Comment<'_>]) -> Doc {
    let mut doc = String::with_capacity(comments.iter().map(|comment| comment.text.len()).sum());
    let mut pause = false;
    let mut add = |line: &str| {
        // Doxygen's `/**<` and `///<` point backwards, as the position does already.
        let line = line.trim_start_matches('<').trim().trim_end_matches('*').trim_end();
        if line.is_empty() || is_ornament(line) {
            pause = true;
            return;
        }
        if !doc.is_empty() {
            doc.push_str(if pause { "\n\n" } else { "\n" });
        }
        pause = false;
        doc.push_str(line);
    };
    for Comment { text, .. } in comments {
        match text.strip_prefix("/*").and_then(|text| text.strip_suffix("*/")) {
            Some(block) => block
                .strip_prefix('!')
                .unwrap_or(block)
                .lines()
                .for_each(|line| add(line.trim_ascii().trim_start_matches('*'))),
            None => add(text.trim_start_matches('/').trim_start_matches('!')),
        }
    }
    if !doc.is_ascii() && doc.contains(char::REPLACEMENT_CHARACTER) {
        // Another encoding: the text is lost, which the caller warns about once a file.
        return Doc::default();
    }
    Doc::from(doc)
}

/// A line of `-----` or `=====`.
fn is_ornament(line: &str) -> bool {
    line.len() > 1
        && line
            .chars()
            .all(|c| matches!(c, '-' | '=' | '*' | '/' | '#' | '+' | '_' | '~' | ' '))
}

#[cfg(test)]
mod tests {
    use super::super::lexical::lex;
    use super::super::tokens::{Shared, Tokens};
    use super::*;

    /// The doc of the declaration `x;` in the text.
    fn doc(text: &str) -> Vec<String> {
        let lexed = lex(text, 0);
        let docs = Docs {
            text,
            comments: &lexed.comments,
        };
        let shared = Shared::new(docs, &lexed.tokens, 0, Vec::new());
        let mut input = Tokens::new(&shared);
        while !input.at("x") {
            input = input.advance();
        }
        let start = input.peek();
        let doc = input.advance().advance().doc(start);
        doc.lines().map(str::to_owned).collect()
    }

    #[test]
    fn comments_directly_above_or_behind_belong_to_a_declaration() {
        assert_eq!(doc("// a\n// b\nx;"), ["a", "b"]);
        assert_eq!(doc("/** a\n * b\n */\nx;"), ["a", "b"]);
        assert_eq!(doc("/// a\nx; // b"), ["a", "", "b"]);
        assert_eq!(doc("x; /* b */\n// c"), ["b"]);
        assert_eq!(doc("x; ///< b\n   ///< c\ny;"), ["b", "c"]);
        assert_eq!(doc("/* a */ x;"), ["a"]);
        assert_eq!(doc("/*! a\n!b */ x;"), ["a", "!b"]);
        assert_eq!(doc("x; /*!< a */ /* b */ // c\n// d"), ["a", "b", "c"]);
        assert_eq!(doc("x;\x0B/* a */\x0C\n"), ["a"]);
    }

    #[test]
    fn other_comments_do_not() {
        assert!(doc("// a\n\nx;").is_empty());
        assert!(doc("y; // a\nx;").is_empty());
        assert!(doc("y; // a\n   // b\nx;").is_empty());
        assert!(doc("x; /* c */ y;").is_empty());
        assert!(doc("x; /* c */ y; // d").is_empty());
        assert!(doc("x;\n/* c */ // d").is_empty());
        assert_eq!(doc("// old\n/* new */\nx;"), ["new"]);
        assert_eq!(doc("// plain\n/// doc\nx;"), ["doc"]);
    }

    #[test]
    fn ornaments_and_foreign_encodings_vanish() {
        assert_eq!(doc("//////////\n// a\n//--------\nx;"), ["a"]);
        assert_eq!(doc("/*** a ***/\nx;"), ["a"]);
        assert!(doc("// \u{FFFD}\nx;").is_empty());
    }
}
