//! Tokens, each with what stands between it and the token before.

use crate::parse::lexemes::{Lexeme, LexemeKind};

/// A comment, and how it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'s> {
    pub(super) text: &'s str,
    /// It ends with its line.
    pub(super) line: bool,
}

/// Comments that share a line and stand alone on it.
#[derive(Clone, Debug)]
pub(super) struct Row<'s> {
    pub(super) comments: Vec<Comment<'s>>,
    /// There is an empty line above.
    pub(super) blank: bool,
}

/// The comments between two tokens.
#[derive(Clone, Debug, Default)]
struct Comments<'s> {
    /// On the line of the token before.
    behind: Vec<Comment<'s>>,
    /// Line comments that go on with the last one of `behind`, each on a line of its own, in its column.
    tail: Vec<Comment<'s>>,
    /// Lines of comments alone.
    rows: Vec<Row<'s>>,
    /// On the line of the token itself.
    before: Vec<Comment<'s>>,
}

/// What stands between two tokens. Most have no comment between them, and there are many: hence the box.
#[derive(Clone, Debug, Default)]
pub(super) struct Gap<'s> {
    comments: Option<Box<Comments<'s>>>,
    /// There is an empty line above the token's line.
    pub(super) blank: bool,
    /// Both tokens stand on one line; then all comments are `before`.
    pub(super) joint: bool,
    /// The token begins a line because the comment above must go on ending its own.
    pub(super) apart: bool,
}

impl<'s> Gap<'s> {
    /// Comments on the line of the token before.
    pub(super) fn behind(&self) -> &[Comment<'s>] {
        self.comments.as_ref().map_or(&[], |comments| &comments.behind)
    }

    /// Line comments that go on with the last one of `behind`, each on a line of its own, in its column.
    pub(super) fn tail(&self) -> &[Comment<'s>] {
        self.comments.as_ref().map_or(&[], |comments| &comments.tail)
    }

    /// Lines of comments alone.
    pub(super) fn rows(&self) -> &[Row<'s>] {
        self.comments.as_ref().map_or(&[], |comments| &comments.rows)
    }

    /// Comments on the line of the token itself.
    pub(super) fn before(&self) -> &[Comment<'s>] {
        self.comments.as_ref().map_or(&[], |comments| &comments.before)
    }

    /// Whether some comment makes the token begin a new line, wherever it is put.
    pub(super) fn breaks(&self) -> bool {
        let ends_line = self.behind().iter().any(|comment| comment.line);
        self.apart || ends_line || !self.rows().is_empty() || !self.tail().is_empty()
    }

    /// Whether an empty line may be added below the line of the token before: where the source has none, and no comment
    /// ends there that may be the next declaration's, because one of several lines leads to it.
    pub(super) fn takes_blank(&self) -> bool {
        let blank = self.blank || self.rows().iter().any(|row| row.blank);
        !blank && !self.behind().iter().any(|comment| comment.text.contains('\n'))
    }

    /// The comments on the lines of the two tokens.
    pub(super) fn inline(&self) -> impl Iterator<Item = &Comment<'s>> {
        self.behind().iter().chain(self.before())
    }
}

/// A token or an include with what stands before it; the last one is the end of the file.
#[derive(Clone, Debug)]
pub(super) struct Unit<'s> {
    pub(super) gap: Gap<'s>,
    /// `None` for the end of the file.
    pub(super) kind: Option<LexemeKind>,
    pub(super) text: &'s str,
}

impl Unit<'_> {
    /// Whether it is this punctuation or word.
    pub(super) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    pub(super) fn is_include(&self) -> bool {
        self.kind == Some(LexemeKind::Include)
    }

    pub(super) fn is_end(&self) -> bool {
        self.kind.is_none()
    }
}

/// Groups lexemes of `text` to units.
pub(super) fn units<'s>(text: &'s str, lexemes: &[Lexeme<'s>]) -> Vec<Unit<'s>> {
    let mut units = Vec::with_capacity(lexemes.len());
    let mut gap = Builder::at_start();
    let mut end = 0;
    for lexeme in lexemes {
        let newlines = newlines(&text[end..lexeme.start]);
        end = lexeme.end;
        if let LexemeKind::Comment { line, continues } = lexeme.kind {
            let comment = Comment {
                text: lexeme.text,
                line,
            };
            gap.comment(comment, continues, newlines);
        } else {
            let finished = std::mem::replace(&mut gap, Builder::behind_token());
            units.push(Unit {
                gap: finished.finish(newlines),
                kind: Some(lexeme.kind),
                text: lexeme.text,
            });
        }
    }
    units.push(Unit {
        gap: gap.finish(newlines(&text[end..])),
        kind: None,
        text: "",
    });
    units
}

fn newlines(blanks: &str) -> usize {
    blanks.bytes().filter(|byte| *byte == b'\n').count()
}

/// Puts comments where they belong, one after the other.
struct Builder<'s> {
    comments: Option<Box<Comments<'s>>>,
    /// Nothing but comments has come since the token before, all on its line.
    on_line: bool,
}

impl<'s> Builder<'s> {
    /// The start of the file is the start of a line.
    fn at_start() -> Self {
        Self {
            comments: None,
            on_line: false,
        }
    }

    fn behind_token() -> Self {
        Self {
            comments: None,
            on_line: true,
        }
    }

    fn comment(&mut self, comment: Comment<'s>, continues: bool, newlines: usize) {
        self.on_line &= newlines == 0;
        let comments = self.comments.get_or_insert_default();
        if self.on_line {
            comments.behind.push(comment);
        } else if continues && comments.rows.is_empty() {
            comments.tail.push(comment);
        } else {
            match comments.rows.last_mut() {
                Some(row) if newlines == 0 => row.comments.push(comment),
                _ => comments.rows.push(Row {
                    comments: vec![comment],
                    blank: newlines > 1,
                }),
            }
        }
    }

    fn finish(mut self, newlines: usize) -> Gap<'s> {
        let (mut blank, joint) = (newlines > 1, newlines == 0 && self.on_line);
        if let (Some(comments), 0) = (&mut self.comments, newlines) {
            if joint {
                comments.before = std::mem::take(&mut comments.behind);
            } else if let Some(row) = comments.rows.pop() {
                (comments.before, blank) = (row.comments, row.blank);
            }
        }
        Gap {
            comments: self.comments,
            blank,
            joint,
            apart: false,
        }
    }
}
