//! Fields to the members of a JSON object and back, and serde's traits. The runtime's macro around it expands to nothing when the
//! runtime is built without JSON: what it is built with, its user's crate cannot see.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::default::field_heap;
use super::default_function;
use crate::input::{Enumeration, Field, Structure};

/// The name of a return value. It is written behind the `out` parameters, though its tag is 0.
const RETURN: &str = "tars_ret";

/// All of a struct.
pub(super) fn structure(input: &Structure<'_>) -> TokenStream {
    let write = write(input);
    let read = read(input);
    let serde = serde(input.ident);
    quote! {
        ::tars::__private::if_json! {
            #write
            #read
            #serde
        }
    }
}

/// All of an enum.
pub(super) fn enumeration(input: &Enumeration<'_>) -> TokenStream {
    let ident = input.ident;
    let serde = serde(ident);
    quote! {
        ::tars::__private::if_json! {
            #[automatically_derived]
            impl ::tars::json::ToJson for #ident {
                fn write<__S: ::tars::__private::serde::Serializer>(
                    &self,
                    __to: __S,
                    __room: ::tars::json::Room,
                ) -> ::tars::__private::core::result::Result<__S::Ok, __S::Error> {
                    ::tars::json::ToJson::write(&self.0, __to, __room)
                }

                fn write_key<__E: ::tars::__private::serde::ser::Error>(
                    &self,
                    __room: ::tars::json::Room,
                ) -> ::tars::__private::core::result::Result<::tars::__private::Cow<'_, ::tars::__private::core::primitive::str>, __E> {
                    ::tars::json::ToJson::write_key(&self.0, __room)
                }
            }

            #[automatically_derived]
            impl ::tars::json::FromJson for #ident {
                fn read(
                    __r: &mut ::tars::json::Reader<'_>,
                ) -> ::tars::__private::core::result::Result<Self, ::tars::codec::DecodeError> {
                    __r.enumerator(|__name| <Self as ::tars::__private::core::convert::TryFrom<_>>::try_from(__name))
                }

                fn read_key(
                    __r: &mut ::tars::json::Reader<'_>,
                    __key: ::tars::__private::Cow<'_, [::tars::__private::core::primitive::u8]>,
                ) -> ::tars::__private::core::result::Result<Self, ::tars::codec::DecodeError> {
                    __r.enumerator_key(&__key, |__name| <Self as ::tars::__private::core::convert::TryFrom<_>>::try_from(__name))
                }
            }

            #serde
        }
    }
}

fn serde(ident: &Ident) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::tars::__private::serde::Serialize for #ident {
            fn serialize<__S: ::tars::__private::serde::Serializer>(
                &self,
                __to: __S,
            ) -> ::tars::__private::core::result::Result<__S::Ok, __S::Error> {
                ::tars::json::ToJson::write(self, __to, ::tars::json::Room::new())
            }
        }

        #[automatically_derived]
        impl<'de> ::tars::__private::serde::Deserialize<'de> for #ident {
            fn deserialize<__D: ::tars::__private::serde::Deserializer<'de>>(
                __from: __D,
            ) -> ::tars::__private::core::result::Result<Self, __D::Error> {
                ::tars::json::deserialize(__from)
            }
        }
    }
}

/// `ToJson` of a struct.
fn write(input: &Structure<'_>) -> TokenStream {
    let (ident, name) = (input.ident, &input.name);
    let (returned, others): (Vec<_>, Vec<_>) = input
        .fields
        .iter()
        .partition(|field| field.tag == 0 && field.name == RETURN);
    let count = Literal::usize_unsuffixed(input.fields.len());
    let members = others.into_iter().chain(returned).map(write_member);
    quote! {
        #[automatically_derived]
        impl ::tars::json::ToJson for #ident {
            fn write<__S: ::tars::__private::serde::Serializer>(
                &self,
                __to: __S,
                __room: ::tars::json::Room,
            ) -> ::tars::__private::core::result::Result<__S::Ok, __S::Error> {
                #[allow(unused_mut, reason = "a struct may have no members")]
                let mut __members = ::tars::json::Members::begin(__to, __room, #name, #count)?;
                #(#members)*
                __members.end()
            }
        }
    }
}

fn write_member(field: &Field<'_>) -> TokenStream {
    let (ident, name) = (field.ident, &field.name);
    let span = field.span();
    match (field.has_presence(), field.max_len()) {
        (false, None) => quote_spanned!(span=> __members.member(#name, &self.#ident)?;),
        (false, Some(max)) => quote_spanned!(span=> __members.bounded(#name, #max, &self.#ident)?;),
        (true, None) => quote_spanned!(span=> __members.present(#name, self.#ident.as_ref())?;),
        (true, Some(max)) => quote_spanned!(span=> __members.present_bounded(#name, #max, self.#ident.as_ref())?;),
    }
}

/// `FromJson` of a struct.
fn read(input: &Structure<'_>) -> TokenStream {
    let ident = input.ident;
    let variables = input.fields.iter().map(|field| {
        let (variable, ty) = (variable(field), field.ty);
        let ty = if field.has_presence() {
            quote!(#ty)
        } else {
            quote!(::tars::__private::core::option::Option<#ty>)
        };
        quote!(let mut #variable: #ty = ::tars::__private::core::option::Option::None;)
    });
    let arms = input.fields.iter().map(read_member);
    let values = input.fields.iter().map(value);
    quote! {
        #[automatically_derived]
        impl ::tars::json::FromJson for #ident {
            fn read(
                __r: &mut ::tars::json::Reader<'_>,
            ) -> ::tars::__private::core::result::Result<Self, ::tars::codec::DecodeError> {
                #(#variables)*
                __r.members(|__r, __key| {
                    match __key {
                        #(#arms)*
                        _ => __r.skip()?,
                    }
                    ::tars::__private::core::result::Result::Ok(())
                })?;
                ::tars::__private::core::result::Result::Ok(Self { #(#values),* })
            }
        }
    }
}

fn variable(field: &Field<'_>) -> Ident {
    format_ident!("__value_{}", field.tag)
}

fn read_member(field: &Field<'_>) -> TokenStream {
    let (variable, name) = (variable(field), &field.name);
    let key = Literal::byte_string(name.as_bytes());
    let read = if field.has_presence() {
        quote!(present)
    } else if field.is_required() {
        quote!(member)
    } else {
        quote!(nullable)
    };
    let bound = field
        .max_len()
        .map(|max| quote_spanned!(field.span()=> __r.bounded(#name, #max, #variable.as_ref())?;));
    let read = quote_spanned!(field.span()=> __r.#read(#name)?);
    quote! {
        #key => {
            #variable = #read;
            #bound
        }
    }
}

/// A field of the struct, from the variable that was read or not.
fn value(field: &Field<'_>) -> TokenStream {
    let (ident, variable, name) = (field.ident, variable(field), &field.name);
    if field.has_presence() {
        return quote!(#ident: #variable);
    }
    if field.is_required() {
        return quote!(#ident: __r.required(#name, #variable)?);
    }
    let heap = field_heap(field);
    let default = if field.default().is_some() {
        let function = default_function(field.tag);
        quote!(#function)
    } else {
        quote_spanned!(field.span()=> ::tars::__private::core::default::Default::default)
    };
    quote!(#ident: __r.optional_or(#name, #variable, #heap, #default)?)
}
