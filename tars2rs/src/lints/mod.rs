//! What compilers for other languages refuse, or understand differently. Said about files that the caller named, once
//! they have no mistakes: what others wrote, he cannot change.

mod includes;
mod names;
mod order;
mod reserved;
mod types;
mod values;

use crate::diag::{Code, Diagnostic, Diagnostics, Kind, Level};
use crate::include::Program;
use crate::model::Type;
use crate::resolve::Draft;
use crate::source::{SourceMap, Span};
use crate::{ast, model};

/// What every lint works on.
struct Lints<'l, 'a> {
    program: &'l Program,
    draft: &'l Draft<'a>,
    sources: &'l SourceMap,
    diagnostics: &'l mut Diagnostics,
}

/// Looks at a draft without mistakes.
pub(crate) fn run(program: &Program, draft: &Draft<'_>, sources: &SourceMap, diagnostics: &mut Diagnostics) {
    let mut codes = Code::ALL.iter().filter(|code| code.kind() == Kind::Portability);
    if codes.all(|code| diagnostics.level(*code) == Level::Allow) {
        return;
    }
    let mut lints = Lints {
        program,
        draft,
        sources,
        diagnostics,
    };
    includes::check(&mut lints);
    order::check(&mut lints);
    names::check(&mut lints);
    reserved::check(&mut lints);
    types::check(&mut lints);
    values::check(&mut lints);
}

impl Lints<'_, '_> {
    /// Reports a finding in a file that the caller named.
    fn push(&mut self, warning: Diagnostic) {
        if let Some(label) = &warning.primary
            && self.is_named(label.span)
        {
            self.diagnostics.push(warning);
        }
    }

    fn is_named(&self, span: Span) -> bool {
        self.program.named.contains(&self.sources.id_of(span))
    }
}

/// A type as it stands somewhere, with what it means.
#[derive(Clone, Copy)]
struct Use<'u> {
    ast: &'u ast::Type,
    ty: &'u Type,
}

/// Every type that a draft uses, with the struct whose field it is, if it is one.
fn uses<'u>(draft: &'u Draft<'_>) -> impl Iterator<Item = (Option<model::StructId>, Use<'u>)> {
    let fields = draft.structs.iter().enumerate().flat_map(|(index, item)| {
        let owner = Some(model::StructId::new(index));
        let fields = item.ast.fields.iter().zip(&item.types);
        fields.filter_map(move |(field, ty)| Some((owner, of_declarator(&field.decl, &ty.as_ref()?.ty))))
    });
    let consts = draft.consts.iter().filter_map(|item| {
        let ty = item.types.first()?.as_ref()?;
        Some((None, of_declarator(&item.ast.decl, &ty.ty)))
    });
    let calls = draft.interfaces.iter().flat_map(|item| {
        let spots = item.ast.operations.iter().flat_map(|operation| {
            let ret = std::iter::once((operation.ret.as_ref(), None));
            ret.chain(operation.params.iter().map(|param| (None, Some(&param.decl))))
        });
        spots.zip(&item.types).filter_map(|((ret, decl), ty)| {
            let ty = &ty.as_ref()?.ty;
            let found = ret
                .map(|ast| Use { ast, ty })
                .or_else(|| Some(of_declarator(decl?, ty)))?;
            Some((None, found))
        })
    });
    fields.chain(consts).chain(calls)
}

/// The written type of a declarator, with what it means: an array means a vector of it.
fn of_declarator<'u>(decl: &'u ast::Declarator, ty: &'u Type) -> Use<'u> {
    let ty = match (decl.shape, ty) {
        (ast::Shape::Array(_), Type::Vector(element)) => element,
        _ => ty,
    };
    Use { ast: &decl.ty, ty }
}

impl<'u> Use<'u> {
    /// Calls `see` for the type and every type inside.
    fn each(self, see: &mut impl FnMut(Use<'u>)) {
        see(self);
        match (&self.ast.kind, self.ty) {
            (ast::TypeKind::Vector(ast), Type::Vector(ty)) => Use { ast, ty }.each(see),
            (ast::TypeKind::Map(key, value), Type::Map(key_ty, value_ty)) => {
                Use { ast: key, ty: key_ty }.each(see);
                Use {
                    ast: value,
                    ty: value_ty,
                }
                .each(see);
            }
            _ => {}
        }
    }
}
