//! An open enum: a number with names for the values the IDL knows.

use proc_macro2::TokenStream;
use quote::quote;

use crate::input::Enumeration;

pub(super) fn expand(input: &Enumeration<'_>) -> TokenStream {
    let names = names(input);
    let conversions = conversions(input);
    let codec = codec(input);
    let json = super::json::enumeration(input);
    quote!(#names #conversions #codec #json)
}

/// `name()`, `Debug` and `Default`.
fn names(input: &Enumeration<'_>) -> TokenStream {
    let (vis, ident) = (input.vis, input.ident);
    let text = ident.to_string();
    let constants: Vec<_> = input.values.iter().map(|value| &value.constant).collect();
    let names: Vec<_> = input.values.iter().map(|value| &value.name).collect();
    let first = constants.first();
    quote! {
        #[automatically_derived]
        impl #ident {
            /// The name in the IDL, the first one if two values are the same number; `None` for a number that has no name.
            #[must_use]
            #vis fn name(self) -> ::tars::__private::core::option::Option<&'static ::tars::__private::core::primitive::str> {
                match self {
                    #(Self(__value) if __value == Self::#constants.0 => ::tars::__private::core::option::Option::Some(#names),)*
                    _ => ::tars::__private::core::option::Option::None,
                }
            }
        }

        #[automatically_derived]
        impl ::tars::__private::core::fmt::Debug for #ident {
            fn fmt(&self, __f: &mut ::tars::__private::core::fmt::Formatter<'_>) -> ::tars::__private::core::fmt::Result {
                match Self(self.0).name() {
                    ::tars::__private::core::option::Option::Some(__name) => __f.write_str(__name),
                    ::tars::__private::core::option::Option::None => __f.debug_tuple(#text).field(&self.0).finish(),
                }
            }
        }

        #[automatically_derived]
        impl ::tars::__private::core::default::Default for #ident {
            fn default() -> Self {
                Self::#first
            }
        }
    }
}

/// To and from numbers and names.
fn conversions(input: &Enumeration<'_>) -> TokenStream {
    let (ident, idl_name) = (input.ident, &input.name);
    let constants = input.values.iter().map(|value| &value.constant);
    let names: Vec<_> = input.values.iter().map(|value| &value.name).collect();
    quote! {
        #[automatically_derived]
        impl ::tars::__private::core::convert::TryFrom<&::tars::__private::core::primitive::str> for #ident {
            type Error = ::tars::codec::UnknownName;

            fn try_from(
                __name: &::tars::__private::core::primitive::str,
            ) -> ::tars::__private::core::result::Result<Self, ::tars::codec::UnknownName> {
                match __name {
                    #(#names => ::tars::__private::core::result::Result::Ok(Self::#constants),)*
                    _ => ::tars::__private::core::result::Result::Err(
                        ::tars::codec::UnknownName::new(__name, #idl_name, &[#(#names),*]),
                    ),
                }
            }
        }

        #[automatically_derived]
        impl ::tars::__private::core::convert::From<::tars::__private::core::primitive::i32> for #ident {
            fn from(__value: ::tars::__private::core::primitive::i32) -> Self {
                Self(__value)
            }
        }

        #[automatically_derived]
        impl ::tars::__private::core::convert::From<#ident> for ::tars::__private::core::primitive::i32 {
            fn from(__value: #ident) -> Self {
                __value.0
            }
        }
    }
}

/// As an int on the wire, always written, unknown numbers kept.
fn codec(input: &Enumeration<'_>) -> TokenStream {
    let ident = input.ident;
    quote! {
        #[automatically_derived]
        impl ::tars::codec::Encode for #ident {
            #[inline]
            fn encode(&self, __tag: ::tars::__private::core::primitive::u8, __w: &mut ::tars::codec::Writer) {
                __w.field(__tag, &self.0);
            }
        }

        #[automatically_derived]
        impl ::tars::codec::Decode for #ident {
            #[inline]
            fn decode(
                __r: &mut ::tars::codec::Reader<'_>,
                __head: ::tars::codec::Head,
            ) -> ::tars::__private::core::result::Result<Self, ::tars::codec::DecodeError> {
                ::tars::codec::Decode::decode(__r, __head).map(Self)
            }
        }

        #[automatically_derived]
        impl ::tars::codec::Total for #ident {
            fn compare(&self, __other: &Self) -> ::tars::__private::core::cmp::Ordering {
                ::tars::codec::Total::compare(&self.0, &__other.0)
            }

            fn digest<__H: ::tars::__private::core::hash::Hasher>(&self, __state: &mut __H) {
                ::tars::codec::Total::digest(&self.0, __state);
            }
        }
    }
}
