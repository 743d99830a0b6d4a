//! The total order every struct has, and the traits of `std` a struct with `key` gets from it.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use crate::input::{Field, Structure};

/// `impl Total`, with a `key` also `PartialEq`, `Eq`, `PartialOrd`, `Ord` and `Hash`.
pub(super) fn expand(input: &Structure<'_>) -> TokenStream {
    let key: &[Ident] = input.attrs.key.get().map_or(&[], Vec::as_slice);
    let total = total(input, key);
    let traits = if key.is_empty() {
        TokenStream::new()
    } else {
        keyed(input.ident)
    };
    quote!(#total #traits)
}

/// Compares the key's fields in their order, then the others in the order of their tags.
fn total(input: &Structure<'_>, key: &[Ident]) -> TokenStream {
    let ident = input.ident;
    let (mut first, rest): (Vec<_>, Vec<_>) = input.fields.iter().partition(|field| key.contains(field.ident));
    first.sort_by_key(|field| key.iter().position(|name| name == field.ident));
    let comparisons = first.iter().chain(&rest).map(|field| compare(field));
    // Values with equal keys may share a hash: what differs in the rest is for the comparison to tell.
    let hashed = if key.is_empty() { &rest } else { &first };
    let digests = hashed.iter().map(|field| digest(field));
    quote! {
        #[automatically_derived]
        impl ::tars::codec::Total for #ident {
            fn compare(&self, __other: &Self) -> ::tars::__private::core::cmp::Ordering {
                #(#comparisons)*
                ::tars::__private::core::cmp::Ordering::Equal
            }

            fn digest<__H: ::tars::__private::core::hash::Hasher>(&self, __state: &mut __H) {
                #(#digests)*
            }
        }
    }
}

fn compare(field: &Field<'_>) -> TokenStream {
    let ident = field.ident;
    quote_spanned! {field.span()=>
        match ::tars::codec::Total::compare(&self.#ident, &__other.#ident) {
            ::tars::__private::core::cmp::Ordering::Equal => {}
            __unequal => return __unequal,
        }
    }
}

fn digest(field: &Field<'_>) -> TokenStream {
    let ident = field.ident;
    quote_spanned!(field.span()=> ::tars::codec::Total::digest(&self.#ident, __state);)
}

/// One order for all of them, so that they cannot disagree.
fn keyed(ident: &Ident) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::tars::__private::core::cmp::PartialEq for #ident {
            fn eq(&self, __other: &Self) -> ::tars::__private::core::primitive::bool {
                ::tars::codec::Total::compare(self, __other).is_eq()
            }
        }

        #[automatically_derived]
        impl ::tars::__private::core::cmp::Eq for #ident {}

        #[automatically_derived]
        impl ::tars::__private::core::cmp::PartialOrd for #ident {
            fn partial_cmp(
                &self,
                __other: &Self,
            ) -> ::tars::__private::core::option::Option<::tars::__private::core::cmp::Ordering> {
                ::tars::__private::core::option::Option::Some(::tars::codec::Total::compare(self, __other))
            }
        }

        #[automatically_derived]
        impl ::tars::__private::core::cmp::Ord for #ident {
            fn cmp(&self, __other: &Self) -> ::tars::__private::core::cmp::Ordering {
                ::tars::codec::Total::compare(self, __other)
            }
        }

        #[automatically_derived]
        impl ::tars::__private::core::hash::Hash for #ident {
            fn hash<__H: ::tars::__private::core::hash::Hasher>(&self, __state: &mut __H) {
                ::tars::codec::Total::digest(self, __state);
            }
        }
    }
}
