//! Types, declarators and values.

use nom::Parser;
use nom::combinator::map;

use super::lexical::Kind;
use super::list::{List, comma_of};
use super::literal;
use super::tokens::{Mistake, PResult, Tokens, behind, fail, is_keyword, name, punct, separated, silent};
use crate::ast::{Basic, Declarator, Name, Path, Shape, Size, Type, TypeKind, Value, ValueKind};
use crate::diag::foreign::{self, Ours};
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::Span;

/// Deeper types than this are refused. Of maps in maps that go on deeper, rustc and rustdoc say that their own limit of
/// recursion is reached: rustdoc from 14, rustc from 30.
const MOST_NESTED: usize = 12;

/// Longer types are not written out once more in a message.
const MOST_SHOWN: usize = 60;

/// A type, with its size if it has one.
pub(super) fn ty<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Type> {
    ty_at(0, input)
}

fn ty_at<'t, 's>(depth: usize, input: Tokens<'t, 's>) -> PResult<'t, 's, Type> {
    let start = input.peek().span;
    if depth > MOST_NESTED {
        let message = format!("types are nested more than {MOST_NESTED} deep");
        return fail(input.refuse(Diagnostic::new(Code::TooDeep, start, message)));
    }
    let (rest, kind) = plain(depth, input)?;
    let (rest, kind) = if rest.at("[") {
        array_type(start, rest, kind)
    } else {
        (rest, kind)
    };
    let (rest, size) = behind(":", size, rest)?;
    Ok((
        rest,
        Type {
            kind,
            size: size.map(Box::new),
            span: start.to(rest.before()),
        },
    ))
}

fn plain<'t, 's>(depth: usize, input: Tokens<'t, 's>) -> PResult<'t, 's, TypeKind> {
    let token = input.peek();
    if token.kind != Kind::Word && !input.at("::") {
        return Err(nom::Err::Error(input.unexpected("a type")));
    }
    if let Some(found) = of_several_words(input) {
        return Ok(found);
    }
    let basic = |basic| Ok((input.advance(), TypeKind::Basic(basic)));
    match token.text {
        "bool" => basic(Basic::Bool),
        "byte" => basic(Basic::Byte),
        "short" => basic(Basic::Short),
        "int" => basic(Basic::Int),
        "long" => basic(Basic::Long),
        "float" => basic(Basic::Float),
        "double" => basic(Basic::Double),
        "string" => basic(Basic::String),
        "unsigned" => unsigned(input),
        "vector" => vector(depth, input.advance()),
        "map" => map_of(depth, input.advance()),
        "void" => {
            let error = Diagnostic::new(Code::BadType, token.span, "`void` is no type for a value");
            input.report(error.help("only an operation may return `void`"));
            Ok((input.advance(), TypeKind::Bad))
        }
        word if is_keyword(word) => Err(nom::Err::Error(input.unexpected("a type"))),
        _ => named(depth, input),
    }
}

fn unsigned<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, TypeKind> {
    let next = input.advance();
    let kind = match next.peek().text {
        "byte" => TypeKind::Basic(Basic::UnsignedByte),
        "short" => TypeKind::Basic(Basic::UnsignedShort),
        "int" => TypeKind::Basic(Basic::UnsignedInt),
        other @ ("float" | "double" | "bool" | "string") => {
            let span = input.peek().span.to(next.peek().span);
            let error = Diagnostic::new(Code::BadType, span, format!("there is no `unsigned {other}`"));
            input.report(error.help("`unsigned` goes with `byte`, `short` and `int`"));
            TypeKind::Bad
        }
        other if next.kind() == Kind::Word && !is_keyword(other) && !next.word_behind(1) => {
            let error = Diagnostic::new(Code::BadType, input.peek().span, "there is no type `unsigned` alone");
            input.report(error.meant(Some("unsigned int")));
            return Ok((next, TypeKind::Bad));
        }
        _ => return fail(next.unexpected("`byte`, `short` or `int` behind `unsigned`")),
    };
    Ok((next.advance(), kind))
}

/// A type of several words, as C has them: `unsigned char`, `long long`.
fn of_several_words<'t, 's>(input: Tokens<'t, 's>) -> Option<(Tokens<'t, 's>, TypeKind)> {
    const SECOND: [&str; 8] = ["char", "short", "int", "long", "double", "int64", "int64_t", "__int64"];
    const MOST: usize = 4;
    if !input.at_any(&["unsigned", "signed", "long", "short"]) || !input.advance().at_any(&SECOND) {
        return None;
    }
    let mut rests = vec![input];
    while let Some(last) = rests
        .last()
        .filter(|last| last.kind() == Kind::Word && rests.len() <= MOST)
    {
        rests.push(last.advance());
    }
    let signed = input.at_any(&["unsigned", "signed"]);
    let start = input.peek().span;
    let (rest, words, ours) = rests.iter().skip(2).rev().find_map(|rest| {
        // `long int` may be a `long` whose name is wrong.
        let goes_on = signed || rest.kind() == Kind::Word || rest.at_any(&[">", ",", "*"]);
        let span = start.to(rest.before());
        let words: Vec<&str> = input.text_of(span).split_ascii_whitespace().collect();
        let words = words.join(" ");
        let ours = foreign::of_type(&words).filter(|_| goes_on)?;
        Some((*rest, words, ours))
    })?;
    let message = format!("there is no type `{words}`");
    input.report(Diagnostic::new(Code::BadType, start.to(rest.before()), message).instead(ours));
    Some((rest, TypeKind::Bad))
}

/// `[]` or `[5]` behind a type, where other languages have it; `input` is at the bracket.
fn array_type<'t, 's>(start: Span, input: Tokens<'t, 's>, element: TypeKind) -> (Tokens<'t, 's>, TypeKind) {
    const MOST: usize = 3;
    let size = input.advance();
    let sized = size.kind() == Kind::Int && size.advance().at("]") && size.word_behind(2);
    if !sized && !size.at("]") {
        return (input, element);
    }
    let mut rest = if sized {
        size.advance().advance()
    } else {
        size.advance()
    };
    let mut depth = 1;
    while !sized && depth < MOST && rest.at("[") && rest.advance().at("]") {
        rest = rest.advance().advance();
        depth += 1;
    }
    // What is wrong with the element is said.
    if matches!(element, TypeKind::Bad) {
        return (rest, element);
    }
    let span = start.to(input.before());
    let whole = start.to(rest.before());
    let error = Diagnostic::new(Code::BadType, whole, "an array that stands in the type");
    let text = input.text_of(span);
    input.report(if sized && rest.peek_behind(1).is_some_and(|token| token.text == "(") {
        error.help("only fields and parameters are arrays; an operation returns a `vector`")
    } else if sized {
        let name = rest.peek();
        let meant = format!("{text} {}[{}]", name.text, size.peek().text);
        let error = error.help("the size of an array stands behind its name");
        if meant.len() > MOST_SHOWN {
            error
        } else {
            error.replace(start.to(name.span), meant)
        }
    } else if text.len() > MOST_SHOWN || text.contains('\n') {
        error.help("write `vector<TYPE>`")
    } else {
        let meant = format!("{}{text}{}", "vector<".repeat(depth), ">".repeat(depth));
        error.meant(Some(&meant))
    });
    let vector = |kind, _| TypeKind::Vector(Box::new(Type { kind, size: None, span }));
    (rest, (0..depth).fold(element, vector))
}

/// `<T>` behind `vector`.
fn vector<'t, 's>(depth: usize, input: Tokens<'t, 's>) -> PResult<'t, 's, TypeKind> {
    let (rest, _) = must(punct("<"), input)?;
    let (rest, element) = must(|input| ty_at(depth + 1, input), rest)?;
    let (rest, _) = must(punct(">"), rest)?;
    Ok((rest, TypeKind::Vector(Box::new(element))))
}

/// `<K, V>` behind `map`.
fn map_of<'t, 's>(depth: usize, input: Tokens<'t, 's>) -> PResult<'t, 's, TypeKind> {
    let list = List {
        close: ">",
        expected: "`,`",
        help: "key and value are separated by a comma: `map<K, V>`",
    };
    let inner = |input| ty_at(depth + 1, input);
    let (rest, _) = must(punct("<"), input)?;
    let (rest, key) = must(inner, rest)?;
    let Some(rest) = comma_of(list, rest) else {
        return fail(rest.unexpected("`,`"));
    };
    let (rest, value) = must(inner, rest)?;
    let (rest, _) = must(punct(">"), rest)?;
    Ok((rest, TypeKind::Map(Box::new(key), Box::new(value))))
}

/// A name, or `Vector<..>` and `Map<..>` spelt wrongly.
fn named<'t, 's>(depth: usize, input: Tokens<'t, 's>) -> PResult<'t, 's, TypeKind> {
    if let Some(rest) = without_module(input) {
        return plain(depth, rest);
    }
    let (rest, path) = path(input)?;
    if !rest.at("<") {
        return Ok((rest, TypeKind::Named(Box::new(path))));
    }
    let error = Diagnostic::new(
        Code::BadType,
        path.span,
        format!("`{}` takes no type arguments", path.text()),
    );
    let last = path.segments.last().map_or("", |name| name.text.as_str());
    let near = || suggest::nearest(last, ["vector", "map"]).map(Ours::Word);
    let (error, meant) = match foreign::of_type(last).or_else(near) {
        Some(Ours::Word(word @ ("vector" | "map"))) => (error.meant(Some(word)), word),
        Some(choice @ Ours::Choice(_)) => (error.instead(choice), "vector"),
        _ => return fail(input.refuse(error.help("only `vector` and `map` do"))),
    };
    input.report(error);
    let parse = if meant == "map" { map_of } else { vector };
    // What else does not fit may be for the same reason.
    let (rest, _) = parse(depth, rest).map_err(silent)?;
    Ok((rest, TypeKind::Bad))
}

/// What stands behind `std::` before a word of the language, such as `string`.
fn without_module<'t, 's>(input: Tokens<'t, 's>) -> Option<Tokens<'t, 's>> {
    let rest = input.advance();
    let word = rest.advance();
    if !rest.at("::") || word.kind() != Kind::Word || !is_keyword(word.peek().text) {
        return None;
    }
    let span = input.peek().span.to(rest.peek().span);
    let error = Diagnostic::new(Code::Syntax, span, format!("unexpected `{}`", input.text_of(span)));
    input.report(
        error
            .help("remove it: the types of the language stand in no module")
            .replace(span, ""),
    );
    Some(word)
}

/// `[::] a {:: a}`
pub(super) fn path<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Path> {
    let start = input.peek().span;
    let rooted = input.at("::");
    let rest = if rooted { input.advance() } else { input };
    let (rest, segments) = separated("::", name("a name"), rest)?;
    Ok((
        rest,
        Path {
            segments,
            rooted,
            span: start.to(rest.before()),
        },
    ))
}

/// The number of a size.
fn size<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Size> {
    let token = input.peek();
    if token.kind == Kind::Word {
        let error = Diagnostic::new(
            Code::Syntax,
            token.span,
            format!("expected a size, found `{}`", token.text),
        );
        return fail(input.refuse(error.help("a size is a number; a type of another module is `Module::Type`")));
    }
    if token.kind != Kind::Int {
        return fail(input.unexpected("a size"));
    }
    Ok((
        input.advance(),
        Size {
            value: integer(input),
            span: token.span,
        },
    ))
}

/// The value of an integer token; `None` after reporting why there is none.
pub(super) fn integer(input: Tokens<'_, '_>) -> Option<i64> {
    let token = input.peek();
    literal::integer(token.text, token.span).unwrap_or_else(|error| {
        input.report(error);
        None
    })
}

/// A type and a name for `what`, as an array or pointer perhaps.
pub(super) fn declarator<'t, 's: 't>(what: &'static str) -> impl Fn(Tokens<'t, 's>) -> PResult<'t, 's, Declarator> {
    move |input: Tokens<'t, 's>| {
        if let Some(result) = turned_round(input, what) {
            return Ok(result);
        }
        let (rest, ty) = ty(input)?;
        let star = rest.at("*").then(|| rest.peek().span);
        let rest = if star.is_some() { rest.advance() } else { rest };
        let (rest, name) = must(name(what), rest).inspect_err(|_| rest.shared.lost.borrow_mut().any_member = true)?;
        if let Some(star) = star {
            return Ok((
                rest,
                Declarator {
                    ty,
                    name,
                    shape: Shape::Pointer(star),
                },
            ));
        }
        if rest.at(":") && rest.advance().at("=") {
            let both = rest.peek().span.to(rest.advance().peek().span);
            let error = Diagnostic::new(Code::Syntax, both, "expected `=`, found `:=`");
            rest.report(error.help("a value stands behind `=`").replace(both, "="));
            return Ok((
                rest.advance(),
                Declarator {
                    ty,
                    name,
                    shape: Shape::Plain,
                },
            ));
        }
        if rest.at(":") {
            let error = Diagnostic::new(
                Code::SizeNotAllowed,
                rest.peek().span,
                "a size belongs to the type, not to the name",
            );
            return fail(rest.refuse(error.help("write `string:16 name` or `vector<int>:16 name`")));
        }
        let (rest, size) = behind("[", size, rest)?;
        let Some(size) = size else {
            return Ok((
                rest,
                Declarator {
                    ty,
                    name,
                    shape: Shape::Plain,
                },
            ));
        };
        let (rest, _) = must(punct("]"), rest)?;
        Ok((
            rest,
            Declarator {
                ty,
                name,
                shape: Shape::Array(size),
            },
        ))
    }
}

/// `NAME TYPE`, as other languages have it, where the type is a single word of ours. The type counts as bad, since the two
/// words may also be a type and a name that is a keyword.
fn turned_round<'t, 's>(input: Tokens<'t, 's>, what: &str) -> Option<(Tokens<'t, 's>, Declarator)> {
    const TYPES: [&str; 8] = ["bool", "byte", "short", "int", "long", "float", "double", "string"];
    let (name, next) = (input.peek(), input.advance());
    let word = next.peek();
    let ends = next
        .peek_behind(1)
        .is_some_and(|token| matches!(token.text, ";" | "=" | "," | ")"));
    if name.kind != Kind::Word || is_keyword(name.text) || !next.at_any(&TYPES) || !ends {
        return None;
    }
    let message = format!("keyword `{}` cannot be {what}", word.text);
    let right = format!("{} {}", word.text, name.text);
    let help = format!("the type comes first: `{right}`; otherwise choose another name");
    let error = Diagnostic::new(Code::KeywordAsName, word.span, message).help(help);
    input.report(error.replace(name.span.to(word.span), right));
    let decl = Declarator {
        ty: Type {
            kind: TypeKind::Bad,
            size: None,
            span: word.span,
        },
        name: Name {
            text: input.shared.names.of(name.text),
            span: name.span,
        },
        shape: Shape::Plain,
    };
    Some((next.advance(), decl))
}

/// A literal or the name of an enumerator.
pub(super) fn value<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Value> {
    let token = input.peek();
    let literal = |kind| Ok((input.advance(), kind));
    let said = |error| {
        input.report(error);
        ValueKind::Bad
    };
    let (rest, kind) = match (token.kind, token.text) {
        (Kind::Int, _) => literal(integer(input).map_or(ValueKind::Bad, ValueKind::Int)),
        (Kind::Float, text) => literal(literal::float(text, token.span).map_or_else(said, ValueKind::Float)),
        (Kind::Str, text) => literal(literal::string(text, token.span).map_or_else(said, ValueKind::Str)),
        (Kind::Word, "true") => literal(ValueKind::Bool(true)),
        (Kind::Word, "false") => literal(ValueKind::Bool(false)),
        (Kind::Word, word) if is_keyword(word) => fail(input.unexpected("a value")),
        (Kind::Word, _) | (Kind::Punct, "::") => map(path, |path| ValueKind::Name(Box::new(path))).parse(input),
        _ => fail(input.unexpected("a value")),
    }?;
    Ok((
        rest,
        Value {
            kind,
            span: token.span.to(rest.before()),
        },
    ))
}

/// From here on no other alternative can be meant.
pub(super) fn must<'t, 's, P>(mut parser: P, input: Tokens<'t, 's>) -> PResult<'t, 's, P::Output>
where
    P: Parser<Tokens<'t, 's>, Error = Mistake<'t, 's>>,
{
    nom::combinator::cut(|input| parser.parse(input)).parse(input)
}
