//! Leases: who ran out of one, and what becomes of the rows.
//!
//! Only instances that registered or beat here have a lease. The lock order is that of every operation: nodes by name,
//! servers, instances.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::engine::{Arg, Row, Tx};
use super::statement as sql;
use super::worker;
use crate::domain::InstanceKey;
use crate::domain::lease::{Census, Leases, Looked, Overdue};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// `lease_state` of an instance whose lease ran out.
pub(super) const EXPIRED: &str = "expired";

/// Values of `lease_state` by which no lease is counted: ran out, a tombstone, out for good.
const NO_LEASE: [&str; 3] = [EXPIRED, "ended", "destroyed"];

/// The work whose lead is taken here.
const WORK: &str = "expiry";

/// Leases looked at at once: when more ran out, the next look finds the rest.
const OVERDUE: i64 = 5000;

/// Nodes of one transaction at most.
pub(crate) const NODES: usize = 200;

/// A look at the leases.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// The name of this replica.
    pub(crate) holder: String,
    /// How long the lead is this replica's; `None` when it does not want it.
    pub(crate) lead: Option<Duration>,
}

/// What a page of silent nodes came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SilentNodes {
    /// Nodes that are inactive now.
    pub(crate) expired: Vec<String>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

#[derive(Debug)]
pub(super) struct LookInput<'a> {
    pub(super) look: &'a Look,
    pub(super) leases: Leases,
}

/// An instance of ours as its row says.
pub(super) struct Leased {
    pub(super) id: i64,
    pub(super) key: InstanceKey,
    pub(super) last_beat: String,
    /// Milliseconds since then, by the database's clock.
    pub(super) age: i64,
    pub(super) state: String,
    pub(super) draining: bool,
    pub(super) is_tombstone: bool,
}

/// Succeeds when beats could be taken now. -> the leases, if the lead is this replica's
pub(super) async fn look<T: Tx>(tx: &mut T, input: &LookInput<'_>) -> Result<Looked> {
    for ping in [&sql::NODES_PING, &sql::SERVERS_PING, &sql::PING] {
        tx.execute(ping, &[]).await?;
    }
    let clock = tx.fetch(&sql::CLOCK, &[]).await?;
    let clock = clock.first().map_or(0, |row| row.int(0));
    let census = match input.look.lead {
        Some(time) if lead(tx, &input.look.holder, time).await? => Some(census(tx, input).await?),
        _ => None,
    };
    Ok(Looked { clock, census })
}

async fn census<T: Tx>(tx: &mut T, input: &LookInput<'_>) -> Result<Census> {
    tx.execute(&sql::LEASES_CLAMP, &[]).await?;
    let [serving, activating, leaving] = ages(input.leases);
    let rows = tx
        .fetch(&sql::LEASES_OVERDUE, &[serving, activating, leaving, Arg::Int(OVERDUE)])
        .await?;
    let mut census = Census {
        overdue: rows.iter().map(overdue).collect(),
        ..Census::default()
    };
    if !census.overdue.is_empty() {
        let rows = tx.fetch(&sql::LEASES_COUNT, &ages(input.leases.silence())).await?;
        let count = |column| {
            rows.first()
                .map_or(0, |row| u64::try_from(row.int(column)).unwrap_or(0))
        };
        (census.live, census.silent) = (count(0), count(1));
    }
    Ok(census)
}

fn ages(leases: Leases) -> [Arg<'static>; 3] {
    [leases.serving, leases.activating, leases.leaving].map(|seconds| Arg::Int(seconds.into()))
}

async fn lead<T: Tx>(tx: &mut T, holder: &str, time: Duration) -> Result<bool> {
    let time = Arg::Int(i64::try_from(time.as_micros()).unwrap_or(i64::MAX));
    let args = [holder.into(), time, WORK.into(), holder.into()];
    if tx.execute(&sql::LEAD, &args).await? > 0 {
        return Ok(true);
    }
    if tx.fetch(&sql::LEADER, &[WORK.into()]).await?.is_empty() {
        tx.execute(&sql::LEADER_INSERT, &[WORK.into(), holder.into()]).await?;
        return Ok(tx.execute(&sql::LEAD, &args).await? > 0);
    }
    Ok(false)
}

/// Leaves the lead to another replica.
pub(super) async fn resign<T: Tx>(tx: &mut T, holder: &str) -> Result<()> {
    tx.execute(&sql::LEADER_RESIGN, &[WORK.into(), holder.into()]).await?;
    Ok(())
}

fn overdue(row: &Row) -> Overdue {
    Overdue {
        id: row.int(0),
        key: key(row),
        last_beat: row.text(4),
        state: row.text(5),
    }
}

fn key(row: &Row) -> InstanceKey {
    InstanceKey {
        application: row.text(1),
        server: row.text(2),
        node: row.text(3),
    }
}

/// Names as keys: the columns ignore case, and what we accept is ASCII.
pub(super) fn folded(key: &InstanceKey) -> InstanceKey {
    InstanceKey {
        application: key.application.to_ascii_lowercase(),
        server: key.server.to_ascii_lowercase(),
        node: key.node.to_ascii_lowercase(),
    }
}

/// Takes out those of the given instances that are still as they were seen. -> them
pub(super) async fn expire<T: Tx>(tx: &mut T, seen: &[Overdue]) -> Result<Vec<InstanceKey>> {
    let nodes = nodes_of(seen.iter().map(|overdue| &overdue.key));
    tx.fetch(&sql::NODES_LOCK, &[Arg::Texts(&nodes)]).await?;
    let servers = tx.fetch(&sql::CLEAN_SERVERS_LOCK, &[Arg::Texts(&nodes)]).await?;
    let servers: BTreeMap<InstanceKey, i64> = servers.iter().map(|row| (folded(&key(row)), row.int(0))).collect();
    let instances = instances_of(tx, &nodes).await?;
    let instances: BTreeMap<i64, &Leased> = instances.iter().map(|instance| (instance.id, instance)).collect();
    let is_as_seen = |overdue: &&Overdue| {
        instances
            .get(&overdue.id)
            .is_some_and(|now| !now.is_tombstone && now.last_beat == overdue.last_beat && now.state == overdue.state)
    };
    let expired: Vec<&Overdue> = seen.iter().filter(is_as_seen).collect();
    let rows: Vec<i64> = expired
        .iter()
        .filter_map(|overdue| servers.get(&folded(&overdue.key)).copied())
        .collect();
    update_by_ids(tx, &sql::SERVERS_EXPIRE, &[], rows).await?;
    let ids = expired.iter().map(|overdue| overdue.id).collect();
    update_by_ids(tx, &sql::INSTANCES_EXPIRE, &[], ids).await?;
    worker::free_some(tx, &nodes, expired.iter().map(|overdue| &overdue.key)).await?;
    Ok(expired.into_iter().map(|overdue| overdue.key.clone()).collect())
}

/// Runs a statement whose last parameter is a list of ids, if there is one.
pub(super) async fn update_by_ids<T: Tx>(
    tx: &mut T,
    statement: &sql::Statement,
    before: &[Arg<'_>],
    ids: Vec<i64>,
) -> Result<()> {
    if !ids.is_empty() {
        let ids = padded(ids);
        let mut args = before.to_vec();
        args.push(Arg::Ints(&ids));
        tx.execute(statement, &args).await?;
    }
    Ok(())
}

/// The nodes, each once, in the order of their names.
pub(super) fn nodes_of<'a>(keys: impl Iterator<Item = &'a InstanceKey>) -> Vec<String> {
    let nodes: BTreeMap<String, &String> = keys.map(|key| (key.node.to_ascii_lowercase(), &key.node)).collect();
    padded(nodes.into_values().cloned().collect())
}

/// A list as long as a power of two, its last member repeated: statements are prepared once for each length.
pub(super) fn padded<T: Clone>(mut list: Vec<T>) -> Vec<T> {
    if let Some(last) = list.last().cloned() {
        list.resize(list.len().next_power_of_two(), last);
    }
    list
}

/// Our rows of the instances of nodes.
pub(super) async fn instances_of<T: Tx>(tx: &mut T, nodes: &[String]) -> Result<Vec<Leased>> {
    let rows = tx.fetch(&sql::INSTANCES_OF_NODES_LOCK, &[Arg::Texts(nodes)]).await?;
    let leased = |row: &Row| Leased {
        id: row.int(0),
        key: key(row),
        last_beat: row.text(4),
        state: row.text(5),
        draining: row.int(6) != 0,
        is_tombstone: row.int(7) != 0,
        age: row.int(8),
    };
    Ok(rows.iter().map(leased).collect())
}

/// The silent nodes behind `after`: those become inactive on which we know every server and none has a lease any more.
pub(super) async fn expire_nodes<T: Tx>(tx: &mut T, input: &(&str, u32)) -> Result<SilentNodes> {
    let (after, seconds) = *input;
    let (seconds, limit) = (Arg::Int(seconds.into()), i64::try_from(NODES).unwrap_or(i64::MAX));
    let rows = tx
        .fetch(&sql::NODES_SILENT, &[seconds, after.into(), Arg::Int(limit)])
        .await?;
    let nodes: Vec<String> = rows.iter().map(|row| row.text(0)).collect();
    let next = (nodes.len() == NODES).then(|| nodes.last().cloned()).flatten();
    if nodes.is_empty() {
        return Ok(SilentNodes::default());
    }
    let list = padded(nodes.clone());
    tx.fetch(&sql::NODES_LOCK, &[Arg::Texts(&list)]).await?;
    let servers = tx.fetch(&sql::CLEAN_SERVERS_LOCK, &[Arg::Texts(&list)]).await?;
    let instances = instances_of(tx, &list).await?;
    let kept = kept(&servers, &instances);
    let is_ours: BTreeSet<String> = instances.iter().map(|instance| folded(&instance.key).node).collect();
    let is_forsaken = |node: &String| {
        let node = node.to_ascii_lowercase();
        is_ours.contains(&node) && !kept.contains(&node)
    };
    let expired: Vec<String> = nodes.into_iter().filter(is_forsaken).collect();
    if !expired.is_empty() {
        let list = padded(expired.clone());
        tx.execute(&sql::NODES_EXPIRE, &[seconds, Arg::Texts(&list)]).await?;
    }
    Ok(SilentNodes { expired, next })
}

/// Nodes on which an instance has a lease, or which have a server of others, who keep it themselves.
fn kept(servers: &[Row], instances: &[Leased]) -> BTreeSet<String> {
    let known: BTreeSet<InstanceKey> = instances.iter().map(|instance| folded(&instance.key)).collect();
    let of_others = servers
        .iter()
        .map(|row| folded(&key(row)))
        .filter(|server| !known.contains(server));
    let alive = instances
        .iter()
        .filter(|instance| !instance.is_tombstone && !NO_LEASE.contains(&instance.state.as_str()))
        .map(|instance| folded(&instance.key));
    of_others.chain(alive).map(|key| key.node).collect()
}
