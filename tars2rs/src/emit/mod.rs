//! The model as Rust tokens. The only module that knows quote.
//!
//! Everything outside the generated module is named by an absolute path, so that nothing a user declares can get in the
//! way; names of the prelude are short unless the module declares the same name.

mod client;
mod docs;
mod items;
mod operations;
mod server;
mod types;

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{ConstId, EnumId, Interface, InterfaceId, Item, Model, Module, ModuleId, Type};
use crate::naming::{InterfaceNames, Names};
use crate::settings::{Setting, Settings};

use docs::docs;

/// What emitting reads.
#[derive(Clone, Copy)]
pub(crate) struct Emitter<'a> {
    pub(crate) model: &'a Model,
    pub(crate) names: &'a Names,
    pub(crate) settings: &'a Settings,
}

/// A stretch of a module's file. They come one by one, so that the tokens of a whole module never exist at once.
pub(crate) enum Part {
    /// A Rust module that has no items yet: those that follow belong into it.
    Open(TokenStream),
    /// Whole items.
    Items(TokenStream),
    /// The end of the module opened last.
    Close,
}

/// Takes the parts of a file in their order.
pub(crate) type Sink<'s> = dyn FnMut(Part) + 's;

/// Reports Rust texts of the settings that are no tokens at all.
pub(crate) fn check_texts(settings: &Settings, diagnostics: &mut Diagnostics) {
    for text in settings.attributes() {
        if text.parse::<TokenStream>().is_err() {
            diagnostics.push(Diagnostic::general(Code::BadSetting, format!("`{text}` is not Rust")));
        }
    }
}

/// Where a type is named: its path depends on it.
#[derive(Clone, Copy)]
struct Place<'p> {
    module: ModuleId,
    /// The interface whose operations module we are in, if we are in one.
    inside: Option<&'p InterfaceNames>,
}

impl<'a> Emitter<'a> {
    /// The modules that are not compiled elsewhere.
    pub(crate) fn modules(self) -> impl Iterator<Item = (ModuleId, &'a Module)> {
        let modules = self.model.modules();
        modules.filter(move |(_, module)| self.settings.extern_module(&module.name).is_none())
    }
}

impl Emitter<'_> {
    /// All of a module.
    pub(crate) fn module(&self, id: ModuleId, module: &Module, out: &mut Sink<'_>) {
        let name = ident(&self.names.modules[id.index()].name);
        let fallback = format!("IDL module `{}`.", module.name);
        let docs = docs(&module.doc, &fallback);
        out(Part::Open(quote! {
            #docs
            pub mod #name {
                #![allow(
                    dead_code,
                    missing_docs,
                    clippy::approx_constant,
                    clippy::new_ret_no_self,
                    clippy::pedantic,
                    clippy::should_implement_trait,
                    clippy::too_many_arguments,
                    clippy::type_complexity,
                    clippy::wrong_self_convention,
                    reason = "items, names, types and numbers are those of the IDL"
                )]
            }
        }));
        let constants = self.constants_of_enums(module);
        let of = |id: &EnumId| constants.get(id).map_or(&[][..], Vec::as_slice);
        for item in &module.items {
            match item {
                Item::Struct(id) if self.is_elsewhere(module, &self.model.structure(*id).name) => {}
                Item::Enum(id) if self.is_elsewhere(module, &self.model.enumeration(*id).name) => {}
                Item::Struct(id) => out(Part::Items(self.structure(*id))),
                Item::Enum(id) => out(Part::Items(self.enumeration(*id, of(id)))),
                Item::Const(id) => out(Part::Items(self.constant(*id))),
                Item::Interface(id) => self.interface(*id, out),
            }
        }
        out(Part::Close);
    }

    /// The constants of a module whose type is an enum, by the enum: looked for once, not once an enum.
    fn constants_of_enums(&self, module: &Module) -> HashMap<EnumId, Vec<ConstId>> {
        let mut found: HashMap<EnumId, Vec<ConstId>> = HashMap::new();
        for item in &module.items {
            if let Item::Const(id) = item
                && let Type::Enum(of) = self.model.constant(*id).ty
                && self.model.enumeration(of).module == self.model.constant(*id).module
            {
                found.entry(of).or_default().push(*id);
            }
        }
        found
    }

    fn interface(&self, id: InterfaceId, out: &mut Sink<'_>) {
        let item = self.model.interface(id);
        let names = &self.names.interfaces[id.index()];
        let place = Place {
            module: item.module,
            inside: None,
        };
        let Settings { server, client, .. } = *self.settings;
        if !server && !client {
            return;
        }
        if server {
            out(Part::Items(self.service(item, names, place)));
        }
        self.outputs(item, names, place)
            .for_each(|output| out(Part::Items(output)));
        if server {
            out(Part::Items(self.server(item, names, place)));
        }
        if client {
            out(Part::Items(self.client(item, names, place)));
        }
        self.operations(item, names, out);
    }

    /// Whether a type of a module that is compiled here comes from elsewhere.
    fn is_elsewhere(&self, module: &Module, name: &str) -> bool {
        self.settings.has_extern_types() && self.settings.extern_type(&format!("{}.{name}", module.name)).is_some()
    }

    /// An interface in documentation: a link when its trait is there.
    fn mention(&self, item: &Interface, names: &InterfaceNames) -> String {
        if self.settings.server {
            format!("[`{}`]", names.name)
        } else {
            format!("interface `{}`", item.name)
        }
    }

    /// Attributes that the build script chose at a path.
    fn chosen(&self, settings: &[Setting], path: &str) -> TokenStream {
        // Texts that are no tokens have been reported.
        let texts = self.settings.values(settings, path);
        texts
            .into_iter()
            .filter_map(|text| text.parse::<TokenStream>().ok())
            .collect()
    }

    /// `Module.Name`
    fn path(&self, module: ModuleId, name: &str) -> String {
        format!("{}.{name}", self.model.module(module).name)
    }

    /// A name of the prelude: short, unless something in the place has the same name.
    fn std(&self, name: &str, place: Place<'_>) -> TokenStream {
        let taken = match place.inside {
            Some(interface) => &interface.types,
            None => &self.names.modules[place.module.index()].types,
        };
        let short = ident(name);
        if !taken.contains(name) {
            return quote!(#short);
        }
        match name {
            "Box" => quote!(::std::boxed::Box),
            "Ok" | "Err" => quote!(::std::result::Result::#short),
            "Option" => quote!(::std::option::Option),
            "Send" | "Sync" => quote!(::std::marker::#short),
            "String" => quote!(::std::string::String),
            "Vec" => quote!(::std::vec::Vec),
            other => unreachable!("`{other}` is not one of the names that generated code uses"),
        }
    }
}

/// The token of a name that may be raw.
fn ident(name: &str) -> Ident {
    match name.strip_prefix("r#") {
        Some(raw) => Ident::new_raw(raw, Span::call_site()),
        None => Ident::new(name, Span::call_site()),
    }
}

/// The name without `r#`.
fn unraw(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}
