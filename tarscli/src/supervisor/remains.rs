//! The end of a server, with all it left behind.

use std::time::Duration;

use tokio::time::Instant;

use super::running::{Ended, Running};
use crate::process::{self, Exit, Processes, Signal};

/// How long the last of a server's output may take to be read.
const OUTPUT: Duration = Duration::from_millis(500);

/// Makes place for a new start: the operator's command first, as he knows best, then a word and SIGKILL at the limit.
/// -> how the server ended, if it ran still
pub(super) async fn clean(
    processes: &Processes,
    server: Option<Running>,
    script: Option<&str>,
    limit: Duration,
) -> Option<Ended> {
    if let Some(text) = script.filter(|text| !text.is_empty()) {
        match process::shell(processes, text, limit).await {
            Ok(Exit::Code(0)) => {}
            Ok(exit) => tracing::warn!(%exit, "the stop command failed"),
            Err(error) => tracing::warn!(%error, "the stop command failed"),
        }
    }
    end(processes, server, Signal::TERM, Instant::now() + limit).await
}

/// Ends the server: `signal` now, SIGKILL at `until`. -> how it ended, if it ran still
pub(super) async fn end(
    processes: &Processes,
    server: Option<Running>,
    signal: Signal,
    until: Instant,
) -> Option<Ended> {
    let Some(mut server) = server else {
        process::end(processes, None, signal, until).await;
        return None;
    };
    let had_ended = server.process.exit().is_some();
    let exit = process::end(processes, Some(&mut server.process), signal, until).await;
    let ended = exit.filter(|_| !had_ended).map(|exit| server.ended(exit));
    server.capture.ended(OUTPUT).await;
    ended
}
