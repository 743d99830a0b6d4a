//! The words for a server's state: of the registry, of `data/check_status` and of the supervisor's answers.

use serde::{Deserialize, Serialize};

/// What the registry is told of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Started, and not ready yet.
    Activating,
    /// Ready.
    Active,
    /// It was ready once, and is not now.
    Inactive,
    /// It leaves: clients are being sent elsewhere.
    Deactivating,
}

impl State {
    /// The word, as K8STARS writes it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Deactivating => "deactivating",
        }
    }
}
