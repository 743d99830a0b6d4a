//! Accepting connections.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::dispatch::{Dispatcher, Servant};
use super::settings::Settings;
use crate::message::Arrival;
use crate::transport::{Listener, Stream};

/// A listener with the servants that are called through it.
#[derive(Debug)]
pub(super) struct BoundListener {
    pub(super) listener: Listener,
    pub(super) servants: Vec<Servant>,
    pub(super) idle_timeout: Duration,
    /// Room for connections, shared by the listeners of a server.
    pub(super) room: Arc<Semaphore>,
}

impl BoundListener {
    /// Accepts until `stop`, then waits for the connections to end; at `give_up` it ends them. When it is done, none runs.
    pub(super) async fn serve(self, settings: Arc<Settings>, stop: CancellationToken, give_up: CancellationToken) {
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
            }
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
        &self,
        stream: Stream,
        settings: &Arc<Settings>,
        stop: &CancellationToken,
    ) -> Option<(Connection, OwnedSemaphorePermit)> {
        let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!(
                max_connections = settings.max_connections,
                "connection refused: there are too many"
            );
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

fn report(ended: &Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}
