//! `tarscli notify CMD...`: an administration command for the server's `AdminObj`.

use anyhow::Context as _;
use tars::{Communicator, protocol::AdminFClient};

use crate::cli::Notify;

/// Sends the command and returns the server's answer behind the words K8STARS' scripts look for.
pub(crate) async fn run(args: &Notify) -> anyhow::Result<String> {
    let endpoint = args.admin.as_deref().unwrap_or("tcp -h 127.0.0.1 -p 17893");
    let admin: AdminFClient = Communicator::builder()
        .timeout(args.timeout)
        .build()
        .client(&format!("AdminObj@{endpoint}"))
        .with_context(|| format!("--admin `{endpoint}`"))?;
    let command = args.words.join(" ");
    let answer = admin
        .notify(&command)
        .await
        .with_context(|| format!("notify `{command}`"))?;
    Ok(format!("notify succ:{answer}"))
}
