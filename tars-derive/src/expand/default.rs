//! Defaults: written once as a function, and named by `Default`, by the encoder and by the decoder.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Lit, LitFloat};

use super::default_function;
use crate::attr::DefaultValue;
use crate::input::{Field, Structure, last_segment_is};

/// `impl Default` and the functions it uses.
pub(super) fn expand(input: &Structure<'_>) -> TokenStream {
    let ident = input.ident;
    let functions = input.fields.iter().filter_map(function);
    let fields = input.fields.iter().map(|field| {
        let (name, value) = (field.ident, value(field));
        quote!(#name: #value)
    });
    quote! {
        #(#functions)*

        #[automatically_derived]
        impl ::tars::__private::core::default::Default for #ident {
            fn default() -> Self {
                Self { #(#fields),* }
            }
        }
    }
}

/// The default of a field as an expression.
fn value(field: &Field<'_>) -> TokenStream {
    if field.default().is_some() {
        let function = default_function(field.tag);
        quote!(#function())
    } else {
        quote_spanned!(field.span()=> ::tars::__private::core::default::Default::default())
    }
}

/// One place for the user's literal, so that a wrong one is one error.
fn function(field: &Field<'_>) -> Option<TokenStream> {
    let (function, ty) = (default_function(field.tag), field.ty);
    let body = match field.default()? {
        DefaultValue::Text(text) => {
            quote_spanned!(field.span()=> <#ty as ::tars::__private::Text>::from_text(#text))
        }
        DefaultValue::Number { negative, literal } => {
            let literal = if last_segment_is(ty, &["f32", "f64"]) {
                float(literal)
            } else {
                quote!(#literal)
            };
            if *negative { quote!(-#literal) } else { literal }
        }
        DefaultValue::Value(value) => quote!(#value),
    };
    Some(quote! {
        #[inline]
        fn #function() -> #ty {
            #body
        }
    })
}

/// `1` is a fine default for a float in the IDL, but not in Rust.
fn float(literal: &Lit) -> TokenStream {
    match literal {
        Lit::Int(int) => {
            let float = LitFloat::new(&format!("{}.0", int.base10_digits()), int.span());
            quote!(#float)
        }
        other => quote!(#other),
    }
}

/// Memory the struct's default owns: default texts, and what the defaults of its fields own.
pub(super) fn heap(input: &Structure<'_>) -> TokenStream {
    let parts = input.fields.iter().map(field_heap);
    quote!(0 #(+ #parts)*)
}

/// Memory the default of a field owns.
pub(super) fn field_heap(field: &Field<'_>) -> TokenStream {
    let ty = field.ty;
    match field.default() {
        Some(DefaultValue::Text(text)) => {
            let literal = Literal::usize_unsuffixed(text.value().len());
            quote!(#literal)
        }
        Some(_) => quote!(0),
        None if field.has_presence() => quote!(0),
        None => quote_spanned!(field.span()=> <#ty as ::tars::codec::Decode>::DEFAULT_HEAP),
    }
}
