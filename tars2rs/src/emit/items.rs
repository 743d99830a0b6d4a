//! Structs, enums and constants.

use proc_macro2::{Literal as Token, TokenStream};
use quote::quote;

use super::docs::docs;
use super::types::{is_implied, max_len};
use super::{Emitter, Place, ident, unraw};
use crate::model::{ConstId, EnumId, Field, Struct, StructId, Type};
use crate::settings::Setting;

/// What adds attributes to structs.
pub(super) const STRUCT: [Setting; 2] = [Setting::TypeAttribute, Setting::StructAttribute];

impl Emitter<'_> {
    pub(super) fn structure(&self, id: StructId) -> TokenStream {
        let item = self.model.structure(id);
        let names = &self.names.structs[id.index()];
        let path = self.path(item.module, &item.name);
        let mut attributes = Vec::new();
        attributes.extend(name_attribute(&names.name, &item.name));
        if !item.key.is_empty() {
            let members = item.key.iter().map(|index| ident(&names.members[*index]));
            attributes.push(quote!(key(#(#members),*)));
        }
        let tars = (!attributes.is_empty()).then(|| quote!(#[tars(#(#attributes),*)]));
        // With a key the derive writes equality and order itself, so that they agree.
        let equality = item.key.is_empty().then(|| quote!(PartialEq,));
        let fallback = format!("Struct `{}` of the IDL.", item.name);
        let docs = docs(&item.doc, &fallback);
        let chosen = self.chosen(&STRUCT, &path);
        let debug = self.debug(&path);
        let name = ident(&names.name);
        let fields = item
            .fields
            .iter()
            .zip(&names.members)
            .map(|(field, name)| self.field(item, field, name, &path));
        quote! {
            #docs
            #[derive(Clone, #debug #equality ::tars::TarsStruct)]
            #tars
            #chosen
            pub struct #name {
                #(#fields)*
            }
        }
    }

    /// `Debug,` among the derives, unless the build script wants none.
    pub(super) fn debug(&self, path: &str) -> TokenStream {
        if self.settings.has(Setting::SkipDebug, path) {
            TokenStream::new()
        } else {
            quote!(Debug,)
        }
    }

    fn field(&self, owner: &Struct, field: &Field, name: &str, owner_path: &str) -> TokenStream {
        let path = format!("{owner_path}.{}", field.name);
        let place = Place {
            module: owner.module,
            inside: None,
        };
        let tag = Token::u8_unsuffixed(field.tag);
        let mut settings = vec![quote!(tag = #tag)];
        if field.require {
            settings.push(quote!(require));
        }
        settings.extend(name_attribute(name, &field.name));
        if let Some(default) = field.default.as_ref().filter(|default| !is_implied(default)) {
            let value = self.literal(default, &field.ty.ty, place);
            settings.push(quote!(default = #value));
        }
        let presence = !field.require && field.default.is_none() && self.settings.has(Setting::Presence, &path);
        if presence {
            settings.push(quote!(presence));
        }
        settings.extend(max_len(&field.ty));
        let choice = self.choice(&path, &field.ty.ty, !owner.key.is_empty());
        let ty = self.ty(&field.ty.ty, choice, place);
        let ty = if presence {
            let option = self.std("Option", place);
            quote!(#option<#ty>)
        } else {
            ty
        };
        let docs = docs(&field.doc, "");
        let chosen = self.chosen(&[Setting::FieldAttribute], &path);
        let name = ident(name);
        quote! {
            #docs
            #[tars(#(#settings),*)]
            #chosen
            pub #name: #ty,
        }
    }

    /// An enum, with the constants of its module that are of its type.
    pub(super) fn enumeration(&self, id: EnumId, of_its_type: &[ConstId]) -> TokenStream {
        let item = self.model.enumeration(id);
        let names = &self.names.enums[id.index()];
        if item.enumerators.is_empty() {
            return self.empty_enumeration(id);
        }
        let path = self.path(item.module, &item.name);
        let values = item.enumerators.iter().zip(&names.members).map(|(value, name)| {
            let rust = ident(name);
            let idl = value.name.as_str();
            if unraw(name) == idl {
                quote!(#rust)
            } else {
                quote!(#rust = #idl)
            }
        });
        let mut attributes: Vec<TokenStream> = name_attribute(&names.name, &item.name).into_iter().collect();
        attributes.push(quote!(values(#(#values),*)));
        let fallback = format!("Enum `{}` of the IDL.", item.name);
        let type_docs = docs(&item.doc, &fallback);
        let chosen = self.chosen(&[Setting::TypeAttribute, Setting::EnumAttribute], &path);
        let name = ident(&names.name);
        let constants = item.enumerators.iter().zip(&names.members).map(|(value, name)| {
            let name = ident(name);
            let digits = Token::u32_unsuffixed(value.value.unsigned_abs());
            let number = if value.value < 0 {
                quote!(-#digits)
            } else {
                quote!(#digits)
            };
            let docs = docs(&value.doc, "");
            let chosen = self.chosen(&[Setting::ConstAttribute], &format!("{path}.{}", value.name));
            quote! {
                #docs
                #chosen
                pub const #name: Self = Self(#number);
            }
        });
        let associated = self.associated(id, of_its_type);
        quote! {
            #type_docs
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::tars::TarsEnum)]
            #[tars(#(#attributes),*)]
            #chosen
            pub struct #name(pub i32);

            impl #name {
                #(#constants)*
                #(#associated)*
            }
        }
    }

    /// Constants of the enum's type in its own module, at the type too, where one looks for its values. An enumerator of
    /// the same name stays what it is.
    fn associated(&self, id: EnumId, constants: &[ConstId]) -> impl Iterator<Item = TokenStream> {
        let members = &self.names.enums[id.index()].members;
        let constants = constants
            .iter()
            .map(|constant| (self.model.constant(*constant), &self.names.consts[constant.index()]));
        constants
            .filter(|(_, name)| !members.contains(name))
            .map(|(item, name)| {
                let name = ident(name);
                let docs = docs(&item.doc, &format!("Constant `{}` of the IDL.", item.name));
                quote! {
                    #docs
                    pub const #name: Self = #name;
                }
            })
    }

    /// An enum without enumerators has no first one to be its default: all that is left of it is the number.
    fn empty_enumeration(&self, id: EnumId) -> TokenStream {
        let item = self.model.enumeration(id);
        let name = ident(&self.names.enums[id.index()].name);
        let fallback = format!("Enum `{}` of the IDL, which has no enumerators.", item.name);
        let docs = docs(&item.doc, &fallback);
        quote! {
            #docs
            pub type #name = i32;
        }
    }

    pub(super) fn constant(&self, id: ConstId) -> TokenStream {
        let item = self.model.constant(id);
        let place = Place {
            module: item.module,
            inside: None,
        };
        let name = ident(&self.names.consts[id.index()]);
        let ty = match item.ty {
            Type::String => quote!(&str),
            ref other => self.ty(other, super::types::Choice::default(), place),
        };
        let value = self.literal(&item.value, &item.ty, place);
        let docs = docs(&item.doc, "");
        let chosen = self.chosen(&[Setting::ConstAttribute], &self.path(item.module, &item.name));
        quote! {
            #docs
            #chosen
            pub const #name: #ty = #value;
        }
    }
}

/// `name = ".."`, when Rust calls it something else.
pub(super) fn name_attribute(rust: &str, idl: &str) -> Option<TokenStream> {
    (unraw(rust) != idl).then(|| quote!(name = #idl))
}
