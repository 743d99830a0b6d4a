//! The program `tarsregistry`.

use std::process::ExitCode;

use tarsregistry::{Command, Config, ConfigError, LogFormat};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// A command line that cannot be used.
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
    let (Command::Serve(config) | Command::Migrate(config)) = &command;
    if let Err(error) = start_log(config) {
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
    let filter = EnvFilter::try_new(&config.log).with_context(|| format!("--log `{}`", config.log))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    match config.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}

fn execute(command: &Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Serve(config) => Ok(tarsregistry::run(config, asked_to_end()?).await?),
            Command::Migrate(config) => Ok(tarsregistry::migrate(config).await?),
        }
    })
}

/// Ready when the process is told to end: SIGTERM by a supervisor, SIGINT by a keyboard.
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        let name = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!("{name}: ending");
    })
}
