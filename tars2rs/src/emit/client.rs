//! The client of an interface.

use proc_macro2::{Literal as Token, TokenStream};
use quote::quote;

use super::docs::{doc_line, docs};
use super::types::by_value;
use super::{Emitter, Place, ident};
use crate::model::{Interface, Operation};
use crate::naming::{InterfaceNames, OperationNames};
use crate::settings::Setting;

impl Emitter<'_> {
    /// `XClient`, a method an operation.
    pub(super) fn client(&self, item: &Interface, names: &InterfaceNames, place: Place<'_>) -> TokenStream {
        let client = ident(&names.client);
        let docs = doc_line(&format!("Calls {} over the wire.", self.mention(item, names)));
        let chosen = self.chosen(&[Setting::ClientAttribute], &self.path(item.module, &item.name));
        let methods = item
            .operations
            .iter()
            .zip(&names.operations)
            .map(|pair| self.call(item, names, pair, place));
        quote! {
            #docs
            #[derive(Clone, Debug)]
            #chosen
            pub struct #client {
                proxy: ::tars::Proxy,
            }

            impl ::tars::Client for #client {
                fn new(proxy: ::tars::Proxy) -> Self {
                    Self { proxy }
                }
            }

            impl #client {
                /// What carries the calls.
                pub fn proxy(&self) -> &::tars::Proxy {
                    &self.proxy
                }

                #(#methods)*
            }
        }
    }

    fn call(
        &self,
        item: &Interface,
        names: &InterfaceNames,
        (operation, own): (&Operation, &OperationNames),
        place: Place<'_>,
    ) -> TokenStream {
        let docs = docs(&operation.doc, &format!("Operation `{}`.", operation.name));
        let (module, marker, method) = (ident(&names.module), ident(&own.marker), ident(&own.method));
        let params = operation.inputs().map(|(index, param)| {
            let choice = self.choice(&self.value_path(item, operation, &param.name), &param.ty.ty, false);
            let (name, ty) = (ident(&own.params[index]), self.argument(&param.ty.ty, choice, place));
            quote!(, #name: #ty)
        });
        let fields = operation.inputs().map(|(index, param)| {
            let (tag, name) = (Token::u8_unsuffixed(param.tag), ident(&own.params[index]));
            let reference = by_value(&param.ty.ty).then(|| quote!(&));
            quote!(args.field(#tag, #reference #name);)
        });
        let mutable = operation.inputs().next().map(|_| quote!(mut));
        let output = self.output_type(item, operation, own, place);
        quote! {
            #docs
            pub fn #method(&self #(#params)*) -> ::tars::Call<#output> {
                let #mutable args = ::tars::codec::Writer::new();
                #(#fields)*
                self.proxy.call::<#module::#marker>(args)
            }
        }
    }
}
