//! The clean: nodes that stopped beating, with all that is on them, a batch a transaction.

use super::engine::{Arg, Row, Tx};
use super::operations;
use super::statement::{self as sql, Statement};
use super::worker;
use crate::domain::clean::{Cleaned, CutOff};
use crate::domain::{InstanceKey, Kept, is_fenced};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Nodes of one transaction at most: few enough that no registration waits long for it.
pub(crate) const BATCH: usize = 200;

/// Rows of one statement at most.
const IDS: usize = 1000;

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
    let rows = tx.fetch(&sql::CLEAN_SERVERS_LOCK, &list).await?;
    for row in &rows {
        bury(tx, row).await?;
    }
    let servers: Vec<InstanceKey> = rows.iter().map(key).collect();
    delete_by_id(tx, &rows, &sql::SERVERS_DELETE_BY_ID).await?;
    let adapters = tx.fetch(&sql::CLEAN_ADAPTERS, &list).await?;
    delete_by_id(tx, &adapters, &sql::ADAPTERS_DELETE_BY_ID).await?;
    let configs = tx.fetch(&sql::CLEAN_CONFIGS, &list).await?;
    delete_by_id(tx, &configs, &sql::CONFIGS_DELETE_BY_ID).await?;
    tx.execute(&sql::NODES_DELETE, &list).await?;
    worker::free_nodes(tx, &nodes).await?;
    Ok(Cleaned { servers, nodes })
}

/// Deletes the rows whose ids were read: a row others made may have NULL in its key.
async fn delete_by_id<T: Tx>(tx: &mut T, rows: &[Row], statement: &Statement) -> Result<()> {
    let ids: Vec<i64> = rows.iter().map(|row| row.int(0)).collect();
    for ids in ids.chunks(IDS) {
        tx.execute(statement, &[Arg::Ints(ids)]).await?;
    }
    Ok(())
}

/// Makes a tombstone for a server that is about to be deleted: it keeps what makes the same rows again if the server lives.
async fn bury<T: Tx>(tx: &mut T, row: &Row) -> Result<()> {
    let key = key(row);
    let Some(instance) = operations::known_instance(tx, &key).await? else {
        return Ok(());
    };
    let kept = Kept {
        template: row.optional_text(5),
        server_type: row.optional_text(6).filter(|kind| !kind.is_empty()),
        metrics_port: row.optional_int(7),
    };
    let draining = is_fenced(&row.text(4), instance.draining && instance.removed_by.is_none());
    let document = instance
        .document
        .as_deref()
        .map(|document| kept.add_to(document).unwrap_or_else(|| document.to_owned()));
    let [application, server, node] = key_args(&key);
    let args = [
        Arg::Int(i64::from(draining)),
        Arg::OptionalText(document.as_deref()),
        application,
        server,
        node,
    ];
    tx.execute(&sql::INSTANCE_CLEAN, &args).await?;
    Ok(())
}

/// Deletes old tombstones, a bounded number. -> how many
pub(super) async fn forget<T: Tx>(tx: &mut T) -> Result<u64> {
    let tombstones = tx
        .execute(&sql::INSTANCE_FORGET, &[Arg::Int(TOMBSTONE_SECONDS), Arg::Int(1000)])
        .await?;
    Ok(tombstones + worker::forget(tx, TOMBSTONE_SECONDS, 1000).await?)
}

fn scope_args(scope: &CleanScope) -> [Arg<'_>; 2] {
    [Arg::Text(&scope.cut_off), Arg::Int(i64::from(scope.all_nodes))]
}

fn key(row: &Row) -> InstanceKey {
    InstanceKey {
        application: row.text(1),
        server: row.text(2),
        node: row.text(3),
    }
}

fn key_args(key: &InstanceKey) -> [Arg<'_>; 3] {
    [
        Arg::Text(&key.application),
        Arg::Text(&key.server),
        Arg::Text(&key.node),
    ]
}
