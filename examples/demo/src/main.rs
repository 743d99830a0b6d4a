//! What `make demo` runs: a registry on its embedded store, a server that registers itself, the rows that stand there then,
//! and what the registry answers about it. Stays up until Ctrl-C, or ends by itself with `--once`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that shows something"
)]

mod registry;
mod rows;
mod server;

use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Parser;
use tars::{
    Communicator,
    protocol::{GetMetricsAdaptersReq, KeepAliveReq, TarsregistryClient},
};

use crate::{
    registry::{Ports, Registry},
    server::Sample,
};

/// What can be typed while it runs: the registry is at the ports that these commands expect.
const SUGGESTIONS: &str = "  \
target/debug/tarscli notify clean        what a clean-up would remove
  target/debug/tarscli notify help         what else can be asked
  curl http://127.0.0.1:9325/readyz        is it ready?
  curl http://127.0.0.1:9325/metrics       its metrics
  cargo run -p hello --bin hello-server    a server of ten lines (examples/hello)";

/// Runs the whole system on this machine
#[derive(Debug, Parser)]
struct Args {
    /// End by itself; the exit code is 0 only when every answer and row is right
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> anyhow::Result<()> {
    heading("A registry on its embedded store");
    let registry = Registry::start(if args.once { Ports::Free } else { Ports::Default }).await?;
    println!("{registry}");
    let result = show(&registry, args).await;
    let ended = registry.stop().await;
    result.and(ended)
}

async fn show(registry: &Registry, args: &Args) -> anyhow::Result<()> {
    let communicator = Communicator::new();
    let client: TarsregistryClient = communicator.client(registry.object())?;

    heading("A server registers itself, as a container does: onStartup, registerMetrics, keepAlive");
    let sample = Sample::start().await?;
    client.on_startup(&sample.registration()).await.context("onStartup")?;
    client
        .register_metrics(&server::metrics())
        .await
        .context("registerMetrics")?;
    client.keep_alive(&server::beat("active")).await.context("keepAlive")?;
    println!("TestApp.HelloServer.HelloObj at {}", sample.endpoint());
    println!("it says: {}", sample.greet(&communicator).await?);

    heading("The rows that stand in the database now");
    for table in rows::read(registry.database()).await? {
        println!("{table}");
        ensure!(
            table.rows() == 1,
            "{} has {} rows, expected 1",
            table.name(),
            table.rows()
        );
    }

    heading("getMetricsAdapters, through the generated client");
    let targets = client
        .get_metrics_adapters(&GetMetricsAdaptersReq::default())
        .await
        .context("getMetricsAdapters")?;
    println!("{targets:#?}");
    ensure!(
        targets.len() == 1 && targets[0].targets == ["127.0.0.1:9100"],
        "expected one target, 127.0.0.1:9100"
    );

    if args.once {
        client.on_prestop(&server::end()).await.context("onPrestop")?;
        let left = rows::read(registry.database()).await?;
        ensure!(
            left.iter().all(|t| t.rows() == usize::from(t.name() == "t_node_info")),
            "onPrestop left rows behind"
        );
        println!("\nAll as expected.");
        return Ok(());
    }
    heading("It stays up until Ctrl-C. What to try next");
    println!("{SUGGESTIONS}");
    beat_until_ctrl_c(&client, &server::beat("active")).await?;
    heading("Ctrl-C: the server takes itself out, then the registry ends");
    client.on_prestop(&server::end()).await.context("onPrestop")
}

/// Keeps the sample server registered, as its container's supervisor would.
async fn beat_until_ctrl_c(client: &TarsregistryClient, beat: &KeepAliveReq) -> anyhow::Result<()> {
    let mut ticks = tokio::time::interval(std::time::Duration::from_secs(10));
    loop {
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => return pressed.context("waiting for Ctrl-C"),
            _ = ticks.tick() => client.keep_alive(beat).await.context("keepAlive")?,
        }
    }
}

fn heading(text: &str) {
    println!("\n== {text}");
}
