//! The server's way out of the registry.

use std::time::Duration;

use tars::{Endpoint, registration::Session};
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::record::Record;
use crate::{
    cli::{self, Grace},
    control::Phase,
    leaving::{Budget, Deadlines, Outcome, leave},
};

/// The grace period of a server that nobody waits for.
const BRIEF: Duration = Duration::from_secs(9);

/// When what is to be done. A server that is not served on has nothing to wait for.
pub(super) fn times(args: &cli::Supervisor, serve_on: bool) -> Deadlines {
    let grace = if serve_on {
        args.grace.clone()
    } else {
        Grace {
            grace_period: args.grace.grace_period.min(BRIEF),
            prestop_waittime: None,
        }
    };
    Budget::new(&grace).from(Instant::now())
}

/// Who takes the server out of the registry.
pub(super) struct Leaver {
    pub(super) session: Session,
    /// The server's own `AdminObj`, when it runs.
    pub(super) admin: Option<Endpoint>,
    pub(super) times: Deadlines,
    /// Cancelled when nothing is waited for any more.
    pub(super) hurry: CancellationToken,
    pub(super) phases: mpsc::UnboundedSender<Phase>,
    pub(super) record: Record,
}

impl Leaver {
    /// Leaves; that it is told is on the disk when this returns.
    pub(super) async fn leave(self) -> Outcome {
        if self.record.has_left().await {
            // A `prestop` that could not reach this program has waited already.
            self.hurry.cancel();
        }
        let phases = self.phases;
        let outcome = leave(self.session, self.admin, self.times, self.hurry, move |phase| {
            // That it is gone is told with the outcome: who waits for it wants to know that, too.
            if phase < Phase::Gone {
                let _ = phases.send(phase);
            }
        })
        .await;
        if outcome.left.told {
            self.record.left().await;
        }
        outcome
    }
}

/// Waits for who goes on telling the registry.
pub(super) async fn try_on(rest: JoinHandle<tars::Result<()>>, record: Record) {
    let error = match rest.await {
        Ok(Ok(())) => {
            tracing::info!("the registry has been told after all");
            return record.left().await;
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(error, "the registry has not been told that the server is gone");
}
