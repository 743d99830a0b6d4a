//! What is known now, kept so that a change of one server costs that server's servants.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::directory::{Counts, Directory};
use super::entry::{Entry, Served, served, served_by_registries};
use super::grouping::Grouping;
use super::rows::{AdapterRow, GroupRows, ServerName, ServerRow, World};
use super::servant::Servant;

/// An endpoint that is gone is listed as inactive so long: two periods in which clients ask again. In neither list,
/// TarsGo would close its connections with calls under way.
pub(crate) const DEPARTED_FOR: Duration = Duration::from_mins(2);

/// Endpoints of one server that are remembered after they are gone; more only leave sooner.
const DEPARTED_MOST: usize = 1024;

/// Everything known, of which [`Catalog::directory`] makes answers.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    sources: BTreeMap<SourceKey, SourceOf>,
    /// The sources of each servant: anybody's row may name any servant.
    by_servant: HashMap<String, BTreeSet<SourceKey>>,
    servants: HashMap<String, Arc<Servant>>,
    groups: GroupRows,
    grouping: Arc<Grouping>,
    /// Servants to make again.
    stale: BTreeSet<String>,
    /// Something is known that the last directory did not say.
    is_changed: bool,
    /// Servants that this registry serves itself.
    own: &'static [&'static str],
}

/// Rows that are read together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SourceKey {
    Server(ServerName),
    Registries,
}

#[derive(Debug, Default)]
struct SourceOf {
    served: Served,
    departed: VecDeque<Departed>,
}

#[derive(Debug)]
struct Departed {
    entry: Entry,
    until: Instant,
}

impl Catalog {
    /// `own` are the servants that this registry serves itself.
    pub(crate) fn new(own: &'static [&'static str]) -> Self {
        Self { own, ..Self::default() }
    }

    /// Everything was read.
    pub(crate) fn replace_all(&mut self, world: &World, now: Instant) {
        self.replace_groups(&world.groups, now);
        let mut served = served(&world.servers, &world.adapters);
        let known = self.servers();
        for name in known {
            let served = served.remove(&name).unwrap_or_default();
            self.replace(&SourceKey::Server(name), served, now);
        }
        for (name, served) in served {
            self.replace(&SourceKey::Server(name), served, now);
        }
    }

    /// The rows of some servers were read. `names` are those that were asked for: what is not among the rows is gone.
    pub(crate) fn replace_servers(
        &mut self,
        names: &[ServerName],
        (servers, adapters): (&[ServerRow], &[AdapterRow]),
        now: Instant,
    ) {
        let mut served = served(servers, adapters);
        for name in names {
            served.entry(name.clone()).or_default();
        }
        for (name, served) in served {
            self.replace(&SourceKey::Server(name), served, now);
        }
    }

    /// The tables about groups and registries were read.
    pub(crate) fn replace_groups(&mut self, groups: &GroupRows, now: Instant) {
        if self.groups == *groups {
            return;
        }
        self.replace(&SourceKey::Registries, served_by_registries(&groups.registries), now);
        if self.groups.rules != groups.rules || self.groups.priorities != groups.priorities {
            self.grouping = Arc::new(Grouping::new(groups));
            self.stale.extend(self.by_servant.keys().cloned());
            self.is_changed = true;
        }
        self.groups = groups.clone();
    }

    /// Forgets who left long ago.
    pub(crate) fn forget_departed(&mut self, now: Instant) {
        for source in self.sources.values_mut() {
            while source.departed.front().is_some_and(|departed| departed.until <= now) {
                self.stale
                    .extend(source.departed.pop_front().map(|departed| departed.entry.servant));
                self.is_changed = true;
            }
        }
        self.sources
            .retain(|_, source| source.served != Served::default() || !source.departed.is_empty());
    }

    /// The servers with rows, or that had some lately.
    fn servers(&self) -> Vec<ServerName> {
        let server = |key: &SourceKey| match key {
            SourceKey::Server(name) => Some(name.clone()),
            SourceKey::Registries => None,
        };
        self.sources.keys().filter_map(server).collect()
    }

    fn replace(&mut self, key: &SourceKey, served: Served, now: Instant) {
        let source = self.sources.entry(key.clone()).or_default();
        if source.served == served {
            return;
        }
        self.is_changed = true;
        let before = std::mem::replace(&mut source.served, served);
        let after = &source.served.entries;
        self.stale
            .extend(before.entries.iter().chain(after).map(|entry| entry.servant.clone()));
        for entry in after {
            self.by_servant
                .entry(entry.servant.clone())
                .or_default()
                .insert(key.clone());
        }
        let kept: BTreeSet<_> = after.iter().map(|entry| (&entry.servant, entry.identity())).collect();
        // Who is back has not left.
        source
            .departed
            .retain(|departed| !kept.contains(&(&departed.entry.servant, departed.entry.identity())));
        let until = now + DEPARTED_FOR;
        let gone = before
            .entries
            .iter()
            .filter(|entry| !kept.contains(&(&entry.servant, entry.identity())))
            .map(|entry| Departed {
                entry: entry.clone(),
                until,
            });
        source.departed.extend(gone);
        let excess = source.departed.len().saturating_sub(DEPARTED_MOST);
        let left: Vec<Departed> = source.departed.drain(..excess).collect();
        self.stale
            .extend(left.into_iter().map(|departed| departed.entry.servant));
    }

    /// Whether the last directory says less than is known.
    pub(crate) fn is_stale(&self) -> bool {
        self.is_changed
    }

    /// What answers are given from now on.
    pub(crate) fn directory(&mut self) -> Directory {
        for name in std::mem::take(&mut self.stale) {
            self.make(name);
        }
        self.is_changed = false;
        let lists = || self.servants.values().map(|servant| servant.all());
        Directory {
            counts: Counts {
                servants: self.servants.len(),
                active: lists().map(|lists| lists.active.len()).sum(),
                inactive: lists().map(|lists| lists.inactive.len()).sum(),
                skipped: self.sources.values().map(|source| source.served.skipped).sum(),
            },
            servants: self.servants.clone(),
            grouping: Arc::clone(&self.grouping),
            own: self.registries().cloned().collect(),
        }
    }

    /// What other registries say of the servants that this one serves too. Not what servers registered: whoever may
    /// register would then take calls that are for registries.
    fn registries(&self) -> impl Iterator<Item = &Entry> {
        let source = self.sources.get(&SourceKey::Registries);
        let entries = source.into_iter().flat_map(|source| &source.served.entries);
        entries.filter(|entry| self.own.contains(&entry.servant.as_str()))
    }

    /// Makes a servant again.
    fn make(&mut self, name: String) {
        let servant = Servant::new(self.entries(&name), self.departed(&name), &self.grouping);
        if servant.is_empty() {
            self.servants.remove(&name);
            self.by_servant.remove(&name);
        } else {
            self.servants.insert(name, Arc::new(servant));
        }
    }

    fn sources(&self, servant: &str) -> impl Iterator<Item = &SourceOf> {
        let keys = self.by_servant.get(servant).into_iter().flatten();
        keys.filter_map(|key| self.sources.get(key))
    }

    fn entries(&self, servant: &str) -> impl Iterator<Item = &Entry> {
        let all = self.sources(servant).flat_map(|source| &source.served.entries);
        all.filter(move |entry| entry.servant == servant)
    }

    /// The latest first: it knows best what the endpoint was.
    fn departed(&self, servant: &str) -> impl Iterator<Item = &Entry> {
        let all = self.sources(servant).flat_map(|source| source.departed.iter().rev());
        all.map(|departed| &departed.entry)
            .filter(move |entry| entry.servant == servant)
    }
}
