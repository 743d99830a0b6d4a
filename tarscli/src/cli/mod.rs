//! What can be typed, and set in the environment: types only, no behaviour.

mod check;
mod duration;
mod read;
mod value;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use self::read::{definition, read};
use self::{
    duration::duration,
    value::{any_text, at_least, folder, kept, number, port, switch},
};
use crate::server::rules;

/// The shortest that times may be which are waited for again and again.
const SHORTEST: Duration = Duration::from_millis(10);

/// The shortest time between two messages to the registry, and the shortest that anything has to leave.
const BRIEF: Duration = Duration::from_millis(100);

/// Life-cycle tool of Tars servers in containers.
#[derive(Debug, Parser)]
#[command(name = "tarscli", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write the configuration, start the server, keep it alive and known to the registry: PID 1 of a container
    Supervisor(Box<Supervisor>),
    /// Whether the server is alive or ready: for a container's probes
    Hzcheck(Hzcheck),
    /// Take the server out of the registry before it ends: for a container's preStop hook
    Prestop(Prestop),
    /// Write the server's configuration
    Genconf(Genconf),
    /// Send an administration command to a server and print its answer
    Notify(Notify),
    /// Copy the files of a folder that differ
    Syncdir(Syncdir),
    /// Print the version
    Version,
    /// Print what makes a shell complete this program's commands
    Completion(Completion),
}

/// Where the server's files are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// Folder of the server: bin, conf, data and log are in it
    #[arg(long = "path", value_name = "DIR", env = "TARS_PATH", default_value = "/tars", value_parser = folder)]
    pub(crate) path: PathBuf,
}

/// How the node is called and where the registry is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Node {
    /// Address of this node, its name in the registry; by default the address from which the registry is reached
    #[arg(long, value_name = "ADDRESS", env = "POD_IP", value_parser = kept(rules::node))]
    pub(crate) node: Option<String>,

    /// What `${namespace}` stands for in the locator
    #[arg(long, value_name = "NAME", env = "TARS_NAMESPACE", default_value = "tars-system", value_parser = kept(rules::namespace))]
    pub(crate) namespace: String,
}

/// Arguments of `tarscli genconf`, and of the supervisor, which does the same first.
#[derive(Args, Clone, Debug)]
pub(crate) struct Genconf {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) node: Node,

    /// The application's name; by default that of `_server_meta.yaml`
    #[arg(long, value_name = "NAME", env = "TARS_APPLICATION", value_parser = kept(rules::name))]
    pub(crate) application: Option<String>,

    /// The server's name; by default that of `_server_meta.yaml`
    #[arg(long, value_name = "NAME", env = "TARS_SERVER", value_parser = kept(rules::name))]
    pub(crate) server: Option<String>,

    /// Name of the configuration file without `.conf`; by default the server's
    #[arg(long, value_name = "NAME", env = "TARS_BUILD_SERVER", value_parser = kept(rules::file_name))]
    pub(crate) build_server: Option<String>,

    /// The set the server belongs to, `name.area.group`; by default that of `_server_meta.yaml`
    #[arg(long, value_name = "SET", env = "TARS_SET_ID", value_parser = kept(rules::set))]
    pub(crate) set_id: Option<String>,

    /// Where the registry answers lookups, `OBJECT@ENDPOINTS`; by default that of `_server_meta.yaml`
    #[arg(long, value_name = "OBJECT@ENDPOINTS", env = "TARS_LOCATOR", value_parser = kept(|text| rules::locator(text).map(drop)))]
    pub(crate) locator: Option<String>,

    /// A configuration whose values go over the generated ones
    #[arg(long, value_name = "FILE", env = "TARS_MERGE_CONF")]
    pub(crate) merge_conf: Option<PathBuf>,

    /// Milliseconds between two lookups of the same object by the server; by default that of `_server_meta.yaml`
    #[arg(long, value_name = "MILLISECONDS", env = "TARS_EP_UPTIME", value_parser = number)]
    pub(crate) ep_uptime: Option<u32>,

    /// First port that may be chosen for `${random_port}`
    #[arg(long, value_name = "PORT", env = "TARS_RAND_PORT_MIN", default_value_t = 13000, value_parser = port)]
    pub(crate) rand_port_min: u16,

    /// The port after the last that may be chosen
    #[arg(long, value_name = "PORT", env = "TARS_RAND_PORT_MAX", default_value_t = 16000, value_parser = port)]
    pub(crate) rand_port_max: u16,
}

/// Arguments of `tarscli supervisor`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Supervisor {
    #[command(flatten)]
    pub(crate) genconf: Genconf,
    #[command(flatten)]
    pub(crate) grace: Grace,

    /// Shell command that starts the server, when none follows `--`; by default bin/start.sh of the server's folder
    #[arg(long, value_name = "COMMAND", env = "TARS_START_PATH")]
    pub(crate) start_path: Option<String>,

    /// Shell command that is run before the server is started again
    #[arg(long, value_name = "COMMAND", env = "TARS_STOP_PATH")]
    pub(crate) stop_path: Option<String>,

    /// Time after which the registry is told again what has not changed
    #[arg(long, value_name = "TIME", env = "TARS_REPORT_INTERVAL", default_value = "30s", value_parser = at_least(BRIEF))]
    pub(crate) report_interval: Duration,

    /// Tell the registry that the server is to get no calls
    #[arg(long, value_name = "YES|NO", env = "TARS_DISABLE_FLOW", default_value = "n", num_args = 0..=1, default_missing_value = "y", require_equals = true, value_parser = any_text, action = clap::ArgAction::Set)]
    pub(crate) disable_flow: bool,

    /// Version of the server, for the registry
    #[arg(
        long,
        value_name = "VERSION",
        env = "SERVER_VERSION",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) server_version: String,

    /// Time between two checks of the server
    #[arg(long, value_name = "TIME", env = "TARS_CHECK_INTERVAL", default_value = "10s", value_parser = at_least(SHORTEST))]
    pub(crate) check_interval: Duration,

    /// Time in which a check that failed is repeated before it counts
    #[arg(long, value_name = "TIME", env = "TARS_CHECK_RETRY_TIMEOUT", default_value = "5s", value_parser = duration)]
    pub(crate) check_retry_timeout: Duration,

    /// Shell command that is run before each check; how it ends does not matter
    #[arg(long, value_name = "COMMAND", env = "TARS_BEFORE_CHECK_SCRIPT")]
    pub(crate) before_check_script: Option<String>,

    /// Shell command that is part of each check: the server is ready when it ends with code 0
    #[arg(long, value_name = "COMMAND", env = "TARS_CHECK_SCRIPT")]
    pub(crate) check_script: Option<String>,

    /// Time after which a script of a check is killed
    #[arg(long, value_name = "TIME", env = "TARS_CHECK_SCRIPT_TIMEOUT", default_value = "2s", value_parser = at_least(SHORTEST))]
    pub(crate) check_script_timeout: Duration,

    /// Call `tars_ping` of each servant in each check
    #[arg(long, value_name = "YES|NO", env = "TARS_CHECK_PING", default_value = "n", num_args = 0..=1, default_missing_value = "y", require_equals = true, value_parser = switch, action = clap::ArgAction::Set)]
    pub(crate) check_ping: bool,

    /// Time a start may take before it is an alarm that the server is not ready
    #[arg(long, value_name = "TIME", env = "TARS_ACTIVATING_TIMEOUT", default_value = "300s", value_parser = duration)]
    pub(crate) activating_timeout: Duration,

    /// Start the server again when its checks fail for so long; 0 never does
    #[arg(long, value_name = "TIME", env = "TARS_WATCHDOG", default_value = "0s", value_parser = duration)]
    pub(crate) watchdog: Duration,

    /// How often a server that ends is started again before the supervisor ends with its exit code; it counts anew after a
    /// time without fault. By default 10, and 0 for a command that is no Tars server
    #[arg(long, value_name = "COUNT", env = "TARS_MAX_RESTARTS", value_parser = number)]
    pub(crate) max_restarts: Option<u32>,

    /// Longest pause before the first new start; it doubles with each
    #[arg(long, value_name = "TIME", env = "TARS_RESTART_DELAY", default_value = "1s", value_parser = at_least(SHORTEST))]
    pub(crate) restart_delay: Duration,

    /// Longest pause before a new start
    #[arg(long, value_name = "TIME", env = "TARS_RESTART_DELAY_MAX", default_value = "60s", value_parser = at_least(SHORTEST))]
    pub(crate) restart_delay_max: Duration,

    /// A server that ran so long has no faults that count any more
    #[arg(long, value_name = "TIME", env = "TARS_RESTART_RESET", default_value = "5m", value_parser = duration)]
    pub(crate) restart_reset: Duration,

    /// Time from the request to end until the server's processes are killed
    #[arg(long, value_name = "TIME", env = "TARS_STOP_TIMEOUT", default_value = "5s", value_parser = duration)]
    pub(crate) stop_timeout: Duration,

    /// Port of the server's metrics on this node, for the registry
    #[arg(long, value_name = "PORT", env = "TARS_METRICS_PORT", value_parser = port)]
    pub(crate) metrics_port: Option<u16>,

    /// Ask the registry for a worker number before the server starts, and give it in `TARS_WORKER_ID`
    #[arg(long, value_name = "YES|NO", env = "TARS_WORKER_ID_ENABLE", default_value = "n", num_args = 0..=1, default_missing_value = "y", require_equals = true, value_parser = switch, action = clap::ArgAction::Set)]
    pub(crate) worker_id: bool,

    /// Time the start waits for the worker number; without one, the supervisor ends
    #[arg(long, value_name = "TIME", env = "TARS_WORKER_ID_TIMEOUT", default_value = "60s", value_parser = at_least(SHORTEST))]
    pub(crate) worker_id_timeout: Duration,

    /// The server and its arguments, run in place of the start script
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) server_command: Vec<String>,
}

/// The time a server has to leave.
#[derive(Args, Clone, Debug)]
pub(crate) struct Grace {
    /// Time from the request to leave until everything has ended; a second less than the pod's grace period
    #[arg(long, value_name = "TIME", env = "TARS_GRACE_PERIOD", default_value = "29s", value_parser = at_least(BRIEF))]
    pub(crate) grace_period: Duration,

    /// Time in which the server is served on after it has told the registry that it leaves; makes the grace period this
    /// time and 9 seconds. By default the grace period without 9 seconds
    #[arg(long, value_name = "TIME", env = "TARS_PRESTOP_WAITTIME", value_parser = duration)]
    pub(crate) prestop_waittime: Option<Duration>,
}

/// Arguments of `tarscli hzcheck`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is typed by itself")]
#[derive(Args, Clone, Debug)]
pub(crate) struct Hzcheck {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Ask whether the supervisor lives and does its work
    #[arg(long, group = "probe")]
    pub(crate) live: bool,

    /// Ask whether the server may get calls (the default)
    #[arg(long, group = "probe")]
    pub(crate) ready: bool,

    /// Ask whether the server has been ready once
    #[arg(long, group = "probe")]
    pub(crate) startup: bool,

    /// Print the supervisor's whole state as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Time after which the registry is told again what has not changed: without a supervisor's answer, its status file may
    /// be twice as old
    #[arg(long, value_name = "TIME", env = "TARS_REPORT_INTERVAL", default_value = "30s", value_parser = at_least(BRIEF))]
    pub(crate) report_interval: Duration,
}

/// Arguments of `tarscli prestop`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Prestop {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) grace: Grace,

    /// Print how it went as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `tarscli notify`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Notify {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Where the server's `AdminObj` listens; by default what `data/server_info.yaml` says, and without that file
    /// `tcp -h 127.0.0.1 -p 17893`, where a registry's is
    #[arg(long, value_name = "ENDPOINT", env = "TARSCLI_ADMIN", value_parser = kept(rules::admin))]
    pub(crate) admin: Option<String>,

    /// Time to wait for the answer; the command goes on in the server when the wait ends
    #[arg(long, value_name = "TIME", env = "TARSCLI_TIMEOUT", default_value = "60s", value_parser = at_least(SHORTEST))]
    pub(crate) timeout: Duration,

    /// Print the answer as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The command and its words, such as `clean n`
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) words: Vec<String>,
}

/// Arguments of `tarscli syncdir`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Syncdir {
    #[command(flatten)]
    pub(crate) place: Place,

    /// Folder whose files are copied; nothing is done without one
    #[arg(long, value_name = "DIR", env = "TARS_SYNC_DIRECTORY")]
    pub(crate) source: Option<PathBuf>,

    /// Folder they are copied to; by default bin of the server's folder
    #[arg(long, value_name = "DIR", env = "TARS_SYNC_TARGET_DIRECTORY")]
    pub(crate) target: Option<PathBuf>,
}

/// Arguments of `tarscli completion`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Completion {
    /// The shell
    pub(crate) shell: Shell,
}

#[cfg(test)]
mod tests;
