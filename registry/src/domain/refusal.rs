//! Why a request is not served.

/// A request that is answered with an error although nothing is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// A field does not say what it must: the caller's mistake.
    #[error("`{field}` {reason}")]
    Invalid {
        /// The field as the interface spells it, with an index for adapters (`adapters[1].endpoint`).
        field: String,
        /// What is wrong with it, a phrase that follows the field's name.
        reason: String,
    },
    /// Well formed, but this registry's policy forbids it. The text names the setting that decides.
    #[error("{0}")]
    Policy(String),
}

impl Refusal {
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
        }
    }
}
