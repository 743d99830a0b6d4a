//! Lists between brackets, with commas between what they hold.

use nom::Parser;
use nom::combinator::cut;

use super::tokens::{Mistake, PResult, Tokens, fail};
use crate::diag::{Code, Diagnostic};

/// A list between brackets.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    /// The bracket behind it.
    pub(super) close: &'static str,
    /// "`,` or `)`"
    pub(super) expected: &'static str,
    /// "parameters are separated by commas"
    pub(super) help: &'static str,
}

/// One or more items with commas between. A `;` that can only stand for a comma is taken for one, and one behind the last
/// item is left out; both are reported.
pub(super) fn listed<'t, 's, T>(
    list: List,
    mut item: impl FnMut(Tokens<'t, 's>) -> PResult<'t, 's, T>,
    input: Tokens<'t, 's>,
) -> PResult<'t, 's, Vec<T>> {
    let (mut input, first) = item(input)?;
    let mut items = vec![first];
    loop {
        if let Some(rest) = semicolon_at_end(input, list.close)? {
            return Ok((rest, items));
        }
        let Some(rest) = comma_of(list, input) else {
            return Ok((input, items));
        };
        let (rest, next) = cut(&mut item).parse(rest)?;
        items.push(next);
        input = rest;
    }
}

/// What stands behind the next comma of a list, or behind a `;` that can only stand for it.
pub(super) fn comma_of<'t, 's>(list: List, input: Tokens<'t, 's>) -> Option<Tokens<'t, 's>> {
    let rest = input.advance();
    if input.at(",") {
        return Some(rest);
    }
    if !input.at(";") || !closes_soon(rest, list.close) {
        return None;
    }
    let semicolon = input.peek().span;
    let message = format!("expected {}, found `;`", list.expected);
    let error = Diagnostic::new(Code::Syntax, semicolon, message);
    input.report(error.help(list.help).replace(semicolon, ","));
    Some(rest)
}

/// What stands behind a `;` directly before the end of a list. One that has only changed places with the bracket is refused.
pub(super) fn semicolon_at_end<'t, 's>(
    input: Tokens<'t, 's>,
    close: &str,
) -> Result<Option<Tokens<'t, 's>>, nom::Err<Mistake<'t, 's>>> {
    let rest = input.advance();
    if !input.at(";") || !rest.at(close) {
        return Ok(None);
    }
    let semicolon = input.peek().span;
    if rest.peek_behind(1).is_some_and(|token| matches!(token.text, ";" | "=")) {
        let error = Diagnostic::new(Code::Syntax, semicolon, "unexpected `;`");
        input.report(error.help("remove it").replace(semicolon, ""));
        return Ok(Some(rest));
    }
    let both = semicolon.to(rest.peek().span);
    let error = Diagnostic::new(Code::Syntax, both, format!("the `;` stands behind the `{close}`"));
    let right = format!("{close};");
    fail(input.refuse(error.help(format!("write `{right}`")).replace(both, right))).map(|(_, rest)| rest)
}

/// Whether this bracket closes what is open, on this line and before any other, so that a list stands before it.
fn closes_soon(mut input: Tokens<'_, '_>, close: &str) -> bool {
    let few = 30;
    for _ in 0..few {
        if input.at_new_line() || input.at_any(&["(", ")", "{", "}", close]) {
            return input.at(close);
        }
        input = input.advance();
    }
    false
}
