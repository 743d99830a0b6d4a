//! A text as the formatter needs it: everything but the blanks, in order.

use super::lexical::{self, Kind};

/// What a lexeme is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LexemeKind {
    /// An identifier.
    Word,
    /// A word of the language.
    Keyword,
    Number,
    Str,
    /// One of `{ } ( ) [ ] < > , ; = : *` or `::`.
    Punct,
    /// `#include "path"`
    Include,
    Comment {
        /// It ends with its line.
        line: bool,
        /// It goes on with the comment that ends the line above, in the same column.
        continues: bool,
    },
}

/// A token, an include or a comment as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lexeme<'s> {
    pub(crate) kind: LexemeKind,
    pub(crate) text: &'s str,
    /// First byte in the text.
    pub(crate) start: usize,
    /// First byte behind.
    pub(crate) end: usize,
}

/// Takes a text apart that has been parsed without an error: what the lexer refuses is left out here.
pub(crate) fn lexemes(text: &str) -> Vec<Lexeme<'_>> {
    let lexed = lexical::lex(text, 0);
    let comments = lexed.comments.iter().map(|comment| Lexeme {
        kind: LexemeKind::Comment {
            line: comment.flavor.is_line(),
            continues: comment.continues,
        },
        text: comment.text,
        start: comment.start,
        end: comment.end,
    });
    let at = |span: crate::source::Span| (span.start as usize, span.end as usize);
    let includes = lexed.includes.iter().map(|include| {
        let (start, end) = at(include.span);
        Lexeme {
            kind: LexemeKind::Include,
            text: &text[start..end],
            start,
            end,
        }
    });
    let tokens = lexed.tokens.iter().filter_map(|token| {
        let (start, end) = at(token.span);
        Some(Lexeme {
            kind: kind(token.kind, &text[start..end])?,
            text: &text[start..end],
            start,
            end,
        })
    });
    let mut all: Vec<Lexeme<'_>> = tokens.chain(comments).chain(includes).collect();
    all.sort_by_key(|lexeme| lexeme.start);
    all
}

fn kind(kind: Kind, text: &str) -> Option<LexemeKind> {
    match kind {
        Kind::Word if super::tokens::is_keyword(text) => Some(LexemeKind::Keyword),
        Kind::Word => Some(LexemeKind::Word),
        Kind::Int | Kind::Float => Some(LexemeKind::Number),
        Kind::Str => Some(LexemeKind::Str),
        Kind::Punct => Some(LexemeKind::Punct),
        Kind::Bad | Kind::End => None,
    }
}
