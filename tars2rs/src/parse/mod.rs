//! Text to tree. The only module that knows nom.
//!
//! A mistake costs one diagnostic: parsing goes on behind the next `;` (`,` among enumerators), or at the `}` that ends the surrounding body,
//! and whatever a stage finds wrong only because of it stays unsaid (`incomplete`, `lost`, `unbalanced` in the tree).

mod body;
mod characters;
mod docs;
mod field;
mod item;
pub(crate) mod lexemes;
mod lexical;
mod list;
mod literal;
mod tokens;
mod ty;

pub(crate) use tokens::KEYWORDS;

use body::{Holds, Members, body, recover, semicolon_after_brace, stray_semicolons};
use docs::Docs;
use item::definition;
use lexical::Kind;
use tokens::{PResult, Shared, Tokens, name};

use crate::ast::{Definition, File, Include, Lost, Module};
use crate::diag::{Code, Diagnostic, Diagnostics, suggest};
use crate::source::{FileId, SourceFile, Span};

/// Parses a file. What could not be read is left out and reported.
pub(crate) fn file(id: FileId, source: &SourceFile, diagnostics: &mut Diagnostics) -> File {
    let lexed = lexical::lex(&source.text, source.start);
    if source.lossy && lexed.comments.iter().any(|comment| comment.text.contains('\u{FFFD}')) {
        diagnostics.push(foreign_comments(source, &lexed.comments));
    }
    let swallowed = swallowed(&lexed.errors, source);
    diagnostics.extend(lexed.errors);
    let docs = Docs {
        text: &source.text,
        comments: &lexed.comments,
    };
    let shared = Shared::new(docs, &lexed.tokens, source.start, swallowed);
    let mut file = File {
        id,
        modules: Vec::new(),
        bare: Vec::new(),
        includes: lexed.includes,
        lost: Lost::default(),
        unbalanced: false,
    };
    definitions(Tokens::new(&shared), &mut file);
    file.unbalanced = shared.unbalanced.get();
    file.includes.append(&mut shared.includes.take());
    file.includes.sort_by_key(|include| include.span);
    file.lost = shared.lost.into_inner();
    diagnostics.extend(shared.errors.into_inner());
    file
}

/// Where comments and strings begin that have no end and have taken a `}` with them.
fn swallowed(errors: &[Diagnostic], source: &SourceFile) -> Vec<u32> {
    let braces = |error: &&Diagnostic| {
        let Some(label) = &error.primary else { return false };
        let at = |offset: u32| (offset - source.start) as usize;
        let end = match error.code {
            Code::UnterminatedString => at(label.span.end),
            Code::UnterminatedComment => source.text.len(),
            _ => return false,
        };
        source.text[at(label.span.start)..end].contains('}')
    };
    let starts = errors.iter().filter(braces).filter_map(|error| error.primary.as_ref());
    starts.map(|label| label.span.start).collect()
}

fn foreign_comments(source: &SourceFile, comments: &[docs::Comment<'_>]) -> Diagnostic {
    let first = comments
        .iter()
        .find_map(|comment| comment.text.find('\u{FFFD}').map(|at| comment.start + at));
    let start = source.start + u32::try_from(first.unwrap_or(0)).unwrap_or(0);
    let at = Span::new(start, start + 3);
    let warning = Diagnostic::new(Code::CommentNotUtf8, at, "comments are not UTF-8");
    warning.help("they are left out of the generated documentation; save the file as UTF-8 to have them")
}

/// Everything at the top of a file.
fn definitions(mut input: Tokens<'_, '_>, file: &mut File) {
    while input.kind() != Kind::End {
        if input.at("}") {
            input = stray_braces(input);
            continue;
        }
        if input.at(";") {
            input = stray_semicolons(input, "remove it");
            continue;
        }
        if let Some(rest) = include_without_mark(input) {
            input = rest;
            continue;
        }
        let result = if input.meant(&["module"]) == "module" {
            module(input).map(|(rest, module)| {
                file.modules.push(module);
                rest
            })
        } else {
            top_level(input).map(|(rest, definition)| {
                file.bare.push(definition);
                rest
            })
        };
        match result {
            Ok(rest) => input = rest,
            Err(error) => {
                input = recover(error, input, Holds::Definitions);
            }
        }
    }
}

/// `include "a.tars"` or `import "a.tars"`: reported, and taken for the include that is meant.
fn include_without_mark<'t, 's>(input: Tokens<'t, 's>) -> Option<Tokens<'t, 's>> {
    let (word, path) = (input.peek(), input.peek_behind(1)?);
    if word.kind != Kind::Word || path.kind != Kind::Str || path.text.len() < 3 {
        return None;
    }
    if !suggest::is_nearly(word.text, &["include", "import"]) {
        return None;
    }
    let rest = input.advance().advance();
    let rest = if rest.at(";") { rest.advance() } else { rest };
    let span = word.span.to(rest.before());
    let meant = format!("#include {}", path.text);
    let error = Diagnostic::new(Code::BadDirective, span, format!("`{}` without a `#`", word.text));
    input.report(error.help(format!("write `{meant}`")).replace(span, meant));
    input.shared.includes.borrow_mut().push(Include {
        path: path.text.trim_matches('"').to_owned(),
        span: path.span,
    });
    Some(rest)
}

/// A definition that stands in no module, perhaps because this file is included inside one.
fn top_level<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Definition> {
    if input.at_any(&["struct", "enum", "const", "interface", "key"]) {
        return definition(input);
    }
    Err(nom::Err::Error(input.unknown_word(
        "`module`",
        &["module", "struct", "enum", "const", "interface"],
    )))
}

/// At the top nothing is open, so a `}` is one too many, unless another brace is the mistake.
fn stray_braces<'t, 's>(mut input: Tokens<'t, 's>) -> Tokens<'t, 's> {
    if !input.shared.unbalanced.replace(true) {
        let error = Diagnostic::new(Code::Syntax, input.peek().span, "unexpected `}`");
        input.report(error.help("nothing is open here"));
    }
    while input.at_any(&["}", ";"]) {
        input = input.advance();
    }
    input
}

fn module<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Module> {
    let start = input.peek();
    let (rest, name) = ty::must(name("a module name"), input.advance())?;
    let owner = format!("module `{}`", name.text);
    let opening = (input.advance().peek(), rest.peek());
    let members = Members {
        owner: owner.clone(),
        holds: Holds::Definitions,
        member: member_of_module,
    };
    let (mut rest, body) = body(rest, &members)?;
    if body.wants_semicolon {
        rest = semicolon_after_brace(rest, &owner);
    }
    let doc = rest.doc_of_block(start, opening);
    let definitions = body.members.into_iter().flatten().collect();
    Ok((
        rest,
        Module {
            name,
            definitions,
            doc,
            body: body.span,
        },
    ))
}

/// A definition; a nested module is reported and its content dropped.
fn member_of_module<'t, 's>(input: Tokens<'t, 's>) -> PResult<'t, 's, Option<Definition>> {
    if let Some(rest) = include_without_mark(input) {
        return Ok((rest, None));
    }
    if !input.at("module") {
        return definition(input).map(|(rest, definition)| (rest, Some(definition)));
    }
    let error = Diagnostic::new(Code::NestedModule, input.peek().span, "module inside a module");
    Err(nom::Err::Failure(
        input.refuse(error.help("close the outer module with `};` first")),
    ))
}
