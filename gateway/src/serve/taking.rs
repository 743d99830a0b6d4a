//! Time for the peer to take what it is sent: in HTTP/1 and at the socket for a connection, in HTTP/2 for each stream.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

tokio::task_local! {
    /// What the stream that runs in this task may take.
    static STREAM: Arc<Taking>;
}

/// When something must be taken, which moves while it is.
#[derive(Debug)]
pub(super) struct Taking {
    by: watch::Sender<Option<Instant>>,
}

impl Default for Taking {
    fn default() -> Self {
        Self {
            by: watch::Sender::new(None),
        }
    }
}

impl Taking {
    /// It must be taken within `time` from now.
    pub(super) fn within(&self, time: Duration) {
        self.by.send_replace(Some(Instant::now() + time));
    }

    /// It must be taken within `time` from when that was said first.
    pub(super) fn begin(&self, time: Duration) {
        self.by.send_if_modified(|by| {
            let is_new = by.is_none();
            by.get_or_insert_with(|| Instant::now() + time);
            is_new
        });
    }

    /// It was taken.
    pub(super) fn end(&self) {
        self.by.send_if_modified(|by| by.take().is_some());
    }

    /// Ready when it was not taken in time.
    pub(super) async fn late(&self) {
        let mut by = self.by.subscribe();
        loop {
            let at = *by.borrow_and_update();
            tokio::select! {
                biased;
                _ = by.changed() => {}
                () = passed(at) => return,
            }
        }
    }
}

/// Ready when that time is over; never, when there is none.
pub(super) async fn passed(at: Option<Instant>) {
    match at {
        Some(at) if at <= Instant::now() => {} // a timer would say so a little later
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Serves one HTTP/2 stream. When its answer is not taken in time it is dropped: that resets the stream and lets go of
/// its bytes, and neither the connection nor its other streams notice.
pub(super) async fn serve_stream(serving: impl Future) {
    let taking = Arc::<Taking>::default();
    let watched = Arc::clone(&taking);
    let serving = async {
        tokio::select! {
            _ = serving => {}
            () = watched.late() => tracing::debug!("reset a stream: its answer was not taken in time"),
        }
    };
    STREAM.scope(taking, serving).await;
}

/// What the stream may take that is served here, if one is.
pub(super) fn of_stream() -> Option<Arc<Taking>> {
    STREAM.try_with(Arc::clone).ok()
}
