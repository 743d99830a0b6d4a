//! The program `tarsregistry`.

use std::process::ExitCode;
use std::time::Duration;

use tarsregistry::{Command, Config, ConfigError, LogFormat};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Threads that still run at the end get that long.
const THREADS_GRACE: Duration = Duration::from_secs(1);

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
    block_on(async {
        match command {
            Command::Serve(config) => Ok(tarsregistry::run(config, asked_to_end()?).await?),
            Command::Migrate(config) => Ok(tarsregistry::migrate(config).await?),
        }
    })
}

/// Runs `work` on a runtime, and does not wait long for threads that are left: the system's resolver may hold some.
fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(THREADS_GRACE);
    result
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    #[test]
    fn a_thread_that_hangs_does_not_hold_up_the_end() {
        let (release, released) = mpsc::channel::<()>();
        super::block_on(async {
            let (started, is_started) = tokio::sync::oneshot::channel();
            tokio::task::spawn_blocking(move || {
                started.send(()).unwrap();
                released.recv()
            });
            is_started.await.unwrap();
            Ok(())
        })
        .unwrap();
        drop(release);
    }
}
