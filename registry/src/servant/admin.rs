//! `AdminObj`: commands of an operator, `tarscli notify clean n` among them.

use std::sync::Arc;

use tars::protocol::AdminF;
use tars::{Context, code};

use crate::domain::clean::{Clean, USAGE};
use crate::domain::quoted;
use crate::registry::Registry;
use crate::store::Store;

/// Serves the interface `AdminF`.
#[derive(Debug)]
pub(crate) struct AdminServant<S>(pub(crate) Arc<Registry<S>>);

impl<S: Store> AdminF for AdminServant<S> {
    async fn shutdown(&self, _cx: &mut Context) -> tars::Result<()> {
        tracing::info!("asked to shut down");
        self.0.stop.cancel();
        Ok(())
    }

    async fn notify(&self, _cx: &mut Context, command: String) -> tars::Result<String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.split_first() {
            Some((&"clean", rest)) => match Clean::parse(rest) {
                Some(clean) => self.clean(clean).await,
                None => Ok(USAGE.to_owned()),
            },
            Some((other, _)) => Ok(format!(
                "command {} is not known; known is `clean`\n{USAGE}",
                quoted(other)
            )),
            None => Ok(USAGE.to_owned()),
        }
    }

    async fn get_pid(&self, _cx: &mut Context) -> tars::Result<i64> {
        Ok(i64::from(std::process::id()))
    }
}

impl<S: Store> AdminServant<S> {
    /// In a task of its own: a caller that gave up waiting does not stop a clean half way.
    async fn clean(&self, clean: Clean) -> tars::Result<String> {
        let registry = Arc::clone(&self.0);
        let run = tokio::spawn(async move { registry.counted("clean", registry.clean(&clean)).await });
        run.await.unwrap_or_else(|_| {
            Err(tars::Error::new(
                code::UNKNOWN,
                "the clean broke; the registry's log says more",
            ))
        })
    }
}
