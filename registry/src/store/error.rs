//! What can go wrong in a store, by what the caller can do about it.

use std::time::Duration;

/// A store operation that did not happen. Texts of the database stay in the source: they go to the log, never to a peer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The database cannot be reached or does not take writes now. Worth trying again.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Other transactions kept getting in the way. Worth trying again.
    #[error("the database is too contended")]
    Contended(#[source] sqlx::Error),
    /// The tables are not those this program works on.
    #[error("the database's tables do not fit: {0}")]
    Schema(String),
    /// Another process has the SQLite file, or the file cannot be used.
    #[error("{0}")]
    File(String),
    /// The database's address cannot be understood.
    #[error("{0}")]
    Address(&'static str),
    /// A statement failed that cannot fail: our mistake.
    #[error("a statement failed")]
    Bug(#[source] sqlx::Error),
}

impl StoreError {
    /// Nothing was heard of the database for too long.
    pub(crate) fn timed_out() -> Self {
        Self::Unavailable(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))
    }
}

/// What a transaction's failure means for the loop that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Lost against another transaction (deadlock, lock wait, certification, same key at once): run it again.
    Conflict,
    /// The connection broke: run it again on another one. Every operation is idempotent, so an unknown outcome of the
    /// commit does no harm.
    Disconnected,
    /// The database is there but does not do it now.
    Unavailable,
    /// Table or column missing.
    Schema,
    /// Anything else.
    Bug,
}

/// Attempts at one transaction, the first included.
pub(super) const ATTEMPTS: u32 = 8;

/// Pause before attempt `attempt` (from 1): 2 ms doubled each time, times a random half to whole, so that the losers of
/// one conflict do not meet again.
pub(super) fn pause(attempt: u32) -> Duration {
    let full = Duration::from_millis(2) * 2_u32.pow(attempt.min(6));
    full.mul_f64(rand::random_range(0.5..1.0))
}

impl Failure {
    /// Failures that no statement can have caused, whatever the database.
    pub(super) fn of_connection(error: &sqlx::Error) -> Option<Self> {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed | sqlx::Error::BeginFailed => {
                Some(Self::Disconnected)
            }
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => Some(Self::Unavailable),
            _ => None,
        }
    }

    pub(super) fn is_worth_retrying(self) -> bool {
        matches!(self, Self::Conflict | Self::Disconnected)
    }

    pub(super) fn into_error(self, source: sqlx::Error) -> StoreError {
        match self {
            Self::Conflict => StoreError::Contended(source),
            Self::Disconnected | Self::Unavailable => StoreError::Unavailable(source),
            Self::Schema => StoreError::Schema(source.to_string()),
            Self::Bug => StoreError::Bug(source),
        }
    }
}
