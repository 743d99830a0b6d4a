//! Operations as they travel: arguments, replies, and what a call gives back.

use proc_macro2::{Literal as Token, TokenStream};
use quote::quote;

use super::docs::doc_line;
use super::items::{STRUCT, name_attribute};
use super::server::returns_nothing;
use super::types::max_len;
use super::{Emitter, Part, Place, Sink, ident};
use crate::model::{Bounded, Interface, Operation};
use crate::naming::{InterfaceNames, OperationNames};
use crate::settings::{RETURN, Setting};

/// A value on its way: the return value or a parameter.
struct Traveller<'t> {
    tag: u8,
    idl: &'t str,
    rust: &'t str,
    ty: &'t Bounded,
}

impl Emitter<'_> {
    /// The hidden module with the types that carry the calls.
    pub(super) fn operations(&self, item: &Interface, names: &InterfaceNames, out: &mut Sink<'_>) {
        if item.operations.is_empty() {
            return;
        }
        let module = ident(&names.module);
        let docs = doc_line(&format!(
            "The operations of {} as they travel.",
            self.mention(item, names)
        ));
        let place = Place {
            module: item.module,
            inside: Some(names),
        };
        out(Part::Open(quote! {
            #docs
            #[doc(hidden)]
            pub mod #module {}
        }));
        for pair in item.operations.iter().zip(&names.operations) {
            out(Part::Items(self.operation(item, pair, place)));
        }
        out(Part::Close);
    }

    /// The structs of operations that give back more than one value.
    pub(super) fn outputs(
        &self,
        item: &Interface,
        names: &InterfaceNames,
        place: Place<'_>,
    ) -> impl Iterator<Item = TokenStream> {
        let pairs = item.operations.iter().zip(&names.operations);
        let output = move |(operation, own): (&Operation, &OperationNames)| {
            let name = ident(&own.output);
            let docs = doc_line(&format!(
                "What `{}` of {} gives back.",
                operation.name,
                self.mention(item, names)
            ));
            let path = self.operation_path(item, operation);
            let (chosen, debug) = (self.chosen(&STRUCT, &path), self.debug(&path));
            let fields = replies(operation, own).into_iter().map(|value| {
                let docs = if value.tag == 0 {
                    doc_line("The return value.")
                } else {
                    TokenStream::new()
                };
                let field = self.traveller(item, operation, &value, place);
                quote!(#docs #field)
            });
            quote! {
                #docs
                #[derive(Clone, #debug PartialEq, ::tars::TarsStruct)]
                #chosen
                pub struct #name {
                    #(#fields)*
                }
            }
        };
        pairs.filter(|(operation, _)| operation.has_output_struct()).map(output)
    }

    /// `Module.Interface.operation`
    pub(super) fn operation_path(&self, item: &Interface, operation: &Operation) -> String {
        format!("{}.{}", self.path(item.module, &item.name), operation.name)
    }

    /// `Module.Interface.operation.value`
    pub(super) fn value_path(&self, item: &Interface, operation: &Operation, value: &str) -> String {
        format!("{}.{value}", self.operation_path(item, operation))
    }

    /// What a call gives back: nothing, the one value, or the struct of all.
    pub(super) fn output_type(
        &self,
        item: &Interface,
        operation: &Operation,
        names: &OperationNames,
        place: Place<'_>,
    ) -> TokenStream {
        if operation.has_output_struct() {
            let up = place.inside.map(|_| quote!(super::));
            let name = ident(&names.output);
            return quote!(#up #name);
        }
        match replies(operation, names).as_slice() {
            [] => quote!(()),
            [value, ..] => {
                let path = self.value_path(item, operation, value.idl);
                self.ty(&value.ty.ty, self.choice(&path, &value.ty.ty, false), place)
            }
        }
    }

    fn operation(
        &self,
        item: &Interface,
        (operation, names): (&Operation, &OperationNames),
        place: Place<'_>,
    ) -> TokenStream {
        let idl = operation.name.as_str();
        let (marker, args) = (ident(&names.marker), ident(&names.args));
        let docs = doc_line(&format!("`{idl}`"));
        let inputs = operation.inputs().map(|(index, param)| Traveller {
            tag: param.tag,
            idl: &param.name,
            rust: &names.params[index],
            ty: &param.ty,
        });
        let inputs = inputs.map(|value| self.traveller(item, operation, &value, place));
        let output = self.output_type(item, operation, names, place);
        let (reply_item, reply, conversions) = self.reply(item, (operation, names), &output, place);
        quote! {
            #docs
            #[derive(Clone, Copy, Debug)]
            pub enum #marker {}

            #[derive(Clone, Debug, PartialEq, ::tars::TarsStruct)]
            pub struct #args {
                #(#inputs)*
            }

            #reply_item

            impl ::tars::Operation for #marker {
                const NAME: &'static str = #idl;
                type Args = #args;
                type Reply = #reply;
                type Output = #output;
                #conversions
            }
        }
    }

    /// The struct of the reply if it is not the output itself, the type of the reply, and the ways between both.
    fn reply(
        &self,
        item: &Interface,
        (operation, names): (&Operation, &OperationNames),
        output: &TokenStream,
        place: Place<'_>,
    ) -> (TokenStream, TokenStream, TokenStream) {
        if operation.has_output_struct() {
            let conversions = quote! {
                fn into_output(reply: #output) -> #output { reply }
                fn into_reply(output: #output) -> #output { output }
            };
            return (TokenStream::new(), output.clone(), conversions);
        }
        let reply = ident(&names.reply);
        let values = replies(operation, names);
        let fields = values.iter().map(|value| self.traveller(item, operation, value, place));
        let reply_item = quote! {
            #[derive(Clone, Debug, PartialEq, ::tars::TarsStruct)]
            pub struct #reply {
                #(#fields)*
            }
        };
        let conversions = match values.first().filter(|_| !returns_nothing(operation)) {
            None => quote! {
                fn into_output(_: #reply) {}
                fn into_reply((): ()) -> #reply { #reply {} }
            },
            Some(value) => {
                let field = ident(value.rust);
                let init = if value.rust == "output" {
                    quote!(#field)
                } else {
                    quote!(#field: output)
                };
                quote! {
                    fn into_output(reply: #reply) -> #output { reply.#field }
                    fn into_reply(output: #output) -> #reply { #reply { #init } }
                }
            }
        };
        (reply_item, quote!(#reply), conversions)
    }

    fn traveller(
        &self,
        item: &Interface,
        operation: &Operation,
        value: &Traveller<'_>,
        place: Place<'_>,
    ) -> TokenStream {
        let path = self.value_path(item, operation, value.idl);
        let tag = Token::u8_unsuffixed(value.tag);
        let mut settings = vec![quote!(tag = #tag), quote!(require)];
        settings.extend(name_attribute(value.rust, value.idl));
        settings.extend(max_len(value.ty));
        let ty = self.ty(&value.ty.ty, self.choice(&path, &value.ty.ty, false), place);
        let chosen = self.chosen(&[Setting::FieldAttribute], &path);
        let name = ident(value.rust);
        quote! {
            #[tars(#(#settings),*)]
            #chosen
            pub #name: #ty,
        }
    }
}

/// The return value and the out parameters.
fn replies<'t>(operation: &'t Operation, names: &'t OperationNames) -> Vec<Traveller<'t>> {
    let ret = operation.ret.iter().map(|ty| Traveller {
        tag: 0,
        idl: RETURN,
        rust: &names.ret,
        ty,
    });
    let outs = operation.outputs().map(|(index, param)| Traveller {
        tag: param.tag,
        idl: &param.name,
        rust: &names.params[index],
        ty: &param.ty,
    });
    ret.chain(outs).collect()
}
