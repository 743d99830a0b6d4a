//! Telling `tarsnotify` what happens to the server, for those who run it. It is a courtesy: nobody waits for it, and nothing
//! is kept for a `tarsnotify` that is away.

use std::time::Duration;

use anyhow::Context as _;
use tars::protocol::{NotifyClient, Notifylevel, ReportInfo, ReportType};
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

use crate::server::{ServerInfo, registering};

/// Time for one message, its lookup included: TarsCpp's.
const LIMIT: Duration = Duration::from_millis(500);

/// Messages that may wait.
const QUEUE: usize = 64;

/// Longest message in bytes: the output of a server may be in it.
const LONGEST: usize = 64 * 1024;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Normal,
    Warn,
    Error,
}

/// Takes messages and sends them, one after the other.
#[derive(Debug)]
pub(crate) struct Notices {
    queue: Option<mpsc::Sender<(Level, String)>>,
    sender: Option<AbortOnDropHandle<()>>,
}

impl Notices {
    /// To the `notifyObj` of the server's configuration, which its locator finds. Without one every message is dropped.
    /// Fails when locator, set or object are none.
    pub(crate) fn new(info: &ServerInfo) -> anyhow::Result<Self> {
        if info.conf.notifyObj.is_empty() {
            return Ok(Self::nobody());
        }
        let client = registering::communicator(info)?
            .client(&info.conf.notifyObj)
            .context("notifyObj")?;
        let about = ReportInfo {
            e_type: ReportType::REPORT,
            s_app: info.conf.application.clone(),
            s_set: info.conf.set_id.clone(),
            s_server: info.conf.server.clone(),
            s_node_name: info.local_ip.clone(),
            ..ReportInfo::default()
        };
        let (queue, messages) = mpsc::channel(QUEUE);
        Ok(Self {
            queue: Some(queue),
            sender: Some(AbortOnDropHandle::new(tokio::spawn(send_all(client, about, messages)))),
        })
    }

    /// Sends nothing, for a server that knows no `tarsnotify`.
    pub(crate) fn nobody() -> Self {
        Self {
            queue: None,
            sender: None,
        }
    }

    /// Sends `message` when those before it are sent. Returns at once; a message that finds no place is dropped.
    pub(crate) fn send(&self, level: Level, message: impl Into<String>) {
        let Some(queue) = &self.queue else {
            return;
        };
        let mut message = message.into();
        message.truncate(message.floor_char_boundary(LONGEST));
        if let Err(TrySendError::Full(_)) = queue.try_send((level, message)) {
            tracing::debug!("a message for tarsnotify is dropped: {QUEUE} wait");
        }
    }

    /// Waits until what was to be sent has been, at most so long: for the last words.
    pub(crate) async fn finish(mut self, limit: Duration) {
        self.queue = None;
        if let Some(sender) = self.sender.take() {
            // What has not been sent by then is dropped.
            let _ = timeout(limit, sender).await;
        }
    }
}

async fn send_all(client: NotifyClient, about: ReportInfo, mut messages: mpsc::Receiver<(Level, String)>) {
    let mut is_known_to_fail = false;
    while let Some((level, message)) = messages.recv().await {
        let info = ReportInfo {
            e_level: level.to_wire(),
            s_message: message,
            ..about.clone()
        };
        // The call's own time ends with the answer; a lookup may take longer than that.
        let sent = timeout(LIMIT, client.report_notify_info(&info).timeout(LIMIT)).await;
        let error = match sent {
            Ok(Ok(())) => {
                is_known_to_fail = false;
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {LIMIT:?}"),
        };
        if !is_known_to_fail {
            tracing::debug!(error, "tarsnotify does not hear of the server; messages are dropped");
            is_known_to_fail = true;
        }
    }
}

impl Level {
    fn to_wire(self) -> Notifylevel {
        match self {
            Self::Normal => Notifylevel::NOTIFYNORMAL,
            Self::Warn => Notifylevel::NOTIFYWARN,
            Self::Error => Notifylevel::NOTIFYERROR,
        }
    }
}
