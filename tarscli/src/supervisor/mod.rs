//! The supervisor: PID 1 of a server's container.
//!
//! One loop ([`run()`]) waits for everything that can happen and tells it to the machine ([`machine`]), which is pure and
//! says what to do; the effects ([`effects`]) do it, in tasks where that takes time.

mod checking;
mod command;
mod cpu;
mod effects;
mod leave;
mod machine;
mod plain;
mod record;
mod registry;
mod remains;
mod report;
mod restart;
mod run;
mod running;
mod tasks;

use tracing::level_filters::LevelFilter;

use self::{machine::Settings, restart::Policy};
use crate::{cli, control::Claim, layout::Layout, output::Log, process::Signals};

/// New starts of a Tars server, when nothing is said.
const RESTARTS: u32 = 10;

/// What a grace period has beside a wait that was asked for.
const BESIDE_WAIT: std::time::Duration = std::time::Duration::from_secs(9);

/// Runs the server until it has ended for good. -> the code to end with
pub(crate) async fn run(args: &cli::Supervisor) -> anyhow::Result<u8> {
    let layout = Layout::new(&args.genconf.place.path);
    // First of all: as PID 1, a signal that nobody listens to is lost.
    let signals = Signals::listen()?;
    if plain::is_meant(args, &layout) {
        let log = Log::start(None, LevelFilter::WARN);
        let code = plain::run(args, &layout, signals).await;
        log.flush().await;
        return code;
    }
    // Kept until the last word is written: the next one in this folder writes the same files.
    let _claim = Claim::take(&layout).await?;
    let log = Log::start(Some(layout.supervisor_log()), LevelFilter::INFO);
    let code = run::run(args, &layout, signals).await;
    log.flush().await;
    code
}

fn policy(args: &cli::Supervisor) -> Policy {
    Policy {
        limit: args.max_restarts.unwrap_or(RESTARTS),
        first: args.restart_delay,
        most: args.restart_delay_max,
        reset: args.restart_reset,
    }
}

fn settings(args: &cli::Supervisor) -> Settings {
    let grace = &args.grace;
    Settings {
        check_interval: args.check_interval,
        watchdog: args.watchdog,
        activating: args.activating_timeout,
        restarts: policy(args),
        stop: args.stop_timeout,
        grace: grace
            .prestop_waittime
            .map_or(grace.grace_period, |wait| wait.saturating_add(BESIDE_WAIT)),
        worker_id: args.worker_id.then_some(args.worker_id_timeout),
    }
}
