//! Everything that is known at one moment, immutable and shared.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::Entry;
use super::grouping::Grouping;
use super::lists::Lists;
use super::servant::Servant;

/// Servants by name, and the rules about their callers' groups.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    pub(super) servants: HashMap<String, Arc<Servant>>,
    pub(super) grouping: Arc<Grouping>,
    /// Entries of the servants that this registry serves itself.
    pub(super) own: Vec<Entry>,
    pub(super) counts: Counts,
}

/// How much a directory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) servants: usize,
    pub(crate) active: usize,
    pub(crate) inactive: usize,
    /// Rows whose endpoint cannot be read.
    pub(crate) skipped: usize,
}

/// What a lookup is answered with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// 0, or -1: callers keep what they have.
    pub(crate) code: i32,
    pub(crate) lists: Lists,
}

impl From<Option<Lists>> for Answer {
    fn from(lists: Option<Lists>) -> Self {
        let code = if lists.is_some() { 0 } else { -1 };
        let lists = lists.unwrap_or_default();
        Self { code, lists }
    }
}

impl From<Lists> for Answer {
    fn from(lists: Lists) -> Self {
        Self { code: 0, lists }
    }
}

impl Directory {
    /// The servant of that name; one without any endpoint when nobody serves it. Names are compared with their case.
    pub(crate) fn servant(&self, id: &str) -> Option<&Arc<Servant>> {
        self.servants.get(id)
    }

    /// A servant that this registry serves itself, with what other registries say of theirs.
    pub(crate) fn own_servant(&self, own: &Entry) -> Servant {
        let others = self.own.iter().filter(|entry| entry.servant == own.servant);
        Servant::new(std::iter::once(own).chain(others), std::iter::empty(), &self.grouping)
    }

    pub(crate) fn grouping(&self) -> &Grouping {
        &self.grouping
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }
}
