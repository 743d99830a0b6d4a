//! What can be seen of generated Rust without compiling it.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Fields, FnArg, ImplItem, Item, Pat, Signature, TraitItem, Type};

/// The text parses, and no two things in it that must differ have one name.
pub(super) fn is_sound(text: &str) {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    items(&file.items, text);
}

/// The names of one place, each with what it is a name of.
#[derive(Default)]
struct Names(BTreeSet<(String, String)>);

impl Names {
    fn add(&mut self, space: &str, ident: &Ident, text: &str) {
        let name = ident.unraw().to_string();
        let new = self.0.insert((space.to_owned(), name));
        assert!(new, "{space} `{ident}` twice in\n{text}");
    }
}

fn items(items: &[Item], text: &str) {
    let mut names = Names::default();
    for item in items {
        match item {
            Item::Mod(module) => {
                names.add("type", &module.ident, text);
                if let Some((_, inner)) = &module.content {
                    self::items(inner, text);
                }
            }
            Item::Struct(item) => {
                names.add("type", &item.ident, text);
                match &item.fields {
                    Fields::Named(_) => fields(&item.fields, text),
                    Fields::Unnamed(_) | Fields::Unit => names.add("value", &item.ident, text),
                }
            }
            Item::Trait(item) => {
                names.add("type", &item.ident, text);
                operations(&item.items, text);
            }
            Item::Enum(item) => names.add("type", &item.ident, text),
            Item::Type(item) => names.add("type", &item.ident, text),
            Item::Const(item) if item.ident != "_" => names.add("value", &item.ident, text),
            Item::Fn(item) => names.add("value", &item.sig.ident, text),
            Item::Impl(item) if item.trait_.is_none() => {
                if let Type::Path(of) = &*item.self_ty {
                    let last = of.path.segments.last().expect("a path has segments");
                    associated(&mut names, &last.ident, &item.items, text);
                }
            }
            _ => {}
        }
    }
}

fn fields(fields: &Fields, text: &str) {
    let mut names = Names::default();
    for ident in fields.iter().filter_map(|field| field.ident.as_ref()) {
        names.add("field", ident, text);
    }
}

fn operations(items: &[TraitItem], text: &str) {
    let mut names = Names::default();
    for item in items {
        if let TraitItem::Fn(operation) = item {
            names.add("operation", &operation.sig.ident, text);
            parameters(&operation.sig, text);
        }
    }
}

/// What belongs to a type, in whichever of its `impl`s it stands.
fn associated(names: &mut Names, of: &Ident, items: &[ImplItem], text: &str) {
    for item in items {
        match item {
            ImplItem::Const(item) => names.add(&format!("value of {of}"), &item.ident, text),
            ImplItem::Fn(item) => {
                names.add(&format!("value of {of}"), &item.sig.ident, text);
                parameters(&item.sig, text);
            }
            _ => {}
        }
    }
}

fn parameters(signature: &Signature, text: &str) {
    let mut names = Names::default();
    for input in &signature.inputs {
        if let FnArg::Typed(input) = input
            && let Pat::Ident(name) = &*input.pat
        {
            names.add("parameter", &name.ident, text);
        }
    }
}
