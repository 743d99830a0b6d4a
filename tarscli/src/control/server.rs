//! Who answers: one task, and one more for each connection.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot, watch},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    claim::Taken,
    message::{Answer, LONGEST_QUESTION, Question, line},
    socket::{self, Bound, Busy, SocketFile},
    status::{Left, Phase, Status},
};
use crate::layout::Layout;

/// Most clients at a time.
const CONNECTIONS: usize = 16;

/// Time to send the question, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pause after a connection could not be accepted: files may have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// What clients want of the supervisor's loop.
#[derive(Debug)]
pub(crate) enum Order {
    /// Leave the registry. The loop tells in [`Status::left`] how that ended, at once when there is nothing to leave. It
    /// may come more than once.
    Prestop,
    /// Say that the loop runs.
    Live(oneshot::Sender<()>),
}

/// The socket is open as long as this is kept. Dropping it removes the file and lets go of the clients.
#[derive(Debug)]
#[must_use = "dropping it closes the socket"]
pub(crate) struct Listening {
    task: AbortOnDropHandle<()>,
    closing: CancellationToken,
    _file: SocketFile,
}

/// Answers at the layout's socket: about `status` by itself, through `orders` what the loop must do. Fails when the
/// socket cannot be made: the supervisor works without it, and `hzcheck` then looks at files. It is [`Taken`] when another
/// supervisor listens there.
pub(crate) fn serve(
    layout: &Layout,
    status: watch::Receiver<Status>,
    orders: mpsc::Sender<Order>,
) -> anyhow::Result<Listening> {
    let Bound { listener, file } = match socket::bind(&layout.socket()) {
        Err(error) if error.is::<Busy>() => bail!(Taken::of(layout)),
        bound => bound.context("the supervisor's socket")?,
    };
    let desk = Desk { status, orders };
    let closing = CancellationToken::new();
    let task = AbortOnDropHandle::new(tokio::spawn(accept(listener, desk, closing.clone())));
    Ok(Listening {
        task,
        closing,
        _file: file,
    })
}

impl Listening {
    /// Takes no more clients, and waits until those who are here have their answers, at most so long.
    pub(crate) async fn finish(self, limit: Duration) {
        self.closing.cancel();
        // Who is not done by then is let go.
        let _ = timeout(limit, self.task).await;
    }
}

/// The clients end with this future; it ends with them when it is to close.
async fn accept(listener: UnixListener, desk: Desk, closing: CancellationToken) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if clients.len() < CONNECTIONS => {
                    clients.spawn(converse(stream, desk.clone()));
                }
                Ok((stream, _)) => refuse(&stream),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of the supervisor's socket");
                    sleep(PAUSE).await;
                }
            },
            Some(_) = clients.join_next() => {}
            () = closing.cancelled() => break,
        }
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

/// One question and its answer.
async fn converse(mut stream: UnixStream, desk: Desk) {
    let answer = match timeout(PATIENCE, question(&mut stream)).await {
        Ok(Ok(question)) => tokio::select! {
            biased;
            answer = desk.answer(question) => answer,
            () = vanished(&mut stream) => return,
        },
        Ok(Err(reason)) => refused(reason),
        Err(_) => refused("no question came within a second"),
    };
    if let Ok(line) = line(&answer) {
        // Who does not take it does without.
        let _ = timeout(PATIENCE, stream.write_all(&line)).await;
    }
}

async fn question(stream: &mut UnixStream) -> Result<Question, String> {
    let mut line = Vec::new();
    let most = u64::try_from(LONGEST_QUESTION).unwrap_or(u64::MAX);
    BufReader::new(stream.take(most))
        .read_until(b'\n', &mut line)
        .await
        .map_err(|error| error.to_string())?;
    if line.len() == LONGEST_QUESTION && !line.ends_with(b"\n") {
        return Err(format!("a question has at most {LONGEST_QUESTION} bytes"));
    }
    serde_json::from_slice(&line)
        .map_err(|error| format!(r#"expected a line such as {{"ask":"state"}}, with state, live or prestop: {error}"#))
}

/// Until the client is gone. What it says more is not listened to.
async fn vanished(stream: &mut UnixStream) {
    let mut bytes = [0; 64];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

fn refused(error: impl Into<String>) -> Answer {
    Answer::Refused { error: error.into() }
}

/// Without waiting: the client has one chance to take it.
fn refuse(stream: &UnixStream) {
    if let Ok(line) = line(&refused(format!("{CONNECTIONS} clients are being answered"))) {
        let _ = stream.try_write(&line);
    }
}

/// Where questions are answered.
#[derive(Clone, Debug)]
struct Desk {
    status: watch::Receiver<Status>,
    orders: mpsc::Sender<Order>,
}

impl Desk {
    async fn answer(mut self, question: Question) -> Answer {
        let answer = match question {
            Question::State => Some(Answer::State(Box::new(self.status.borrow().clone()))),
            Question::Live => self.live().await.map(|()| Answer::Live),
            Question::Prestop => self.prestop().await.map(Answer::Left),
        };
        answer.unwrap_or_else(|| refused("the supervisor is ending"))
    }

    async fn live(&self) -> Option<()> {
        let (here, heard) = oneshot::channel();
        self.orders.send(Order::Live(here)).await.ok()?;
        heard.await.ok()
    }

    /// Until the server has left the registry. A second order is not needed, and does no harm.
    async fn prestop(&mut self) -> Option<Left> {
        let is_asked = self.status.borrow().leaving.is_some();
        if !is_asked {
            self.orders.send(Order::Prestop).await.ok()?;
        }
        let is_over = |status: &Status| status.left.is_some() || status.leaving > Some(Phase::Gone);
        let status = self.status.wait_for(is_over).await.ok()?;
        Some(status.left.clone().unwrap_or_else(|| Left {
            told: !status.registry.registered,
            error: status.registry.error.clone(),
        }))
    }
}
