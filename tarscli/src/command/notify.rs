//! `tarscli notify CMD...`: an administration command for the server's `AdminObj`.

use std::time::Duration;

use anyhow::Context as _;
use tars::{Communicator, protocol::AdminFClient};

use crate::cli::Notify;

/// Sends the command and returns the server's answer behind the words K8STARS' scripts look for.
pub(crate) async fn run(args: &Notify) -> anyhow::Result<String> {
    let admin: AdminFClient = Communicator::builder()
        .timeout(Duration::from_secs(args.timeout))
        .build()
        .client(&format!("AdminObj@{}", args.admin))
        .with_context(|| format!("--admin `{}`", args.admin))?;
    let command = args.words.join(" ");
    let answer = admin
        .notify(&command)
        .await
        .with_context(|| format!("notify `{command}`"))?;
    Ok(format!("notify succ:{answer}"))
}
