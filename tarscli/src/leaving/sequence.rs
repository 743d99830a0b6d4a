//! What is told to whom, and when.

use std::time::Duration;

use tars::{
    Communicator, Endpoint,
    protocol::AdminFClient,
    registration::{Session, Status},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::budget::Deadlines;
use crate::control::{Left, Phase};

/// Time for the server's own command: it is a courtesy.
const COMMAND: Duration = Duration::from_secs(1);

/// A server that is in the registry, as far as leaving goes.
pub(crate) trait Registered: Send + 'static {
    /// Tells that the server leaves, again and again until it is heard or time is over. May go on after that.
    fn deactivate(&self, until: Instant) -> impl Future<Output = tars::Result<()>>;

    /// Tells that the server is gone, again and again until it is heard or time is over.
    fn deregister(self, until: Instant) -> impl Future<Output = tars::Result<()>> + Send;

    /// What is known of it, also when this is gone.
    fn known(&self) -> watch::Receiver<Status>;
}

impl Registered for Session {
    async fn deactivate(&self, until: Instant) -> tars::Result<()> {
        Self::deactivate(self, until).await
    }

    async fn deregister(self, until: Instant) -> tars::Result<()> {
        Self::deregister(self, until).await
    }

    fn known(&self) -> watch::Receiver<Status> {
        self.status()
    }
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) left: Left,
    /// When the registry has not been told: who goes on trying, until [`Deadlines::tell`] at the latest. To be waited for
    /// beside the end of the server.
    pub(crate) rest: Option<JoinHandle<tars::Result<()>>>,
}

/// Leaves: tells registry and server at once, waits, and takes the server out of the registry. Returns at
/// [`Deadlines::hook`] at the latest. When `hurry` is cancelled, the rest of the wait is left out.
///
/// A registry that does not answer changes nothing of the times: the server goes on being served for those who do not know,
/// and the end is told once more.
pub(crate) async fn leave(
    session: impl Registered,
    admin: Option<Endpoint>,
    times: Deadlines,
    hurry: CancellationToken,
    progress: impl Fn(Phase),
) -> Outcome {
    let command = AbortOnDropHandle::new(tokio::spawn(command(admin)));
    if Instant::now() < times.wait {
        progress(Phase::Deactivating);
        let telling = async {
            if deactivate(&session, times.wait).await {
                progress(Phase::Draining);
            }
        };
        tokio::select! {
            ((), ()) = async { tokio::join!(telling, sleep_until(times.wait)) } => {}
            () = hurry.cancelled() => tracing::info!("the rest of the wait is left out"),
        }
    }
    progress(Phase::Deregistering);
    let outcome = deregister(session, times).await;
    // Without a wait the registry may have been the quicker one; who ends the server comes next.
    let _ = timeout_at(times.hook, command).await;
    progress(Phase::Gone);
    outcome
}

/// Whether the registry knows that the server leaves.
async fn deactivate(session: &impl Registered, until: Instant) -> bool {
    match timeout_at(until, session.deactivate(until)).await {
        Ok(Ok(())) => return true,
        // The session has said so.
        Ok(Err(error)) => tracing::debug!(%error, "the registry was not told that the server leaves"),
        // Nothing was to be waited for, or the registry is slow.
        Err(_) => tracing::debug!("the registry was not told that the server leaves: the wait is over"),
    }
    false
}

/// `prestop` for the server itself. Few know it; K8STARS sends it to all.
async fn command(admin: Option<Endpoint>) {
    let Some(endpoint) = admin else {
        return;
    };
    let communicator = Communicator::builder().timeout(COMMAND).build();
    let told = async {
        let admin: AdminFClient = communicator.client(&format!("AdminObj@{endpoint}"))?;
        admin.notify("prestop").await
    };
    match told.await {
        Ok(answer) => tracing::debug!(answer, "the server's answer to `prestop`"),
        Err(error) => tracing::debug!(%error, "the server did not take `prestop`"),
    }
}

/// In a task of its own: it goes on when the time of the hook is over.
async fn deregister(session: impl Registered, times: Deadlines) -> Outcome {
    let known = session.known();
    let mut telling = tokio::spawn(async move { session.deregister(times.tell).await });
    // Sooner when the wait was left out.
    let until = times.hook.min(Instant::now() + (times.hook - times.wait));
    let told = match timeout_at(until, &mut telling).await {
        Ok(Ok(told)) => told.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(format!("the task that tells the registry ended: {error}")),
        Err(_) => {
            let trouble = known.borrow().error.as_deref().map(str::to_owned);
            let left = Left {
                told: false,
                error: trouble.or_else(|| Some("the registry has not answered in time".to_owned())),
            };
            let rest = Some(telling);
            return Outcome { left, rest };
        }
    };
    let left = Left {
        told: told.is_ok(),
        error: told.err(),
    };
    Outcome { left, rest: None }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
