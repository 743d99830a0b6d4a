//! What lookups are answered from, and what changed in it.

use std::collections::BTreeMap;

use super::engine::{Arg, Row, Tx};
use super::statement::{self as sql, Statement};
use crate::domain::lookup::{AdapterRow, GroupRows, PriorityRow, RegistryRow, RuleRow, ServerName, ServerRow, World};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// How far back a look sees, in seconds: longer than the time between two of them, and than a transaction of ours takes
/// from its first statement to its commit.
const YOUNG: i64 = 10;

/// What a look saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// The database's own count of other people's writes: nothing is missing from it.
    Version(i64),
    /// What was written lately, by timestamps.
    Young(BTreeMap<ServerName, Young>),
}

/// Rows of a server that were written lately. Whether the same is seen again is decided by what they say: two changes may
/// have one timestamp.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Young {
    servers: Vec<ServerRow>,
    adapters: Vec<AdapterRow>,
    /// Nodes on which a registry like this one ended it, and when.
    removals: Vec<(String, String)>,
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
pub(super) async fn look<T: Tx>(tx: &mut T) -> Result<Seen> {
    let rows = tx.fetch(&sql::WORLD_VERSION, &[]).await?;
    if let Some(version) = rows.first().and_then(|row| row.optional_int(0)) {
        return Ok(Seen::Version(version));
    }
    let mut young = BTreeMap::<_, Young>::new();
    let name = |row: &Row| ServerName::new(&row.text(0), &row.text(1));
    for row in tx.fetch(&sql::YOUNG_SERVERS, &[Arg::Int(YOUNG)]).await? {
        young.entry(name(&row)).or_default().servers.push(server(&row));
    }
    for row in tx.fetch(&sql::YOUNG_ADAPTERS, &[Arg::Int(YOUNG)]).await? {
        young.entry(name(&row)).or_default().adapters.push(adapter(&row));
    }
    for row in tx.fetch(&sql::YOUNG_REMOVALS, &[Arg::Int(YOUNG)]).await? {
        let removal = (row.text(2), row.text(3));
        young.entry(name(&row)).or_default().removals.push(removal);
    }
    Ok(Seen::Young(young))
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
