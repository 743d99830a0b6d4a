//! Two models side by side: which definition is which, and what is gone.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::diag::Code;
use crate::model::{Const, Item, Model, Module, ModuleId};

/// The definitions of a model by module and name. Structs and enums share their names.
#[derive(Debug, Default)]
struct Index<'m> {
    modules: BTreeMap<&'m str, &'m Module>,
    types: BTreeMap<(&'m str, &'m str), Item>,
    consts: BTreeMap<(&'m str, &'m str), Item>,
    interfaces: BTreeMap<(&'m str, &'m str), Item>,
}

impl<'m> Index<'m> {
    fn of(model: &'m Model) -> Self {
        let mut index = Self::default();
        for (_, module) in model.modules() {
            let home = module.name.as_str();
            index.modules.insert(home, module);
            for item in &module.items {
                let (table, name) = match item {
                    Item::Struct(id) => (&mut index.types, &model.structure(*id).name),
                    Item::Enum(id) => (&mut index.types, &model.enumeration(*id).name),
                    Item::Const(id) => (&mut index.consts, &model.constant(*id).name),
                    Item::Interface(id) => (&mut index.interfaces, &model.interface(*id).name),
                };
                table.insert((home, name.as_str()), *item);
            }
        }
        index
    }
}

/// The comparison of two models.
#[derive(Debug)]
pub(super) struct Compare<'m> {
    pub(super) old: &'m Model,
    pub(super) new: &'m Model,
    old_index: Index<'m>,
    new_index: Index<'m>,
    pub(super) found: Vec<Finding>,
}

/// Everything that `new` breaks of `old`, in the order of the old files' modules.
pub(super) fn compare(old: &Model, new: &Model) -> Vec<Finding> {
    let mut compare = Compare {
        old,
        new,
        old_index: Index::of(old),
        new_index: Index::of(new),
        found: Vec::new(),
    };
    for (_, module) in old.modules() {
        compare.module(module);
    }
    compare.found
}

impl<'m> Compare<'m> {
    fn module(&mut self, old: &'m Module) {
        if !self.new_index.modules.contains_key(old.name.as_str()) {
            self.module_removed(old);
            return;
        }
        for item in &old.items {
            match item {
                Item::Struct(id) => self.struct_or_gone(self.old.structure(*id)),
                Item::Enum(id) => self.enum_or_gone(self.old.enumeration(*id)),
                Item::Const(id) => self.constant(self.old.constant(*id)),
                Item::Interface(id) => self.interface_or_gone(self.old.interface(*id)),
            }
        }
    }

    /// One finding for what nobody can name any more, and one for each interface that nobody serves any more.
    fn module_removed(&mut self, old: &'m Module) {
        let finding = Finding::new(Code::ModuleRemoved, format!("module `{}` is gone", old.name))
            .old(old.span, "declared here")
            .source("programs that name its types, constants or interfaces do not compile any more")
            .help("if it was renamed, keep the old files until nobody is built from them");
        self.found.push(finding);
        for item in &old.items {
            if let Item::Interface(id) = item {
                let interface = self.old.interface(*id);
                if !self.served_elsewhere(interface) {
                    self.interface_removed(interface);
                }
            }
        }
    }

    /// The new type of that name.
    pub(super) fn new_type(&self, module: &str, name: &str) -> Option<Item> {
        self.new_index.types.get(&(module, name)).copied()
    }

    /// The old type of that name.
    pub(super) fn old_type(&self, module: &str, name: &str) -> Option<Item> {
        self.old_index.types.get(&(module, name)).copied()
    }

    /// The new interface of that name.
    pub(super) fn new_interface(&self, module: &str, name: &str) -> Option<Item> {
        self.new_index.interfaces.get(&(module, name)).copied()
    }

    /// The old interface of that name.
    pub(super) fn old_interface(&self, module: &str, name: &str) -> Option<Item> {
        self.old_index.interfaces.get(&(module, name)).copied()
    }

    /// The items of the new module of that name.
    pub(super) fn new_items(&self, module: &str) -> &'m [Item] {
        let module = self.new_index.modules.get(module);
        module.map_or(&[], |module| module.items.as_slice())
    }

    /// The name of a module of the old model.
    pub(super) fn old_home(&self, id: ModuleId) -> &'m str {
        &self.old.module(id).name
    }

    fn constant(&mut self, old: &'m Const) {
        let home = self.old_home(old.module);
        let what = format!("constant `{home}::{}`", old.name);
        let found = self.new_index.consts.get(&(home, old.name.as_str()));
        let Some(Item::Const(id)) = found else {
            let finding = Finding::new(Code::ConstRemoved, format!("{what} is gone"))
                .old(old.span, "declared here")
                .source("programs that use it do not compile any more");
            self.found.push(finding);
            return;
        };
        let new = self.new.constant(*id);
        let (old_type, new_type) = (self.old.type_text(&old.ty), self.new.type_text(&new.ty));
        if old_type != new_type {
            let finding = Finding::new(
                Code::ConstTypeChanged,
                format!("{what} changed from `{old_type}` to `{new_type}`"),
            );
            let finding = finding
                .old(old.span, format!("`{old_type}` here"))
                .new_at(new.span, format!("`{new_type}` here"))
                .source("Rust and C++ programs that use it as the old type do not compile any more");
            self.found.push(finding);
        }
        let (was, is) = (self.old.literal(&old.value), self.new.literal(&new.value));
        if was != is {
            let finding = Finding::new(Code::ConstChanged, format!("{what} changed from {was} to {is}"))
                .old(old.span, format!("{was} here"))
                .new_at(new.span, format!("{is} here"))
                .source("programs built from the old files go on with the old value: the two disagree until all are built anew");
            self.found.push(finding);
        }
    }
}
