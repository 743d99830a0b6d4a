//! Groups: which addresses belong together, and which groups stand in for which.

use std::collections::{BTreeSet, HashMap};
use std::net::Ipv4Addr;

use super::rows::{GroupRows, PriorityRow, RuleRow};

/// Of no group.
pub(super) const NO_GROUP: i32 = -1;

/// The rules about groups. What `t_server_group_rule` denies counts for nothing, as in TarsFramework's registry.
#[derive(Debug, Default)]
pub(crate) struct Grouping {
    by_address: HashMap<String, i32>,
    by_name: HashMap<String, i32>,
    pub(super) priorities: Vec<Priority>,
}

/// Groups that stand in for each other.
#[derive(Debug, Default)]
pub(super) struct Priority {
    pub(super) groups: BTreeSet<i32>,
    pub(super) station: String,
}

impl Grouping {
    pub(crate) fn new(rows: &GroupRows) -> Self {
        let mut grouping = Self {
            priorities: rows.priorities.iter().map(Priority::of).collect(),
            ..Self::default()
        };
        for RuleRow { id, addresses, name } in &rows.rules {
            let Ok(id) = i32::try_from(*id) else { continue };
            grouping.by_name.insert(name.clone(), id);
            for address in addresses
                .split('|')
                .map(str::trim)
                .filter(|address| !address.is_empty())
            {
                grouping.by_address.insert(address.to_owned(), id); // the later rule wins
            }
        }
        grouping
    }

    /// Group of an address or host name: named exactly, else an IPv4 address by its first three parts and `*`.
    pub(crate) fn of_host(&self, host: &str) -> i32 {
        let exact = self.by_address.get(host);
        let found = exact.or_else(|| {
            host.parse::<Ipv4Addr>().ok()?;
            let (network, _) = host.rsplit_once('.')?;
            self.by_address.get(&format!("{network}.*"))
        });
        found.copied().unwrap_or(NO_GROUP)
    }

    /// Group of that name.
    pub(super) fn of_name(&self, name: &str) -> i32 {
        self.by_name.get(name).copied().unwrap_or(NO_GROUP)
    }

    /// The first row of that station.
    pub(super) fn station(&self, station: &str) -> Option<&Priority> {
        self.priorities.iter().find(|priority| priority.station == station)
    }
}

impl Priority {
    fn of(row: &PriorityRow) -> Self {
        let ids = row.groups.split(['|', ',', ';']);
        Self {
            groups: ids.filter_map(|id| id.trim().parse().ok()).collect(),
            station: row.station.clone(),
        }
    }
}
