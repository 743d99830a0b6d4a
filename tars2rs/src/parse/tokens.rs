//! Tokens as an input of nom, and the smallest parsers over them.

use std::cell::{Cell, RefCell};
use std::iter::Enumerate;

use nom::combinator::cut;
use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Input, Needed, Parser};

use super::docs::Docs;
use super::lexical::{self, Kind, text_of};
use crate::ast::{Include, Lost, Name};
use crate::diag::{Code, Diagnostic, foreign, suggest};
use crate::source::Span;
use crate::text::{Doc, Texts};

/// What the parsers of one file share.
#[derive(Debug)]
pub(super) struct Shared<'t, 's> {
    pub(super) docs: Docs<'t, 's>,
    pub(super) tokens: &'t [lexical::Token],
    /// The names in the tree.
    pub(super) names: Texts,
    /// Offset of the file's first byte in the run's count.
    pub(super) base: u32,
    pub(super) errors: RefCell<Vec<Diagnostic>>,
    /// Includes that lack their `#`.
    pub(super) includes: RefCell<Vec<Include>>,
    /// Where comments and strings begin that have no end and have taken a `}` with them.
    pub(super) swallowed: Vec<u32>,
    /// A brace is missing or too many: where modules end is not certain any more.
    pub(super) unbalanced: Cell<bool>,
    /// How many more `{` than `}` the file has, without those that have been reported; counted when it is first asked for.
    pub(super) unclosed: Cell<Option<usize>>,
    pub(super) lost: RefCell<Lost>,
}

impl<'t, 's> Shared<'t, 's> {
    /// Of a file in which nothing is wrong yet but `swallowed`.
    pub(super) fn new(docs: Docs<'t, 's>, tokens: &'t [lexical::Token], base: u32, swallowed: Vec<u32>) -> Self {
        Self {
            docs,
            tokens,
            names: Texts::default(),
            base,
            errors: RefCell::default(),
            includes: RefCell::default(),
            swallowed,
            unbalanced: Cell::new(false),
            unclosed: Cell::new(None),
            lost: RefCell::default(),
        }
    }
}

/// A token with its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    pub(super) text: &'s str,
    pub(super) span: Span,
    /// How many comments stand before it.
    comments: u32,
}

/// The tokens not yet read; the last one is always [`Kind::End`]. Small, since every parser takes and returns it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'t, 's> {
    /// How many are read, of how many.
    read: u32,
    count: u32,
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
    pub(super) fn new(shared: &'t Shared<'t, 's>) -> Self {
        Self {
            read: 0,
            // A text of 4 GiB is refused before.
            count: u32::try_from(shared.tokens.len()).unwrap_or(u32::MAX),
            shared,
        }
    }

    /// The next token, which is `End` for ever at the end.
    #[inline]
    pub(super) fn peek(&self) -> Token<'s> {
        self.peek_behind(0).unwrap_or_else(|| Token {
            kind: Kind::End,
            text: "",
            span: self.before().after(),
            comments: 0,
        })
    }

    /// The token so many behind the next one.
    pub(super) fn peek_behind(&self, count: u32) -> Option<Token<'s>> {
        self.raw(self.read + count).map(|token| self.with_text(token))
    }

    /// The kind of the next token.
    pub(super) fn kind(&self) -> Kind {
        self.raw(self.read).map_or(Kind::End, |token| token.kind)
    }

    fn raw(&self, index: u32) -> Option<lexical::Token> {
        if index < self.count {
            self.shared.tokens.get(index as usize).copied()
        } else {
            None
        }
    }

    /// The same with so many more read.
    fn behind(&self, count: usize) -> Self {
        // nom asks for no more than there are.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        Self {
            read: self.read.saturating_add(count).min(self.count),
            ..*self
        }
    }

    fn with_text(&self, token: lexical::Token) -> Token<'s> {
        Token {
            kind: token.kind,
            text: text_of(token.span, self.shared.base, self.shared.docs.text),
            span: token.span,
            comments: token.comments,
        }
    }

    /// Whether the token so many behind the next one is a word.
    pub(super) fn word_behind(&self, count: u32) -> bool {
        let token = self.raw(self.read + count);
        token.is_some_and(|token| token.kind == Kind::Word)
    }

    /// The same without the next token; the end stays.
    pub(super) fn advance(self) -> Self {
        if self.kind() == Kind::End {
            return self;
        }
        Self {
            read: self.read + 1,
            ..self
        }
    }

    /// Where the token read last stands.
    pub(super) fn before(&self) -> Span {
        self.last()
            .map_or(Span::new(self.shared.base, self.shared.base), |token| token.span)
    }

    /// The token read last.
    fn last(&self) -> Option<Token<'s>> {
        let token = self.read.checked_sub(1).and_then(|at| self.raw(at))?;
        Some(self.with_text(token))
    }

    /// Whether the next token is this word or punctuation. Asked several times of every token.
    #[inline]
    pub(super) fn at(&self, text: &str) -> bool {
        self.raw(self.read).is_some_and(|token| {
            let (start, end) = (token.span.start - self.shared.base, token.span.end - self.shared.base);
            (end - start) as usize == text.len()
                && matches!(token.kind, Kind::Word | Kind::Punct)
                && self.shared.docs.text.as_bytes()[start as usize..end as usize] == *text.as_bytes()
        })
    }

    pub(super) fn at_any(&self, texts: &[&str]) -> bool {
        let token = self.peek();
        matches!(token.kind, Kind::Word | Kind::Punct) && texts.contains(&token.text)
    }

    /// Whether the next token stands on a later line than the one read last.
    pub(super) fn at_new_line(&self) -> bool {
        let base = self.shared.base;
        let (from, to) = (
            (self.before().end - base) as usize,
            (self.peek().span.start - base) as usize,
        );
        self.kind() == Kind::End || self.shared.docs.text[from..to].contains('\n')
    }

    /// A stretch of the file's text.
    pub(super) fn text_of(&self, span: Span) -> &'s str {
        text_of(span, self.shared.base, self.shared.docs.text)
    }

    /// Whether a `}` is missing in the file that nobody has missed yet.
    pub(super) fn lacks_brace(&self) -> bool {
        self.unclosed() > 0
    }

    /// Notes that a missing `}` is reported, so that no other is taken for it.
    pub(super) fn brace_missed(&self) {
        self.shared.unclosed.set(Some(self.unclosed().saturating_sub(1)));
    }

    fn unclosed(&self) -> usize {
        if let Some(count) = self.shared.unclosed.get() {
            return count;
        }
        let all = Self::new(self.shared).iter_elements();
        let (mut open, mut close) = (0usize, 0usize);
        for token in all.filter(|token| token.kind == Kind::Punct) {
            open += usize::from(token.text == "{");
            close += usize::from(token.text == "}");
        }
        let count = open.saturating_sub(close);
        self.shared.unclosed.set(Some(count));
        count
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
            let meant = foreign::meant(token.text, known);
            // As other languages have it: for all of the file.
            let for_all = meant == Some("module") && self.peek_behind(2).is_some_and(|token| token.text == ";");
            mistake.diagnostic = mistake.diagnostic.map(|diagnostic| {
                Box::new(if for_all {
                    diagnostic.help("definitions stand in a `module NAME { .. };`")
                } else {
                    diagnostic.meant(meant)
                })
            });
        }
        mistake
    }

    /// The word that begins a definition here. One of `known` that is only misspelt (`strcut A {`) is reported and taken
    /// for what was meant, so that the mistakes behind it are found too.
    pub(super) fn meant(&self, known: &[&'static str]) -> &'s str {
        let token = self.peek();
        if token.kind != Kind::Word || is_keyword(token.text) || !self.word_behind(1) {
            return token.text;
        }
        // What other languages have in a struct is not worth reading; what they have in a module is.
        let module = foreign::word(token.text).filter(|word| *word == "module" && known.contains(word));
        let Some(meant) = module.or_else(|| suggest::nearest(token.text, known.iter().copied())) else {
            return token.text;
        };
        let fits = match meant {
            "const" => self.word_behind(2),
            "key" => false,
            _ => self.peek_behind(2).is_some_and(|brace| brace.text == "{"),
        };
        if !fits {
            return token.text;
        }
        let expected = match known {
            ["module"] => "`module`",
            _ => "`struct`, `enum`, `const`, `interface` or `key`",
        };
        if let Some(error) = self.unknown_word(expected, known).diagnostic {
            self.report(*error);
        }
        meant
    }

    /// A refusal at the next token.
    pub(super) fn refuse(self, diagnostic: Diagnostic) -> Mistake<'t, 's> {
        Mistake {
            at: self,
            diagnostic: Some(Box::new(diagnostic)),
        }
    }

    /// The comment on the declaration from `start` to the token just read: directly above it, without an empty line
    /// between, and at the end of the line behind it.
    pub(super) fn doc(&self, start: Token<'s>) -> Doc {
        let behind = self.last().map(|last| self.doc_behind(last));
        self.doc_above(start).and(behind.unwrap_or_default())
    }

    /// The comment above a declaration and the one behind its opening line: its brace, or its name before that.
    pub(super) fn doc_of_block(&self, start: Token<'s>, (name, brace): (Token<'s>, Token<'s>)) -> Doc {
        let mut behind = self.doc_behind(brace);
        if behind.is_empty() {
            behind = self.doc_behind(name);
        }
        self.doc_above(start).and(behind)
    }

    fn doc_above(&self, token: Token<'s>) -> Doc {
        let start = token.span.start - self.shared.base;
        self.shared.docs.above(start as usize, token.comments as usize)
    }

    fn doc_behind(&self, token: Token<'s>) -> Doc {
        let end = token.span.end - self.shared.base;
        self.shared.docs.behind(end as usize, token.comments as usize)
    }
}

/// An error that no alternative may swallow.
pub(super) fn fail<'t, 's, T>(mistake: Mistake<'t, 's>) -> PResult<'t, 's, T> {
    Err(nom::Err::Failure(mistake))
}

/// An error behind one that has been reported, and that may be there for the same reason only: it is not told.
pub(super) fn silent<'t, 's>(error: nom::Err<Mistake<'t, 's>>) -> nom::Err<Mistake<'t, 's>> {
    error.map(|mistake| Mistake {
        diagnostic: None,
        ..mistake
    })
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
                text: input.shared.names.of(token.text),
                span: token.span,
            },
        ))
    }
}

impl<'t, 's> Input for Tokens<'t, 's> {
    type Item = Token<'s>;
    type Iter = Rest<'t, 's>;
    type IterIndices = Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        (self.count - self.read) as usize
    }

    fn take(&self, index: usize) -> Self {
        Self {
            count: self.behind(index).read,
            ..*self
        }
    }

    fn take_from(&self, index: usize) -> Self {
        self.behind(index)
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Self::Item) -> bool>(&self, predicate: P) -> Option<usize> {
        self.iter_elements().position(predicate)
    }

    fn iter_elements(&self) -> Self::Iter {
        Rest(*self)
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.iter_elements().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        let left = self.input_len();
        if count <= left {
            Ok(count)
        } else {
            Err(Needed::new(count - left))
        }
    }
}

/// The tokens not yet read, one by one.
#[derive(Clone, Debug)]
pub(super) struct Rest<'t, 's>(Tokens<'t, 's>);

impl<'s> Iterator for Rest<'_, 's> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        let token = self.0.peek_behind(0)?;
        self.0.read += 1;
        Some(token)
    }
}
