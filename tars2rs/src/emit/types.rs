//! Rust types and literals.

use proc_macro2::{Literal as Token, TokenStream};
use quote::quote;

use super::{Emitter, Place, ident};
use crate::model::{Bounded, EnumId, Literal, Model, ModuleId, Type};
use crate::settings::Setting;

/// What the build script chose for one field, parameter or return value.
#[derive(Clone, Copy, Default)]
pub(super) struct Choice {
    /// Strings as bytes.
    bytes: bool,
    hash_map: bool,
}

impl Choice {
    /// The choices for keys: what is compared is no hash map.
    fn of_key(self) -> Self {
        Self {
            hash_map: false,
            ..self
        }
    }
}

impl Emitter<'_> {
    /// The choices at a path, marked as used where they change the type.
    pub(super) fn choice(&self, path: &str, ty: &Type, keyed: bool) -> Choice {
        let settings = self.settings;
        Choice {
            bytes: contains(ty, &|ty| *ty == Type::String) && settings.has(Setting::Bytes, path),
            // A struct with a key is ordered, which a hash map is not.
            hash_map: !keyed && has_hash_map(self.model, ty) && settings.is_hash_map(path),
        }
    }

    /// The Rust type, named from `place`.
    pub(super) fn ty(&self, ty: &Type, choice: Choice, place: Place<'_>) -> TokenStream {
        match ty {
            Type::Bool => quote!(bool),
            Type::Int(int) => {
                let name = ident(int.rust());
                quote!(#name)
            }
            Type::Float => quote!(f32),
            Type::Double => quote!(f64),
            Type::String if choice.bytes => quote!(::tars::ByteString),
            Type::String => self.std("String", place),
            Type::Bytes => quote!(::tars::bytes::Bytes),
            Type::Vector(element) => {
                let (vec, element) = (self.std("Vec", place), self.ty(element, choice, place));
                quote!(#vec<#element>)
            }
            Type::Map(key, value) => {
                let (key_type, value) = (self.ty(key, choice.of_key(), place), self.ty(value, choice, place));
                if !self.model.is_ordered(key) {
                    let vec = self.std("Vec", place);
                    quote!(#vec<(#key_type, #value)>)
                } else if choice.hash_map && can_be_hashed(self.model, key) {
                    quote!(::std::collections::HashMap<#key_type, #value>)
                } else {
                    quote!(::std::collections::BTreeMap<#key_type, #value>)
                }
            }
            Type::Struct(id) => {
                let item = self.model.structure(*id);
                let name = &self.names.structs[id.index()].name;
                self.named(item.module, (&item.name, name), place)
            }
            Type::Enum(id) => self.enum_path(*id, place),
        }
    }

    /// The type of a client method's parameter: what is cheap to copy by value, all else by reference.
    pub(super) fn argument(&self, ty: &Type, choice: Choice, place: Place<'_>) -> TokenStream {
        match ty {
            _ if by_value(ty) => self.ty(ty, choice, place),
            Type::String if !choice.bytes => quote!(&str),
            Type::Vector(element) => {
                let element = self.ty(element, choice, place);
                quote!(&[#element])
            }
            Type::Map(key, value) if !self.model.is_ordered(key) => {
                let (key, value) = (self.ty(key, choice.of_key(), place), self.ty(value, choice, place));
                quote!(&[(#key, #value)])
            }
            _ => {
                let ty = self.ty(ty, choice, place);
                quote!(&#ty)
            }
        }
    }

    pub(super) fn enum_path(&self, id: EnumId, place: Place<'_>) -> TokenStream {
        let item = self.model.enumeration(id);
        self.named(item.module, (&item.name, &self.names.enums[id.index()].name), place)
    }

    /// A type of `module` by its names in the IDL and in Rust.
    fn named(&self, module: ModuleId, (idl, name): (&str, &str), place: Place<'_>) -> TokenStream {
        let name = ident(name);
        let settings = self.settings;
        if settings.has_extern_types()
            && let Some(path) = settings.extern_type(&self.path(module, idl))
        {
            return rust_path(path);
        }
        if let Some(path) = settings.extern_module(&self.model.module(module).name) {
            let path = rust_path(path);
            return quote!(#path::#name);
        }
        let up = if place.inside.is_some() {
            quote!(super::)
        } else {
            TokenStream::new()
        };
        if module == place.module {
            return quote!(#up #name);
        }
        let home = ident(&self.names.modules[module.index()].name);
        quote!(#up super::#home::#name)
    }

    /// A value as an expression of the type.
    pub(super) fn literal(&self, value: &Literal, ty: &Type, place: Place<'_>) -> TokenStream {
        match value {
            Literal::Bool(value) => quote!(#value),
            Literal::Int(number) => {
                let digits = Token::u64_unsuffixed(number.unsigned_abs());
                if *number < 0 { quote!(-#digits) } else { quote!(#digits) }
            }
            Literal::Float(number) => float(*number, *ty == Type::Float),
            Literal::Str(text) => quote!(#text),
            Literal::Enumerator(id, index) => {
                let path = self.enum_path(*id, place);
                let name = ident(&self.names.enums[id.index()].members[*index]);
                quote!(#path::#name)
            }
        }
    }
}

/// Whether a default says no more than its absence would.
pub(super) fn is_implied(value: &Literal) -> bool {
    match value {
        Literal::Bool(value) => !value,
        Literal::Int(number) => *number == 0,
        Literal::Float(number) => number.to_bits() == 0,
        Literal::Str(text) => text.is_empty(),
        Literal::Enumerator(_, index) => *index == 0,
    }
}

/// The shortest text that reads as the same number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the checker has seen that the number fits a float"
)]
fn float(number: f64, single: bool) -> TokenStream {
    let magnitude = number.abs();
    let text = if single {
        format!("{:?}", magnitude as f32)
    } else {
        format!("{magnitude:?}")
    };
    let digits: TokenStream = text.parse().expect("Rust reads the numbers that it prints");
    if number.is_sign_negative() {
        quote!(-#digits)
    } else {
        digits
    }
}

/// The tokens of a path, which the settings have been asked about.
fn rust_path(path: &str) -> TokenStream {
    path.parse().expect("settings hold Rust paths only")
}

pub(super) fn by_value(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Bool | Type::Int(_) | Type::Float | Type::Double | Type::Enum(_)
    )
}

/// Whether the test holds for the type or something inside it.
fn contains(ty: &Type, test: &dyn Fn(&Type) -> bool) -> bool {
    test(ty)
        || match ty {
            Type::Vector(element) => contains(element, test),
            Type::Map(key, value) => contains(key, test) || contains(value, test),
            _ => false,
        }
}

/// Whether there is a map in the type that can be a hash map.
fn has_hash_map(model: &Model, ty: &Type) -> bool {
    match ty {
        Type::Vector(element) => has_hash_map(model, element),
        Type::Map(key, value) => can_be_hashed(model, key) || has_hash_map(model, value),
        _ => false,
    }
}

/// Whether Rust can hash values of the type: structs with a key and maps have an order, but no hash.
fn can_be_hashed(model: &Model, key: &Type) -> bool {
    model.is_ordered(key) && !contains(key, &|ty| matches!(ty, Type::Struct(_) | Type::Map(..)))
}

/// The bound as a setting of the field attribute.
pub(super) fn max_len(ty: &Bounded) -> Option<TokenStream> {
    let len = Token::u32_unsuffixed(ty.max_len?);
    Some(quote!(max_len = #len))
}
