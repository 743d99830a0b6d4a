//! Sets: `name.area.group`, of servers and of callers.

use std::collections::{BTreeMap, BTreeSet};

use super::lists::{Lists, Placed, view};

/// The set a server is listed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetKey {
    name: String,
    /// `name.area`
    area: String,
    /// `name.area.group`
    whole: String,
}

impl SetKey {
    /// The set of a server's columns. `None` when a part is empty or the name or area is `*`: nobody can ask for such
    /// a set. The group may be `*`: it serves every group of the area that has nobody of its own.
    pub(super) fn of_server(parts: &[String; 3]) -> Option<Self> {
        let [name, area, group] = parts;
        if parts.iter().any(String::is_empty) || name == "*" || area == "*" {
            return None;
        }
        Some(Self {
            name: name.clone(),
            area: format!("{name}.{area}"),
            whole: format!("{name}.{area}.{group}"),
        })
    }
}

/// What a set is asked for.
#[derive(Debug)]
pub(super) enum InSet<'a> {
    /// The endpoints for it.
    Lists(&'a Lists),
    /// The servant has no such set: the caller's group decides.
    NoSuchSet,
    /// No set, or one whose area has no endpoint for it.
    Nobody,
}

/// The sets of one servant.
#[derive(Debug, Default)]
pub(super) struct Sets {
    names: BTreeSet<String>,
    /// By `name.area`: every endpoint of the area.
    areas: BTreeMap<String, Lists>,
    /// By `name.area.group`, `*` being a group.
    groups: BTreeMap<String, Lists>,
}

impl Sets {
    pub(super) fn of(living: &[Placed<'_>], departed: &[Placed<'_>]) -> Self {
        let mut sets = Self::default();
        for key in living.iter().filter_map(|placed| placed.set) {
            sets.names.insert(key.name.clone());
            let lists = |wanted: fn(&SetKey) -> &str, value: &str| {
                let is_in = |placed: &Placed<'_>| placed.set.is_some_and(|set| wanted(set) == value);
                view(living, departed, is_in)
            };
            if !sets.areas.contains_key(&key.area) {
                sets.areas.insert(key.area.clone(), lists(|set| &set.area, &key.area));
            }
            if !sets.groups.contains_key(&key.whole) {
                sets.groups
                    .insert(key.whole.clone(), lists(|set| &set.whole, &key.whole));
            }
        }
        sets
    }

    /// Endpoints for a caller of set `id`.
    pub(super) fn find(&self, id: &str) -> InSet<'_> {
        let mut parts = id.split('.');
        let (Some(name), Some(area), Some(group), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return InSet::Nobody;
        };
        let is_set = ![name, area, group].contains(&"") && name != "*" && area != "*";
        if !is_set {
            return InSet::Nobody;
        }
        if !self.names.contains(name) {
            return InSet::NoSuchSet;
        }
        let area = &id[..=name.len() + area.len()];
        let found = if group == "*" {
            self.areas.get(area)
        } else {
            // Its own group, dead or alive, goes before the group for all.
            self.groups.get(id).or_else(|| self.groups.get(&format!("{area}.*")))
        };
        found.map_or(InSet::Nobody, InSet::Lists)
    }
}
