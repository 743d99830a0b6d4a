//! The paths that mean something, and which one may have been meant.

use std::collections::BTreeSet;

use super::RETURN;
use crate::diag::suggest::{nearest, phrase};
use crate::model::{Item, Model};

/// What a path is to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Anything.
    Any,
    Module,
    /// A struct or an enum.
    Type,
}

impl Kind {
    /// How it is said that there is no such thing.
    pub(super) fn nothing(self) -> &'static str {
        match self {
            Kind::Any => "nothing in the files",
            Kind::Module => "no module of the files",
            Kind::Type => "no struct or enum of the files",
        }
    }

    /// What a path looks like.
    fn shape(self) -> &'static str {
        match self {
            Kind::Any => "a path is `Module.Type.field`, `Module.Interface.operation.param` or a part of it",
            Kind::Module => "the path is the name of a module",
            Kind::Type => "the path is `Module.Type`",
        }
    }
}

/// Every path that means something in the model.
#[derive(Debug, Default)]
pub(super) struct Known {
    any: BTreeSet<String>,
    modules: BTreeSet<String>,
    types: BTreeSet<String>,
}

impl Known {
    pub(super) fn of(model: &Model) -> Self {
        let mut known = Self::default();
        for (_, module) in model.modules() {
            known.modules.insert(module.name.to_string());
            for item in &module.items {
                known.item(model, &module.name, *item);
            }
        }
        known.any.extend(known.modules.iter().cloned());
        known.any.extend(known.types.iter().cloned());
        known
    }

    fn item(&mut self, model: &Model, module: &str, item: Item) {
        let owner = |name: &str| format!("{module}.{name}");
        match item {
            Item::Struct(id) => {
                let item = model.structure(id);
                let owner = owner(&item.name);
                let fields = item.fields.iter().map(|field| format!("{owner}.{}", field.name));
                self.any.extend(fields);
                self.types.insert(owner);
            }
            Item::Enum(id) => {
                let item = model.enumeration(id);
                let owner = owner(&item.name);
                let values = item.enumerators.iter().map(|value| format!("{owner}.{}", value.name));
                self.any.extend(values);
                self.types.insert(owner);
            }
            Item::Const(id) => _ = self.any.insert(owner(&model.constant(id).name)),
            Item::Interface(id) => {
                let item = model.interface(id);
                for operation in &item.operations {
                    let owner = format!("{module}.{}.{}", item.name, operation.name);
                    let params = operation.params.iter().map(|param| param.name.as_str());
                    let values = params.chain(operation.ret.iter().map(|_| RETURN));
                    self.any.extend(values.map(|value| format!("{owner}.{value}")));
                    self.any.insert(owner);
                }
                self.any.insert(owner(&item.name));
            }
        }
    }

    fn all(&self, kind: Kind) -> &BTreeSet<String> {
        match kind {
            Kind::Any => &self.any,
            Kind::Module => &self.modules,
            Kind::Type => &self.types,
        }
    }

    pub(super) fn holds(&self, kind: Kind, path: &str) -> bool {
        self.all(kind).contains(path)
    }

    /// What may have been meant, or what could have been.
    pub(super) fn hint(&self, kind: Kind, path: &str) -> String {
        let meant = self.without_module(kind, path).or_else(|| self.nearest(path));
        match meant.filter(|meant| self.holds(kind, meant)) {
            Some(meant) => phrase(&meant),
            None => kind.shape().to_owned(),
        }
    }

    /// The path with the module that was left out, if only one has such a thing.
    fn without_module(&self, kind: Kind, path: &str) -> Option<String> {
        let tail = format!(".{path}");
        let mut found = self.all(kind).iter().filter(|known| {
            let owner = known.strip_suffix(&tail);
            owner.is_some_and(|owner| self.modules.contains(owner))
        });
        let first = found.next()?;
        found.next().is_none().then(|| first.clone())
    }

    /// The path whose parts are nearest, one by one.
    fn nearest(&self, path: &str) -> Option<String> {
        let mut found = String::new();
        for part in path.split('.') {
            let children = || self.children(&found);
            let child = children()
                .find(|child| *child == part)
                .or_else(|| nearest(part, children()))?
                .to_owned();
            if !found.is_empty() {
                found.push('.');
            }
            found.push_str(&child);
        }
        Some(found)
    }

    /// The last parts of the paths directly below one; of the modules when it is empty.
    fn children(&self, owner: &str) -> impl Iterator<Item = &str> {
        let below = move |path: &'_ String| {
            let rest = if owner.is_empty() {
                0
            } else {
                path.strip_prefix(owner)?.strip_prefix('.').map(|_| owner.len() + 1)?
            };
            (!path[rest..].contains('.')).then_some(rest)
        };
        self.any
            .iter()
            .filter_map(move |path| below(path).map(|rest| &path[rest..]))
    }
}
