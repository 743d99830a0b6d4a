//! Two models side by side: which definition is which, and what is gone.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::diag::Code;
use crate::model::{Const, Enum, EnumId, InterfaceId, Item, Model, Module, ModuleId, Struct, StructId};

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

/// Tags and names of a struct's fields.
type Fields<'m> = Vec<(u8, &'m str)>;
/// Name and number of an enum's first enumerator.
type First<'m> = Option<(&'m str, i32)>;

/// What only the new files have, by what would be the same if it was renamed: looking through all of it for all that is gone
/// would take the square of its size.
#[derive(Debug, Default)]
struct Added<'m> {
    /// By module and fields.
    structs: BTreeMap<(&'m str, Fields<'m>), Vec<StructId>>,
    /// By module and first enumerator.
    enums: BTreeMap<(&'m str, First<'m>), Vec<EnumId>>,
    /// By the name of an operation; these need not be new.
    operations: BTreeMap<&'m str, Vec<InterfaceId>>,
}

impl<'m> Added<'m> {
    fn of(new: &'m Model, old: &Index<'_>) -> Self {
        let mut added = Self::default();
        for (_, module) in new.modules() {
            let home = module.name.as_str();
            let is_new = |name: &str| !old.types.contains_key(&(home, name));
            for item in &module.items {
                match item {
                    Item::Struct(id) if is_new(&new.structure(*id).name) => {
                        let key = (home, fields(new.structure(*id)));
                        added.structs.entry(key).or_default().push(*id);
                    }
                    Item::Enum(id) if is_new(&new.enumeration(*id).name) => {
                        let key = (home, first(new.enumeration(*id)));
                        added.enums.entry(key).or_default().push(*id);
                    }
                    Item::Interface(id) => {
                        for operation in &new.interface(*id).operations {
                            added.operations.entry(&operation.name).or_default().push(*id);
                        }
                    }
                    _ => {}
                }
            }
        }
        added
    }
}

fn fields(item: &Struct) -> Fields<'_> {
    let fields = item.fields.iter();
    fields.map(|field| (field.tag, field.name.as_str())).collect()
}

fn first(item: &Enum) -> First<'_> {
    let first = item.enumerators.first();
    first.map(|first| (first.name.as_str(), first.value))
}

/// The comparison of two models.
#[derive(Debug)]
pub(super) struct Compare<'m> {
    pub(super) old: &'m Model,
    pub(super) new: &'m Model,
    old_index: Index<'m>,
    new_index: Index<'m>,
    added: Added<'m>,
    pub(super) found: Vec<Finding>,
}

/// Everything that `new` breaks of `old`, in the order of the old files' modules.
pub(super) fn compare(old: &Model, new: &Model) -> Vec<Finding> {
    let old_index = Index::of(old);
    let mut compare = Compare {
        old,
        new,
        added: Added::of(new, &old_index),
        old_index,
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

    /// Structs that only the new files have, with fields of the same tags and names.
    pub(super) fn structs_like(&self, module: &'m str, old: &'m Struct) -> &[StructId] {
        let found = self.added.structs.get(&(module, fields(old)));
        found.map_or(&[], Vec::as_slice)
    }

    /// Enums that only the new files have, with the same first enumerator.
    pub(super) fn enums_like(&self, module: &'m str, old: &'m Enum) -> &[EnumId] {
        self.added.enums.get(&(module, first(old))).map_or(&[], Vec::as_slice)
    }

    /// New interfaces with an operation of that name.
    pub(super) fn interfaces_with(&self, operation: &str) -> &[InterfaceId] {
        self.added.operations.get(operation).map_or(&[], Vec::as_slice)
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
