//! One servant, split beforehand into what anybody may ask for.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::entry::Entry;
use super::grouping::{Grouping, NO_GROUP};
use super::lists::{Lists, Placed, lists, view};
use super::set::{InSet, Sets};

/// The endpoints of one servant, in every view of them. A lookup finds one and copies it.
#[derive(Debug, Default)]
pub(crate) struct Servant {
    all: Lists,
    /// `None` when no endpoint is of a group: then all are for everybody.
    groups: Option<Groups>,
    /// By station; one that is not there has nobody.
    stations: BTreeMap<String, Lists>,
    sets: Sets,
}

#[derive(Debug)]
struct Groups {
    /// By `groupworkid`.
    by_id: BTreeMap<i32, Lists>,
    /// For each row of `t_group_priority`.
    by_priority: Vec<Lists>,
}

impl Servant {
    /// `departed` are those that left lately.
    pub(super) fn new<'a>(
        living: impl Iterator<Item = &'a Entry>,
        departed: impl Iterator<Item = &'a Entry>,
        grouping: &Grouping,
    ) -> Self {
        let living: Vec<Placed<'a>> = living.map(|entry| Placed::living(entry, grouping)).collect();
        let mut known: HashSet<_> = living.iter().map(Placed::identity).collect();
        // Never over a living one of the same endpoint, and each once.
        let departed: Vec<Placed<'a>> = departed
            .filter(|entry| known.insert(entry.identity()))
            .map(|entry| Placed::departed(entry, grouping))
            .collect();
        Self {
            all: lists(living.iter().collect(), departed.iter()),
            groups: Groups::of(&living, &departed, grouping),
            stations: stations(&living, &departed, grouping),
            sets: Sets::of(&living, &departed),
        }
    }

    /// Every endpoint.
    pub(crate) fn all(&self) -> &Lists {
        &self.all
    }

    /// The endpoints for a caller of group `caller`: the first that has a living one of its own group, the groups that
    /// stand in for it, those of no group, all.
    pub(crate) fn for_group(&self, caller: i32, grouping: &Grouping) -> &Lists {
        let Some(groups) = self.groups.as_ref().filter(|_| caller != NO_GROUP) else {
            return &self.all;
        };
        let own = groups.by_id.get(&caller);
        let stand_ins = std::iter::zip(&grouping.priorities, &groups.by_priority)
            .filter(|(priority, _)| priority.groups.contains(&caller))
            .map(|(_, lists)| lists);
        let open = groups.by_id.get(&NO_GROUP);
        own.into_iter()
            .chain(stand_ins)
            .chain(open)
            .find(|lists| !lists.active.is_empty())
            .unwrap_or(&self.all)
    }

    /// The endpoints of a station, nobody else's. `None` when there is no such station.
    pub(crate) fn in_station(&self, station: &str, grouping: &Grouping) -> Option<Lists> {
        grouping.station(station)?;
        Some(self.stations.get(station).cloned().unwrap_or_default())
    }

    /// The endpoints for a caller of set `set` and group `caller`. `None` when the set is none, or its area has nobody
    /// for it.
    pub(crate) fn in_set(&self, set: &str, caller: i32, grouping: &Grouping) -> Option<&Lists> {
        match self.sets.find(set) {
            InSet::Lists(lists) => Some(lists),
            InSet::NoSuchSet => Some(self.for_group(caller, grouping)),
            InSet::Nobody => None,
        }
    }

    /// Nobody, living or departed.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl Groups {
    fn of(living: &[Placed<'_>], departed: &[Placed<'_>], grouping: &Grouping) -> Option<Self> {
        let ids: BTreeSet<i32> = living.iter().map(|placed| placed.endpoint.groupworkid).collect();
        if ids.iter().all(|id| *id == NO_GROUP) {
            return None;
        }
        let of_groups =
            |is_wanted: &dyn Fn(i32) -> bool| view(living, departed, |placed| is_wanted(placed.endpoint.groupworkid));
        Some(Self {
            by_id: ids.iter().map(|id| (*id, of_groups(&|other| other == *id))).collect(),
            by_priority: grouping
                .priorities
                .iter()
                .map(|priority| of_groups(&|id| priority.groups.contains(&id)))
                .collect(),
        })
    }
}

fn stations(living: &[Placed<'_>], departed: &[Placed<'_>], grouping: &Grouping) -> BTreeMap<String, Lists> {
    let mut stations = BTreeMap::new();
    for priority in &grouping.priorities {
        if stations.contains_key(&priority.station) {
            continue; // the first row of a station counts
        }
        let lists = view(living, departed, |placed| {
            priority.groups.contains(&placed.endpoint.grouprealid)
        });
        stations.insert(priority.station.clone(), lists);
    }
    stations.retain(|_, lists| !lists.is_empty());
    stations
}
