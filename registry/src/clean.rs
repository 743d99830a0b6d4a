//! Runs a clean, batch by batch.

use crate::beats::Beats;
use crate::domain::clean::{Clean, Cleaned};
use crate::store::{CleanScope, Store, StoreError};

/// Lists or deletes, and says what. A failure after the first batch still reports what was deleted before it.
pub(crate) async fn run<S: Store>(store: &S, beats: &Beats, command: &Clean) -> Result<String, StoreError> {
    let cut_off = store.clean_cut_off(&command.cut_off).await?;
    let scope = CleanScope {
        cut_off,
        all_nodes: command.all_nodes,
    };
    let mut cleaned = Cleaned::default();
    let outcome = batches(store, command.dry_run, &scope, &mut cleaned).await;
    if !command.dry_run {
        for key in &cleaned.servers {
            beats.forget(key);
        }
    }
    let report = cleaned.report(command.dry_run, &scope.cut_off);
    if !command.dry_run {
        tracing::info!(
            servers = cleaned.servers.len(),
            nodes = cleaned.nodes.len(),
            cut_off = scope.cut_off,
            "cleaned"
        );
    }
    match outcome {
        Ok(()) => Ok(report),
        Err(error) if cleaned == Cleaned::default() => Err(error),
        Err(error) => {
            tracing::error!(
                cause = std::error::Error::source(&error).map(tracing::field::display),
                "clean: {error}"
            );
            Ok(format!("{report}\nStopped before the end: {error}. Run it again."))
        }
    }
}

async fn batches<S: Store>(
    store: &S,
    dry_run: bool,
    scope: &CleanScope,
    cleaned: &mut Cleaned,
) -> Result<(), StoreError> {
    let mut after = String::new();
    loop {
        let nodes = store.clean_candidates(scope, &after).await?;
        let Some(last) = nodes.last() else { break };
        after.clone_from(last);
        let batch = if dry_run {
            store.clean_listing(scope, &nodes).await?
        } else {
            store.clean_batch(scope, &nodes).await?
        };
        cleaned.extend(batch);
    }
    if !dry_run {
        while store.forget_tombstones().await? > 0 {}
    }
    Ok(())
}
