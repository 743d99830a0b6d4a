//! The supervisor: PID 1 of a server's container.

mod checking;
mod command;
mod cpu;
mod machine;
mod plain;
mod record;
mod restart;

use tracing::level_filters::LevelFilter;

use self::restart::Policy;
use crate::{cli, layout::Layout, output::Log};

/// New starts of a Tars server, when nothing is said.
const RESTARTS: u32 = 10;

/// Runs the server until it has ended for good. -> the code to end with
pub(crate) async fn run(args: &cli::Supervisor) -> anyhow::Result<u8> {
    let layout = Layout::new(&args.genconf.place.path);
    if plain::is_meant(args, &layout) {
        let log = Log::start(None, LevelFilter::WARN);
        let code = plain::run(args, &layout).await;
        log.flush().await;
        return code;
    }
    let log = Log::start(Some(layout.supervisor_log()), LevelFilter::INFO);
    let code = anyhow::Ok(1);
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
