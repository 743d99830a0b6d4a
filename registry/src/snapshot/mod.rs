//! What lookups are answered from: a directory in memory that follows the database.
//!
//! One task, the [`Follower`], reads the database and publishes; calls only read what was published last. Because a single
//! task does all loads, one after the other, no load can undo what a later one saw.

mod follower;
mod own;
mod touches;

pub(crate) use follower::Follower;
pub(crate) use own::Own;
pub(crate) use touches::Touched;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::domain::lookup::{Answer, Directory, Lists, Servant};
use crate::failure::Failure;
use touches::Touches;

/// What is answered now, shared by calls and the task that follows the database.
#[derive(Debug, Default)]
pub(crate) struct Lookups {
    directory: ArcSwapOption<Directory>,
    /// When the directory was last known to say what the database says.
    confirmed: Mutex<Option<Instant>>,
    touches: Touches,
    own: OnceLock<Own>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Caller<'a> {
    /// What it calls itself: the context's `node_name`.
    pub(crate) node: Option<&'a str>,
    /// Where it calls from.
    pub(crate) peer: Option<IpAddr>,
    /// Where it reached us.
    pub(crate) local: Option<IpAddr>,
}

/// A servant, found.
#[derive(Debug)]
pub(crate) struct Found {
    directory: Arc<Directory>,
    /// `None` when nobody serves it.
    servant: Option<Arc<Servant>>,
}

impl Lookups {
    /// Finds a servant. An error until the database was read: nothing is ever answered from a cold start.
    pub(crate) fn find(&self, id: &str, caller: Caller<'_>) -> Result<Found, Failure> {
        let directory = self.directory.load_full().ok_or(Failure::Starting)?;
        let own = self.own.get().and_then(|own| own.entry(id, caller.local));
        let servant = match own {
            Some(own) => Some(Arc::new(directory.own_servant(&own))),
            None => directory.servant(id).cloned(),
        };
        Ok(Found { directory, servant })
    }

    /// Says where this registry's own servants are.
    pub(crate) fn set_own(&self, own: Own) {
        let _ = self.own.set(own); // bound once
    }

    /// Time since the directory was last known to say what the database says. `None` before the first load.
    pub(crate) fn age(&self) -> Option<Duration> {
        let confirmed = *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        confirmed.map(|at| at.elapsed())
    }

    /// What to read again after a commit.
    pub(crate) fn touches(&self) -> &Touches {
        &self.touches
    }

    /// Of a directory that follows nothing.
    #[cfg(test)]
    pub(crate) fn serving(directory: Directory) -> Self {
        let lookups = Self::default();
        lookups.publish(directory);
        lookups
    }

    /// Whether lookups are answered.
    pub(crate) fn is_loaded(&self) -> bool {
        self.directory.load().is_some()
    }

    fn publish(&self, directory: Directory) {
        self.directory.store(Some(Arc::new(directory)));
    }

    fn confirm(&self, at: Instant) {
        *self.confirmed.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }
}

impl Found {
    /// Every endpoint, whatever the caller's group.
    pub(crate) fn all(&self) -> Lists {
        self.servant
            .as_ref()
            .map(|servant| servant.all().clone())
            .unwrap_or_default()
    }

    /// The endpoints for the caller's group.
    pub(crate) fn for_group(&self, caller: Caller<'_>) -> Lists {
        self.servant
            .as_ref()
            .map(|servant| {
                let group = self.group(caller);
                servant.for_group(group, self.directory.grouping()).clone()
            })
            .unwrap_or_default()
    }

    /// The endpoints of a station.
    pub(crate) fn in_station(&self, station: &str) -> Answer {
        let grouping = self.directory.grouping();
        let nobody = Servant::default();
        let servant = self.servant.as_deref().unwrap_or(&nobody);
        servant.in_station(station, grouping).into()
    }

    /// The endpoints of a set.
    pub(crate) fn in_set(&self, set: &str, caller: Caller<'_>) -> Answer {
        let nobody = Servant::default();
        let servant = self.servant.as_deref().unwrap_or(&nobody);
        let lists = servant.in_set(set, self.group(caller), self.directory.grouping());
        lists.cloned().into()
    }

    /// The nodes that serve it, each once.
    pub(crate) fn nodes(&self) -> Vec<String> {
        let lists = self.all();
        let names = lists.active.iter().map(|endpoint| endpoint.node_name.as_str());
        let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn group(&self, caller: Caller<'_>) -> i32 {
        let grouping = self.directory.grouping();
        match caller.node.filter(|node| !node.is_empty()) {
            Some(node) => grouping.of_host(node),
            None => caller
                .peer
                .map_or(-1, |address| grouping.of_host(&address.to_canonical().to_string())),
        }
    }
}
