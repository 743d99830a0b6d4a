//! What a registry answers to who asks for an object.

use std::time::{Duration, Instant};

use tars::{Communicator, protocol::QueryFClient};
use tokio::time::interval;

/// Between two lookups of who waits for an answer.
const AGAIN: Duration = Duration::from_millis(50);

/// How long an answer may take to become what a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// Asks a registry.
#[derive(Clone, Debug)]
pub struct Lookup {
    client: QueryFClient,
}

impl Lookup {
    /// Asks the registry whose query object is `locator`.
    ///
    /// # Panics
    /// When the locator is no object with an endpoint.
    #[must_use]
    pub fn at(locator: &str) -> Self {
        let client = Communicator::builder().timeout(PATIENCE).build().client(locator);
        Self {
            client: client.unwrap_or_else(|e| panic!("{locator}: {e}")),
        }
    }

    /// The hosts of the object's active endpoints, sorted.
    pub async fn hosts(&self, object: &str) -> tars::Result<Vec<String>> {
        let found = self.client.find_object_by_id4_any(object).await?;
        let mut hosts: Vec<_> = found.active_ep.into_iter().map(|endpoint| endpoint.host).collect();
        hosts.sort_unstable();
        Ok(hosts)
    }

    /// Waits until the object is found at `wanted` (sorted hosts) and nowhere else; `always` must be there all the time. Returns how
    /// long that took.
    ///
    /// # Panics
    /// When a minute passes, when the registry answers no lookup, or answers without `always`.
    pub async fn finds(&self, object: &str, wanted: &[&str], always: &[&str]) -> Duration {
        let start = Instant::now();
        let mut again = interval(AGAIN);
        loop {
            again.tick().await;
            let hosts = self
                .hosts(object)
                .await
                .unwrap_or_else(|e| panic!("the lookup of {object} failed: {e}"));
            assert!(
                always.iter().all(|host| hosts.iter().any(|found| found == host)),
                "{object} is at {hosts:?}, not at all of {always:?}"
            );
            if hosts == wanted {
                return start.elapsed();
            }
            assert!(
                start.elapsed() < PATIENCE,
                "{object} is at {hosts:?}, not at {wanted:?}, after {PATIENCE:?}"
            );
        }
    }
}
