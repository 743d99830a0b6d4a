//! What can be typed: types only, no behaviour.

use clap::{Args, Parser, Subcommand};

/// Life-cycle tool of Tars servers in containers.
#[derive(Debug, Parser)]
#[command(name = "tarscli", version, disable_version_flag = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Send an administration command to a server and print its answer
    Notify(Notify),
    /// Print the version
    Version,
}

/// Arguments of `tarscli notify`.
#[derive(Debug, Args)]
pub(crate) struct Notify {
    /// Where the server's AdminObj listens
    #[arg(
        long,
        value_name = "ENDPOINT",
        env = "TARSCLI_ADMIN",
        default_value = "tcp -h 127.0.0.1 -p 17893"
    )]
    pub(crate) admin: String,

    /// How long to wait for the answer, in seconds; the command goes on in the server when the wait ends
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,

    /// The command and its words, such as `clean n`
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "CMD"
    )]
    pub(crate) words: Vec<String>,
}
