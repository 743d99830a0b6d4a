//! Bytes to fields.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::default::field_heap;
use super::default_function;
use crate::input::{Field, Structure};

/// `Struct::decode_fields`.
pub(super) fn fields(input: &Structure<'_>) -> TokenStream {
    let reads = input.fields.iter().map(read);
    let values = input.fields.iter().map(|field| {
        let (ident, variable) = (field.ident, variable(field));
        quote!(#ident: #variable)
    });
    quote! {
        #[inline]
        fn decode_fields(
            __r: &mut ::tars::codec::Reader<'_>,
        ) -> ::tars::__private::core::result::Result<Self, ::tars::codec::DecodeError> {
            #(#reads)*
            ::tars::__private::core::result::Result::Ok(Self { #(#values),* })
        }
    }
}

fn variable(field: &Field<'_>) -> Ident {
    format_ident!("__value_{}", field.tag)
}

fn read(field: &Field<'_>) -> TokenStream {
    let (variable, ty, tag, name) = (variable(field), field.ty, field.tag, &field.name);
    let value = if field.has_presence() {
        quote_spanned!(field.span()=> __r.optional(#tag, #name)?)
    } else if field.is_required() {
        quote_spanned!(field.span()=> __r.require(#tag, #name)?)
    } else if field.default().is_some() {
        let (heap, function) = (field_heap(field), default_function(tag));
        quote_spanned!(field.span()=> __r.optional_or(#tag, #name, #heap, #function)?)
    } else {
        quote_spanned!(field.span()=> __r.optional_or_default(#tag, #name)?)
    };
    let bound = field.max_len().map(|max| bound(field, max));
    quote! {
        let #variable: #ty = #value;
        #bound
    }
}

fn bound(field: &Field<'_>, max: usize) -> TokenStream {
    let (variable, tag, name) = (variable(field), field.tag, &field.name);
    if field.has_presence() {
        quote_spanned! {field.span()=>
            if let ::tars::__private::core::option::Option::Some(__value) = &#variable {
                __r.bounded(#tag, #name, #max, __value)?;
            }
        }
    } else {
        quote_spanned!(field.span()=> __r.bounded(#tag, #name, #max, &#variable)?;)
    }
}
