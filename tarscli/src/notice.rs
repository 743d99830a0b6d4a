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
        Self::with_limit(info, LIMIT)
    }

    /// The same with another time for one message.
    fn with_limit(info: &ServerInfo, limit: Duration) -> anyhow::Result<Self> {
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
        let sender = tokio::spawn(send_all(client, limit, about, messages));
        Ok(Self {
            queue: Some(queue),
            sender: Some(AbortOnDropHandle::new(sender)),
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

async fn send_all(
    client: NotifyClient,
    limit: Duration,
    about: ReportInfo,
    mut messages: mpsc::Receiver<(Level, String)>,
) {
    let mut is_known_to_fail = false;
    while let Some((level, message)) = messages.recv().await {
        let info = ReportInfo {
            e_level: level.to_wire(),
            s_message: message,
            ..about.clone()
        };
        // The call's own time ends with the answer; a lookup may take longer than that.
        let sent = timeout(limit, client.report_notify_info(&info).timeout(limit)).await;
        let error = match sent {
            Ok(Ok(())) => {
                is_known_to_fail = false;
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {limit:?}"),
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tars::{
        Context, Server,
        protocol::{Notify, NotifyServer},
    };

    use super::*;
    use crate::server::ServerConf;

    const LONG: Duration = Duration::from_secs(30);

    struct Ear(mpsc::UnboundedSender<ReportInfo>);

    impl Notify for Ear {
        async fn report_notify_info(&self, _: &mut Context, info: ReportInfo) -> tars::Result<()> {
            let _ = self.0.send(info);
            Ok(())
        }
    }

    fn info(notify: &str) -> ServerInfo {
        ServerInfo {
            conf: ServerConf {
                application: "App".to_owned(),
                server: "Server".to_owned(),
                set_id: "gray.sz.1".to_owned(),
                locator: "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 1".to_owned(),
                notifyObj: notify.to_owned(),
                ..ServerConf::default()
            },
            local_ip: "10.0.0.7".to_owned(),
            tars_path: "/tars".to_owned(),
        }
    }

    #[tokio::test]
    async fn messages_arrive_in_order_and_the_last_are_waited_for() {
        let (ear, mut heard) = mpsc::unbounded_channel();
        let servant = NotifyServer::new(Ear(ear));
        let server = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", "NotifyObj", servant);
        let server = server.bind().await.unwrap();
        let object = format!("NotifyObj@{}", server.local_endpoints()[0]);
        let notices = Notices::with_limit(&info(&object), LONG).unwrap();
        tokio::spawn(server.serve());
        notices.send(Level::Normal, "it starts");
        notices.send(Level::Error, "\u{e9}".repeat(LONGEST));
        notices.finish(LONG).await;

        let first = heard.try_recv().unwrap();
        assert_eq!(
            (first.s_message.as_str(), first.e_level),
            ("it starts", Notifylevel::NOTIFYNORMAL)
        );
        assert_eq!((first.s_app.as_str(), first.s_server.as_str()), ("App", "Server"));
        assert_eq!(
            (first.s_set.as_str(), first.s_node_name.as_str()),
            ("gray.sz.1", "10.0.0.7")
        );
        let second = heard.try_recv().unwrap();
        assert_eq!(
            (second.s_message.len(), second.e_level),
            (LONGEST, Notifylevel::NOTIFYERROR)
        );
    }

    #[tokio::test]
    async fn a_tarsnotify_that_is_away_costs_nothing() {
        // One that nobody knows, as the locator leads nowhere; one that is not there; one that is silent; none.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = format!(
            "NotifyObj@tcp -h 127.0.0.1 -p {}",
            listener.local_addr().unwrap().port()
        );
        for object in [
            "tars.tarsnotify.NotifyObj",
            "NotifyObj@tcp -h 127.0.0.1 -p 1",
            &silent,
            "",
        ] {
            let start = Instant::now();
            let notices = Notices::new(&info(object)).unwrap();
            for number in 0..1000 {
                notices.send(Level::Warn, format!("message {number}"));
            }
            notices.finish(Duration::from_millis(100)).await;
            assert!(start.elapsed() < Duration::from_secs(10), "{object}");
        }
    }

    #[tokio::test]
    async fn an_object_that_is_none_is_named() {
        let error = Notices::new(&info("NotifyObj@tcp -h")).unwrap_err();
        assert!(format!("{error:#}").contains("notifyObj"), "{error:#}");
    }
}
