//! Tokens as an input of nom, and the smallest parsers over them.

use std::cell::{Cell, RefCell};
use std::iter::{Copied, Enumerate};
use std::slice::Iter;

use nom::combinator::cut;
use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Input, Needed, Parser};

use super::docs::Docs;
use super::lexical::{Kind, Token};
use crate::ast::{Doc, Lost, Name};
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::Span;

/// What the parsers of one file share.
#[derive(Debug)]
pub(super) struct Shared<'t, 's> {
    pub(super) docs: Docs<'t, 's>,
    /// Offset of the file's first byte in the run's count.
    pub(super) base: u32,
    pub(super) errors: RefCell<Vec<Diagnostic>>,
    /// A brace is missing or too many: where modules end is not certain any more.
    pub(super) unbalanced: Cell<bool>,
    pub(super) lost: RefCell<Lost>,
}

/// The tokens not yet read; the last one is always [`Kind::End`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'t, 's> {
    rest: &'t [Token<'s>],
    /// The token just read.
    before: Span,
    pub(super) shared: &'t Shared<'t, 's>,
}

/// A refusal: where, and what to say. Boxed, because parsers hand their result through many hands.
#[derive(Debug)]
pub(super) struct Mistake<'t, 's> {
    pub(super) at: Tokens<'t, 's>,
    /// `None` when it has been said already.
    pub(super) diagnostic: Option<Box<Diagnostic>>,
}

impl<'t, 's> ParseError<Tokens<'t, 's>> for Mistake<'t, 's> {
    fn from_error_kind(input: Tokens<'t, 's>, _: ErrorKind) -> Self {
        input.unexpected("something else")
    }

    fn append(_: Tokens<'t, 's>, _: ErrorKind, other: Self) -> Self {
        other
    }
}

/// What a parser returns.
pub(super) type PResult<'t, 's, T> = IResult<Tokens<'t, 's>, T, Mistake<'t, 's>>;

impl<'t, 's> Tokens<'t, 's> {
    pub(super) fn new(all: &'t [Token<'s>], shared: &'t Shared<'t, 's>) -> Self {
        Self {
            rest: all,
            before: Span::new(shared.base, shared.base),
            shared,
        }
    }

    /// The next token, which is `End` for ever at the end.
    pub(super) fn peek(&self) -> Token<'s> {
        let end = self.before.after();
        self.rest.first().copied().unwrap_or(Token {
            kind: Kind::End,
            text: "",
            span: end,
        })
    }

    /// The token so many behind the next one.
    pub(super) fn peek_behind(&self, count: usize) -> Option<Token<'s>> {
        self.rest.get(count).copied()
    }

    /// Whether the token so many behind the next one is a word.
    pub(super) fn word_behind(&self, count: usize) -> bool {
        self.peek_behind(count).is_some_and(|token| token.kind == Kind::Word)
    }

    /// The same without the next token; the end stays.
    pub(super) fn advance(self) -> Self {
        match self.rest {
            [first, rest @ ..] if first.kind != Kind::End => Self {
                rest,
                before: first.span,
                ..self
            },
            _ => self,
        }
    }

    /// Where the token read last stands.
    pub(super) fn before(&self) -> Span {
        self.before
    }

    /// Whether the next token is this word or punctuation.
    pub(super) fn at(&self, text: &str) -> bool {
        let token = self.peek();
        matches!(token.kind, Kind::Word | Kind::Punct) && token.text == text
    }

    pub(super) fn at_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.at(text))
    }

    /// Whether the next token stands on a later line than the one read last.
    pub(super) fn at_new_line(&self) -> bool {
        let base = self.shared.base;
        let (from, to) = (
            (self.before.end - base) as usize,
            (self.peek().span.start - base) as usize,
        );
        self.peek().kind == Kind::End || self.shared.docs.text[from..to].contains('\n')
    }

    /// Notes a mistake from which parsing goes on at once.
    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.shared.errors.borrow_mut().push(diagnostic);
    }

    /// The refusal of the next token. A token that is an error itself is not complained about twice.
    pub(super) fn unexpected(self, expected: &str) -> Mistake<'t, 's> {
        let token = self.peek();
        let message = match token.kind {
            Kind::Bad => {
                return Mistake {
                    at: self,
                    diagnostic: None,
                };
            }
            Kind::End => format!("expected {expected}, found the end of the file"),
            Kind::Str => format!("expected {expected}, found a string"),
            _ => format!("expected {expected}, found `{}`", token.text),
        };
        self.refuse(Diagnostic::new(Code::Syntax, token.span, message))
    }

    /// The refusal of a word that is none of those that may stand here, perhaps only by a slip.
    pub(super) fn unknown_word(self, expected: &str, known: &[&str]) -> Mistake<'t, 's> {
        let token = self.peek();
        let mut mistake = self.unexpected(expected);
        if token.kind == Kind::Word {
            let translation = suggest::translation(token.text).filter(|word| known.contains(word));
            let meant = translation.or_else(|| suggest::nearest(token.text, known.iter().copied()));
            mistake.diagnostic = mistake.diagnostic.map(|diagnostic| Box::new(diagnostic.meant(meant)));
        }
        mistake
    }

    /// A refusal at the next token.
    pub(super) fn refuse(self, diagnostic: Diagnostic) -> Mistake<'t, 's> {
        Mistake {
            at: self,
            diagnostic: Some(Box::new(diagnostic)),
        }
    }

    /// The comment on the declaration from `start` to the token just read.
    pub(super) fn doc(&self, start: Span) -> Doc {
        let local = |offset: u32| (offset - self.shared.base) as usize;
        self.shared.docs.around(local(start.start), local(self.before.end))
    }

    /// The comment above a declaration and the one behind its opening line.
    pub(super) fn doc_of_block(&self, start: Span, name: Span, brace: Span) -> Doc {
        let local = |offset: u32| (offset - self.shared.base) as usize;
        let docs = &self.shared.docs;
        let mut doc = docs.above(local(start.start));
        let mut behind = docs.behind(local(brace.end));
        if behind.is_empty() {
            behind = docs.behind(local(name.end));
        }
        if !doc.is_empty() && !behind.is_empty() {
            doc.push(String::new());
        }
        doc.extend(behind);
        doc
    }
}

/// An error that no alternative may swallow.
pub(super) fn fail<'t, 's, T>(mistake: Mistake<'t, 's>) -> PResult<'t, 's, T> {
    Err(nom::Err::Failure(mistake))
}

/// This word or punctuation.
pub(super) fn punct<'t, 's: 't>(text: &'static str) -> impl Fn(Tokens<'t, 's>) -> PResult<'t, 's, Span> {
    move |input: Tokens<'t, 's>| {
        if input.at(text) {
            Ok((input.advance(), input.peek().span))
        } else {
            Err(nom::Err::Error(input.unexpected(&format!("`{text}`"))))
        }
    }
}

/// What stands behind this word or punctuation, if it is there. Unlike `opt` of [`punct`] it makes no refusal that
/// nobody wants, and almost every token is asked for something that it is not.
pub(super) fn behind<'t, 's, T>(
    text: &str,
    mut parser: impl FnMut(Tokens<'t, 's>) -> PResult<'t, 's, T>,
    input: Tokens<'t, 's>,
) -> PResult<'t, 's, Option<T>> {
    if input.at(text) {
        let (rest, found) = parser(input.advance())?;
        Ok((rest, Some(found)))
    } else {
        Ok((input, None))
    }
}

/// One or more items with a separator between. Behind a separator there must be an item.
pub(super) fn separated<'t, 's, T>(
    separator: &'static str,
    mut item: impl FnMut(Tokens<'t, 's>) -> PResult<'t, 's, T>,
    input: Tokens<'t, 's>,
) -> PResult<'t, 's, Vec<T>> {
    let (mut input, first) = item(input)?;
    let mut items = vec![first];
    while input.at(separator) {
        let (rest, next) = cut(&mut item).parse(input.advance())?;
        items.push(next);
        input = rest;
    }
    Ok((input, items))
}

/// Words that are never names, except those of operations.
pub(crate) const KEYWORDS: [&str; 24] = [
    "void",
    "struct",
    "bool",
    "byte",
    "short",
    "int",
    "long",
    "float",
    "double",
    "string",
    "vector",
    "map",
    "key",
    "routekey",
    "module",
    "interface",
    "out",
    "require",
    "optional",
    "false",
    "true",
    "enum",
    "const",
    "unsigned",
];

/// Whether a word is never a name. Told by the length of most words already.
pub(super) fn is_keyword(word: &str) -> bool {
    (3..=9).contains(&word.len()) && KEYWORDS.contains(&word)
}

/// A name for `what` ("a field name"). A keyword is reported and taken, so that it costs one error only.
pub(super) fn name<'t, 's: 't>(what: &'static str) -> impl Fn(Tokens<'t, 's>) -> PResult<'t, 's, Name> {
    move |input: Tokens<'t, 's>| {
        let token = input.peek();
        let keyword = is_keyword(token.text);
        // A keyword that goes on stands in the right place: something before it is wrong.
        let misplaced = || input.word_behind(1) || input.advance().at_any(&["*", ":", "<", ">", "::"]);
        if token.kind != Kind::Word || (keyword && misplaced()) {
            return Err(nom::Err::Error(input.unexpected(what)));
        }
        if keyword {
            let message = format!("keyword `{}` cannot be {what}", token.text);
            input.report(Diagnostic::new(Code::KeywordAsName, token.span, message).help("choose another name"));
        }
        Ok((
            input.advance(),
            Name {
                text: token.text.to_owned(),
                span: token.span,
            },
        ))
    }
}

impl<'t, 's> Input for Tokens<'t, 's> {
    type Item = Token<'s>;
    type Iter = Copied<Iter<'t, Token<'s>>>;
    type IterIndices = Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.rest.len()
    }

    fn take(&self, index: usize) -> Self {
        Self {
            rest: &self.rest[..index],
            ..*self
        }
    }

    fn take_from(&self, index: usize) -> Self {
        let before = index.checked_sub(1).map_or(self.before, |last| self.rest[last].span);
        Self {
            rest: &self.rest[index..],
            before,
            ..*self
        }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Self::Item) -> bool>(&self, predicate: P) -> Option<usize> {
        self.rest.iter().position(|token| predicate(*token))
    }

    fn iter_elements(&self) -> Self::Iter {
        self.rest.iter().copied()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if count <= self.rest.len() {
            Ok(count)
        } else {
            Err(Needed::new(count - self.rest.len()))
        }
    }
}
