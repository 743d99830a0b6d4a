//! `tarscli supervisor`: see [`crate::supervisor`].

use super::Outcome;
use crate::{cli::Supervisor, supervisor};

/// Runs the server; this process ends with its code.
pub(crate) async fn run(args: &Supervisor) -> anyhow::Result<Outcome> {
    supervisor::run(args).await.map(Outcome::code)
}
