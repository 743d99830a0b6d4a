//! The fields of a struct: `TAG require TYPE NAME [= VALUE];`

use super::body::semicolon;
use super::lexical::Kind;
use super::tokens::{PResult, Tokens, behind, fail, is_keyword, silent};
use super::ty::{declarator, integer, must, value};
use crate::ast::{Field, Tag};
use crate::diag::{Code, Diagnostic, foreign};

/// The two words of which a field has one.
const REQUIREMENTS: [&str; 2] = ["require", "optional"];

pub(super) fn field<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Field> {
    let start = input.peek();
    let (rest, Head { tag, require, flaw }) = head(input)?;
    // What comes behind a mistake at the front may only look wrong because of it.
    let heard = |error| if flaw == Flaw::None { error } else { silent(error) };
    let (rest, decl) = must(declarator("a field name"), rest).map_err(heard)?;
    if flaw == Flaw::Bare && !rest.at_any(&[";", "=", "["]) {
        // Only words, such as a comment without its `//`.
        return fail(rest.unexpected("`;`")).map_err(silent);
    }
    let (rest, default) = behind("=", |input| must(value, input), rest).map_err(heard)?;
    let (rest, ()) = semicolon(rest, format_args!("field `{}`", decl.name.text)).map_err(heard)?;
    let doc = rest.doc(start);
    Ok((
        rest,
        Field {
            tag,
            require,
            decl,
            default,
            doc,
        },
    ))
}

/// What stands before the type of a field.
struct Head {
    tag: Option<Tag>,
    require: bool,
    flaw: Flaw,
}

/// What is wrong with a [`Head`], and has been said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// Nothing, or a slip behind which all is clear again.
    None,
    /// Tag or requirement is missing, or stands elsewhere.
    Part,
    /// Both are missing.
    Bare,
}

fn head<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Head> {
    let (token, next) = (input.peek(), input.advance());
    let required = input.at_any(&REQUIREMENTS);
    if token.kind == Kind::Int {
        let tag = tag(input);
        let (rest, (require, flaw)) = requirement(without_colon(next))?;
        return Ok((rest, Head { tag, require, flaw }));
    }
    if token.kind != Kind::Word {
        return Err(nom::Err::Error(input.unexpected("a field or `}`")));
    }
    if required && next.kind() == Kind::Int {
        let both = token.span.to(next.peek().span);
        let right = format!("{} {}", next.peek().text, token.text);
        let error = Diagnostic::new(
            Code::MissingTag,
            both,
            format!("the tag stands before `{}`", token.text),
        );
        input.report(error.help(format!("write `{right}`")).replace(both, right));
        let (tag, require, flaw) = (tag(next), input.at("require"), Flaw::None);
        return Ok((without_colon(next.advance()), Head { tag, require, flaw }));
    }
    let instead = !required && next.at_any(&REQUIREMENTS);
    let message = if instead {
        format!("expected a tag, found `{}`", token.text)
    } else {
        "field without a tag".to_owned()
    };
    let help = if required || instead {
        "a field begins with its tag: `0 require int id;`"
    } else {
        "a field begins with its tag and `require` or `optional`: `0 require int id;`"
    };
    input.report(Diagnostic::new(Code::MissingTag, token.span, message).help(help));
    let rest = if instead { next } else { input };
    let (tag, require) = (None, rest.at("require"));
    Ok(if required || instead {
        let flaw = Flaw::Part;
        (rest.advance(), Head { tag, require, flaw })
    } else {
        let flaw = Flaw::Bare;
        (rest, Head { tag, require, flaw })
    })
}

fn tag(input: Tokens<'_, '_>) -> Option<Tag> {
    let span = input.peek().span;
    integer(input).map(|value| Tag { value, span })
}

/// What stands behind a `:` that other languages have behind a tag.
fn without_colon<'t, 's>(input: Tokens<'t, 's>) -> Tokens<'t, 's> {
    if !input.at(":") {
        return input;
    }
    let error = Diagnostic::new(Code::Syntax, input.peek().span, "unexpected `:`");
    input.report(
        error
            .help("nothing stands between a tag and what follows")
            .replace(input.peek().span, ""),
    );
    input.advance()
}

/// `require` or `optional`: exactly one of them.
fn requirement<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, (bool, Flaw)> {
    let help = "write one of `require` and `optional`";
    let (token, next) = (input.peek(), input.advance());
    if input.at_any(&REQUIREMENTS) {
        let mut rest = next;
        if rest.at_any(&REQUIREMENTS) {
            let second = rest.peek();
            let error = Diagnostic::new(
                Code::MissingRequire,
                second.span,
                format!("unexpected `{}`", second.text),
            );
            rest.report(error.help(help));
        }
        while rest.at_any(&REQUIREMENTS) {
            rest = rest.advance();
        }
        return Ok((rest, (input.at("require"), Flaw::None)));
    }
    if token.kind != Kind::Word && !input.at("::") {
        return fail(input.unexpected("`require` or `optional`"));
    }
    if next.at_any(&REQUIREMENTS) && next.word_behind(1) {
        return behind_a_word(input);
    }
    if let Some(message) = misspelt(&input) {
        let error = Diagnostic::new(Code::MissingRequire, token.span, message).help(help);
        let meant = foreign::meant(token.text, &REQUIREMENTS);
        input.report(error.meant(meant));
        return Ok((next, (meant == Some("require"), Flaw::None)));
    }
    let message = "field is neither `require` nor `optional`";
    input.report(Diagnostic::new(Code::MissingRequire, token.span, message).help(help));
    Ok((input, (false, Flaw::Part)))
}

/// The message about a word in place of the requirement, known by the type and the name behind it.
fn misspelt(input: &Tokens<'_, '_>) -> Option<String> {
    let (word, ty) = (input.peek(), input.advance());
    let goes_on = |text: &str| matches!(text, "<" | "::" | "*" | ":");
    let named = ty.word_behind(1) || ty.peek_behind(1).is_some_and(|token| goes_on(token.text));
    let in_place = ty.word_behind(0) && !ty.at_any(&REQUIREMENTS) && named;
    let other = word.kind == Kind::Word && !is_keyword(word.text) && in_place;
    other.then(|| format!("expected `require` or `optional`, found `{}`", word.text))
}

/// `require` or `optional` with a word before it: the type (`int require a`) or something that does not belong there.
fn behind_a_word<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, (bool, Flaw)> {
    let (word, next) = (input.peek(), input.advance());
    let requirement = next.peek();
    let name_ends = |text: &str| matches!(text, ";" | "=" | "[");
    if next.peek_behind(2).is_some_and(|token| name_ends(token.text)) {
        let both = word.span.to(requirement.span);
        let right = format!("{} {}", requirement.text, word.text);
        let message = format!("`{}` stands before the type", requirement.text);
        let error = Diagnostic::new(Code::MissingRequire, both, message);
        return fail(input.refuse(error.help(format!("write `{right}`")).replace(both, right)));
    }
    let error = Diagnostic::new(Code::Syntax, word.span, format!("unexpected `{}`", word.text));
    let help = format!("`{}` stands directly behind the tag", requirement.text);
    input.report(error.help(help).replace(word.span, ""));
    Ok((next.advance(), (next.at("require"), Flaw::None)))
}
