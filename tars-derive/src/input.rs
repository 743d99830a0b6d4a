//! Structs and enums as the macros see them: every field has its tag, and the fields are in the order of the wire.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Type, Visibility};

use crate::attr::{ContainerAttrs, DefaultValue, FieldAttrs};
use crate::ctxt::Ctxt;

/// A struct of the IDL.
pub(crate) struct Structure<'a> {
    pub(crate) ident: &'a Ident,
    /// The name in the IDL.
    pub(crate) name: String,
    pub(crate) attrs: ContainerAttrs,
    /// In ascending order of their tags.
    pub(crate) fields: Vec<Field<'a>>,
}

/// A field of a struct.
pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) tag: u8,
    /// The name in the IDL.
    pub(crate) name: String,
    pub(crate) attrs: FieldAttrs,
}

/// An enum of the IDL: a newtype over `i32`.
pub(crate) struct Enumeration<'a> {
    pub(crate) vis: &'a Visibility,
    pub(crate) ident: &'a Ident,
    /// The name in the IDL.
    pub(crate) name: String,
    /// In the order of the IDL.
    pub(crate) values: Vec<Value>,
}

/// A constant of an enum.
pub(crate) struct Value {
    pub(crate) constant: Ident,
    /// The name in the IDL.
    pub(crate) name: String,
}

impl<'a> Structure<'a> {
    /// Reads a struct. Fields that have no usable tag are reported and left out.
    pub(crate) fn from_ast(cx: &Ctxt, input: &'a DeriveInput) -> Option<Self> {
        let attrs = ContainerAttrs::of_struct(cx, &input.attrs);
        refuse_generics(cx, input);
        let Data::Struct(data) = &input.data else {
            cx.error_at(
                &input.ident,
                "`TarsStruct` is for structs; an enum is a newtype over `i32` with `TarsEnum`",
            );
            return None;
        };
        let Fields::Named(fields) = &data.fields else {
            cx.error_at(&input.ident, "`TarsStruct` needs named fields");
            return None;
        };
        let mut fields: Vec<_> = fields
            .named
            .iter()
            .filter_map(|field| Field::from_ast(cx, field))
            .collect();
        fields.sort_by_key(|field| field.tag);
        let name = attrs
            .name
            .get()
            .map_or_else(|| input.ident.unraw().to_string(), syn::LitStr::value);
        Some(Self {
            ident: &input.ident,
            name,
            attrs,
            fields,
        })
    }
}

impl<'a> Field<'a> {
    fn from_ast(cx: &Ctxt, field: &'a syn::Field) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let tars: Vec<_> = field
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("tars"))
            .cloned()
            .collect();
        if tars.is_empty() {
            cx.error_at(ident, format_args!("field `{ident}` needs its tag: `#[tars(tag = N)]`"));
            return None;
        }
        // An attribute that does not parse says so itself; that its tag is missing then would be noise.
        let own = Ctxt::new();
        let attrs = FieldAttrs::parse(&own, &tars);
        let parsed = own.check();
        if attrs.tag.get().is_none() && parsed.is_ok() {
            cx.error_at(ident, format_args!("field `{ident}` needs its tag: `#[tars(tag = N)]`"));
        }
        if let Err(error) = parsed {
            cx.error(error);
        }
        let tag = *attrs.tag.get()?;
        let name = attrs
            .name
            .get()
            .map_or_else(|| ident.unraw().to_string(), syn::LitStr::value);
        Some(Self {
            ident,
            ty: &field.ty,
            tag,
            name,
            attrs,
        })
    }

    /// Where errors about the field's type belong. Names still resolve as the macro's own, also in structs that a macro wrote.
    pub(crate) fn span(&self) -> Span {
        Span::call_site().located_at(self.ty.span())
    }

    pub(crate) fn is_required(&self) -> bool {
        self.attrs.require.get().is_some()
    }

    pub(crate) fn has_presence(&self) -> bool {
        self.attrs.presence.get().is_some()
    }

    pub(crate) fn default(&self) -> Option<&DefaultValue> {
        self.attrs.default.get()
    }

    pub(crate) fn max_len(&self) -> Option<usize> {
        self.attrs.max_len.get().copied()
    }
}

impl<'a> Enumeration<'a> {
    /// Reads an enum.
    pub(crate) fn from_ast(cx: &Ctxt, input: &'a DeriveInput) -> Option<Self> {
        let attrs = ContainerAttrs::of_enum(cx, &input.attrs);
        refuse_generics(cx, input);
        if !is_newtype_over_i32(&input.data) {
            cx.error_at(
                &input.ident,
                "`TarsEnum` is for a newtype over `i32`: `struct Name(pub i32);`",
            );
        }
        let Some(values) = attrs.values.get() else {
            cx.error_at(
                &input.ident,
                "`TarsEnum` needs its constants: `#[tars(values(FIRST, SECOND))]`",
            );
            return None;
        };
        let values = values.iter().map(|(constant, name)| Value {
            constant: constant.clone(),
            name: name
                .as_ref()
                .map_or_else(|| constant.unraw().to_string(), syn::LitStr::value),
        });
        let name = attrs
            .name
            .get()
            .map_or_else(|| input.ident.unraw().to_string(), syn::LitStr::value);
        Some(Self {
            vis: &input.vis,
            ident: &input.ident,
            name,
            values: values.collect(),
        })
    }
}

fn refuse_generics(cx: &Ctxt, input: &DeriveInput) {
    if !input.generics.params.is_empty() {
        cx.error_at(&input.generics, "types of the IDL have no generic parameters");
    }
}

fn is_newtype_over_i32(data: &Data) -> bool {
    let Data::Struct(data) = data else { return false };
    let Fields::Unnamed(fields) = &data.fields else {
        return false;
    };
    let mut fields = fields.unnamed.iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => last_segment_is(&field.ty, &["i32"]),
        _ => false,
    }
}

/// Whether a type is written with one of these names, whatever the path in front of it.
pub(crate) fn last_segment_is(ty: &Type, names: &[&str]) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path
        .segments
        .last()
        .is_some_and(|segment| names.iter().any(|name| segment.ident == name))
}
