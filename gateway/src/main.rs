//! The program `tarsgateway`.

use std::process::ExitCode;
use std::time::Duration;

use tarsgateway::{Command, Config, ConfigError, LogFormat};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

/// Threads that still run at the end get that long: the system's resolver may hold some.
const THREADS_GRACE: Duration = Duration::from_secs(1);

/// A command line or a file that cannot be used.
const USAGE: u8 = 2;

#[expect(clippy::print_stderr, reason = "there is no log before the settings are read")]
fn main() -> ExitCode {
    let command = match Command::read(std::env::args_os(), |name| std::env::var(name).ok()) {
        Ok(command) => command,
        // Help and version are answers, not mistakes: clap knows which stream and code they have.
        Err(ConfigError::CommandLine(error)) => {
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(USAGE);
        }
    };
    if let Err(error) = start_log(command.config()) {
        eprintln!("error: {error:#}");
        return ExitCode::from(USAGE);
    }
    match execute(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start_log(config: &Config) -> anyhow::Result<()> {
    use anyhow::Context;
    let filter = config.log_filter();
    let filter = EnvFilter::try_new(filter).with_context(|| format!("--log `{filter}`"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match config.log_format() {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

fn execute(command: &Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        match command {
            Command::Check(config) => {
                tarsgateway::check(config)?;
                tracing::info!("the settings are fine");
            }
            Command::Serve(config) => {
                let (shutdown, hurry) = signals()?;
                tarsgateway::run(config, shutdown, hurry).await?;
            }
        }
        Ok(())
    });
    runtime.shutdown_timeout(THREADS_GRACE);
    result
}

/// Ready at the first and at the second signal to end: SIGTERM by a supervisor, SIGINT by a keyboard.
fn signals() -> std::io::Result<(impl Future<Output = ()>, impl Future<Output = ()>)> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (first, is_first) = oneshot::channel();
    let (second, is_second) = oneshot::channel();
    tokio::spawn(async move {
        for (sender, meaning) in [(first, "ending"), (second, "ending at once")] {
            let name = next(&mut terminate, &mut interrupt).await;
            tracing::info!("{name}: {meaning}");
            let _ = sender.send(());
        }
    });
    // The task keeps both senders until it has used them.
    let shutdown = async { drop(is_first.await) };
    let hurry = async { drop(is_second.await) };
    Ok((shutdown, hurry))
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}
