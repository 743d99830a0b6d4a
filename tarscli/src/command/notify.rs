//! `tarscli notify CMD...`: an administration command for the server's `AdminObj`.

use anyhow::Context as _;
use serde::Serialize;
use tars::{Communicator, protocol::AdminFClient};

use crate::{cli::Notify, layout::Layout, server::ServerInfo};

/// Where a registry's is, when nothing is known of a server.
const REGISTRY: &str = "tcp -h 127.0.0.1 -p 17893";

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Report<'a> {
    command: &'a str,
    answer: &'a str,
}

/// Sends the command and returns the server's answer behind the words K8STARS' scripts look for.
pub(crate) async fn run(args: &Notify) -> anyhow::Result<String> {
    let (endpoint, origin) = endpoint(args)?;
    let admin: AdminFClient = Communicator::builder()
        .timeout(args.timeout)
        .build()
        .client(&format!("AdminObj@{endpoint}"))
        .with_context(|| format!("{origin} `{endpoint}`"))?;
    let command = args.words.join(" ");
    let answer = admin
        .notify(&command)
        .await
        .with_context(|| format!("notify `{command}`"))?;
    if args.json {
        let report = Report {
            command: &command,
            answer: &answer,
        };
        return Ok(serde_json::to_string(&report)?);
    }
    Ok(format!("notify succ:{answer}"))
}

/// The endpoint, and who said it.
fn endpoint(args: &Notify) -> anyhow::Result<(String, &'static str)> {
    if let Some(endpoint) = &args.admin {
        return Ok((endpoint.clone(), "--admin"));
    }
    Ok(match ServerInfo::read(&Layout::new(&args.place.path))? {
        Some(info) => (info.conf.local, "`local` of data/server_info.yaml"),
        None => (REGISTRY.to_owned(), "the registry's AdminObj"),
    })
}
