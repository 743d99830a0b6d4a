//! How a call fails, as its caller sees it.

use tars::code;

use crate::domain::Refusal;
use crate::resolver::Unresolved;
use crate::store::StoreError;

/// The request is not valid.
const INVALID: i32 = 1;
/// The request is valid and refused.
const POLICY: i32 = 2;

/// Why a call is answered with an error. The texts are for peers: no SQL, no addresses of ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The caller's mistake, or our policy.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database's tables are not checked yet.
    #[error("the registry is starting; try again")]
    Starting,
    /// The database did not commit in time.
    #[error("the database is slow; try again")]
    Late,
    /// The node's name is not known now.
    #[error(transparent)]
    Unresolved(#[from] Unresolved),
    /// Too many calls of a costly kind at once.
    #[error("too many of these calls at once; try again")]
    Busy,
    /// The store failed.
    #[error("{}", text(.0))]
    Store(#[from] StoreError),
}

fn text(error: &StoreError) -> &'static str {
    match error {
        StoreError::Unavailable(_) => "the database is away; try again",
        StoreError::Contended(_) => "the database is busy; try again",
        StoreError::Schema(_) | StoreError::File(_) | StoreError::Address(_) | StoreError::Bug(_) => {
            "an error inside the registry; its log says more"
        }
    }
}

impl Failure {
    /// The return code: negative ones are worth a retry or our fault, as in the rest of Tars.
    pub(crate) fn code(&self) -> i32 {
        match self {
            Self::Refused(Refusal::Invalid { .. }) => INVALID,
            Self::Refused(Refusal::Policy(_)) => POLICY,
            Self::Starting
            | Self::Late
            | Self::Unresolved(_)
            | Self::Busy
            | Self::Store(StoreError::Unavailable(_) | StoreError::Contended(_)) => code::SERVER_OVERLOAD,
            Self::Store(_) => code::UNKNOWN,
        }
    }
}

impl From<Failure> for tars::Error {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code(), failure.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_what_to_do_and_texts_say_nothing_of_sql() {
        let sql = || sqlx::Error::Protocol("near `SELECT secret`".into());
        let failures = [
            (
                Failure::from(Refusal::invalid("server", "is empty")),
                1,
                "`server` is empty",
            ),
            (Failure::from(Refusal::Policy("not here".into())), 2, "not here"),
            (Failure::Starting, -9, "the registry is starting; try again"),
            (Failure::Late, -9, "the database is slow; try again"),
            (Failure::Busy, -9, "too many of these calls at once; try again"),
            (
                StoreError::Unavailable(sql()).into(),
                -9,
                "the database is away; try again",
            ),
            (
                StoreError::Contended(sql()).into(),
                -9,
                "the database is busy; try again",
            ),
            (
                StoreError::Bug(sql()).into(),
                -99,
                "an error inside the registry; its log says more",
            ),
            (
                StoreError::Schema("t_x".into()).into(),
                -99,
                "an error inside the registry; its log says more",
            ),
        ];
        for (failure, code, text) in failures {
            let error = tars::Error::from(failure);
            assert_eq!((error.code(), error.message()), (code, text));
        }
    }
}
