//! The two lists of an answer.

use std::sync::Arc;

use tars::protocol::EndpointF;

use super::entry::{Entry, Source, identity};
use super::grouping::{Grouping, NO_GROUP};
use super::set::SetKey;

/// Endpoints that serve and endpoints that do not, each once (host, port and transport are what makes one) and in the
/// order of `EndpointF` (host, port, timeout, transport and so on): the same rows are always answered with the same bytes.
///
/// Where several rows are about one endpoint, a living one goes before any other one, then `t_adapter_conf` before
/// `t_registry_info`, then that order. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lists {
    /// They serve.
    pub(crate) active: Arc<[EndpointF]>,
    /// They do not: stopped, starting, draining, without flow, or gone for less than two minutes.
    pub(crate) inactive: Arc<[EndpointF]>,
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            active: Arc::from([]),
            inactive: Arc::from([]),
        }
    }
}

/// An entry with its group, ready to be listed.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) endpoint: EndpointF,
    pub(super) set: Option<&'a SetKey>,
    is_active: bool,
    source: Source,
}

impl<'a> Placed<'a> {
    pub(super) fn living(entry: &'a Entry, grouping: &Grouping) -> Self {
        Self::new(entry, entry.is_active, grouping)
    }

    /// Gone, whatever it was.
    pub(super) fn departed(entry: &'a Entry, grouping: &Grouping) -> Self {
        Self::new(entry, false, grouping)
    }

    fn new(entry: &'a Entry, is_active: bool, grouping: &Grouping) -> Self {
        let mut endpoint = entry.endpoint.clone();
        endpoint.grouprealid = match entry.group_name.as_str() {
            "" => grouping.of_host(&endpoint.host),
            name => grouping.of_name(name),
        };
        endpoint.groupworkid = if entry.is_grouped {
            endpoint.grouprealid
        } else {
            NO_GROUP
        };
        // Weights by load would need statistics that no registry here has: round robin then.
        if is_active && endpoint.weight_type == 2 {
            endpoint.weight_type = 0;
        }
        Self {
            endpoint,
            set: entry.set.as_ref(),
            is_active,
            source: entry.source,
        }
    }

    pub(super) fn identity(&self) -> (&str, i32, i32) {
        identity(&self.endpoint)
    }
}

/// Those of the living that are wanted, and with them those of the departed that are. A view that nobody living is in has
/// nobody: who left must not keep callers from those that stand in for it.
pub(super) fn view(living: &[Placed<'_>], departed: &[Placed<'_>], is_wanted: impl Fn(&Placed<'_>) -> bool) -> Lists {
    let wanted: Vec<&Placed<'_>> = living.iter().filter(|placed| is_wanted(placed)).collect();
    if wanted.is_empty() {
        return Lists::default();
    }
    lists(wanted, departed.iter().filter(|placed| is_wanted(placed)))
}

/// The lists of some of the living, and the departed with them, none of whom is a living one's endpoint.
pub(super) fn lists<'p>(mut living: Vec<&'p Placed<'p>>, departed: impl Iterator<Item = &'p Placed<'p>>) -> Lists {
    living.sort_by(|a, b| {
        let by_identity = a.identity().cmp(&b.identity());
        by_identity
            .then(b.is_active.cmp(&a.is_active))
            .then(a.source.cmp(&b.source))
            .then_with(|| a.endpoint.cmp(&b.endpoint))
    });
    living.dedup_by(|later, kept| later.identity() == kept.identity());
    let (active, inactive): (Vec<_>, Vec<_>) = living.into_iter().partition(|placed| placed.is_active);
    Lists {
        active: in_order(active.into_iter()),
        inactive: in_order(inactive.into_iter().chain(departed)),
    }
}

fn in_order<'p>(placed: impl Iterator<Item = &'p Placed<'p>>) -> Arc<[EndpointF]> {
    let mut endpoints: Vec<EndpointF> = placed.map(|placed| placed.endpoint.clone()).collect();
    endpoints.sort();
    endpoints.into()
}

impl Lists {
    pub(super) fn is_empty(&self) -> bool {
        self.active.is_empty() && self.inactive.is_empty()
    }
}
