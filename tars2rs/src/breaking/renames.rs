//! What became of structs and enums whose names are gone: they may be called something else, in this module or in another.
//!
//! The guess is careful: the same fields in the same module, or the same name in another. What is not found here is still judged
//! wherever a field or parameter changed its type.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Compare;
use super::pairs::Pair;
use crate::model::{Enum, EnumId, Item, Model, ModuleId, Struct, StructId};

/// How many candidates are looked at: those of one name or with the same fields are few, unless somebody has made them up.
const FEW: usize = 16;

/// Tags and names of a struct's fields.
type Fields<'m> = Vec<(u8, &'m str)>;
/// Name and number of an enum's first enumerator.
type First<'m> = Option<(&'m str, i32)>;

/// The types that only the new files have, by what would be the same if one was renamed: looking through all of it for all that
/// is gone would take the square of its size.
#[derive(Debug, Default)]
pub(super) struct Added<'m> {
    /// By module and fields.
    structs: BTreeMap<(&'m str, Fields<'m>), Vec<StructId>>,
    /// By module and first enumerator.
    enums: BTreeMap<(&'m str, First<'m>), Vec<EnumId>>,
    /// By name and fields, in whatever module.
    moved: BTreeMap<(&'m str, Fields<'m>), Vec<StructId>>,
    /// By name, in whatever module.
    named: BTreeMap<&'m str, Vec<Item>>,
}

impl<'m> Added<'m> {
    /// `is_new` tells whether the old files have no type of that module and name.
    pub(super) fn of(new: &'m Model, is_new: impl Fn(&str, &str) -> bool) -> Self {
        let mut added = Self::default();
        for (_, module) in new.modules() {
            let home = module.name.as_str();
            for item in &module.items {
                match item {
                    Item::Struct(id) if is_new(home, &new.structure(*id).name) => {
                        let item = new.structure(*id);
                        let name = item.name.as_str();
                        added.structs.entry((home, fields(item))).or_default().push(*id);
                        added.moved.entry((name, fields(item))).or_default().push(*id);
                        added.named.entry(name).or_default().push(Item::Struct(*id));
                    }
                    Item::Enum(id) if is_new(home, &new.enumeration(*id).name) => {
                        let item = new.enumeration(*id);
                        added.enums.entry((home, first(item))).or_default().push(*id);
                        added.named.entry(item.name.as_str()).or_default().push(Item::Enum(*id));
                    }
                    _ => {}
                }
            }
        }
        added
    }

    /// The new one is known to be an old one: of several that fit, each old one had better get its own.
    pub(super) fn take(&mut self, new: &'m Model, pair: Pair) {
        match pair {
            Pair::Structs(_, id) => {
                let item = new.structure(id);
                let (home, name) = (new.module(item.module).name.as_str(), item.name.as_str());
                drop_one(self.structs.get_mut(&(home, fields(item))), id);
                drop_one(self.moved.get_mut(&(name, fields(item))), id);
                drop_one(self.named.get_mut(name), Item::Struct(id));
            }
            Pair::Enums(_, id) => {
                let item = new.enumeration(id);
                let home = new.module(item.module).name.as_str();
                drop_one(self.enums.get_mut(&(home, first(item))), id);
                drop_one(self.named.get_mut(item.name.as_str()), Item::Enum(id));
            }
        }
    }
}

/// The last one stays: two old definitions may have become one.
pub(super) fn drop_one<T: Copy + PartialEq>(list: Option<&mut Vec<T>>, one: T) {
    if let Some(list) = list.filter(|list| list.len() > 1)
        && let Some(at) = list.iter().position(|other| *other == one)
    {
        list.remove(at);
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

impl Compare<'_> {
    /// Finds out what is called something else, before anything is compared.
    pub(super) fn find_successors(&mut self) {
        for (_, module) in self.old.modules() {
            for item in &module.items {
                let pair = match item {
                    Item::Struct(id) if self.is_gone(module.name.as_str(), &self.old.structure(*id).name) => {
                        self.struct_successor(*id)
                    }
                    Item::Enum(id) if self.is_gone(module.name.as_str(), &self.old.enumeration(*id).name) => {
                        self.enum_successor(*id)
                    }
                    _ => None,
                };
                if let Some(pair) = pair {
                    self.succeeds(pair);
                }
            }
        }
    }

    fn is_gone(&self, module: &str, name: &str) -> bool {
        self.new_type(module, name).is_none()
    }

    fn struct_successor(&mut self, id: StructId) -> Option<Pair> {
        let old = self.old.structure(id);
        let (name, home, fields) = (old.name.as_str(), self.old_home(old.module), fields(old));
        let pair = |new: &StructId| Pair::Structs(id, *new);
        let added = &self.added;
        let moved = added.moved.get(&(name, fields.clone()));
        let moved: Vec<Pair> = moved.into_iter().flatten().take(FEW).map(pair).collect();
        let renamed = added.structs.get(&(home, fields));
        let renamed: Vec<Pair> = renamed.into_iter().flatten().take(FEW).map(pair).collect();
        let named = self.named(name, |item| match item {
            Item::Struct(new) => Some(pair(&new)),
            _ => None,
        });
        let same = self.fitting(&moved).or_else(|| self.fitting(&renamed));
        same.or_else(|| self.best(&named))
    }

    fn enum_successor(&mut self, id: EnumId) -> Option<Pair> {
        let old = self.old.enumeration(id);
        let named = self.named(&old.name, |item| match item {
            Item::Enum(new) => Some(Pair::Enums(id, new)),
            _ => None,
        });
        let renamed = self.added.enums.get(&(self.old_home(old.module), first(old)));
        let renamed = renamed.into_iter().flatten().take(FEW);
        let renamed: Vec<Pair> = renamed.map(|new| Pair::Enums(id, *new)).collect();
        self.best(&named).or_else(|| self.fitting(&renamed))
    }

    /// The new types of that name.
    fn named(&self, name: &str, pair: impl Fn(Item) -> Option<Pair>) -> Vec<Pair> {
        let found = self.added.named.get(name).into_iter().flatten();
        found.take(FEW).filter_map(|item| pair(*item)).collect()
    }

    /// The first that reads the other.
    fn fitting(&mut self, pairs: &[Pair]) -> Option<Pair> {
        pairs.iter().find(|pair| self.go_well(**pair)).copied()
    }

    /// One that reads the other, or else one that is similar.
    fn best(&mut self, pairs: &[Pair]) -> Option<Pair> {
        let well = self.fitting(pairs);
        well.or_else(|| pairs.iter().find(|pair| self.similar(**pair)).copied())
    }

    /// Whether the members of the one fit those of the other. What they hold is looked at later.
    pub(super) fn go_well(&mut self, pair: Pair) -> bool {
        self.alone(pair).0.wire.is_none()
    }

    /// Whether at least half of the old members have kept their number or their name.
    fn similar(&self, pair: Pair) -> bool {
        fn half<'m>(old: &[(i32, &'m str)], new: &[(i32, &'m str)]) -> bool {
            let numbers: BTreeSet<i32> = new.iter().map(|(number, _)| *number).collect();
            let names: BTreeSet<&str> = new.iter().map(|(_, name)| *name).collect();
            let kept = old
                .iter()
                .filter(|(number, name)| numbers.contains(number) || names.contains(name));
            2 * kept.count() >= old.len()
        }
        fn tags(item: &Struct) -> Vec<(i32, &str)> {
            item.fields
                .iter()
                .map(|field| (field.tag.into(), field.name.as_str()))
                .collect()
        }
        fn numbers(item: &Enum) -> Vec<(i32, &str)> {
            item.enumerators
                .iter()
                .map(|one| (one.value, one.name.as_str()))
                .collect()
        }
        match pair {
            Pair::Structs(a, b) => half(&tags(self.old.structure(a)), &tags(self.new.structure(b))),
            Pair::Enums(a, b) => half(&numbers(self.old.enumeration(a)), &numbers(self.new.enumeration(b))),
        }
    }

    /// What a new type is called, for somebody who knows the module of the old one.
    pub(super) fn called(&self, home: &str, module: ModuleId, name: &str) -> String {
        let module = &self.new.module(module).name;
        if module == home {
            name.to_owned()
        } else {
            format!("{module}::{name}")
        }
    }
}
