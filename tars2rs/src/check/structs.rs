//! Tags, and structs without fields.

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
    let mut seen: [Option<&ast::Field>; 256] = [None; 256];
    let used = ast.fields.iter().filter_map(|field| field.tag.map(|tag| tag.value));
    let mut next = used.filter(|tag| (0..255).contains(tag)).max().map_or(0, |tag| tag + 1);
    for field in &ast.fields {
        let Some(tag) = field.tag else { continue };
        let Ok(index) = u8::try_from(tag.value) else {
            let message = format!("tag {} is out of range", tag.value);
            diagnostics.push(Diagnostic::new(Code::TagOutOfRange, tag.span, message).help("tags are 0 to 255"));
            continue;
        };
        let place = &mut seen[usize::from(index)];
        let Some(first) = *place else {
            *place = Some(field);
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
