//! Host names as node names, looked up so that nobody can make the registry wait.

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

/// A name must resolve by then. Short: the caller itself waits a second.
const TIMEOUT: Duration = Duration::from_millis(300);

/// Look-ups under way at most. Each holds a thread of the runtime until the system's resolver gives up, seconds after we
/// did.
const PLACES: usize = 32;

type Lookup = fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks names up with the system's resolver.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    places: Arc<Semaphore>,
    lookup: Lookup,
}

/// A name of which nothing is known now: no answer, or one that says that there is none (yet).
#[derive(Debug, thiserror::Error)]
#[error("nodeName `{node}` cannot be resolved now ({reason}); try again")]
pub(crate) struct Unresolved {
    node: String,
    reason: String,
}

impl Resolver {
    pub(crate) fn new() -> Self {
        Self::with(|name| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((name, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        })
    }

    /// With another way to look names up.
    pub(crate) fn with(lookup: Lookup) -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
            lookup,
        }
    }

    /// The addresses of a name.
    pub(crate) async fn resolve(&self, node: &str) -> Result<Vec<IpAddr>, Unresolved> {
        let unresolved = |reason: String| Unresolved {
            node: node.to_owned(),
            reason,
        };
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(unresolved("too many names are being resolved".to_owned()));
        };
        let found = (self.lookup)(node.to_owned());
        // A task of its own: the place is taken until the look-up ended, not until we stop waiting for it.
        let found = tokio::spawn(async move {
            let _place = place;
            found.await
        });
        match tokio::time::timeout(TIMEOUT, found).await {
            Ok(Ok(Ok(addresses))) => Ok(addresses),
            Ok(Ok(Err(error))) => Err(unresolved(error.to_string())),
            Ok(Err(_)) => Err(unresolved("the look-up broke".to_owned())),
            Err(_) => Err(unresolved("no answer in time".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn look_ups_that_hang_are_bounded() {
        let resolver = Resolver::with(|_| Box::pin(std::future::pending()));
        for _ in 0..PLACES {
            let text = resolver.resolve("pod").await.unwrap_err().to_string();
            assert_eq!(
                text,
                "nodeName `pod` cannot be resolved now (no answer in time); try again"
            );
        }
        let text = resolver.resolve("pod").await.unwrap_err().to_string();
        assert!(text.contains("too many"), "{text}");
    }

    #[tokio::test]
    async fn a_place_is_given_back() {
        let resolver = Resolver::with(|_| Box::pin(async { Ok(Vec::new()) }));
        for _ in 0..3 * PLACES {
            resolver.resolve("pod").await.unwrap();
        }
    }
}
