//! From a row to an entry: one endpoint of one servant, with all that decides who is told of it.

use std::collections::{BTreeMap, HashMap};

use tars::protocol::EndpointF;

use super::endpoint;
use super::rows::{AdapterRow, RegistryRow, ServerName, ServerRow, folded};
use super::set::SetKey;

/// One endpoint of one servant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// `App.Server.Obj`
    pub(crate) servant: String,
    /// What clients are told; its group ids are filled in when views are made.
    pub(crate) endpoint: EndpointF,
    /// Whether it serves.
    pub(crate) is_active: bool,
    /// Where it is known from.
    pub(crate) source: Source,
    /// The set it is listed in.
    pub(crate) set: Option<SetKey>,
    /// Name of its group; empty when its host's address decides.
    pub(crate) group_name: String,
    /// Whether its group narrows who is told of it.
    pub(crate) is_grouped: bool,
}

/// Where an entry is known from. Of one endpoint the first of these is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// This registry itself.
    Own,
    /// `t_adapter_conf` with `t_server_conf`.
    Adapter,
    /// `t_registry_info`.
    Registry,
}

/// What rows give: entries, and how many rows gave none because their endpoint cannot be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Served {
    pub(crate) entries: Vec<Entry>,
    pub(crate) skipped: usize,
}

impl Served {
    fn add(&mut self, row: Option<Entry>) {
        match row {
            Some(entry) => self.entries.push(entry),
            None => self.skipped += 1,
        }
    }
}

/// Joins adapters with their servers. -> by server; servers without adapters are not there
pub(crate) fn served(servers: &[ServerRow], adapters: &[AdapterRow]) -> BTreeMap<ServerName, Served> {
    let key = |application: &str, server: &str, node: &str| (folded(application), folded(server), folded(node));
    let places: HashMap<_, _> = servers
        .iter()
        .map(|row| (key(&row.application, &row.server, &row.node), row))
        .collect();
    let mut by_server = BTreeMap::<_, Served>::new();
    for adapter in adapters {
        let Some(server) = places.get(&key(&adapter.application, &adapter.server, &adapter.node)) else {
            continue; // of a server that is gone
        };
        if server.bak_flag == 1 || adapter.is_placeholder() {
            continue;
        }
        by_server
            .entry(ServerName::new(&server.application, &server.server))
            .or_default()
            .add(of_adapter(server, adapter));
    }
    by_server
}

/// What other registries say of themselves.
pub(crate) fn served_by_registries(rows: &[RegistryRow]) -> Served {
    let mut served = Served::default();
    for row in rows
        .iter()
        .filter(|row| !(row.servant.is_empty() && row.endpoint.is_empty()))
    {
        served.add(of_registry(row));
    }
    served
}

impl AdapterRow {
    fn is_placeholder(&self) -> bool {
        self.servant.is_empty() && self.endpoint.is_empty()
    }
}

fn of_adapter(server: &ServerRow, adapter: &AdapterRow) -> Option<Entry> {
    let is_active =
        server.setting_state == "active" && server.present_state == "active" && server.flow_state != "inactive";
    let in_set = is_yes(&server.enable_set);
    let parts = &server.set;
    Some(Entry {
        servant: adapter.servant.clone(),
        endpoint: EndpointF {
            node_name: server.node.trim().to_owned(),
            bak_flag: i32::try_from(server.bak_flag).unwrap_or(0),
            set_id: if in_set { parts.join(".") } else { String::new() },
            ..endpoint::parse(&adapter.endpoint)?
        },
        is_active,
        source: Source::Adapter,
        set: SetKey::of_server(parts).filter(|_| in_set),
        group_name: server.ip_group.clone(),
        is_grouped: is_yes(&server.enable_group),
    })
}

/// The framework's registry takes `tars_version` for the node's name here; that says nothing to a client, so it is empty.
fn of_registry(row: &RegistryRow) -> Option<Entry> {
    Some(Entry {
        servant: row.servant.clone(),
        endpoint: endpoint::parse(&row.endpoint)?,
        is_active: row.present_state == "active",
        source: Source::Registry,
        set: None,
        group_name: String::new(),
        is_grouped: is_yes(&row.enable_group),
    })
}

impl Entry {
    /// A servant of this registry itself.
    pub(crate) fn own(servant: &str, endpoint: EndpointF) -> Self {
        Self {
            servant: servant.to_owned(),
            endpoint,
            is_active: true,
            source: Source::Own,
            set: None,
            group_name: String::new(),
            is_grouped: false,
        }
    }

    /// What makes two entries one endpoint to a client.
    pub(super) fn identity(&self) -> (&str, i32, i32) {
        identity(&self.endpoint)
    }
}

/// Host, port and transport: what a connection is to, whatever else is said of it.
pub(super) fn identity(endpoint: &EndpointF) -> (&str, i32, i32) {
    (&endpoint.host, endpoint.port, endpoint.istcp)
}

fn is_yes(flag: &str) -> bool {
    flag.eq_ignore_ascii_case("y")
}
