//! What the macros write. Only absolute paths into the runtime, and names that begin with `__`, so nothing of the user's is met.

mod decode;
mod default;
mod encode;
mod enumeration;
mod json;
mod order;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::DeriveInput;

use crate::check;
use crate::ctxt::Ctxt;
use crate::input::{Enumeration, Structure};

/// `#[derive(TarsStruct)]`.
pub(crate) fn structure(input: &DeriveInput) -> syn::Result<TokenStream> {
    let cx = Ctxt::new();
    let parsed = Structure::from_ast(&cx, input);
    if let Some(structure) = &parsed {
        check::structure(&cx, structure);
    }
    cx.check()?;
    Ok(parsed.map(|structure| hygienic(&write(&structure))).unwrap_or_default())
}

/// `#[derive(TarsEnum)]`.
pub(crate) fn enumeration(input: &DeriveInput) -> syn::Result<TokenStream> {
    let cx = Ctxt::new();
    let parsed = Enumeration::from_ast(&cx, input);
    if let Some(enumeration) = &parsed {
        check::enumeration(&cx, enumeration);
    }
    cx.check()?;
    Ok(parsed
        .map(|enumeration| hygienic(&enumeration::expand(&enumeration)))
        .unwrap_or_default())
}

fn write(input: &Structure<'_>) -> TokenStream {
    let default = default::expand(input);
    let encode = encode::fields(input);
    let decode = decode::fields(input);
    let order = order::expand(input);
    let json = json::structure(input);
    let names = input.fields.iter().map(|field| &field.name);
    let tags = input.fields.iter().map(|field| field.tag);
    let (ident, name) = (input.ident, &input.name);
    let heap = default::heap(input);
    quote! {
        #default

        #[automatically_derived]
        impl ::tars::codec::Struct for #ident {
            const NAME: &'static ::tars::__private::core::primitive::str = #name;
            const FIELDS: &'static [(
                &'static ::tars::__private::core::primitive::str,
                ::tars::__private::core::primitive::u8,
            )] = &[#((#names, #tags)),*];
            #encode
            #decode
        }

        #[automatically_derived]
        impl ::tars::codec::Encode for #ident {
            #[inline]
            fn encode(&self, __tag: ::tars::__private::core::primitive::u8, __w: &mut ::tars::codec::Writer) {
                __w.structure(__tag, self);
            }
        }

        #[automatically_derived]
        impl ::tars::codec::Decode for #ident {
            const DEFAULT_HEAP: ::tars::__private::core::primitive::usize = #heap;

            #[inline]
            fn decode(
                __r: &mut ::tars::codec::Reader<'_>,
                __head: ::tars::codec::Head,
            ) -> ::tars::__private::core::result::Result<Self, ::tars::codec::DecodeError> {
                __r.structure(__head)
            }
        }

        #order
        #json
    }
}

/// Helper items of one expansion must not meet those of another.
fn hygienic(items: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            #items
        };
    }
}

/// The function that gives the default of the field with this tag.
fn default_function(tag: u8) -> Ident {
    format_ident!("__default_{tag}")
}
