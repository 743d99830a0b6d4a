//! The adapters of an instance, and what a new registration changes in them.

use serde::{Deserialize, Serialize};

use super::lookup::told_host;
use super::{InstanceKey, Refusal, name, quoted, same_key};
use tars::protocol::AdapterConf;

const ADAPTER_NAME_WIDTH: usize = 100;
const SERVANT_WIDTH: usize = 128;
const ENDPOINT_WIDTH: usize = 128;
const PROTOCOL_WIDTH: usize = 64;

/// One servant and where it is served: a row of `t_adapter_conf`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Adapter {
    /// `application.server.object`
    pub(crate) servant: String,
    /// One endpoint, as `tcp -h 10.0.0.7 -p 10000 -t 3000`.
    pub(crate) endpoint: String,
    /// `tars`, or what the server speaks instead.
    pub(crate) protocol: String,
    /// Connections the server accepts at once; stored as given, 0 too.
    pub(crate) max_connections: i32,
    /// Handler threads; stored as given, 0 too.
    pub(crate) thread_num: i32,
    /// Requests queued at most; stored as given, 0 too.
    pub(crate) queue_cap: i32,
    /// Milliseconds a request may queue; stored as given, 0 too.
    pub(crate) queue_timeout: i32,
}

impl Adapter {
    /// The key of the row within its instance: the servant with `Adapter` behind it, as K8STARS names it.
    pub(crate) fn name(&self) -> String {
        format!("{}Adapter", self.servant)
    }

    /// The hosts that clients may be sent to. Two readers of one text need not agree: ours, and that of lookups, which
    /// reads as other registries on the same database do.
    pub(super) fn hosts(&self) -> Vec<String> {
        let ours = self.endpoint.parse::<tars::Endpoint>().map(|endpoint| endpoint.host);
        ours.ok().into_iter().chain(told_host(&self.endpoint)).collect()
    }

    /// Checks one adapter of a request. `field` is its place, as `adapters[0]`.
    pub(super) fn from_request(conf: &AdapterConf, field: &str, key: &InstanceKey) -> Result<Self, Refusal> {
        let servant_field = format!("{field}.servant");
        let servant = name::key(&servant_field, &conf.servant, SERVANT_WIDTH)?;
        // Clients look servants up by name alone: without this rule anyone could add endpoints to anyone's service.
        let prefix = format!("{}.{}.", key.application, key.server);
        let object = servant.strip_prefix(&prefix).unwrap_or_default();
        if object.is_empty() || object.contains('.') {
            let reason = format!(
                "is {}, expected {} and the object's name",
                quoted(&servant),
                quoted(&prefix)
            );
            return Err(Refusal::invalid(servant_field, reason));
        }
        let endpoint_field = format!("{field}.endpoint");
        let endpoint = name::text(&endpoint_field, &conf.endpoint, ENDPOINT_WIDTH)?;
        check_endpoint(&endpoint).map_err(|reason| Refusal::invalid(endpoint_field, reason))?;
        let protocol = name::optional_name(&format!("{field}.protocol"), &conf.protocol, PROTOCOL_WIDTH)?;
        let adapter = Self {
            servant,
            endpoint,
            protocol: if protocol.is_empty() {
                "tars".to_owned()
            } else {
                protocol
            },
            max_connections: conf.max_conns,
            thread_num: conf.thread_num,
            queue_cap: conf.queue_cap,
            queue_timeout: conf.queue_timeout,
        };
        name::name(
            &format!("{field}.servant (with `Adapter` behind it)"),
            &adapter.name(),
            ADAPTER_NAME_WIDTH,
        )?;
        Ok(adapter)
    }
}

/// One endpoint that a client can connect to.
fn check_endpoint(text: &str) -> Result<(), String> {
    let endpoint: tars::Endpoint = text.parse().map_err(|error| format!("cannot be read: {error}"))?;
    if endpoint.port == 0 {
        return Err(format!("is {}, expected a port from 1 to 65535", quoted(text)));
    }
    Ok(())
}

/// A row of `t_adapter_conf`, as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredAdapter {
    pub(crate) id: i64,
    /// NULL in some rows others made.
    pub(crate) name: Option<String>,
    /// `None` when it is nothing a request can ask for.
    pub(crate) content: Option<Adapter>,
}

/// The rows to write so that an instance's adapters become the requested ones.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AdapterChanges<'a> {
    /// By id.
    pub(crate) delete: Vec<i64>,
    /// By id.
    pub(crate) update: Vec<(i64, &'a Adapter)>,
    pub(crate) insert: Vec<&'a Adapter>,
}

/// Compares the rows there are with the adapters wanted. A row that is right already is left alone, so that its
/// `registry_timestamp` stays and nobody reloads it.
pub(crate) fn changes<'a>(stored: &[StoredAdapter], wanted: &'a [Adapter]) -> AdapterChanges<'a> {
    let mut changes = AdapterChanges::default();
    let mut left: Vec<&StoredAdapter> = stored.iter().collect();
    for adapter in wanted {
        let name = adapter.name();
        let place = left
            .iter()
            .position(|row| row.name.as_deref().is_some_and(|stored| same_key(stored, &name)));
        match place.map(|place| left.remove(place)) {
            Some(row) if row.content.as_ref() == Some(adapter) => {}
            Some(row) => changes.update.push((row.id, adapter)),
            None => changes.insert.push(adapter),
        }
    }
    changes.delete = left.iter().map(|row| row.id).collect();
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adapter(servant: &str, endpoint: &str) -> Adapter {
        Adapter {
            servant: servant.into(),
            endpoint: endpoint.into(),
            protocol: "tars".into(),
            max_connections: 0,
            thread_num: 1,
            queue_cap: 0,
            queue_timeout: 0,
        }
    }

    fn stored(adapters: &[Adapter]) -> Vec<StoredAdapter> {
        adapters
            .iter()
            .zip(1..)
            .map(|(adapter, id)| StoredAdapter {
                id,
                name: Some(adapter.name()),
                content: Some(adapter.clone()),
            })
            .collect()
    }

    #[test]
    fn unchanged_rows_are_left_alone_and_missing_ones_deleted() {
        let rows = stored(&[
            adapter("A.S.One", "tcp -p 1"),
            adapter("A.S.Two", "tcp -p 2"),
            adapter("A.S.Old", "tcp -p 3"),
        ]);
        let wanted = [
            adapter("A.S.One", "tcp -p 1"),
            adapter("A.S.Two", "tcp -p 22"),
            adapter("A.S.New", "tcp -p 4"),
        ];
        let changes = changes(&rows, &wanted);
        assert_eq!(changes.delete, [3]);
        assert_eq!(changes.update, [(2, &wanted[1])]);
        assert_eq!(changes.insert, [&wanted[2]]);
    }

    #[test]
    fn a_name_in_other_case_is_the_same_row_and_one_of_null_is_none() {
        let mut rows = stored(&[adapter("A.S.One", "tcp -p 1"), adapter("A.S.Two", "tcp -p 1")]);
        rows[1].name = None;
        let wanted = [adapter("A.S.ONE", "tcp -p 1")];
        let changes = changes(&rows, &wanted);
        assert_eq!(changes.delete, [2]);
        assert!(changes.insert.is_empty());
        assert_eq!(changes.update, [(1, &wanted[0])]);
    }

    proptest::proptest! {
        #[test]
        fn applying_the_changes_gives_what_was_wanted(before in 0_u8..16, after in 0_u8..16, moved in 0_u8..16) {
            let pick = |mask: u8, moved: u8| -> Vec<Adapter> {
                (0..4).filter(|bit| mask & (1 << bit) != 0)
                    .map(|bit| adapter(&format!("A.S.O{bit}"), if moved & (1 << bit) != 0 { "tcp -p 9" } else { "tcp -p 8" }))
                    .collect()
            };
            let rows = stored(&pick(before, 0));
            let wanted = pick(after, moved);
            let changes = changes(&rows, &wanted);
            let mut result = rows.clone();
            result.retain(|row| !changes.delete.contains(&row.id));
            for (id, adapter) in &changes.update {
                let row = result.iter_mut().find(|row| row.id == *id).expect("an updated row exists");
                row.content = Some((*adapter).clone());
            }
            let mut result: Vec<Adapter> = result.into_iter().filter_map(|row| row.content).collect();
            result.extend(changes.insert.iter().map(|adapter| (*adapter).clone()));
            result.sort_by(|a, b| a.servant.cmp(&b.servant));
            proptest::prop_assert_eq!(result, wanted);
        }
    }
}
