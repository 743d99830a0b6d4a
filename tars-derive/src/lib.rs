//! Derive macros of the Tars runtime. Use them through the crate `tars`, which exports both and the traits they implement.
//!
//! `TarsStruct` gives a struct its form on the wire, `TarsEnum` gives a newtype over `i32` that of an enum of the IDL. The attribute
//! grammar is the contract between whoever writes the types (usually the compiler `tars2rs`) and these macros; mistakes are compile
//! errors at the field, all of them at once.

mod attr;
mod check;
mod ctxt;
mod expand;
mod input;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `Default`, `tars::codec::{Struct, Encode, Decode, Total}` for a struct with named fields.
///
/// Every field has `#[tars(tag = N)]`; further: `require`, `name = ".."`, `default = ..`, `presence`, `max_len = N`. The struct may
/// have `#[tars(name = "..")]` and `#[tars(key(field, ..))]`; the latter adds `PartialEq`, `Eq`, `PartialOrd`, `Ord` and `Hash`.
#[proc_macro_derive(TarsStruct, attributes(tars))]
pub fn derive_struct(input: TokenStream) -> TokenStream {
    expand::structure(&parse_macro_input!(input as DeriveInput))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Derives `name()`, `Default`, `Debug`, `TryFrom<&str>`, `From<i32>`, `Into<i32>` and `tars::codec::{Encode, Decode, Total}` for a
/// newtype over `i32` whose constants `#[tars(values(NAME, OTHER = "idlName"))]` lists in the order of the IDL.
#[proc_macro_derive(TarsEnum, attributes(tars))]
pub fn derive_enum(input: TokenStream) -> TokenStream {
    expand::enumeration(&parse_macro_input!(input as DeriveInput))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
