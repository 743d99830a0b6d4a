//! Text to tokens, comments and includes. Every character of the text is looked at once.

use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_till, take_while, take_while1};
use nom::character::complete::{anychar, char, digit0, digit1, hex_digit1, one_of};
use nom::combinator::{not, opt, recognize, value, verify};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::characters::{self, Joins};
use super::docs::{Comment, Flavor};
use crate::ast::Include;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or a keyword.
    Word,
    Int,
    Float,
    Str,
    /// One of `{ } ( ) [ ] < > , ; = : *` or `::`.
    Punct,
    /// Something already reported: whoever meets it stays silent.
    Bad,
    /// Behind the last token.
    End,
}

/// The smallest unit of the grammar, without its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
    /// How many comments stand before it: the next one is behind it.
    pub(super) comments: u32,
}

/// A text taken apart.
#[derive(Debug, Default)]
pub(super) struct Lexed<'s> {
    /// Ends with a token of kind [`Kind::End`].
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Comment<'s>>,
    pub(super) includes: Vec<Include>,
    pub(super) errors: Vec<Diagnostic>,
}

/// Pieces of text for which one byte is not enough, before they get their meaning.
#[derive(Clone, Copy, Debug)]
enum Piece {
    LineComment,
    BlockComment,
    OpenComment,
    Include,
    /// One with a `;` behind it.
    IncludeSemicolon,
    BadDirective,
    /// `*/` where no comment is open.
    StrayClose,
    /// A text between other quotes than those of a string.
    Quoted,
    Token(Kind),
    OpenString,
    MalformedNumber,
    Illegal,
}

/// Names are not longer, and one mistake is not worth a search through the whole file.
const MOST_JOINED: usize = 100;

/// Takes a whole text apart; `base` is the offset of its first byte in the run's count.
pub(super) fn lex(text: &str, base: u32) -> Lexed<'_> {
    let mut lexer = Lexer {
        text,
        base,
        line_start: 0,
        token_on_line: false,
        open_string: false,
        closed: 0,
        out: Lexed::default(),
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    // The first byte says what almost everything is.
    while let Some(first) = bytes.get(at) {
        let start = at;
        match CLASSES[usize::from(*first)] {
            BLANK => at += 1,
            NEWLINE => {
                at += 1;
                lexer.line(at);
            }
            LETTER => {
                at += run(&bytes[at..], WORD);
                lexer.token(Kind::Word, start, at);
            }
            PUNCT => {
                at += 1;
                lexer.token(Kind::Punct, start, at);
            }
            _ => {
                let (piece, length) = if lexer.is_pointer(at) {
                    (Piece::Token(Kind::Punct), 1)
                } else {
                    piece(&text[at..])
                };
                at += length;
                lexer.take(start, at, piece);
            }
        }
    }
    lexer.token(Kind::End, text.len(), text.len());
    lexer.out
}

struct Lexer<'s> {
    text: &'s str,
    base: u32,
    line_start: usize,
    /// Whether a token stands on the current line already: a comment behind it belongs to it.
    token_on_line: bool,
    /// A string has no end so far: the next quote that opens nothing may be the one.
    open_string: bool,
    /// End of the last `*/` where no comment was open.
    closed: usize,
    out: Lexed<'s>,
}

impl Lexer<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        // The source map holds no text whose offsets do not fit.
        let offset = |at: usize| self.base + u32::try_from(at).unwrap_or(u32::MAX - self.base);
        Span::new(offset(start), offset(end))
    }

    fn take(&mut self, start: usize, end: usize, piece: Piece) {
        match piece {
            Piece::LineComment => self.comment(start, end),
            Piece::BlockComment => {
                self.comment(start, end);
                if let Some(at) = self.text[start..end].rfind('\n') {
                    self.line(start + at + 1);
                }
            }
            Piece::OpenComment => {
                let message = "comment without `*/`";
                self.error(
                    Code::UnterminatedComment,
                    (start, start + 2),
                    message,
                    "the comment begins here",
                );
            }
            Piece::Include => self.include(start, end),
            Piece::BadDirective => self.bad_directive(start, end),
            Piece::Token(kind) => self.token(kind, start, end),
            Piece::OpenString => self.open_string(start, end),
            Piece::StrayClose => self.stray_close(start, end),
            Piece::IncludeSemicolon => self.include_semicolon(start, end),
            Piece::Quoted => {
                let error = characters::quoted(&self.text[start..end], self.span(start, end), self.at_number());
                self.out.errors.push(error);
                self.token(Kind::Bad, start, end);
            }
            Piece::MalformedNumber => self.malformed_number(start, end),
            // One mistake, one message: what stands directly behind a character that is refused belongs to it.
            Piece::Illegal if self.follows_refused(start) => self.token(Kind::Bad, start, end),
            Piece::Illegal => {
                let error = self.illegal(start, end);
                self.out.errors.push(error);
                self.token(Kind::Bad, start, end);
            }
        }
    }

    /// Notes that a line begins.
    fn line(&mut self, start: usize) {
        self.line_start = start;
        self.token_on_line = false;
    }

    /// With its text.
    fn last_token(&self) -> Option<(Token, &str)> {
        let token = self.out.tokens.last()?;
        Some((*token, text_of(token.span, self.base, self.text)))
    }

    /// The token so many before the last one, with its text.
    fn earlier_token(&self, count: usize) -> Option<(Token, &str)> {
        let at = self.out.tokens.len().checked_sub(count + 1)?;
        let token = self.out.tokens[at];
        Some((token, text_of(token.span, self.base, self.text)))
    }

    /// Whether a refused character stands directly before, or this one has been refused in the same name.
    fn follows_refused(&self, start: usize) -> bool {
        let at = self.span(start, start).start;
        let Some((last, text)) = self.last_token().filter(|(last, _)| last.span.end == at) else {
            return false;
        };
        if last.kind == Kind::Bad {
            return !text.starts_with('"');
        }
        let this = self.text.as_bytes()[start];
        let before = self
            .earlier_token(1)
            .filter(|_| last.kind == Kind::Word && matches!(this, b'.' | b'-'));
        before.is_some_and(|(bad, text)| {
            bad.kind == Kind::Bad && bad.span.end == last.span.start && *text.as_bytes() == [this]
        })
    }

    /// The refusal of a character.
    fn illegal(&self, start: usize, end: usize) -> Diagnostic {
        let (found, span) = (&self.text[start..end], self.span(start, end));
        let Some((joins, from)) = self.joined(start) else {
            return characters::illegal(found, span);
        };
        let bytes = self.text.as_bytes();
        let goes_on = |byte: &&u8| CLASSES[usize::from(**byte)] & WORD != 0 || **byte == bytes[start];
        let length = bytes[end..].iter().take(MOST_JOINED).take_while(goes_on).count();
        let whole = self.text[from..end + length].trim_end_matches(found);
        characters::joined(joins, (found, span), (whole, self.span(from, from + whole.len())))
    }

    /// What a `.` or `-` joins, if it stands between two words, and where the first one begins.
    fn joined(&self, start: usize) -> Option<(Joins, usize)> {
        let (mark, next) = (self.text.as_bytes()[start], *self.text.as_bytes().get(start + 1)?);
        let (word, _) = self.last_token()?;
        let adjacent = word.kind == Kind::Word && word.span.end == self.span(start, start).start;
        if !matches!(mark, b'.' | b'-') || !adjacent || CLASSES[usize::from(next)] & LETTER == 0 {
            return None;
        }
        let (before, text) = self.earlier_token(1)?;
        let from = (word.span.start - self.base) as usize;
        let marker = matches!(text, "require" | "optional" | "out" | "routekey" | "in");
        let name = (before.kind == Kind::Word && !marker) || matches!(text, ">" | "*" | "]");
        match mark {
            b'-' if text != "=" => Some((Joins::Name, from)),
            b'.' if name => Some((Joins::Name, from)),
            b'.' if text == "=" => Some((Joins::Value, from)),
            b'.' => Some((Joins::Type, from)),
            _ => None,
        }
    }

    /// Whether the value of a constant or field belongs here whose type is a number.
    fn at_number(&self) -> bool {
        let text = |count| self.earlier_token(count).map_or("", |(_, text)| text);
        text(0) == "=" && matches!(text(2), "byte" | "short" | "int" | "long")
    }

    /// Whether the `*` of `byte *` stands here, with a comment directly behind it.
    fn is_pointer(&self, at: usize) -> bool {
        let rest = &self.text.as_bytes()[at..];
        matches!(rest, [b'*', b'/', b'/' | b'*', ..]) && self.last_token().is_some_and(|(_, text)| text == "byte")
    }

    fn token(&mut self, kind: Kind, start: usize, end: usize) {
        let token = Token {
            kind,
            span: self.span(start, end),
            comments: u32::try_from(self.out.comments.len()).unwrap_or(u32::MAX),
        };
        self.out.tokens.push(token);
        self.token_on_line = true;
    }

    fn error(&mut self, code: Code, at: (usize, usize), message: impl Into<String>, label: &str) {
        let span = self.span(at.0, at.1);
        self.out.errors.push(Diagnostic::new(code, span, message).label(label));
    }

    fn comment(&mut self, start: usize, end: usize) {
        let text = &self.text[start..end];
        let flavor = Flavor::of(text);
        let column = start - self.line_start;
        let continues = self.out.comments.last().is_some_and(|before| {
            before.trailing
                && before.flavor.is_line()
                && flavor.is_line()
                && before.column == column
                && self.text[before.end..start].bytes().filter(|b| *b == b'\n').count() == 1
                && self.text[before.end..start].trim().is_empty()
        });
        let trailing = self.token_on_line || continues;
        self.out.comments.push(Comment {
            start,
            end,
            text,
            flavor,
            trailing,
            continues,
            column,
        });
    }

    fn include(&mut self, start: usize, end: usize) {
        let span = self.span(start, end);
        let path = self.text[start..end].split('"').nth(1).unwrap_or_default().to_owned();
        self.out.includes.push(Include { path, span });
        // A remark behind an include is not about the next declaration.
        self.token_on_line = true;
    }

    fn include_semicolon(&mut self, start: usize, end: usize) {
        let quote = self.text[start..end].rfind('"').map_or(end, |at| start + at + 1);
        self.include(start, quote);
        let semicolon = self.span(end - 1, end);
        let error = Diagnostic::new(Code::BadDirective, semicolon, "`;` behind an include");
        self.out
            .errors
            .push(error.help("an include ends with its line").replace(semicolon, ""));
    }

    fn bad_directive(&mut self, start: usize, end: usize) {
        let line = self.text[start..end].trim_end();
        let span = self.span(start, start + line.len());
        let error = Diagnostic::new(Code::BadDirective, span, "malformed `#` line");
        let error = error.help("the only directive is `#include \"path\"`");
        self.out.errors.push(match characters::include_meant(line) {
            Some(meant) => error.replace(span, meant),
            None => error,
        });
    }

    /// A string over several lines is one mistake: of its two quotes without a partner the first is reported.
    fn open_string(&mut self, start: usize, end: usize) {
        let begins = self.last_token().is_some_and(|(_, before)| before == "=");
        if self.open_string && !begins {
            self.open_string = false;
        } else {
            self.open_string = true;
            let (span, text) = (self.span(start, end), &self.text[start..end]);
            let error = Diagnostic::new(Code::UnterminatedString, span, "string without its closing `\"`");
            // A quote of a word processor does not close it.
            let fine = text.rfind(['\u{201c}', '\u{201d}', '\u{ff02}']);
            let fine = fine.map(|at| (at, text[at..].chars().take(1).collect::<String>()));
            self.out.errors.push(match fine {
                Some((at, quote)) => error
                    .help(format!("`{quote}` is no `\"`"))
                    .replace(self.span(start + at, start + at + quote.len()), "\""),
                None => error,
            });
        }
        self.token(Kind::Bad, start, end);
    }

    /// What stands between the end of a comment that holds a `/*` and this was meant to be in the comment.
    fn stray_close(&mut self, start: usize, end: usize) {
        let error = Diagnostic::new(
            Code::IllegalCharacter,
            self.span(start, end),
            "`*/` where no comment is open",
        );
        // A comment is searched once, however many of these follow it.
        let last = self.out.comments.last().filter(|last| last.end > self.closed);
        self.closed = end;
        let Some(nested) = last.filter(|last| last.text[2..].contains("/*")) else {
            self.out.errors.push(error.help("remove it"));
            return self.token(Kind::Bad, start, end);
        };
        let (from, inner) = (
            self.span(nested.start, nested.start + 2),
            self.span(nested.end, nested.end).start,
        );
        let kept = self.out.tokens.partition_point(|token| token.span.start < inner);
        self.out.tokens.truncate(kept);
        let before = |error: &Diagnostic| error.primary.as_ref().is_none_or(|label| label.span.start < inner);
        while self.out.errors.last().is_some_and(|error| !before(error)) {
            self.out.errors.pop();
        }
        let error = error.related(from, "this comment ended at the first `*/`");
        self.out.errors.push(error.help("comments do not nest"));
    }

    fn malformed_number(&mut self, start: usize, end: usize) {
        let text = &self.text[start..end];
        let span = self.span(start, end);
        let (help, meant) = mended(text);
        let error = Diagnostic::new(Code::MalformedNumber, span, format!("malformed number `{text}`")).help(help);
        self.out.errors.push(match meant {
            Some(meant) => error.replace(span, meant),
            None => error,
        });
        // Still an integer for the grammar; its value is not looked at.
        self.token(Kind::Int, start, end);
    }
}

/// What to do about a malformed number, and the number that was meant, if there is one.
fn mended(text: &str) -> (&'static str, Option<String>) {
    let plain = text.trim_start_matches(['+', '-']);
    let sign = &text[..text.len() - plain.len()];
    let (help, number) = if let Some(digits) = plain.strip_prefix(['0']).and_then(|rest| rest.strip_prefix(['x', 'X']))
    {
        let number = if digits.is_empty() {
            String::new()
        } else {
            format!("0x{digits}")
        };
        ("hexadecimal numbers are written `0x1f`", number)
    } else if let Some((number, _)) = plain.split_once(['e', 'E']) {
        ("there are no digits behind the exponent's sign", number.to_owned())
    } else {
        let number = plain.trim_start_matches('0').to_owned();
        ("a leading 0 makes the number octal; leave it out", number)
    };
    (help, (!number.is_empty()).then(|| format!("{sign}{number}")))
}

/// The stretch of a text that a span means; `base` is the offset of the text's first byte.
pub(super) fn text_of(span: Span, base: u32, text: &str) -> &str {
    &text[(span.start - base) as usize..(span.end - base) as usize]
}

/// What a byte may begin or go on with, as bits.
type Class = u8;

const BLANK: Class = 1;
const LETTER: Class = 2;
const DIGIT: Class = 4;
/// A token by itself.
const PUNCT: Class = 8;
const NEWLINE: Class = 16;
const WORD: Class = LETTER | DIGIT;

/// By the byte: a table is faster than questions.
const CLASSES: [Class; 256] = classes();

const fn classes() -> [Class; 256] {
    let mut classes = [0; 256];
    let mut byte = 0u8;
    while byte < u8::MAX {
        classes[byte as usize] = match byte {
            b' ' | b'\t' | b'\x0B' | b'\x0C' | b'\r' => BLANK,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'{' | b'}' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b',' | b';' | b'=' => PUNCT,
            b'\n' => NEWLINE,
            _ => 0,
        };
        byte += 1;
    }
    classes
}

/// The piece at the front of a text that is not empty, and its length.
fn piece(input: &str) -> (Piece, usize) {
    let found = match input.as_bytes() {
        [b'/', b'/', ..] => return (Piece::LineComment, input.find('\n').unwrap_or(input.len())),
        [b':', b':', ..] => return (Piece::Token(Kind::Punct), 2),
        [b'*', b'/', ..] => return (Piece::StrayClose, 2),
        [b':' | b'*', ..] => return (Piece::Token(Kind::Punct), 1),
        [b'/', b'*', ..] => block_comment(input),
        [b'"', ..] => string(input),
        [b'#', ..] => alt((
            value(Piece::IncludeSemicolon, include_semicolon),
            value(Piece::Include, include),
            value(Piece::BadDirective, take_till(|c| c == '\n')),
        ))
        .parse(input),
        [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => match plain_integer(input.as_bytes()) {
            Some(length) => return (Piece::Token(Kind::Int), length),
            None => alt((number, illegal)).parse(input),
        },
        _ => alt((single_quoted, fine_quoted, illegal)).parse(input),
    };
    // There is always one: any character may be illegal.
    found.map_or((Piece::Illegal, input.len()), |(rest, piece)| {
        (piece, input.len() - rest.len())
    })
}

/// How many bytes in front are of one of the classes.
fn run(bytes: &[u8], classes: Class) -> usize {
    let other = |byte: &u8| CLASSES[usize::from(*byte)] & classes == 0;
    bytes.iter().position(other).unwrap_or(bytes.len())
}

/// The length of digits that are a decimal number and certainly nothing else, as those of tags are.
fn plain_integer(bytes: &[u8]) -> Option<usize> {
    let digits = run(bytes, DIGIT);
    let more = matches!(bytes.get(digits), Some(b'.' | b'e' | b'E' | b'x' | b'X'));
    let octal = digits > 1 && bytes[0] == b'0';
    (digits > 0 && !more && !octal).then_some(digits)
}

fn number(input: &str) -> IResult<&str, Piece> {
    alt((
        value(Piece::MalformedNumber, malformed_number),
        value(Piece::Token(Kind::Float), (opt(one_of("+-")), float)),
        value(Piece::Token(Kind::Int), (opt(one_of("+-")), integer)),
    ))
    .parse(input)
}

fn single_quoted(input: &str) -> IResult<&str, Piece> {
    let text = (char('\''), take_till(|c| matches!(c, '\'' | '\n')), char('\''));
    value(Piece::Quoted, text).parse(input)
}

/// A text on one line between quotes as word processors set them.
fn fine_quoted(input: &str) -> IResult<&str, Piece> {
    let (rest, open) = verify(anychar, |c| characters::closes(*c, *c)).parse(input)?;
    let text = (
        take_till(|c| c == '\n' || characters::closes(open, c)),
        verify(anychar, |c| characters::closes(open, *c)),
    );
    value(Piece::Quoted, text).parse(rest)
}

/// A run of foreign characters is one word that somebody wrote in another script.
fn illegal(input: &str) -> IResult<&str, Piece> {
    value(Piece::Illegal, alt((take_while1(is_foreign), take(1usize)))).parse(input)
}

fn is_foreign(c: char) -> bool {
    !c.is_ascii() || (c.is_ascii_control() && !is_blank(c) && c != '\n')
}

/// What may stand between tokens and means nothing. The standard library's blanks are others.
pub(super) fn is_blank(c: char) -> bool {
    u8::try_from(c).is_ok_and(|byte| CLASSES[usize::from(byte)] == BLANK)
}

fn block_comment(input: &str) -> IResult<&str, Piece> {
    let (rest, _) = tag("/*")(input)?;
    match rest.find("*/") {
        Some(at) => Ok((&rest[at + 2..], Piece::BlockComment)),
        None => Ok(("", Piece::OpenComment)),
    }
}

/// `08`, `0X1F`, `0x`, `1.5e-`: what looks like a number and is none.
fn malformed_number(input: &str) -> IResult<&str, &str> {
    let decimal = recognize((char('0'), digit1, not(one_of(".eE"))));
    let bad_octal = verify(decimal, |text: &str| text.contains(['8', '9']));
    let bad_hex = recognize((
        char('0'),
        char('X'),
        take_while(|c: char| c.is_ascii_alphanumeric() || c == '_'),
    ));
    let empty_hex = recognize((tag("0x"), not(hex_digit1)));
    let empty_exponent = recognize((mantissa, one_of("eE"), one_of("+-"), not(digit1)));
    preceded(opt(one_of("+-")), alt((bad_hex, empty_hex, bad_octal, empty_exponent))).parse(input)
}

/// What stands before an exponent.
fn mantissa(input: &str) -> IResult<&str, &str> {
    alt((point, digit1)).parse(input)
}

fn point(input: &str) -> IResult<&str, &str> {
    let behind = recognize((digit0, char('.'), digit1));
    alt((behind, recognize((digit1, char('.'))))).parse(input)
}

fn integer(input: &str) -> IResult<&str, &str> {
    alt((recognize((tag("0x"), hex_digit1)), digit1)).parse(input)
}

fn float(input: &str) -> IResult<&str, &str> {
    let exponent = || recognize((one_of("eE"), opt(one_of("+-")), digit1));
    let with_point = recognize((point, opt(exponent())));
    let without_point = recognize((digit1, exponent()));
    recognize((alt((with_point, without_point)), opt(one_of("fF")))).parse(input)
}

fn string(input: &str) -> IResult<&str, Piece> {
    let (rest, _) = char('"')(input)?;
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            '\n' => return Ok((&rest[at..], Piece::OpenString)),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok((&rest[at + 1..], Piece::Token(Kind::Str))),
            _ => {}
        }
    }
    Ok(("", Piece::OpenString))
}

/// `#include "path"`, with nothing between `#` and `include`.
fn include(input: &str) -> IResult<&str, &str> {
    let blanks = take_while(|c| c == ' ' || c == '\t');
    let path = take_while1(|c| c != '"' && c != '\n');
    recognize((tag("#include"), blanks, char('"'), path, char('"'))).parse(input)
}

fn include_semicolon(input: &str) -> IResult<&str, &str> {
    let blanks = take_while(|c| c == ' ' || c == '\t');
    recognize((include, blanks, char(';'))).parse(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        lex(text, 0)
            .tokens
            .iter()
            .map(|token| (token.kind, text_of(token.span, 0, text)))
            .filter(|(kind, _)| *kind != Kind::End)
            .collect()
    }

    fn codes(text: &str) -> Vec<&'static str> {
        lex(text, 0).errors.iter().map(|error| error.code.text()).collect()
    }

    #[test]
    fn numbers() {
        for text in ["0", "7", "-5", "+5", "017", "0x1f", "-0xFF", "9999999999999999999999"] {
            assert_eq!(kinds(text), [(Kind::Int, text)]);
        }
        for text in [".5", "5.", "1e3", "1.5f", "-2.5E-3F", "+.5e+7", "08.5", "09e1"] {
            assert_eq!(kinds(text), [(Kind::Float, text)]);
        }
        for text in ["08", "0X1F", "0x", "-019", "1.5e-", "-2E+", ".5e-"] {
            assert_eq!((kinds(text), codes(text)), (vec![(Kind::Int, text)], vec!["T0105"]));
        }
        assert_eq!(kinds("0optional"), [(Kind::Int, "0"), (Kind::Word, "optional")]);
        assert_eq!(kinds("1+2"), [(Kind::Int, "1"), (Kind::Int, "+2")]);
        assert_eq!(kinds("1f"), [(Kind::Int, "1"), (Kind::Word, "f")]);
    }

    #[test]
    fn strings_end_at_their_quote() {
        assert_eq!(kinds(r#""a\"b" x"#), [(Kind::Str, r#""a\"b""#), (Kind::Word, "x")]);
        assert_eq!(kinds(r#""a\\" x"#), [(Kind::Str, r#""a\\""#), (Kind::Word, "x")]);
        assert_eq!(
            (kinds("\"a\nb"), codes("\"a\nb")),
            (vec![(Kind::Bad, "\"a"), (Kind::Word, "b")], vec!["T0103"])
        );
        assert_eq!(codes("\"a\\"), ["T0103"]);
    }

    #[test]
    fn punctuation_and_words() {
        let texts: Vec<&str> = kinds("map<M::S,vector<int>>x_1[2];")
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        assert_eq!(
            texts,
            [
                "map", "<", "M", "::", "S", ",", "vector", "<", "int", ">", ">", "x_1", "[", "2", "]", ";"
            ]
        );
    }

    #[test]
    fn foreign_characters_are_one_error_a_run() {
        assert_eq!(codes("\u{3000}\u{3000}a@"), ["T0101", "T0101"]);
        assert_eq!(codes("/* open"), ["T0102"]);
        assert_eq!(codes("/*/"), ["T0102"]);
        assert_eq!(codes("// no newline"), [""; 0]);
        assert_eq!(codes("/**/ /***/"), [""; 0]);
        let pointer = [(Kind::Word, "byte"), (Kind::Punct, "*"), (Kind::Word, "a")];
        for text in ["byte *// b\na", "byte */* b */a", "byte /* b */ */**/a", "byte*a"] {
            assert_eq!((kinds(text), codes(text)), (pointer.to_vec(), vec![]));
        }
        assert_eq!(codes("/* a /* b */ c */// d"), ["T0101"]);
    }

    #[test]
    fn includes() {
        let lexed = lex("#include \"a.tars\" // \"note\"\n#include\t\"b.tars\"", 0);
        let paths: Vec<&str> = lexed.includes.iter().map(|include| include.path.as_str()).collect();
        assert_eq!(paths, ["a.tars", "b.tars"]);
        assert!(lexed.errors.is_empty());
        for text in [
            "#include <a.tars>",
            "# include \"a\"",
            "#pragma once",
            "#include \"\"",
            "#include \"a",
        ] {
            assert_eq!(codes(text), ["T0110"], "{text}");
        }
    }

    #[test]
    fn trailing_comments_are_known() {
        let lexed = lex("a; // one\n   // two\n// three", 0);
        let trailing: Vec<bool> = lexed.comments.iter().map(|comment| comment.trailing).collect();
        assert_eq!(trailing, [true, true, false]);
    }
}
