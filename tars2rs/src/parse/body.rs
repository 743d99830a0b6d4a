//! What stands between braces, and how parsing goes on after a mistake in it.

use std::fmt;

use super::lexical::Kind;
use super::tokens::{Mistake, PResult, Tokens};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Words that begin a definition and never a member of a struct, an enum or an interface.
const DEFINITIONS: [&str; 6] = ["module", "struct", "enum", "interface", "const", "key"];

/// The help where a `;` belongs.
const ENDS: &str = "every definition and every member ends with `;`, also behind a `}`";

/// The members of a body.
#[derive(Debug)]
pub(super) struct Body<T> {
    pub(super) members: Vec<T>,
    /// Something was skipped.
    pub(super) incomplete: bool,
    /// From `{` to `}`.
    pub(super) span: Span,
    /// Whether a `;` belongs behind it, which it does not where even the brace is missing.
    pub(super) wants_semicolon: bool,
}

/// What stands in a body, and with it where that goes on after a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Definitions,
    /// Fields or operations.
    Members,
    /// They end with a comma.
    Enumerators,
}

/// What a body is made of.
#[derive(Debug)]
pub(super) struct Members<F> {
    /// "struct `A`", for messages.
    pub(super) owner: String,
    pub(super) holds: Holds,
    pub(super) member: F,
}

/// `{ member member .. }`, where the member takes its own `;` or `,`.
pub(super) fn body<'t, 's, T, F>(input: Tokens<'t, 's>, of: &Members<F>) -> PResult<'t, 's, Body<T>>
where
    F: Fn(Tokens<'t, 's>) -> PResult<'t, 's, T>,
{
    let (open, opened) = (input.peek().span, input.at("{"));
    let mut body = Body {
        members: Vec::new(),
        incomplete: false,
        span: open,
        wants_semicolon: true,
    };
    let holds_definitions = of.holds == Holds::Definitions;
    let mut input = opening(input, holds_definitions)?;
    loop {
        if input.at("}") {
            input = input.advance();
            break;
        }
        if at_bad_brace(&input) {
            input = input.advance();
            body.incomplete = true;
            break;
        }
        if !holds_definitions && begins_definition(&input) && is_nested(input) {
            body.incomplete = true;
            input = recover(nested(input, &of.owner), input, of.holds);
            continue;
        }
        let empty = input.before() == open && input.at(";") && input.lacks_brace();
        if empty || brace_is_lost(&input, holds_definitions) {
            let message = format!("{} is not closed", of.owner);
            let error = Diagnostic::new(Code::UnclosedBrace, open, message).label("this `{` has no `}`");
            // Where the brace has been missed at the front, or is in a text without its end, that has been said.
            if opened && !lost_in_text(&input, open) {
                input.report(error.related(input.before().after(), "`};` expected here at the latest"));
            }
            input.brace_missed();
            input.shared.unbalanced.set(!input.at(";"));
            input = if input.at(";") { input.advance() } else { input };
            (body.wants_semicolon, body.incomplete) = (false, true);
            break;
        }
        if let Some(rest) = semicolon_before_brace(input) {
            (body.wants_semicolon, body.incomplete) = (false, true);
            input = rest;
            break;
        }
        if input.at(";") {
            body.incomplete = true;
            input = stray_semicolons(input, "remove it");
            continue;
        }
        match (of.member)(input) {
            Ok((rest, member)) => {
                body.members.push(member);
                input = rest;
            }
            Err(error) => {
                body.incomplete = true;
                input = recover(error, input, of.holds);
            }
        }
    }
    body.span = open.to(input.before());
    Ok((input, body))
}

/// The `{` of a body. Where no other one can be meant, it was only forgotten.
fn opening<'t, 's>(
    input: Tokens<'t, 's>,
    holds_definitions: bool,
) -> Result<Tokens<'t, 's>, nom::Err<Mistake<'t, 's>>> {
    if input.at("{") {
        let rest = input.advance();
        if rest.at("{") {
            rest.report(Diagnostic::new(Code::Syntax, rest.peek().span, "unexpected `{`"));
            return Ok(rest.advance());
        }
        return Ok(rest);
    }
    if input.at(";") && input.advance().at("{") {
        let span = input.peek().span;
        let error = Diagnostic::new(Code::Syntax, span, "expected `{`, found `;`");
        input.report(error.help("remove the `;`").replace(span, ""));
        return Ok(input.advance().advance());
    }
    let mut mistake = input.unexpected("`{`");
    if input.at_any(&["extends", ":"]) {
        let help = "there is no inheritance: hold the other one in a field, or repeat its members";
        mistake.diagnostic = mistake.diagnostic.map(|diagnostic| Box::new(diagnostic.help(help)));
    }
    if input.at(";") && holds_definitions && begins_definition(&input.advance()) {
        let help = "what a module holds stands between braces: `module name { .. };`";
        let refused = mistake.diagnostic.into_iter();
        refused.for_each(|diagnostic| input.report(diagnostic.help(help)));
        return Ok(input.advance());
    }
    if input.at(";") {
        let help = "there are no forward declarations, and none are needed: what is declared further below is known";
        mistake.diagnostic = mistake.diagnostic.map(|diagnostic| Box::new(diagnostic.help(help)));
    }
    if input.kind() == Kind::Bad {
        // `C.D {` instead of `C {`, or a bad mark instead of the brace.
        let mut rest = input.advance();
        while !begins_definition(&rest) && (rest.word_behind(0) || rest.kind() == Kind::Bad) && brace_ahead(rest) {
            rest = rest.advance();
        }
        return Ok(if rest.at("{") { rest.advance() } else { rest });
    }
    if input.at("}") && !input.at_new_line() {
        mistake
            .diagnostic
            .into_iter()
            .for_each(|diagnostic| input.report(*diagnostic));
        return Ok(input);
    }
    let definition = begins_definition(&input);
    let other = if definition {
        !holds_definitions
    } else {
        brace_ahead(input)
    };
    if other || !matches!(input.kind(), Kind::Word | Kind::Int) {
        return Err(nom::Err::Failure(mistake));
    }
    mistake
        .diagnostic
        .into_iter()
        .for_each(|diagnostic| input.report(*diagnostic));
    Ok(input)
}

/// Whether the `}` should have come before what stands here.
fn brace_is_lost(input: &Tokens<'_, '_>, holds_definitions: bool) -> bool {
    input.kind() == Kind::End || ends_body(input, holds_definitions) || belongs_outside(input, holds_definitions)
}

/// Whether a comment or a string without its end, somewhere behind `open`, has taken a brace with it.
fn lost_in_text(input: &Tokens<'_, '_>, open: Span) -> bool {
    let end = input.peek().span.start;
    let swallowed = &input.shared.swallowed;
    swallowed.iter().any(|start| (open.start..end).contains(start))
}

/// Whether what begins here stands outside the body, which lacks its `}` then: a definition where there are members, and a
/// module in a module where a brace is missing. With all braces in place it is nested, as other languages allow.
fn belongs_outside(input: &Tokens<'_, '_>, holds_definitions: bool) -> bool {
    if holds_definitions {
        input.at("module") && input.lacks_brace()
    } else {
        begins_definition(input)
    }
}

/// Whether the definition that begins here, in a body that holds none, is closed before that body is: then it stands inside
/// it, as other languages allow. Otherwise the body lacks its `}`. What follows the `}` that is left over tells: the end of a
/// module is followed by another module or by nothing.
fn is_nested(mut input: Tokens<'_, '_>) -> bool {
    // One mistake is not worth a search through the whole file.
    const FAR: usize = 300;
    if input.at("module") {
        return false;
    }
    let mut depth = 0usize;
    for _ in 0..FAR {
        if depth == 0 && begins_member(&input) {
            return true;
        }
        if input.at("{") {
            depth += 1;
        } else if input.at("}") && depth > 0 {
            depth -= 1;
        } else if input.at("}") {
            let rest = input.advance();
            let rest = if rest.at(";") { rest.advance() } else { rest };
            return rest.kind() != Kind::End && !rest.at("module");
        }
        input = input.advance();
    }
    false
}

/// The refusal of a definition inside a body that holds none.
fn nested<'t, 's>(input: Tokens<'t, 's>, owner: &str) -> nom::Err<Mistake<'t, 's>> {
    let token = input.peek();
    let what = match token.text {
        "enum" => "an enum",
        "interface" => "an interface",
        "const" => "a constant",
        "key" => "a `key[..]`",
        _ => "a struct",
    };
    let error = Diagnostic::new(Code::Syntax, token.span, format!("{what} inside {owner}"));
    nom::Err::Failure(input.refuse(error.help("definitions do not nest; put it beside, in the module")))
}

/// Whether the brace comes after all, behind a few words that do not belong there.
fn brace_ahead(mut input: Tokens<'_, '_>) -> bool {
    for _ in 0..20 {
        if input.at_any(&["{", "}", ";"]) {
            return input.at("{");
        }
        input = input.advance();
    }
    false
}

/// Whether a `;` stands where a member belongs, and ends the body rather than a member: the `}` before it is missing.
pub(super) fn ends_body(input: &Tokens<'_, '_>, holds_definitions: bool) -> bool {
    if !input.at(";") {
        return false;
    }
    let rest = input.advance();
    let other = if holds_definitions {
        rest.at("module")
    } else {
        (input.at_new_line() && input.lacks_brace()) || begins_definition(&rest)
    };
    other || rest.kind() == Kind::End
}

/// `;}` for `};`, reported: what stands behind it.
fn semicolon_before_brace<'t, 's>(input: Tokens<'t, 's>) -> Option<Tokens<'t, 's>> {
    if !before_brace(input) {
        return None;
    }
    let brace = input.advance();
    let both = input.peek().span.to(brace.peek().span);
    let error = Diagnostic::new(Code::Syntax, both, "the `;` stands behind the `}`");
    input.report(error.help("write `};`").replace(both, "};"));
    Some(brace.advance())
}

/// Whether a `;` has changed places with the `}` behind it.
pub(super) fn before_brace(input: Tokens<'_, '_>) -> bool {
    let brace = input.advance();
    input.at(";") && brace.at("}") && !brace.advance().at(";")
}

/// Semicolons where none belongs, reported once: what stands behind them.
pub(super) fn stray_semicolons<'t, 's>(input: Tokens<'t, 's>, help: &str) -> Tokens<'t, 's> {
    let mut rest = input;
    while rest.at(";") {
        rest = rest.advance();
    }
    let span = input.peek().span.to(rest.before());
    let error = Diagnostic::new(Code::Syntax, input.peek().span, "unexpected `;`");
    input.report(error.help(help).replace(span, ""));
    rest
}

/// Whether something unreadable stands where the `}` belongs.
pub(super) fn at_bad_brace(input: &Tokens<'_, '_>) -> bool {
    input.kind() == Kind::Bad && input.peek_behind(1).is_some_and(|token| token.text == ";")
}

/// Whether a definition begins here rather than a member: `struct A`, `key[`, but not the operation `struct(`.
fn begins_definition(input: &Tokens<'_, '_>) -> bool {
    let second = input.peek_behind(1);
    input.at_any(&DEFINITIONS)
        && second.is_some_and(|token| token.kind == Kind::Word || (input.at("key") && token.text == "["))
}

/// Whether a field or an operation certainly begins here: `0 require`, and on a new line `void f(`, `int f(`.
fn begins_member(input: &Tokens<'_, '_>) -> bool {
    let behind = |count| input.peek_behind(count).map_or("", |token| token.text);
    match input.kind() {
        Kind::Int => matches!(behind(1), "require" | "optional"),
        Kind::Word => input.at_new_line() && input.word_behind(1) && behind(2) == "(",
        _ => false,
    }
}

/// Reports a mistake and goes behind the next `;`, behind the next `,` among enumerators, or to the `}` that ends the surrounding body.
pub(super) fn recover<'t, 's>(error: nom::Err<Mistake<'t, 's>>, start: Tokens<'t, 's>, holds: Holds) -> Tokens<'t, 's> {
    let mistake = match error {
        nom::Err::Error(mistake) | nom::Err::Failure(mistake) => mistake,
        // Only streaming parsers say this, and there are none.
        nom::Err::Incomplete(_) => start.unexpected("more"),
    };
    if let Some(diagnostic) = mistake.diagnostic {
        start.report(*diagnostic);
    }
    let end = skip(start, mistake.at, holds);
    lose(start, end, holds == Holds::Definitions);
    end
}

/// Notes the words of a stretch that is left out, so that nobody misses what it may have declared.
fn lose(start: Tokens<'_, '_>, end: Tokens<'_, '_>, definitions: bool) {
    let mut lost = start.shared.lost.borrow_mut();
    let until = end.peek().span.start;
    let mut input = start;
    while input.kind() != Kind::End && input.peek().span.start < until {
        let token = input.peek();
        let begins = input.at_any(&DEFINITIONS);
        input = input.advance();
        let next = input.peek();
        if begins && definitions && next.kind != Kind::Word && !token.text.starts_with("key") {
            lost.anything = true;
        }
        if token.kind != Kind::Word {
            // In the place of a name it may have been any.
            lost.any_member |= token.kind == Kind::Bad && !definitions;
            continue;
        }
        if definitions {
            lost.definitions.insert(token.text.to_owned());
        } else {
            lost.members.insert(token.text.to_owned());
        }
        if begins && next.kind == Kind::Word {
            lost.definitions.insert(next.text.to_owned());
        }
    }
}

/// Skips from `start`, whose braces count, to the end of what holds the token at `mistake`.
fn skip<'t, 's>(start: Tokens<'t, 's>, mistake: Tokens<'t, 's>, holds: Holds) -> Tokens<'t, 's> {
    let wrong = mistake.peek().span.start;
    let (mut depth, mut parens) = (0usize, 0usize);
    let mut closed = false;
    let mut input = start;
    while input.kind() != Kind::End {
        let behind = depth == 0 && input.peek().span.start >= wrong;
        let begins = (begins_definition(&input) && (input.at_new_line() || closed))
            || (begins_member(&input) && (parens == 0 || input.at_new_line()));
        if depth == 0 && input.at("}") {
            return input;
        }
        if behind && (input.at(";") || (holds == Holds::Enumerators && parens == 0 && input.at(","))) {
            let rest = input.advance();
            let too_early = input.peek().span.start == wrong;
            if !(input.at(",") && goes_on_behind_comma(&rest, too_early)) {
                return if too_early && input.at(";") {
                    without_remnant(rest)
                } else {
                    rest
                };
            }
        }
        if behind && begins && input.before() != start.before() {
            // The mistake has swallowed a `;`: better to lose one definition than two.
            return input;
        }
        match input.peek().text {
            "{" => depth += 1,
            "}" => depth -= 1,
            "(" => parens += 1,
            ")" => parens = parens.saturating_sub(1),
            _ => {}
        }
        closed = input.at("}");
        input = input.advance();
    }
    input
}

/// Whether no enumerator begins behind this comma: another comma, or a value that the comma has cut off, belongs to the same
/// mistake.
fn goes_on_behind_comma(rest: &Tokens<'_, '_>, too_early: bool) -> bool {
    let behind = rest.advance();
    match rest.kind() {
        Kind::Int | Kind::Float | Kind::Str => true,
        Kind::Word if rest.at_new_line() => false,
        Kind::Word => too_early && !behind.at_new_line() && !behind.at_any(&[",", "}", "=", ";"]),
        _ => rest.at_any(&[",", "="]),
    }
}

/// What stands behind a `;` that came too early. A single token left on its line is the rest of what it has cut off.
fn without_remnant<'t, 's>(input: Tokens<'t, 's>) -> Tokens<'t, 's> {
    let rest = input.advance();
    let alone = rest.at_any(&["}", ";"]) || rest.at_new_line() || begins_member(&rest);
    if input.at_new_line() || input.at_any(&["}", ";"]) || !alone {
        return input;
    }
    if rest.at(";") { rest.advance() } else { rest }
}

/// The `;` behind `what`. A missing one that can only be a slip is reported and taken as written.
pub(super) fn semicolon<'t, 's>(input: Tokens<'t, 's>, what: fmt::Arguments<'_>) -> PResult<'t, 's, ()> {
    if input.at(";") {
        return Ok((once(input), ()));
    }
    if let Some(rest) = instead_of_semicolon(input) {
        return Ok((rest, ()));
    }
    let slip = input.at("}") || input.at_new_line() || begins_member(&input);
    if !slip {
        return Err(nom::Err::Failure(input.unexpected("`;`")));
    }
    if input.kind() != Kind::Bad {
        input.report(missing_semicolon(input.before(), &what.to_string()));
    }
    Ok((input, ()))
}

/// Another mark at the end of a member or a definition, reported: what stands behind it.
fn instead_of_semicolon<'t, 's>(input: Tokens<'t, 's>) -> Option<Tokens<'t, 's>> {
    let (mark, rest) = (input.peek(), input.advance());
    let ends = rest.at("}") || rest.at_new_line() || begins_member(&rest) || begins_definition(&rest);
    if !input.at_any(&[",", ":"]) || input.at_new_line() || !ends {
        return None;
    }
    let error = Diagnostic::new(Code::Syntax, mark.span, format!("expected `;`, found `{}`", mark.text));
    input.report(error.help(ENDS).replace(mark.span, ";"));
    Some(rest)
}

/// What stands behind a `;`. A second one is left out, unless it may be what is left of a `};`.
fn once<'t, 's>(semicolon: Tokens<'t, 's>) -> Tokens<'t, 's> {
    let second = semicolon.advance();
    if !second.at(";") || second.at_new_line() || second.lacks_brace() || before_brace(second) {
        return second;
    }
    stray_semicolons(second, "one `;` is enough")
}

/// The `;` behind the `}` of `what`: without it parsing goes on anyway.
pub(super) fn semicolon_after_brace<'t, 's>(input: Tokens<'t, 's>, what: &str) -> Tokens<'t, 's> {
    if input.at(";") {
        return once(input);
    }
    if let Some(rest) = instead_of_semicolon(input) {
        return rest;
    }
    let word = input.peek();
    if word.kind == Kind::Word && !input.at_new_line() && input.peek_behind(1).is_some_and(|next| next.text == ";") {
        // As C declares a variable of the type.
        let error = Diagnostic::new(Code::Syntax, word.span, format!("expected `;`, found `{}`", word.text));
        input.report(error.help("nothing is declared behind a `}`; remove the name"));
        return input.advance().advance();
    }
    if input.kind() != Kind::Bad {
        input.report(missing_semicolon(input.before(), what));
    }
    if input.at("}") {
        // Either the `;` is missing or a `}` is too many.
        input.shared.unbalanced.set(true);
    }
    input
}

fn missing_semicolon(before: Span, what: &str) -> Diagnostic {
    let error = Diagnostic::new(
        Code::MissingSemicolon,
        before.after(),
        format!("missing `;` behind {what}"),
    );
    error.label("`;` belongs here").replace(before.after(), ";").help(ENDS)
}
