//! Command line and environment.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Arg, CommandFactory, FromArgMatches, Parser};

use super::file::{self, FileError};
use super::value::{Locator, Network, Number, Route};
use super::{Config, Limit, LogFormat};
use crate::access::Pattern;
use crate::trace::{Points, Sample, Sink};

/// What the program is asked to do.
#[derive(Debug)]
pub enum Command {
    /// Serve until told to stop.
    Serve(Box<Config>),
    /// The settings are fine: say so and end.
    Check(Box<Config>),
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line cannot be read, or it asked for help or the version.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Settings that do not go together.
    #[error("{0}")]
    Together(String),
}

/// HTTP gateway for Tars services: JSON and TUP requests become calls
///
/// A flag wins over its environment variable, and both win over the file.
#[derive(Debug, Parser)]
#[command(name = "tarsgateway", version, about)]
struct Flags {
    /// File of settings; tarsgateway.toml of the sources names and explains all of them
    #[arg(long, env = "TARSGATEWAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Checks the settings and ends
    #[arg(long)]
    check: bool,

    /// Where calls come in [default: 0.0.0.0:8200]
    #[arg(long, env = "TARSGATEWAY_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// Where /healthz, /readyz and /metrics are [default: 127.0.0.1:8201]
    #[arg(long, env = "TARSGATEWAY_ADMIN", value_name = "ADDRESS")]
    admin: Option<SocketAddr>,

    /// The registry: `tars.tarsregistry.QueryObj@tcp -h HOST -p 17890`
    #[arg(long, env = "TARSGATEWAY_LOCATOR", value_name = "OBJECT")]
    locator: Option<Locator>,

    /// Where an object is, instead of asking a registry: `App.Server.Obj=tcp -h HOST -p PORT`; repeat it or separate by commas
    #[arg(long, env = "TARSGATEWAY_ROUTE", value_name = "ROUTE", value_delimiter = ',')]
    route: Vec<Route>,

    /// What may be called: `App.Server.Obj`, `App.Server.*`, `App.*`, each perhaps with `:function`; repeat it or separate by commas
    #[arg(long, env = "TARSGATEWAY_ALLOW", value_name = "PATTERN", value_delimiter = ',')]
    allow: Vec<Pattern>,

    /// What may not be called although it is allowed, beside what the file denies
    #[arg(long, env = "TARSGATEWAY_DENY", value_name = "PATTERN", value_delimiter = ',')]
    deny: Vec<Pattern>,

    /// File of bearer tokens, `NAME TOKEN` a line; without it everybody may call
    #[arg(long, env = "TARSGATEWAY_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,

    /// Networks whose X-Forwarded-For is believed; repeat it or separate by commas
    #[arg(long, env = "TARSGATEWAY_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',')]
    trusted_proxy: Vec<Network>,

    /// Tells callers the text of a failed call, which may name addresses
    #[arg(long, env = "TARSGATEWAY_EXPOSE_ERROR_TEXT", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    expose_error_text: Option<bool>,

    /// Milliseconds a call may take when its caller does not say [default: 3000]
    #[arg(long, env = "TARSGATEWAY_TIMEOUT_MS", value_name = "MS")]
    timeout_ms: Option<Limit>,

    /// Milliseconds a caller may ask for [default: 60000]
    #[arg(long, env = "TARSGATEWAY_MAX_TIMEOUT_MS", value_name = "MS")]
    max_timeout_ms: Option<Limit>,

    /// Bytes of a body at most [default: 1048576]
    #[arg(long, env = "TARSGATEWAY_BODY_BYTES", value_name = "BYTES")]
    body_bytes: Option<Number<1, { super::MAX_BODY }>>,

    /// Calls under way at most [default: 1024]
    #[arg(long, env = "TARSGATEWAY_CONCURRENT_CALLS", value_name = "N")]
    concurrent_calls: Option<Number<1, 1_000_000>>,

    /// Connections at most [default: 4096]
    #[arg(long, env = "TARSGATEWAY_CONNECTIONS", value_name = "N")]
    connections: Option<Number<1, 1_000_000>>,

    /// Which calls begin a call chain: `off`, `interval:MS` (one in that time for each function), `probability:0.01`
    #[arg(long, env = "TARSGATEWAY_TRACE_SAMPLE", value_name = "HOW")]
    trace_sample: Option<Sample>,

    /// Which points of a call chain carry parameters: a hexadecimal digit of 1 (send), 2 (receive), 4 and 8 (the server's)
    #[arg(long = "trace-flags", env = "TARSGATEWAY_TRACE_FLAGS", value_name = "DIGIT")]
    trace_points: Option<Points>,

    /// Where the points of call chains go: `off`, `stdout`, `file:PATH`, `object:tars.tarslog.LogObj`
    #[arg(long, env = "TARSGATEWAY_TRACE_SINK", value_name = "WHERE")]
    trace_sink: Option<Sink>,

    /// Milliseconds in which /readyz fails before connections are refused [default: 5000]
    #[arg(long, env = "TARSGATEWAY_DRAIN_DELAY_MS", value_name = "MS")]
    drain_delay_ms: Option<Number<0, 3_600_000>>,

    /// Milliseconds that requests under way may take then [default: 30000]
    #[arg(long, env = "TARSGATEWAY_DRAIN_GRACE_MS", value_name = "MS")]
    drain_grace_ms: Option<Number<0, 3_600_000>>,

    /// How the log is written [default: text]
    #[arg(long, env = "TARSGATEWAY_LOG_FORMAT", value_enum)]
    log_format: Option<LogFormat>,

    /// What is logged: `info`, `debug`, `tarsgateway=debug,warn` [default: info]
    #[arg(long, env = "TARSGATEWAY_LOG", value_name = "FILTER")]
    log: Option<String>,
}

impl Command {
    /// Reads a command line (with the program's name in front), the environment's variables and the file they name.
    pub fn read(
        arguments: impl IntoIterator<Item = OsString>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        // An empty variable counts as absent, as templates that fill in nothing leave them.
        let is_empty = |arg: &Arg| {
            arg.get_env()
                .and_then(OsStr::to_str)
                .and_then(&environment)
                .is_some_and(|value| value.is_empty())
        };
        let parser = Flags::command().mut_args(|arg| {
            if is_empty(&arg) {
                arg.env(clap::builder::Resettable::Reset)
            } else {
                arg
            }
        });
        let flags = Flags::from_arg_matches(&parser.try_get_matches_from(arguments)?)?;
        let mut config = match &flags.config {
            Some(path) => file::read(path)?,
            None => Config::default(),
        };
        let check = flags.check;
        flags.apply(&mut config);
        config.check().map_err(ConfigError::Together)?;
        let config = Box::new(config);
        Ok(if check {
            Self::Check(config)
        } else {
            Self::Serve(config)
        })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        let (Self::Serve(config) | Self::Check(config)) = self;
        config
    }
}

/// Replaces a setting when the command line has one.
fn set<T>(setting: &mut T, flag: Option<T>) {
    if let Some(value) = flag {
        *setting = value;
    }
}

/// Replaces a list when the command line has one.
fn set_list<T>(setting: &mut Vec<T>, flag: Vec<T>) {
    if !flag.is_empty() {
        *setting = flag;
    }
}

impl Flags {
    fn apply(self, config: &mut Config) {
        set(&mut config.listen, self.listen);
        set(&mut config.admin, self.admin);
        set_list(&mut config.trusted_proxies.0, self.trusted_proxy);
        set(&mut config.expose_error_text, self.expose_error_text);
        set(&mut config.upstream.locator, self.locator.map(Some));
        set(&mut config.upstream.timeout_ms, self.timeout_ms);
        set(&mut config.upstream.max_timeout_ms, self.max_timeout_ms);
        if !self.route.is_empty() {
            config.routes = self
                .route
                .into_iter()
                .map(|route| (route.object, route.target))
                .collect();
        }
        set_list(&mut config.access.allow, self.allow);
        // One more denial must not open what the file closes.
        config.access.deny.extend(self.deny);
        set(&mut config.auth.token_file, self.token_file.map(Some));
        set(&mut config.limits.body_bytes, self.body_bytes);
        set(&mut config.limits.concurrent_calls, self.concurrent_calls);
        set(&mut config.limits.connections, self.connections);
        set(&mut config.trace.sample, self.trace_sample);
        set(&mut config.trace.flags, self.trace_points);
        set(&mut config.trace.sink, self.trace_sink);
        set(&mut config.drain.delay_ms, self.drain_delay_ms);
        set(&mut config.drain.grace_ms, self.drain_grace_ms);
        set(&mut config.log.format, self.log_format);
        set(&mut config.log.filter, self.log);
    }
}
