//! The clean: nodes that stopped beating, with all that is on them, a batch a transaction.

use super::engine::{Arg, Row, Tx};
use super::statement as sql;
use crate::domain::InstanceKey;
use crate::domain::clean::{Cleaned, CutOff};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Nodes of one transaction at most: few enough that no registration waits long for it.
pub(crate) const BATCH: usize = 200;

/// Tombstones are kept that long: the longest a node may be cut off and still have its instances back at its first beat.
const TOMBSTONE_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Which nodes a clean is about.
#[derive(Clone, Debug)]
pub(crate) struct CleanScope {
    /// The last beat is older than that: `YYYY-MM-DD hh:mm:ss` by the database's clock.
    pub(crate) cut_off: String,
    /// Also nodes that run tarsnode.
    pub(crate) all_nodes: bool,
}

/// One batch: its candidates, or the place to go on from.
#[derive(Debug)]
pub(super) struct BatchInput<'a, T: ?Sized> {
    pub(super) scope: &'a CleanScope,
    pub(super) nodes: &'a T,
}

/// The cut-off as a moment of the database's clock.
pub(super) async fn cut_off<T: Tx>(tx: &mut T, cut_off: &CutOff) -> Result<String> {
    match cut_off {
        CutOff::At(moment) => Ok(moment.clone()),
        CutOff::SecondsAgo(seconds) => {
            let seconds = i64::try_from(*seconds).unwrap_or(i64::MAX);
            let rows = tx.fetch(&sql::CLEAN_CUT_OFF, &[Arg::Int(seconds)]).await?;
            // MySQL 8 adds a fraction of zero, because it does not know the parameter for a whole number.
            Ok(rows
                .first()
                .map(|row| row.text(0).chars().take("YYYY-MM-DD hh:mm:ss".len()).collect())
                .unwrap_or_default())
        }
    }
}

/// The next nodes without beat, by name, behind `after`.
pub(super) async fn candidates<T: Tx>(tx: &mut T, input: &BatchInput<'_, str>) -> Result<Vec<String>> {
    let limit = Arg::Int(i64::try_from(BATCH).unwrap_or(i64::MAX));
    let [cut_off, all] = scope_args(input.scope);
    let rows = tx
        .fetch(&sql::CLEAN_CANDIDATES, &[cut_off, all, input.nodes.into(), limit])
        .await?;
    Ok(rows.iter().map(|row| row.text(0)).collect())
}

/// What there is on the given nodes.
pub(super) async fn listing<T: Tx>(tx: &mut T, input: &BatchInput<'_, [String]>) -> Result<Cleaned> {
    let servers = tx.fetch(&sql::CLEAN_SERVERS, &[Arg::Texts(input.nodes)]).await?;
    Ok(Cleaned {
        servers: servers.iter().map(key).collect(),
        nodes: input.nodes.to_vec(),
    })
}

/// Deletes those of the given nodes that still have no beat, now that they are locked, with all that is on them.
/// -> exactly what was deleted
pub(super) async fn delete<T: Tx>(tx: &mut T, input: &BatchInput<'_, [String]>) -> Result<Cleaned> {
    let [cut_off, all] = scope_args(input.scope);
    let rows = tx
        .fetch(&sql::CLEAN_LOCK, &[cut_off, all, Arg::Texts(input.nodes)])
        .await?;
    let nodes: Vec<String> = rows.iter().map(|row| row.text(0)).collect();
    if nodes.is_empty() {
        return Ok(Cleaned::default());
    }
    let list = [Arg::Texts(&nodes)];
    let servers: Vec<InstanceKey> = tx.fetch(&sql::CLEAN_SERVERS, &list).await?.iter().map(key).collect();
    for server in &servers {
        tx.execute(&sql::SERVER_DELETE, &key_args(server)).await?;
        tx.execute(&sql::INSTANCE_CLEAN, &key_args(server)).await?;
    }
    for row in tx.fetch(&sql::CLEAN_ADAPTERS, &list).await? {
        tx.execute(&sql::ADAPTERS_DELETE, &key_args(&key(&row))).await?;
    }
    let configs: Vec<i64> = tx
        .fetch(&sql::CLEAN_CONFIGS, &list)
        .await?
        .iter()
        .map(|row| row.int(0))
        .collect();
    if !configs.is_empty() {
        tx.execute(&sql::CONFIGS_DELETE_BY_ID, &[Arg::Ints(&configs)]).await?;
    }
    tx.execute(&sql::NODES_DELETE, &list).await?;
    Ok(Cleaned { servers, nodes })
}

/// Deletes old tombstones, a bounded number. -> how many
pub(super) async fn forget<T: Tx>(tx: &mut T) -> Result<u64> {
    tx.execute(&sql::INSTANCE_FORGET, &[Arg::Int(TOMBSTONE_SECONDS), Arg::Int(1000)])
        .await
}

fn scope_args(scope: &CleanScope) -> [Arg<'_>; 2] {
    [Arg::Text(&scope.cut_off), Arg::Int(i64::from(scope.all_nodes))]
}

fn key(row: &Row) -> InstanceKey {
    InstanceKey {
        application: row.text(0),
        server: row.text(1),
        node: row.text(2),
    }
}

fn key_args(key: &InstanceKey) -> [Arg<'_>; 3] {
    [
        Arg::Text(&key.application),
        Arg::Text(&key.server),
        Arg::Text(&key.node),
    ]
}
