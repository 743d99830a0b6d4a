//! What `make demo` runs: the whole system on one machine, from nothing. A registry, two Rust servers that call each other and
//! one in Node.js, each under `tarscli supervisor` as in its container, a gateway; then curl calls, the rows, and a call chain
//! as a tree. Stays up until Ctrl-C, or ends by itself with `--once` after it has checked every answer.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that shows something"
)]

mod calls;
mod checks;
mod children;
mod gateway;
mod outage;
mod ports;
mod registry;
mod rows;
mod servers;
mod system;
mod trace_log;
mod tree;

use std::{future::pending, path::Path, process::ExitCode};

use anyhow::{Context as _, bail, ensure};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    calls::{ADD, Answer, Call, FRONT, OTHER_LANGUAGE},
    children::sibling,
    ports::Ports,
    system::{Settings, System},
};

/// Runs the whole system on this machine
#[derive(Debug, Parser)]
struct Args {
    /// End by itself; the exit code is 0 only when every answer, row and call chain is right
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

/// Tells the story until its end, a signal, or the death of a child; then ends what runs.
async fn run(args: &Args) -> anyhow::Result<()> {
    let (mut system, mut alarms) = System::new(args.settings())?;
    let told = tokio::select! {
        told = story(&mut system, args) => told,
        Some(error) = alarms.recv() => Err(error),
        told_to_end = signalled() => told_to_end.and_then(|()| args.may_be_interrupted()),
    };
    heading("The end: the gateway lets calls end, supervisors take their servers out, the registry ends");
    let ended = system.stop().await;
    let sum = told?;
    let remains = ended?;
    if let Some(sum) = sum {
        remains.traces.ensure_exactly(&sum, checks::SUM_LINES)?;
    }
    remains.remove()?;
    println!("No row of a server, no process and no file is left.");
    Ok(())
}

/// -> the call chain of the sum
async fn story(system: &mut System, args: &Args) -> anyhow::Result<Option<String>> {
    heading("A registry on its embedded store");
    println!("{}", system.start_registry().await?);

    heading("Two Rust servers, each under `tarscli supervisor`, which registers them: onStartup, keepAlive");
    println!("{}", system.start_back().await?);
    println!("{}", system.start_front().await?);

    heading("A Node.js server, which reads the same configuration");
    println!("{}", system.start_node().await?);

    heading("A gateway, which may call these three and begins call chains");
    println!("{}", system.start_gateway().await?);

    heading("The rows that stand in the database now");
    show_rows(system).await?;

    heading("HTTP and JSON in, an answer from Node.js");
    let other = call(system, &OTHER_LANGUAGE).await?;
    heading("From the front server, which asks the back server");
    checks::sum(&call(system, &ADD).await?)?;
    heading("The first call again, now to a server in Rust: the same answer");
    checks::same_in_both(&call(system, &FRONT).await?, &other)?;

    heading("The call chain of Add: eight lines of three processes, joined by their parents");
    let chain = system.traces.next(ADD.function, checks::SUM_LINES).await?;
    print!("{chain}");
    checks::sum_chain(&chain)?;

    if !args.once {
        heading("It stays up until Ctrl-C. What to try next");
        suggest(system)?;
        return pending().await;
    }
    heading("The back server dies: the caller learns that, and the call chain says why");
    outage::begin(system).await?;
    heading("Its supervisor starts it again, at the port it had");
    outage::end(system).await?;
    Ok(Some(chain.id))
}

async fn show_rows(system: &System) -> anyhow::Result<()> {
    for table in system.rows().await? {
        print!("{table}");
        let expected = if table.name() == rows::NODES { 1 } else { 3 };
        let (name, rows) = (table.name(), table.rows());
        ensure!(rows == expected, "{name} has {rows} rows, expected {expected}");
    }
    Ok(())
}

async fn call(system: &System, call: &Call) -> anyhow::Result<Answer> {
    let gateway = system.address()?;
    println!("{}", call.command(&gateway));
    let answer = call.run(&gateway).await?;
    println!("{answer}");
    checks::is_fine(&answer)?;
    Ok(answer)
}

/// What can be typed while it runs: everything is at the ports that these commands expect.
fn suggest(system: &System) -> anyhow::Result<()> {
    let gateway = system.address()?;
    for call in [OTHER_LANGUAGE, ADD, FRONT] {
        println!("{}", call.command(&gateway));
    }
    let log = system.trace_log().display();
    let program = |name| sibling(name).map(|path| near(&path).display().to_string());
    let commands = [
        (format!("tail -f {log}"), "call chains as they are written"),
        (
            format!("{} --trace-log {log}", program("trace-client")?),
            "a Rust client that begins one",
        ),
        (
            format!(
                "{} hzcheck --json --path {}",
                program("tarscli")?,
                system.back()?.folder().display()
            ),
            "what a server's supervisor says of it",
        ),
        (
            format!("{} notify clean", program("tarscli")?),
            "what a clean-up of the registry would remove",
        ),
        (
            format!("curl http://127.0.0.1:{}/readyz", ports::REGISTRY_HTTP),
            "is the registry ready? its metrics are at /metrics",
        ),
        (
            format!("curl http://127.0.0.1:{}/readyz", ports::GATEWAY_ADMIN),
            "is the gateway ready? its metrics are at /metrics",
        ),
    ];
    for (command, what) in commands {
        println!("# {what}\n{command}");
    }
    Ok(())
}

/// `path` as it can be typed here.
fn near(path: &Path) -> &Path {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
}

/// Waits for Ctrl-C, for the signal that ends a container, or for the end of the terminal.
async fn signalled() -> anyhow::Result<()> {
    let listen = |kind| signal(kind).context("waiting for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

impl Args {
    fn settings(&self) -> Settings {
        if self.once {
            Settings {
                ports: Ports::Free,
                refresh_seconds: 1,
            }
        } else {
            Settings {
                ports: Ports::Default,
                refresh_seconds: 60,
            }
        }
    }

    /// A signal is how a demo that stays up ends, but no end of one that checks.
    fn may_be_interrupted(&self) -> anyhow::Result<Option<String>> {
        if self.once {
            bail!("a signal came before everything was checked");
        }
        Ok(None)
    }
}

fn heading(text: &str) {
    println!("\n== {text}");
}
