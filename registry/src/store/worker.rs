//! Worker ids in their table. It is written last in every transaction, after all that is said of the instance itself.
//!
//! Who gives a number writes the application's row first, so that numbers of an application are given one after the other;
//! on a cluster of primaries one of two who do it at once loses at its commit and begins again. An instance that gets its
//! own number back needs only its own row.

use std::collections::BTreeSet;

use super::engine::{Arg, Tx};
use super::lease::{folded, update_by_ids};
use super::statement as sql;
use crate::domain::InstanceKey;
use crate::domain::worker::{Numbered, REST_LEASES, WorkerId, WorkerWish, choices};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// The row of an instance that has or had a number.
struct Own {
    row: i64,
    /// `None` when another instance has it now.
    number: Option<i64>,
    is_freed: bool,
}

/// What a registration's wish comes to.
pub(super) async fn settle<T: Tx>(
    tx: &mut T,
    key: &InstanceKey,
    wish: WorkerWish,
    lease_seconds: i64,
) -> Result<WorkerId> {
    let own = own(tx, key).await?;
    match (wish, own) {
        (WorkerWish::Unwanted, Some(own)) => {
            let statement = match own.number {
                Some(_) if own.is_freed => return Ok(WorkerId::None),
                Some(_) => &sql::WORKERS_FREE,
                None => &sql::WORKERS_DELETE,
            };
            update_by_ids(tx, statement, &[], vec![own.row]).await?;
            Ok(WorkerId::None)
        }
        (WorkerWish::Wanted(wish), own) => match own {
            Some(Own {
                row,
                number: Some(number),
                is_freed,
            }) => {
                if is_freed {
                    give(tx, row, number).await?;
                }
                Ok(WorkerId::Given(number))
            }
            own => allocate(tx, key, own.map(|own| own.row), wish, lease_seconds).await,
        },
        (WorkerWish::Kept, Some(own)) => {
            keep(tx, &own).await?;
            Ok(WorkerId::None)
        }
        (WorkerWish::Kept | WorkerWish::Unwanted, None) => Ok(WorkerId::None),
    }
}

/// An instance is back that was taken for dead: its number is its own again. -> whether it is not, because another
/// instance has it
pub(super) async fn is_lost<T: Tx>(tx: &mut T, key: &InstanceKey) -> Result<bool> {
    match own(tx, key).await? {
        Some(own) => {
            keep(tx, &own).await?;
            Ok(own.number.is_none())
        }
        None => Ok(false),
    }
}

async fn keep<T: Tx>(tx: &mut T, own: &Own) -> Result<()> {
    match own.number {
        Some(number) if own.is_freed => give(tx, own.row, number).await,
        _ => Ok(()),
    }
}

async fn own<T: Tx>(tx: &mut T, key: &InstanceKey) -> Result<Option<Own>> {
    let rows = tx.fetch(&sql::WORKER_LOCK, &key_args(key)).await?;
    Ok(rows.first().map(|row| Own {
        row: row.int(0),
        number: row.optional_int(1),
        is_freed: row.int(2) != 0,
    }))
}

async fn give<T: Tx>(tx: &mut T, row: i64, number: i64) -> Result<()> {
    tx.execute(&sql::WORKER_GIVE, &[Arg::Int(number), Arg::Int(row)])
        .await?;
    Ok(())
}

async fn allocate<T: Tx>(
    tx: &mut T,
    key: &InstanceKey,
    own: Option<i64>,
    wish: Option<i64>,
    lease_seconds: i64,
) -> Result<WorkerId> {
    let application = [Arg::Text(&key.application)];
    if tx.execute(&sql::WORKERS_LOCK, &application).await? == 0 {
        tx.execute(&sql::WORKERS_LOCK_INSERT, &application).await?;
    }
    let rest = Arg::Int(lease_seconds * REST_LEASES);
    let rows = tx
        .fetch(&sql::WORKERS_OF_APPLICATION, &[rest, Arg::Text(&key.application)])
        .await?;
    let numbered: Vec<Numbered> = rows
        .iter()
        .map(|row| Numbered {
            row: row.int(0),
            number: row.int(1),
            is_free: row.int(2) != 0,
        })
        .collect();
    for choice in choices(&numbered, wish) {
        if let Some(row) = choice.row
            // Whose it was may be back since.
            && tx.execute(&sql::WORKER_TAKE, &[Arg::Int(row), rest]).await? == 0
        {
            continue;
        }
        if let Some(row) = own {
            give(tx, row, choice.number).await?;
        } else {
            let [application, server, node] = key_args(key);
            let args = [Arg::Int(choice.number), application, server, node];
            tx.execute(&sql::WORKER_INSERT, &args).await?;
        }
        return Ok(WorkerId::Given(choice.number));
    }
    Ok(WorkerId::Exhausted)
}

/// The number of one instance that ended rests from now on.
pub(super) async fn free<T: Tx>(tx: &mut T, key: &InstanceKey) -> Result<()> {
    tx.execute(&sql::WORKER_FREE, &key_args(key)).await?;
    Ok(())
}

/// The numbers of every instance of nodes.
pub(super) async fn free_nodes<T: Tx>(tx: &mut T, nodes: &[String]) -> Result<()> {
    tx.execute(&sql::WORKERS_FREE_OF_NODES, &[Arg::Texts(nodes)]).await?;
    Ok(())
}

/// The numbers of some of the instances of nodes.
pub(super) async fn free_some<T: Tx>(
    tx: &mut T,
    nodes: &[String],
    keys: impl Iterator<Item = &InstanceKey>,
) -> Result<()> {
    let rows = tx.fetch(&sql::WORKERS_OF_NODES, &[Arg::Texts(nodes)]).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let keys: BTreeSet<InstanceKey> = keys.map(folded).collect();
    let is_one = |row: &&super::engine::Row| {
        keys.contains(&folded(&InstanceKey {
            application: row.text(1),
            server: row.text(2),
            node: row.text(3),
        }))
    };
    let ids = rows.iter().filter(is_one).map(|row| row.int(0)).collect();
    update_by_ids(tx, &sql::WORKERS_FREE, &[], ids).await
}

/// Deletes the rows of instances that are gone for long, a bounded number. -> how many
pub(super) async fn forget<T: Tx>(tx: &mut T, seconds: i64, most: i64) -> Result<u64> {
    tx.execute(&sql::WORKERS_FORGET, &[Arg::Int(seconds), Arg::Int(most)])
        .await
}

fn key_args(key: &InstanceKey) -> [Arg<'_>; 3] {
    [
        Arg::Text(&key.application),
        Arg::Text(&key.server),
        Arg::Text(&key.node),
    ]
}
