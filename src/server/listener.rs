//! Accepting connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::dispatch::{Dispatcher, Servant};
use super::refused::Refused;
use super::settings::Settings;
use crate::clock;
use crate::message::Arrival;
use crate::transport::{Listener, Stream};

/// A listener with the servants that are called through it.
#[derive(Debug)]
pub(super) struct BoundListener {
    pub(super) listener: Listener,
    pub(super) servants: Vec<Servant>,
    pub(super) idle_timeout: Duration,
    /// Room for connections.
    pub(super) room: Arc<Semaphore>,
    pub(super) refused: Refused,
}

impl BoundListener {
    /// Accepts until `stop`, then waits for the connections to end; at `give_up` it ends them. When it is done, none runs.
    pub(super) async fn serve(mut self, settings: Arc<Settings>, stop: CancellationToken, give_up: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                stream = self.listener.accept() => {
                    if let Some((connection, permit)) = self.admit(stream, &settings, &stop) {
                        connections.spawn(async move {
                            connection.run().await;
                            drop(permit);
                        });
                    }
                }
                Some(ended) = connections.join_next() => report(&ended),
                Some(()) = refusals_are_due(&self.refused) => {}
            }
            self.report_refused(&settings);
        }
        drop(self.listener);
        loop {
            tokio::select! {
                () = give_up.cancelled() => return connections.shutdown().await,
                ended = connections.join_next() => match ended {
                    Some(ended) => report(&ended),
                    None => return,
                },
            }
        }
    }

    /// A connection, unless there are too many: then it is closed at once, as TarsCpp does.
    fn admit(
        &mut self,
        stream: Stream,
        settings: &Arc<Settings>,
        stop: &CancellationToken,
    ) -> Option<(Connection, OwnedSemaphorePermit)> {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            self.refused.note();
            return None;
        };
        let dispatcher = match self.dispatcher(&stream, settings) {
            Ok(dispatcher) => dispatcher,
            Err(error) => {
                tracing::debug!(%error, "connection lost before it was served");
                return None;
            }
        };
        Some((
            Connection::new(stream, dispatcher, settings, self.idle_timeout, stop.clone()),
            permit,
        ))
    }

    fn report_refused(&mut self, settings: &Settings) {
        if let Some(refused) = self.refused.take(clock::now()) {
            let (address, max_connections) = (self.listener.local_address().ok(), settings.max_connections);
            tracing::warn!(
                ?address,
                refused,
                max_connections,
                "connections refused: there are too many"
            );
        }
    }

    fn dispatcher(&self, stream: &Stream, settings: &Settings) -> io::Result<Dispatcher> {
        let arrival = Arrival {
            peer: stream.peer_address()?,
            local: stream.local_address()?,
            limits: settings.limits,
        };
        Ok(Dispatcher {
            servants: self.servants.iter().map(Servant::fork).collect(),
            arrival: Arc::new(arrival),
            tracer: settings.tracer.clone(),
        })
    }
}

/// Waits until it is time to say that connections were refused; `None` when there were none.
async fn refusals_are_due(refused: &Refused) -> Option<()> {
    sleep_until(refused.due(clock::now())?).await;
    Some(())
}

fn report(ended: &Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}
