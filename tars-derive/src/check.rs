//! Rules that need more than one attribute or more than one field.

use std::collections::BTreeSet;

use syn::{Expr, Lit, Type};

use crate::attr::DefaultValue;
use crate::ctxt::Ctxt;
use crate::input::{Enumeration, Field, Structure, last_segment_is};

pub(crate) fn structure(cx: &Ctxt, input: &Structure<'_>) {
    check_tags(cx, input);
    check_names(cx, input);
    check_key(cx, input);
    for field in &input.fields {
        check_presence(cx, field);
        check_default_fits(cx, field);
    }
}

pub(crate) fn enumeration(cx: &Ctxt, input: &Enumeration<'_>) {
    if input.values.is_empty() {
        cx.error_at(
            input.ident,
            "an enum needs at least one value: its first one is the default",
        );
    }
    let mut names = BTreeSet::new();
    for value in &input.values {
        if !names.insert(&value.name) {
            cx.error_at(&value.constant, format_args!("`{}` is listed twice", value.name));
        }
    }
}

/// On the wire a tag is all there is of a field.
fn check_tags(cx: &Ctxt, input: &Structure<'_>) {
    for pair in input.fields.windows(2) {
        if let [first, second] = pair
            && first.tag == second.tag
        {
            let message = format!(
                "tag {} is used twice, by `{}` and `{}`",
                first.tag, first.ident, second.ident
            );
            cx.error_at(second.ident, message);
        }
    }
}

/// In JSON a name is all there is of a field.
fn check_names(cx: &Ctxt, input: &Structure<'_>) {
    let mut names = BTreeSet::new();
    for field in &input.fields {
        if !names.insert(&field.name) {
            cx.error_at(field.ident, format_args!("the name `{}` is used twice", field.name));
        }
    }
}

fn check_key(cx: &Ctxt, input: &Structure<'_>) {
    let Some(key) = input.attrs.key.get() else { return };
    if key.is_empty() {
        cx.error_at(input.ident, "`key` names no field");
    }
    for (index, name) in key.iter().enumerate() {
        if !input.fields.iter().any(|field| field.ident == name) {
            cx.error_at(
                name,
                format_args!("`key` names `{name}`, which is not a field of `{}`", input.ident),
            );
        }
        if key[..index].contains(name) {
            cx.error_at(name, format_args!("`key` names `{name}` twice"));
        }
    }
}

/// Whether a type is written `Option<..>`: without arguments it is another type of that name.
fn is_option(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let last = path.path.segments.last();
    last.is_some_and(|last| last.ident == "Option" && !last.arguments.is_none())
}

/// `presence` tells an absent field from one at its default: a default or a requirement leaves nothing to tell.
fn check_presence(cx: &Ctxt, field: &Field<'_>) {
    let option = is_option(field.ty);
    let Some(span) = field.attrs.presence.span() else {
        if option {
            cx.error_at(field.ty, "a field of type `Option` needs `presence`");
        }
        return;
    };
    if !option {
        cx.error_at(field.ty, "`presence` needs a field of type `Option`");
    }
    if field.is_required() {
        cx.error(syn::Error::new(span, "`presence` and `require` exclude each other"));
    }
    if field.default().is_some() {
        cx.error(syn::Error::new(span, "`presence` and `default` exclude each other"));
    }
}

/// Types by the name they are written with; of a name that is in none of these lists, the compiler knows more.
const INTEGERS: &[&str] = &["i8", "i16", "i32", "i64", "u8", "u16", "u32"];
const FLOATS: &[&str] = &["f32", "f64"];
const TEXTS: &[&str] = &["String", "ByteString"];
const BOOL: &[&str] = &["bool"];

fn check_default_fits(cx: &Ctxt, field: &Field<'_>) {
    let Some(default) = field.default() else { return };
    let (kind, fits): (_, &[&[&str]]) = match default {
        DefaultValue::Text(_) => ("string", &[TEXTS]),
        DefaultValue::Number {
            literal: Lit::Int(_), ..
        } => ("integer", &[INTEGERS, FLOATS]),
        DefaultValue::Number { .. } => ("float", &[FLOATS]),
        DefaultValue::Value(Expr::Lit(_)) => ("bool", &[BOOL]),
        DefaultValue::Value(_) => return,
    };
    let is_one_of = |lists: &[&[&str]]| lists.iter().any(|names| last_segment_is(field.ty, names));
    if is_one_of(&[INTEGERS, FLOATS, TEXTS, BOOL]) && !is_one_of(fits) {
        let ty = field.ty;
        let ty = quote::quote!(#ty).to_string();
        cx.error_at(
            default,
            format_args!("`default` is a literal of type {kind}, the field is of type `{ty}`"),
        );
    }
    if let (DefaultValue::Text(text), Some(max)) = (default, field.max_len())
        && text.value().len() > max
    {
        let length = text.value().len();
        cx.error_at(
            text,
            format_args!("default of {length} bytes is longer than `max_len = {max}`"),
        );
    }
}
