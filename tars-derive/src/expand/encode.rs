//! Fields to bytes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::default_function;
use crate::attr::DefaultValue;
use crate::input::{Field, Structure};

/// `Struct::encode_fields`.
pub(super) fn fields(input: &Structure<'_>) -> TokenStream {
    let fields = input.fields.iter().map(field);
    quote! {
        #[inline]
        fn encode_fields(&self, __w: &mut ::tars::codec::Writer) {
            #(#fields)*
        }
    }
}

fn field(field: &Field<'_>) -> TokenStream {
    let ident = field.ident;
    if field.has_presence() {
        let write = write(field, &quote!(__value));
        return quote! {
            if let ::tars::__private::core::option::Option::Some(__value) = &self.#ident {
                #write
            }
        };
    }
    let write = write(field, &quote!(&self.#ident));
    if field.is_required() {
        return write;
    }
    let at_default = at_default(field);
    quote! {
        if !(#at_default) {
            #write
        }
    }
}

/// Whether an optional field may be left out, as an expression.
fn at_default(field: &Field<'_>) -> TokenStream {
    let ident = field.ident;
    match field.default() {
        None => quote_spanned!(field.span()=> ::tars::codec::Encode::is_zero(&self.#ident)),
        Some(DefaultValue::Text(text)) => {
            quote_spanned!(field.span()=> ::tars::__private::Text::is_text(&self.#ident, #text))
        }
        Some(_) => {
            let function = default_function(field.tag);
            quote!(::tars::codec::Encode::equals_default(&self.#ident, &#function()))
        }
    }
}

fn write(field: &Field<'_>, value: &TokenStream) -> TokenStream {
    let (tag, name) = (field.tag, &field.name);
    match field.max_len() {
        None => quote_spanned!(field.span()=> __w.field(#tag, #value);),
        Some(max) => quote_spanned!(field.span()=> __w.bounded::<Self, _>(#tag, #name, #max, #value);),
    }
}
