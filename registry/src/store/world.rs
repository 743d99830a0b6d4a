//! What lookups are answered from, and what changed in it.

use std::collections::BTreeMap;

use super::engine::{Arg, Row, Tx};
use super::statement::{self as sql, Statement};
use crate::domain::lookup::{AdapterRow, GroupRows, PriorityRow, RegistryRow, RuleRow, ServerName, ServerRow, World};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// How far back a shallow look sees, in seconds: longer than the time between two of them, and than a transaction of ours
/// takes from its first statement to its commit.
const LATELY: i64 = 10;

/// How thoroughly to look for changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Rows with a young timestamp, and removals by registries like this one: an index on each table answers.
    Lately,
    /// Everything, whoever wrote it: a digest of all rows.
    Whole,
}

/// A number for each server that changes with its rows.
pub(crate) type Digests = BTreeMap<ServerName, Vec<i64>>;

/// What a look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The database's own count of other people's writes.
    Version(i64),
    /// The digests (of a shallow look: of the rows written lately), and of a deep look the tables about groups.
    Digests(Digests, Option<GroupRows>),
}

/// Everything.
pub(super) async fn load<T: Tx>(tx: &mut T) -> Result<World> {
    Ok(World {
        servers: rows(tx, &sql::WORLD_SERVERS, server).await?,
        adapters: rows(tx, &sql::WORLD_ADAPTERS, adapter).await?,
        groups: groups(tx).await?,
    })
}

/// Some servers.
pub(super) async fn load_servers<T: Tx>(tx: &mut T, names: &[ServerName]) -> Result<(Vec<ServerRow>, Vec<AdapterRow>)> {
    let (mut servers, mut adapters) = (Vec::new(), Vec::new());
    for name in names {
        let args = [Arg::Text(&name.application), Arg::Text(&name.server)];
        let rows = tx.fetch(&sql::WORLD_SERVERS_OF, &args).await?;
        servers.extend(rows.iter().map(server));
        let rows = tx.fetch(&sql::WORLD_ADAPTERS_OF, &args).await?;
        adapters.extend(rows.iter().map(adapter));
    }
    Ok((servers, adapters))
}

/// What changed.
pub(super) async fn look<T: Tx>(tx: &mut T, depth: Depth) -> Result<Seen> {
    let rows = tx.fetch(&sql::WORLD_VERSION, &[]).await?;
    if let Some(version) = rows.first().and_then(|row| row.optional_int(0)) {
        return Ok(Seen::Version(version));
    }
    let lately = [Arg::Int(LATELY)];
    let (parts, args): (&[&Statement], &[Arg<'_>]) = match depth {
        Depth::Lately => (
            &[
                &sql::SERVER_DIGESTS_LATELY,
                &sql::ADAPTER_DIGESTS_LATELY,
                &sql::REMOVED_LATELY,
            ],
            &lately,
        ),
        Depth::Whole => (&[&sql::SERVER_DIGESTS, &sql::ADAPTER_DIGESTS], &[]),
    };
    let mut digests = Digests::new();
    for (part, statement) in parts.iter().enumerate() {
        for row in tx.fetch(statement, args).await? {
            let name = ServerName::new(&row.text(0), &row.text(1));
            let digest = digests.entry(name).or_insert_with(|| vec![0; parts.len()]);
            // Names that differ in case may come as two rows: one server to us.
            digest[part] = digest[part].wrapping_add(row.int(2));
        }
    }
    let groups = match depth {
        Depth::Lately => None,
        Depth::Whole => Some(groups(tx).await?),
    };
    Ok(Seen::Digests(digests, groups))
}

async fn groups<T: Tx>(tx: &mut T) -> Result<GroupRows> {
    Ok(GroupRows {
        rules: rows(tx, &sql::WORLD_RULES, rule).await?,
        priorities: rows(tx, &sql::WORLD_PRIORITIES, priority).await?,
        registries: rows(tx, &sql::WORLD_REGISTRIES, registry).await?,
    })
}

async fn rows<T: Tx, R>(tx: &mut T, statement: &Statement, read: fn(&Row) -> R) -> Result<Vec<R>> {
    Ok(tx.fetch(statement, &[]).await?.iter().map(read).collect())
}

fn server(row: &Row) -> ServerRow {
    ServerRow {
        application: row.text(0),
        server: row.text(1),
        node: row.text(2),
        setting_state: row.text(3),
        present_state: row.text(4),
        flow_state: row.text(5),
        bak_flag: row.int(6),
        enable_set: row.text(7),
        set: [row.text(8), row.text(9), row.text(10)],
        enable_group: row.text(11),
        ip_group: row.text(12),
    }
}

fn adapter(row: &Row) -> AdapterRow {
    AdapterRow {
        application: row.text(0),
        server: row.text(1),
        node: row.text(2),
        servant: row.text(3),
        endpoint: row.text(4),
    }
}

fn registry(row: &Row) -> RegistryRow {
    RegistryRow {
        servant: row.text(0),
        endpoint: row.text(1),
        present_state: row.text(2),
        enable_group: row.text(3),
    }
}

fn rule(row: &Row) -> RuleRow {
    RuleRow {
        id: row.int(0),
        addresses: row.text(1),
        name: row.text(2),
    }
}

fn priority(row: &Row) -> PriorityRow {
    PriorityRow {
        groups: row.text(0),
        station: row.text(1),
    }
}
