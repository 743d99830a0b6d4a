//! Who asks a running supervisor.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    time::timeout,
};

use super::{
    message::{Answer, LONGEST_ANSWER, Question, line},
    socket,
    status::{Left, Status},
};
use crate::layout::Layout;

/// Why a supervisor has not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody listens.
    #[error("no supervisor listens at its socket: {0}")]
    NoSupervisor(io::Error),
    /// It listens, and its time is over.
    #[error("the supervisor has not answered within {0:?}")]
    Late(Duration),
    /// It says that it will not.
    #[error("the supervisor refuses: {0}")]
    Refused(String),
    /// The connection ended, or what came is no answer.
    #[error("the supervisor's answer did not come: {0}")]
    Broken(io::Error),
}

/// How it is.
pub(crate) async fn ask_state(layout: &Layout, limit: Duration) -> Result<Status, AskError> {
    match ask(layout, Question::State, limit).await? {
        Answer::State(status) => Ok(*status),
        other => Err(unexpected(&other)),
    }
}

/// Whether its loop runs.
pub(crate) async fn ask_live(layout: &Layout, limit: Duration) -> Result<(), AskError> {
    match ask(layout, Question::Live, limit).await? {
        Answer::Live => Ok(()),
        other => Err(unexpected(&other)),
    }
}

/// To leave the registry: waits until that is over.
pub(crate) async fn ask_prestop(layout: &Layout, limit: Duration) -> Result<Left, AskError> {
    match ask(layout, Question::Prestop, limit).await? {
        Answer::Left(left) => Ok(left),
        other => Err(unexpected(&other)),
    }
}

async fn ask(layout: &Layout, question: Question, limit: Duration) -> Result<Answer, AskError> {
    timeout(limit, converse(layout, question))
        .await
        .map_err(|_| AskError::Late(limit))?
}

async fn converse(layout: &Layout, question: Question) -> Result<Answer, AskError> {
    let mut stream = socket::connect(&layout.socket())
        .await
        .map_err(AskError::NoSupervisor)?;
    let broken = |error: serde_json::Error| AskError::Broken(error.into());
    let question = line(&question).map_err(broken)?;
    // A supervisor that is busy answers without listening: what it said counts.
    let sent = stream.write_all(&question).await;
    let mut answer = Vec::new();
    let most = u64::try_from(LONGEST_ANSWER).unwrap_or(u64::MAX);
    let read = BufReader::new(stream.take(most)).read_until(b'\n', &mut answer).await;
    if answer.is_empty() {
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        return Err(AskError::Broken(sent.and(read.map(drop)).err().unwrap_or_else(ended)));
    }
    match serde_json::from_slice(&answer).map_err(broken)? {
        Answer::Refused { error } => Err(AskError::Refused(error)),
        answer => Ok(answer),
    }
}

fn unexpected(answer: &Answer) -> AskError {
    AskError::Broken(io::Error::other(format!("it answered something else: {answer:?}")))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
