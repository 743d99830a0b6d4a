//! The state an instance reports.

use serde::{Deserialize, Serialize};

use super::{Refusal, quoted};

/// What `t_server_conf.present_state` may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Serving.
    Active,
    /// Running but not serving.
    Inactive,
    /// Starting.
    Activating,
    /// Draining before its end.
    Deactivating,
    /// Ended.
    Destroyed,
}

impl State {
    /// Every state, in the order of the column's enum.
    pub(crate) const ALL: [Self; 5] = [
        Self::Active,
        Self::Inactive,
        Self::Activating,
        Self::Deactivating,
        Self::Destroyed,
    ];

    /// The word the wire and the database use.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Activating => "activating",
            Self::Deactivating => "deactivating",
            Self::Destroyed => "destroyed",
        }
    }

    /// Whether the instance is on its way out and only a new registration brings it back.
    pub(crate) fn is_leaving(self) -> bool {
        matches!(self, Self::Deactivating | Self::Destroyed)
    }

    /// Reads the word of a request; an empty one means active, as the interface's default.
    pub(super) fn from_request(field: &str, word: &str) -> Result<Self, Refusal> {
        if word.is_empty() {
            return Ok(Self::Active);
        }
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| {
                let known = Self::ALL.map(|state| format!("`{}`", state.as_str())).join(", ");
                Refusal::invalid(field, format!("is {}, expected one of {known}", quoted(word)))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_words_and_nothing_else() {
        for state in State::ALL {
            assert_eq!(State::from_request("state", state.as_str()), Ok(state));
        }
        assert_eq!(State::from_request("state", ""), Ok(State::Active));
        assert_eq!(
            State::from_request("state", "Active").unwrap_err().to_string(),
            "`state` is `Active`, expected one of `active`, `inactive`, `activating`, `deactivating`, `destroyed`"
        );
    }
}
