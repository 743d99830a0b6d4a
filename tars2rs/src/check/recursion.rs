//! Structs that hold themselves by value, directly or through others: they would be infinitely large.

use std::collections::BTreeMap;

use crate::ast;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{StructId, Type};
use crate::resolve::Draft;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// On the stack, at this place.
    Open(usize),
    Done,
}

/// Fields of a circle that are shown.
const MOST_SHOWN: usize = 9;

/// A depth-first walk with its own stack, since a chain of structs may be long; every cycle is reported where it closes.
pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) {
    let edges: Vec<Vec<(StructId, &ast::Field)>> = draft.structs.iter().map(by_value).collect();
    let mut states = vec![State::New; edges.len()];
    for root in 0..edges.len() {
        // What an earlier one holds has been walked through.
        if states[root] != State::New {
            continue;
        }
        let mut stack = vec![(root, 0)];
        while let Some(depth) = stack.len().checked_sub(1) {
            let (at, next) = &mut stack[depth];
            states[*at] = State::Open(depth);
            let Some((target, _)) = edges[*at].get(*next) else {
                states[*at] = State::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            match states[target.index()] {
                State::New => stack.push((target.index(), 0)),
                State::Open(start) => report(draft, &edges, &stack[start..], diagnostics),
                State::Done => {}
            }
        }
    }
}

/// The structs that a struct's fields hold by value.
fn by_value<'a>(item: &crate::resolve::Resolved<'a, ast::Struct>) -> Vec<(StructId, &'a ast::Field)> {
    let mut targets = BTreeMap::new();
    for (field, ty) in item.ast.fields.iter().zip(&item.types) {
        if let Some(Type::Struct(id)) = ty.as_ref().map(|ty| &ty.ty) {
            // Two fields of one type are one reason.
            targets.entry(*id).or_insert(field);
        }
    }
    targets.into_iter().collect()
}

fn report(
    draft: &Draft<'_>,
    edges: &[Vec<(StructId, &ast::Field)>],
    cycle: &[(usize, usize)],
    diagnostics: &mut Diagnostics,
) {
    let fields: Vec<(&str, &ast::Name)> = cycle
        .iter()
        .take(MOST_SHOWN)
        .map(|(at, next)| {
            (
                draft.structs[*at].ast.name.text.as_str(),
                &edges[*at][next - 1].1.decl.name,
            )
        })
        .collect();
    let [(owner, first), others @ ..] = fields.as_slice() else {
        return;
    };
    let through = if others.is_empty() {
        ""
    } else {
        " through other structs"
    };
    let message = format!("struct `{owner}` contains itself{through}");
    let mut error = Diagnostic::new(Code::InfiniteStruct, first.span, message).label("this field would never end");
    for (owner, field) in others {
        error = error.related(field.span, format!("and `{owner}` holds the next"));
    }
    diagnostics.push(error.help("put one of the fields into a vector"));
}
