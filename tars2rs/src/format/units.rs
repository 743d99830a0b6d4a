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

/// What stands between two tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Gap<'s> {
    /// Comments on the line of the token before.
    pub(super) behind: Vec<Comment<'s>>,
    /// Line comments that go on with the last one of `behind`, each on a line of its own, in its column.
    pub(super) tail: Vec<Comment<'s>>,
    /// Lines of comments alone.
    pub(super) rows: Vec<Row<'s>>,
    /// Comments on the line of the token itself.
    pub(super) before: Vec<Comment<'s>>,
    /// There is an empty line above the token's line.
    pub(super) blank: bool,
    /// Both tokens stand on one line; then all comments are in `before`.
    pub(super) joint: bool,
    /// The token begins a line because the comment above must go on ending its own.
    pub(super) apart: bool,
}

impl<'s> Gap<'s> {
    /// Whether some comment makes the token begin a new line, wherever it is put.
    pub(super) fn breaks(&self) -> bool {
        self.apart || !self.rows.is_empty() || !self.tail.is_empty() || self.behind.iter().any(|comment| comment.line)
    }

    /// Whether an empty line may be added below the line of the token before: where the source has none, and no comment
    /// ends there that may be the next declaration's, because one of several lines leads to it.
    pub(super) fn takes_blank(&self) -> bool {
        let blank = self.blank || self.rows.iter().any(|row| row.blank);
        !blank && !self.behind.iter().any(|comment| comment.text.contains('\n'))
    }

    /// The comments on the lines of the two tokens.
    pub(super) fn inline(&self) -> impl Iterator<Item = &Comment<'s>> {
        self.behind.iter().chain(&self.before)
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
    gap: Gap<'s>,
    /// Nothing but comments has come since the token before, all on its line.
    on_line: bool,
}

impl<'s> Builder<'s> {
    /// The start of the file is the start of a line.
    fn at_start() -> Self {
        Self {
            gap: Gap::default(),
            on_line: false,
        }
    }

    fn behind_token() -> Self {
        Self {
            gap: Gap::default(),
            on_line: true,
        }
    }

    fn comment(&mut self, comment: Comment<'s>, continues: bool, newlines: usize) {
        self.on_line &= newlines == 0;
        if self.on_line {
            self.gap.behind.push(comment);
        } else if continues && self.gap.rows.is_empty() {
            self.gap.tail.push(comment);
        } else {
            match self.gap.rows.last_mut() {
                Some(row) if newlines == 0 => row.comments.push(comment),
                _ => self.gap.rows.push(Row {
                    comments: vec![comment],
                    blank: newlines > 1,
                }),
            }
        }
    }

    fn finish(mut self, newlines: usize) -> Gap<'s> {
        if newlines > 0 {
            self.gap.blank = newlines > 1;
        } else if self.on_line {
            self.gap.joint = true;
            self.gap.before = std::mem::take(&mut self.gap.behind);
        } else if let Some(row) = self.gap.rows.pop() {
            (self.gap.before, self.gap.blank) = (row.comments, row.blank);
        }
        self.gap
    }
}
