//! Tags, and structs without fields.

use std::collections::BTreeMap;

use crate::ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::resolve::Draft;

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    for item in &draft.structs {
        let ast = item.ast;
        if ast.fields.is_empty() && !ast.incomplete {
            let message = format!("struct `{}` has no fields", ast.name.text);
            let error = Diagnostic::new(Code::EmptyStruct, ast.name.span, message);
            diagnostics.push(error.help("a struct has at least one field"));
        }
        tags(ast, diagnostics);
    }
}

fn tags(ast: &ast::Struct, diagnostics: &mut Diagnostics) {
    let mut seen: BTreeMap<i64, &ast::Field> = BTreeMap::new();
    let used: Vec<i64> = ast
        .fields
        .iter()
        .filter_map(|field| field.tag.map(|tag| tag.value))
        .collect();
    let mut next = used
        .iter()
        .copied()
        .filter(|tag| (0..255).contains(tag))
        .max()
        .map_or(0, |tag| tag + 1);
    for field in &ast.fields {
        let Some(tag) = field.tag else { continue };
        if !(0..=255).contains(&tag.value) {
            let message = format!("tag {} is out of range", tag.value);
            diagnostics.push(Diagnostic::new(Code::TagOutOfRange, tag.span, message).help("tags are 0 to 255"));
            continue;
        }
        let Some(first) = seen.get(&tag.value) else {
            seen.insert(tag.value, field);
            continue;
        };
        let message = format!("tag {} is used twice in struct `{}`", tag.value, ast.name.text);
        let mut error =
            Diagnostic::new(Code::DuplicateTag, tag.span, message).label(format!("second use of tag {}", tag.value));
        if let Some(first_tag) = first.tag {
            error = error.related(
                first_tag.span,
                format!("first used here, by `{}`", first.decl.name.text),
            );
        }
        if next <= 255 {
            error = error
                .help(format!("give `{}` the next free tag, {next}", field.decl.name.text))
                .replace(tag.span, next.to_string());
            next += 1;
        }
        diagnostics.push(error);
    }
}
