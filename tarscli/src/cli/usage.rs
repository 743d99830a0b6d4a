//! What was typed, or set in the environment, cannot be meant.

/// An error of the command line or the environment. The process ends with code 2 instead of 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);
