//! The trait of an interface, and the service that serves an implementation of it.

use proc_macro2::TokenStream;
use quote::quote;

use super::docs::{doc_line, docs};
use super::{Emitter, Place, ident};
use crate::model::{Interface, Operation};
use crate::naming::{InterfaceNames, OperationNames};
use crate::settings::Setting;

impl Emitter<'_> {
    /// The trait.
    pub(super) fn service(&self, item: &Interface, names: &InterfaceNames, place: Place<'_>) -> TokenStream {
        let fallback = format!("Interface `{}` of the IDL.", item.name);
        let docs = docs(&item.doc, &fallback);
        let name = ident(&names.name);
        let chosen = self.chosen(&[Setting::TraitAttribute], &self.path(item.module, &item.name));
        let (send, sync) = (self.std("Send", place), self.std("Sync", place));
        let methods = item
            .operations
            .iter()
            .zip(&names.operations)
            .map(|pair| self.method(item, pair, place));
        quote! {
            #docs
            #chosen
            pub trait #name: #send + #sync + 'static {
                #(#methods)*
            }
        }
    }

    fn method(
        &self,
        item: &Interface,
        (operation, names): (&Operation, &OperationNames),
        place: Place<'_>,
    ) -> TokenStream {
        let docs = docs(&operation.doc, &format!("Operation `{}`.", operation.name));
        let name = ident(&names.method);
        let params = operation.inputs().map(|(index, param)| {
            let choice = self.choice(&self.value_path(item, operation, &param.name), &param.ty.ty, false);
            let (name, ty) = (ident(&names.params[index]), self.ty(&param.ty.ty, choice, place));
            quote!(, #name: #ty)
        });
        let output = self.output_type(item, operation, names, place);
        let send = self.std("Send", place);
        quote! {
            #docs
            fn #name(&self, cx: &mut ::tars::Context #(#params)*)
                -> impl ::std::future::Future<Output = ::tars::Result<#output>> + #send;
        }
    }

    /// `XServer`, a service over the trait.
    pub(super) fn server(&self, item: &Interface, names: &InterfaceNames, place: Place<'_>) -> TokenStream {
        let (service, server) = (ident(&names.name), ident(&names.server));
        let docs = doc_line(&format!("Serves an implementation of [`{service}`]."));
        let chosen = self.chosen(&[Setting::ServerAttribute], &self.path(item.module, &item.name));
        let dispatch = self.dispatch(item, names, place);
        let ok = self.std("Ok", place);
        quote! {
            #docs
            #[derive(Debug)]
            #chosen
            pub struct #server<T> {
                inner: ::std::sync::Arc<T>,
            }

            impl<T> #server<T> {
                /// Serves `inner`.
                pub fn new(inner: T) -> Self {
                    Self::from_arc(::std::sync::Arc::new(inner))
                }

                /// Serves what others hold too.
                pub fn from_arc(inner: ::std::sync::Arc<T>) -> Self {
                    Self { inner }
                }
            }

            impl<T> ::std::clone::Clone for #server<T> {
                fn clone(&self) -> Self {
                    Self::from_arc(::std::sync::Arc::clone(&self.inner))
                }
            }

            impl<T: #service> ::tars::Service<::tars::Request> for #server<T> {
                type Response = ::tars::Response;
                type Error = ::tars::Error;
                type Future = ::tars::BoxFuture<::tars::Result<::tars::Response>>;

                fn poll_ready(
                    &mut self,
                    _: &mut ::std::task::Context<'_>,
                ) -> ::std::task::Poll<::tars::Result<()>> {
                    ::std::task::Poll::Ready(#ok(()))
                }

                fn call(&mut self, request: ::tars::Request) -> Self::Future {
                    #dispatch
                }
            }
        }
    }

    fn dispatch(&self, item: &Interface, names: &InterfaceNames, place: Place<'_>) -> TokenStream {
        let (pin, err) = (self.std("Box", place), self.std("Err", place));
        let unknown = quote!(#pin::pin(::std::future::ready(#err(request.unknown_function()))));
        if item.operations.is_empty() {
            return unknown;
        }
        let arms = item.operations.iter().zip(&names.operations).map(|(operation, own)| {
            let idl = operation.name.as_str();
            let work = serve(operation, own, names);
            quote!(#idl => #pin::pin(async move { #work }),)
        });
        quote! {
            let inner = ::std::sync::Arc::clone(&self.inner);
            match request.function() {
                #(#arms)*
                _ => #unknown,
            }
        }
    }
}

/// Decodes, calls, encodes.
fn serve(operation: &Operation, own: &OperationNames, names: &InterfaceNames) -> TokenStream {
    let (module, marker, method) = (ident(&names.module), ident(&own.marker), ident(&own.method));
    let inputs: Vec<_> = operation.inputs().map(|(index, _)| ident(&own.params[index])).collect();
    let args = if inputs.is_empty() { quote!(_) } else { quote!(args) };
    // Through the trait, since `inner.clone(..)` would be the clone of the `Arc`.
    let call = quote!(T::#method(&inner, &mut cx #(, args.#inputs)*).await?);
    let open = quote!(let (mut cx, #args) = request.open::<#module::#marker>()?;);
    if returns_nothing(operation) {
        quote! {
            #open
            #call;
            cx.respond::<#module::#marker>(())
        }
    } else {
        quote! {
            #open
            let output = #call;
            cx.respond::<#module::#marker>(output)
        }
    }
}

pub(super) fn returns_nothing(operation: &Operation) -> bool {
    operation.ret.is_none() && operation.outputs().next().is_none()
}
