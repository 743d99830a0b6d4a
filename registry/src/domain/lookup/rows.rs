//! The rows that lookups are answered from, as they are.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// Application and server, whatever case they are written in: the tables' keys ignore case and trailing spaces.
#[derive(Clone, Debug)]
pub(crate) struct ServerName {
    folded: (String, String),
    /// As somebody wrote it; what the database is asked with.
    pub(crate) application: String,
    /// As somebody wrote it; what the database is asked with.
    pub(crate) server: String,
}

impl ServerName {
    pub(crate) fn new(application: &str, server: &str) -> Self {
        Self {
            folded: (folded(application), folded(server)),
            application: application.to_owned(),
            server: server.to_owned(),
        }
    }
}

/// A key as the tables compare it.
pub(super) fn folded(key: &str) -> String {
    key.trim_end_matches(' ').to_lowercase()
}

impl PartialEq for ServerName {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for ServerName {}

impl PartialOrd for ServerName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ServerName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl Hash for ServerName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

/// A row of `t_server_conf`. NULL is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerRow {
    /// `application`
    pub(crate) application: String,
    /// `server_name`
    pub(crate) server: String,
    /// `node_name`
    pub(crate) node: String,
    /// `setting_state`
    pub(crate) setting_state: String,
    /// `present_state`
    pub(crate) present_state: String,
    /// `flow_state`
    pub(crate) flow_state: String,
    /// `bak_flag`
    pub(crate) bak_flag: i64,
    /// `enable_set`
    pub(crate) enable_set: String,
    /// `set_name`, `set_area`, `set_group`
    pub(crate) set: [String; 3],
    /// `enable_group`
    pub(crate) enable_group: String,
    /// `ip_group_name`
    pub(crate) ip_group: String,
}

/// A row of `t_adapter_conf`. NULL is the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AdapterRow {
    /// `application`
    pub(crate) application: String,
    /// `server_name`
    pub(crate) server: String,
    /// `node_name`
    pub(crate) node: String,
    /// `servant`
    pub(crate) servant: String,
    /// `endpoint`
    pub(crate) endpoint: String,
}

/// A row of `t_registry_info`: what a registry of the framework says of its own servants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RegistryRow {
    /// `servant`
    pub(crate) servant: String,
    /// `endpoint`
    pub(crate) endpoint: String,
    /// `present_state`
    pub(crate) present_state: String,
    /// `enable_group`
    pub(crate) enable_group: String,
}

/// A row of `t_server_group_rule`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleRow {
    /// `group_id`
    pub(crate) id: i64,
    /// `allow_ip_rule`: addresses and `a.b.c.*`, divided by `|`
    pub(crate) addresses: String,
    /// `group_name`
    pub(crate) name: String,
}

/// A row of `t_group_priority`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PriorityRow {
    /// `group_list`: group ids, divided by `|`, `,` or `;`
    pub(crate) groups: String,
    /// `station`
    pub(crate) station: String,
}

/// The tables about groups and registries: few rows, always read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GroupRows {
    /// In the order of their ids.
    pub(crate) rules: Vec<RuleRow>,
    /// In the order of `list_order`, then of their ids.
    pub(crate) priorities: Vec<PriorityRow>,
    /// In any order.
    pub(crate) registries: Vec<RegistryRow>,
}

/// Everything lookups are answered from, of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct World {
    /// In any order.
    pub(crate) servers: Vec<ServerRow>,
    /// In any order; those without a server's row count for nothing.
    pub(crate) adapters: Vec<AdapterRow>,
    /// Groups and registries.
    pub(crate) groups: GroupRows,
}
