//! Values that are good alone and not together.

use super::{Command, Genconf, Supervisor, duration::words};

/// Refuses a command whose values contradict each other.
pub(super) fn together(command: &Command) -> Result<(), String> {
    match command {
        Command::Genconf(genconf) => ports(genconf),
        Command::Supervisor(supervisor) => ports(&supervisor.genconf).and_then(|()| delays(supervisor)),
        _ => Ok(()),
    }
}

fn ports(genconf: &Genconf) -> Result<(), String> {
    let (min, max) = (genconf.rand_port_min, genconf.rand_port_max);
    if min < max {
        return Ok(());
    }
    Err(format!(
        "--rand-port-min (TARS_RAND_PORT_MIN) is {min}: expected less than --rand-port-max (TARS_RAND_PORT_MAX), {max}"
    ))
}

fn delays(supervisor: &Supervisor) -> Result<(), String> {
    let (first, longest) = (supervisor.restart_delay, supervisor.restart_delay_max);
    if first <= longest {
        return Ok(());
    }
    Err(format!(
        "--restart-delay (TARS_RESTART_DELAY) is {}: expected no more than --restart-delay-max \
         (TARS_RESTART_DELAY_MAX), {}",
        words(first),
        words(longest)
    ))
}
