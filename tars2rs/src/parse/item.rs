//! Definitions and their members.

use nom::Parser;
use nom::sequence::{delimited, preceded};

use super::body::{
    Body, Holds, Members, at_bad_brace, before_brace, body, ends_body, semicolon, semicolon_after_brace,
};
use super::field::field;
use super::lexical::Kind;
use super::list::{List, comma_of, listed, semicolon_at_end};
use super::tokens::{Mistake, PResult, Tokens, behind, fail, is_keyword, name, punct};
use super::ty::{declarator, must, path, ty, value};
use crate::ast::{Const, Definition, Direction, Enum, Enumerator, Interface, Key, Name, Operation, Param, Struct};
use crate::diag::{Code, Diagnostic, foreign};
use crate::source::Span;
use crate::text::Doc;

/// Any definition but a module, with its `;`.
pub(super) fn definition<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Definition> {
    const WORDS: [&str; 5] = ["struct", "enum", "const", "interface", "key"];
    match input.meant(&WORDS) {
        "struct" => structure(input),
        "enum" => enumeration(input),
        "const" => constant(input),
        "interface" => interface(input),
        "key" => key(input),
        _ => {
            let expected = "`struct`, `enum`, `const`, `interface` or `key`";
            Err(nom::Err::Error(input.unknown_word(expected, &WORDS)))
        }
    }
}

/// The opening line of a definition with a body: keyword and name.
fn header<'t, 's>(input: Tokens<'t, 's>, what: &'static str) -> PResult<'t, 's, Name> {
    must(name(what), input.advance())
}

/// The end of a definition with a body.
fn close<'t, 's, T>(input: Tokens<'t, 's>, body: &Body<T>, what: &str) -> Tokens<'t, 's> {
    if body.wants_semicolon {
        semicolon_after_brace(input, what)
    } else {
        input
    }
}

/// A definition of a name and members between braces.
struct Block<T> {
    name: Name,
    members: Vec<T>,
    doc: Doc,
    incomplete: bool,
}

/// `KIND NAME { member member .. };`
fn block<'t, 's, T>(
    input: Tokens<'t, 's>,
    (kind, expected, holds): (&str, &'static str, Holds),
    member: impl Fn(Tokens<'t, 's>) -> PResult<'t, 's, T>,
) -> PResult<'t, 's, Block<T>> {
    let start = input.peek();
    let (rest, name) = header(input, expected)?;
    let owner = format!("{kind} `{}`", name.text);
    let opening = (input.advance().peek(), rest.peek());
    let of = Members { owner, holds, member };
    let (rest, body) = body(rest, &of)?;
    let rest = close(rest, &body, &of.owner);
    let doc = rest.doc_of_block(start, opening);
    let Body {
        members, incomplete, ..
    } = body;
    Ok((
        rest,
        Block {
            name,
            members,
            doc,
            incomplete,
        },
    ))
}

fn structure<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Definition> {
    let (rest, block) = block(input, ("struct", "a struct name", Holds::Members), field)?;
    Ok((
        rest,
        Definition::Struct(Struct {
            name: block.name,
            fields: block.members,
            doc: block.doc,
            incomplete: block.incomplete,
        }),
    ))
}

fn enumeration<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Definition> {
    let (rest, block) = block(input, ("enum", "an enum name", Holds::Enumerators), enumerator)?;
    let vague = block.members.iter().any(Option::is_none);
    Ok((
        rest,
        Definition::Enum(Enum {
            name: block.name,
            enumerators: block.members.into_iter().flatten().collect(),
            doc: block.doc,
            vague,
            incomplete: block.incomplete,
        }),
    ))
}

/// One enumerator and its comma; `None` for a comma alone.
fn enumerator<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Option<Enumerator>> {
    let start = input.peek();
    if input.at(",") {
        let mut rest = input;
        while rest.at(",") {
            rest = rest.advance();
        }
        let commas = start.span.to(rest.before());
        let error = Diagnostic::new(Code::StrayComma, commas, "comma without an enumerator before it");
        input.report(error.help("remove the comma").replace(commas, ""));
        return Ok((rest, None));
    }
    let nameless = |_: &_| input.shared.lost.borrow_mut().any_member = true;
    let (rest, name) = name("an enumerator").parse(input).inspect_err(nameless)?;
    let (rest, value) = behind("=", |input| must(value, input), rest)?;
    let end = rest;
    let rest = comma(rest)?;
    // A comment behind the comma belongs to the enumerator before it, and so does one between the two.
    let mut doc = rest.doc(start);
    if rest.before() != end.before() {
        let between = end.doc(start);
        doc = if between.lines().count() > doc.lines().count() {
            between
        } else {
            doc
        };
    }
    Ok((rest, Some(Enumerator { name, value, doc })))
}

fn comma<'t, 's>(input: Tokens<'t, 's>) -> Result<Tokens<'t, 's>, nom::Err<Mistake<'t, 's>>> {
    if input.at("}") || at_bad_brace(&input) || input.kind() == Kind::End {
        return Ok(input);
    }
    if input.at(",") {
        return Ok(input.advance());
    }
    if input.at(";") {
        if before_brace(input) || ends_body(&input, false) {
            return Ok(input);
        }
        let error = Diagnostic::new(Code::Syntax, input.peek().span, "expected `,` or `}`, found `;`");
        let semicolon = input.peek().span;
        input.report(
            error
                .help("enumerators are separated by commas")
                .replace(semicolon, ","),
        );
        return Ok(input.advance());
    }
    if input.at_new_line() && input.kind() == Kind::Word {
        input.report(Diagnostic::new(
            Code::Syntax,
            input.before().after(),
            "missing `,` between two enumerators",
        ));
        return Ok(input);
    }
    Err(nom::Err::Failure(input.unexpected("`,` or `}`")))
}

fn constant<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Definition> {
    let start = input.peek();
    let (rest, decl) = must(declarator("a constant name"), input.advance())?;
    let (rest, _) = must(punct("="), rest)?;
    let (rest, value) = must(value, rest)?;
    let (rest, ()) = semicolon(rest, format_args!("constant `{}`", decl.name.text))?;
    let doc = rest.doc(start);
    Ok((rest, Definition::Const(Const { decl, value, doc })))
}

fn interface<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Definition> {
    let (rest, block) = block(input, ("interface", "an interface name", Holds::Members), operation)?;
    Ok((
        rest,
        Definition::Interface(Interface {
            name: block.name,
            operations: block.members,
            doc: block.doc,
        }),
    ))
}

fn operation<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Operation> {
    let start = input.peek();
    let input = without_modifier(input);
    let (rest, output) = if input.at("void") {
        (input.advance(), None)
    } else if input.kind() == Kind::Word || input.at("::") {
        let (rest, output) = ty(input)?;
        (rest, Some(output))
    } else {
        return Err(nom::Err::Error(input.unexpected("an operation or `}`")));
    };
    let (rest, name) = operation_name(rest)?;
    let (rest, _) = must(punct("("), rest)?;
    let (rest, params) = params(rest)?;
    let (rest, _) = end_of_params(rest)?;
    let (rest, ()) = semicolon(rest, format_args!("operation `{}`", name.text))?;
    let doc = rest.doc(start);
    Ok((
        rest,
        Operation {
            name,
            ret: output,
            params,
            doc,
        },
    ))
}

/// Words such as `oneway`, which other languages have before an operation, are reported and left out.
fn without_modifier<'t, 's>(input: Tokens<'t, 's>) -> Tokens<'t, 's> {
    let word = input.peek();
    let plain = word.kind == Kind::Word && !is_keyword(word.text);
    let text = |count| input.peek_behind(count).map_or("", |token| token.text);
    let four = input.word_behind(1) && input.word_behind(2) && text(3) == "(";
    // A name that stands there twice is the mistake itself.
    if !plain || !four || text(1) == text(2) {
        return input;
    }
    let error = Diagnostic::new(Code::Syntax, word.span, format!("unexpected `{}`", word.text));
    let help = "an operation is `TYPE name(..)`; there are no modifiers";
    input.report(error.help(help).replace(word.span, ""));
    input.advance()
}

/// Any word, even a keyword, with `(` behind it.
fn operation_name<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Name> {
    let token = input.peek();
    if token.kind != Kind::Word {
        return fail(input.unexpected("an operation name"));
    }
    Ok((
        input.advance(),
        Name {
            text: input.shared.names.of(token.text),
            span: token.span,
        },
    ))
}

/// What stands between the parentheses.
fn params<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Vec<Param>> {
    if input.at(")") {
        return Ok((input, Vec::new()));
    }
    if input.at("void") && input.advance().at(")") {
        let error = Diagnostic::new(Code::Syntax, input.peek().span, "unexpected `void`");
        let help = "an operation without parameters has nothing between the parentheses";
        input.report(error.help(help).replace(input.peek().span, ""));
        return Ok((input.advance(), Vec::new()));
    }
    let list = List {
        close: ")",
        expected: "`,` or `)`",
        help: "parameters are separated by commas",
    };
    if let Some(rest) = semicolon_at_end(input, list.close)? {
        return Ok((rest, Vec::new()));
    }
    must(|input| listed(list, param, input), input)
}

/// `)`, with a message that fits what stands instead.
fn end_of_params<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Span> {
    if input.at(")") {
        return Ok((input.advance(), input.peek().span));
    }
    if input.at("=") {
        let error = Diagnostic::new(Code::Syntax, input.peek().span, "a parameter has no default value");
        return fail(input.refuse(error));
    }
    fail(input.unexpected("`,` or `)`"))
}

fn param<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Param> {
    let span = input.peek().span;
    if input.at("in") && input.word_behind(1) && input.word_behind(2) {
        let error = Diagnostic::new(Code::Syntax, span, "unexpected `in`");
        input.report(
            error
                .help("a parameter goes in unless it is marked `out`")
                .replace(span, ""),
        );
        return param(input.advance());
    }
    let word = misspelt_direction(input).unwrap_or(input.peek().text);
    let (rest, direction) = if word == "out" {
        (input.advance(), Direction::Out(span))
    } else if word == "routekey" {
        (input.advance(), Direction::RouteKey(span))
    } else {
        (input, Direction::In)
    };
    let numbered = input.kind() == Kind::Int;
    if numbered || (input.at_any(&["require", "optional"]) && input.word_behind(1)) {
        return param(without_tag(input));
    }
    if input.at(")") {
        let error = Diagnostic::new(Code::Syntax, input.before(), "comma behind the last parameter");
        return fail(input.refuse(error.help("remove the comma").replace(input.before(), "")));
    }
    if direction == Direction::In && input.kind() != Kind::Word && !input.at("::") {
        return fail(input.unexpected("a parameter"));
    }
    if direction != Direction::In && rest.at_any(&["out", "routekey"]) {
        let message = if rest.at(input.peek().text) {
            format!("unexpected second `{}`", rest.peek().text)
        } else {
            "`out` and `routekey` exclude each other".to_owned()
        };
        return fail(rest.refuse(Diagnostic::new(Code::Syntax, rest.peek().span, message)));
    }
    let (rest, decl) = must(declarator("a parameter name"), rest)?;
    Ok((rest, Param { direction, decl }))
}

/// Tag and requirement are reported and left out.
fn without_tag<'t, 's>(input: Tokens<'t, 's>) -> Tokens<'t, 's> {
    let numbered = input.kind() == Kind::Int;
    let mut rest = if numbered { input.advance() } else { input };
    if rest.at_any(&["require", "optional"]) {
        rest = rest.advance();
    }
    let span = input.peek().span.to(rest.before());
    let message = if numbered {
        "a parameter has no tag".to_owned()
    } else {
        format!("unexpected `{}`", input.peek().text)
    };
    let help = "a parameter is `TYPE name`, perhaps with `out` or `routekey` before it";
    input.report(
        Diagnostic::new(Code::Syntax, span, message)
            .help(help)
            .replace(span, ""),
    );
    rest
}

/// `Out` for `out`: reported, and taken for what was meant.
fn misspelt_direction(input: Tokens<'_, '_>) -> Option<&'static str> {
    let word = input.peek();
    let third = input.peek_behind(2).map_or("", |token| token.text);
    let more = input.word_behind(2) || matches!(third, "<" | "::" | "*" | ":");
    if word.kind != Kind::Word || is_keyword(word.text) || !input.word_behind(1) || !more {
        return None;
    }
    let meant = foreign::meant(word.text, &["out", "routekey"])?;
    let error = Diagnostic::new(Code::Syntax, word.span, format!("unexpected `{}`", word.text));
    input.report(error.meant(Some(meant)));
    Some(meant)
}

fn key<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Definition> {
    let list = List {
        close: "]",
        expected: "`,`",
        help: "they are separated by commas: `key[Struct, member, member]`",
    };
    let comma = |input: Tokens<'t, 's>| match comma_of(list, input) {
        Some(rest) => Ok((rest, ())),
        None => Err(nom::Err::Error(input.unexpected("`,`"))),
    };
    let members = preceded(comma, |input| listed(list, name("a member name"), input));
    let list = (path, members);
    let (rest, (target, members)) = must(delimited(punct("["), list, punct("]")), input.advance())?;
    let (rest, ()) = semicolon(rest, format_args!("`key[..]`"))?;
    Ok((rest, Definition::Key(Key { target, members })))
}
