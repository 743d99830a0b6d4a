//! Settings: what can be said on the command line and in the environment, and what it means.

mod database;
mod listener;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use tars::Endpoint;

pub(crate) use listener::is_loopback;

use listener::{advertised_host, is_same, listener};

pub use database::{Database, DatabaseSettingError, MySqlAddress, MySqlParts, Secret, Tls};

/// Clients of K8STARS give up after a second and try again: the answer must be there before.
pub(crate) const CALL_LIMIT: Duration = Duration::from_millis(900);

/// Seconds in which a cluster hears that a container leaves.
const CONTAINER_DRAIN: u32 = 5;

/// What the program is asked to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Serve until told to stop.
    Serve(Box<Config>),
    /// Make the database's tables fit, and end.
    Migrate(Box<Config>),
}

/// The settings of a registry, complete and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the rows are.
    pub database: Database,
    /// Connections to MySQL at most.
    pub database_connections: u32,
    /// Endpoint of `tars.tarsregistry.QueryObj`.
    pub query_endpoint: Endpoint,
    /// Endpoint of `tars.tarsregistry.Registry`.
    pub registry_endpoint: Endpoint,
    /// Host that clients are told for this registry's own servants, if not the endpoint's.
    pub advertise: Option<String>,
    /// Endpoint of `AdminObj`.
    pub admin_endpoint: Endpoint,
    /// Address of the HTTP listener (health, metrics).
    pub http: SocketAddr,
    /// Whether a caller may speak for a node.
    pub node_identity: NodeIdentity,
    /// Callers that may speak for any node.
    pub trusted: Vec<IpNet>,
    /// Whether `keepAlive` and `onPrestop` may be about a whole node.
    pub allow_node_wide: bool,
    /// Whether the configuration files for a node stay when its server ends.
    pub keep_node_configs: bool,
    /// Seconds after its last beat for which an instance counts as alive.
    pub lease_seconds: u32,
    /// Seconds between two writings of heartbeats that say nothing new; 0 writes each before it is answered.
    pub flush_seconds: u32,
    /// Percentage of instances that may not expire at once. `None`: any.
    pub protection: Option<u8>,
    /// Seconds in which `/readyz` fails and calls are still taken, before the listeners are closed.
    pub drain_seconds: u32,
    /// How long a call, or a look at the leases, may wait for the database. No setting of the program: 0.9 s, because the
    /// clients of K8STARS give up after a second.
    pub call_limit: Duration,
    /// How the log is written.
    pub log_format: LogFormat,
    /// What is logged, in the syntax of tracing's `EnvFilter`.
    pub log: String,
}

/// What is made of a `nodeName` that is not the caller's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NodeIdentity {
    /// Refused.
    Address,
    /// Served, logged and counted.
    Warn,
    /// Served.
    Off,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line cannot be read, or it asked for help or the version.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The database setting cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseSettingError),
    /// `AdminObj` would be where others are served.
    #[error(
        "{flag} and --admin-endpoint are both `{endpoint}`: whoever may call one could end the registry and clean its \
         database through AdminObj; give AdminObj a port of its own, at a loopback address"
    )]
    OneEndpoint {
        /// The other one's setting.
        flag: &'static str,
        /// Where both would be.
        endpoint: Box<Endpoint>,
    },
    /// The file of `--database-url-file` cannot be read.
    #[error("cannot read `{path}`: {source}")]
    UrlFile {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
}

/// Registry for Tars services in containers, on MySQL or SQLite
#[derive(Debug, Parser)]
#[command(name = "tarsregistry", version, about, long_about = None)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Subcommands>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Subcommands {
    /// Serves (the default); brings a SQLite file up to date by itself and only checks MySQL
    Serve,
    /// Makes the tables of the database fit, adopts an existing `db_tars`, and ends
    Migrate,
}

#[derive(Args, Debug)]
struct Flags {
    /// Database: `mysql://user:password@host:port/db_tars` or `sqlite:FILE`. Then `DATABASE_URL`, `DB_DSN` (the form of Go's
    /// driver), `DB_HOST` with `DB_PORT`, `DB_USER`, `DB_PASS`, `DB_NAME`; else `sqlite:tarsregistry.db`
    #[arg(
        long,
        env = "TARSREGISTRY_DATABASE_URL",
        hide_env_values = true,
        global = true,
        value_name = "URL"
    )]
    database_url: Option<String>,

    /// File with the database's URL, to keep the password out of command line and environment
    #[arg(long, env = "TARSREGISTRY_DATABASE_URL_FILE", global = true, value_name = "FILE")]
    database_url_file: Option<PathBuf>,

    /// Connections to MySQL at most
    #[arg(
        long,
        env = "TARSREGISTRY_DATABASE_CONNECTIONS",
        global = true,
        value_name = "N",
        default_value_t = 16
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=10_000))]
    database_connections: u32,

    /// Where tars.tarsregistry.QueryObj is served
    #[arg(long, env = "TARSREGISTRY_QUERY_ENDPOINT", global = true, value_name = "ENDPOINT")]
    #[arg(default_value = "tcp -p 17890", value_parser = listener)]
    query_endpoint: Endpoint,

    /// Host name or address that clients are told for this registry's own servants; else the host of their endpoints, or
    /// the address the caller reached
    #[arg(long, env = "TARSREGISTRY_ADVERTISE", global = true, value_name = "HOST")]
    #[arg(value_parser = advertised_host)]
    advertise: Option<String>,

    /// Where tars.tarsregistry.Registry is served
    #[arg(long, env = "TARSREGISTRY_REGISTRY_ENDPOINT", global = true, value_name = "ENDPOINT")]
    #[arg(default_value = "tcp -p 17892", value_parser = listener)]
    registry_endpoint: Endpoint,

    /// Where `AdminObj` is served: whoever reaches it can shut the registry down and clean its database
    #[arg(long, env = "TARSREGISTRY_ADMIN_ENDPOINT", global = true, value_name = "ENDPOINT")]
    #[arg(default_value = "tcp -h 127.0.0.1 -p 17893", value_parser = listener)]
    admin_endpoint: Endpoint,

    /// Where /healthz, /readyz and /metrics are served
    #[arg(
        long,
        env = "TARSREGISTRY_HTTP",
        global = true,
        value_name = "ADDRESS",
        default_value = "0.0.0.0:9325"
    )]
    http: SocketAddr,

    /// What is made of a nodeName that is not the caller's address: refused (address), served with a warning (warn), or
    /// served (off). A registry endpoint at a loopback address trusts its callers
    #[arg(long, env = "TARSREGISTRY_NODE_IDENTITY", global = true, value_enum, default_value_t = NodeIdentity::Address)]
    node_identity: NodeIdentity,

    /// Networks whose callers may speak for any node, as `10.1.0.0/16`; repeat it or separate by commas
    #[arg(
        long,
        env = "TARSREGISTRY_TRUSTED_CIDR",
        global = true,
        value_name = "CIDR",
        value_delimiter = ','
    )]
    #[arg(value_parser = network)]
    trusted_cidr: Vec<IpNet>,

    /// Accept keepAlive and onPrestop for a whole node (without application and server), from the node itself
    #[arg(long, env = "TARSREGISTRY_ALLOW_NODE_WIDE", global = true)]
    allow_node_wide: bool,

    /// Keep the configuration files for a container's node when its server ends
    #[arg(long, env = "TARSREGISTRY_KEEP_NODE_CONFIGS", global = true)]
    keep_node_configs: bool,

    /// An instance counts as alive so long after its last beat
    #[arg(
        long,
        env = "TARSREGISTRY_LEASE",
        global = true,
        value_name = "SECONDS",
        default_value_t = 120
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=86_400))]
    lease: u32,

    /// Heartbeats that say nothing new are answered from memory and written together so often, at least four times a
    /// lease; 0: each is written before it is answered
    #[arg(
        long,
        env = "TARSREGISTRY_FLUSH_INTERVAL",
        global = true,
        value_name = "SECONDS",
        default_value_t = 5
    )]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=60))]
    flush_interval: u32,

    /// When more than this percentage of the instances, and at least ten, would expire at once, none does for one more
    /// lease; `off`: they always do
    #[arg(
        long,
        env = "TARSREGISTRY_PROTECTION",
        global = true,
        value_name = "PERCENT|off",
        default_value = "30"
    )]
    #[arg(value_parser = protection)]
    protection: Protection,

    /// When told to end, /readyz fails for so long while calls are still taken, so that nobody is sent here any more when
    /// the ports close [default: 5 in a container, 0 elsewhere]
    #[arg(long, env = "TARSREGISTRY_DRAIN_DELAY", global = true, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u32).range(0..=3600))]
    drain_delay: Option<u32>,

    /// How the log is written
    #[arg(long, env = "TARSREGISTRY_LOG_FORMAT", global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    /// What is logged: `info`, `debug`, `tarsregistry=debug,warn`
    #[arg(
        long,
        env = "TARSREGISTRY_LOG",
        global = true,
        value_name = "FILTER",
        default_value = "info"
    )]
    log: String,
}

/// A percentage, or none.
#[derive(Clone, Copy, Debug)]
struct Protection(Option<u8>);

fn protection(text: &str) -> Result<Protection, String> {
    match text.parse::<u8>() {
        _ if text == "off" => Ok(Protection(None)),
        Ok(percent @ 1..=100) => Ok(Protection(Some(percent))),
        _ => Err("expected a percentage from 1 to 100, or `off`".into()),
    }
}

/// A network; a bare address is the network of itself.
fn network(text: &str) -> Result<IpNet, NetworkError> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| NetworkError)
}

#[derive(Clone, Copy, Debug)]
struct NetworkError;

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a network as `10.1.0.0/16` or an address")
    }
}

impl std::error::Error for NetworkError {}

impl Command {
    /// Reads a command line (with the program's name in front) and the environment's variables.
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
        let parser = CommandLine::command().mut_args(|arg| {
            if is_empty(&arg) {
                arg.env(clap::builder::Resettable::Reset)
            } else {
                arg
            }
        });
        let CommandLine { command, flags } = CommandLine::from_arg_matches(&parser.try_get_matches_from(arguments)?)?;
        let config = Box::new(flags.into_config(environment)?);
        Ok(match command {
            None | Some(Subcommands::Serve) => Self::Serve(config),
            Some(Subcommands::Migrate) => Self::Migrate(config),
        })
    }
}

impl Flags {
    fn into_config(self, environment: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let sources = database::Sources {
            url: self.database_url.filter(|url| !url.is_empty()).map(Secret::from),
            url_from_file: self.database_url_file.as_deref().map(read_url).transpose()?,
        };
        if sources.url.is_some() && sources.url_from_file.is_some() {
            let text = "both --database-url and --database-url-file are set; set one of them";
            return Err(DatabaseSettingError(text).into());
        }
        for (flag, endpoint) in [
            ("--query-endpoint", &self.query_endpoint),
            ("--registry-endpoint", &self.registry_endpoint),
        ] {
            if is_same(endpoint, &self.admin_endpoint) {
                let endpoint = Box::new(endpoint.clone());
                return Err(ConfigError::OneEndpoint { flag, endpoint });
            }
        }
        let drain_here = if database::is_container(&environment) {
            CONTAINER_DRAIN
        } else {
            0
        };
        Ok(Config {
            database: database::choose(sources, environment)?,
            database_connections: self.database_connections,
            query_endpoint: self.query_endpoint,
            registry_endpoint: self.registry_endpoint,
            advertise: self.advertise,
            admin_endpoint: self.admin_endpoint,
            http: self.http,
            node_identity: self.node_identity,
            trusted: self.trusted_cidr,
            allow_node_wide: self.allow_node_wide,
            keep_node_configs: self.keep_node_configs,
            lease_seconds: self.lease,
            flush_seconds: self.flush_interval,
            protection: self.protection.0,
            drain_seconds: self.drain_delay.unwrap_or(drain_here),
            call_limit: CALL_LIMIT,
            log_format: self.log_format,
            log: self.log,
        })
    }
}

fn read_url(path: &Path) -> Result<Secret, ConfigError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|source| ConfigError::UrlFile {
        path: path.to_owned(),
        source,
    })?;
    Ok(text.trim().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Command, ConfigError> {
        let arguments = ["tarsregistry"].iter().chain(arguments).map(OsString::from);
        Command::read(arguments, |_| None)
    }

    fn config(arguments: &[&str]) -> Config {
        match read(arguments).unwrap() {
            Command::Serve(config) | Command::Migrate(config) => *config,
        }
    }

    #[test]
    fn defaults_are_the_documented_ones() {
        let config = config(&[]);
        assert_eq!(config.database, Database::Sqlite("tarsregistry.db".into()));
        assert_eq!(config.query_endpoint.port, 17890);
        assert_eq!(config.advertise, None);
        assert_eq!(config.registry_endpoint.port, 17892);
        assert_eq!(config.registry_endpoint.host, "0.0.0.0");
        assert_eq!(config.admin_endpoint.to_string(), "tcp -h 127.0.0.1 -p 17893");
        assert_eq!(config.http.to_string(), "0.0.0.0:9325");
        assert_eq!(config.node_identity, NodeIdentity::Address);
        assert!(!config.allow_node_wide);
        assert_eq!(config.lease_seconds, 120);
        assert_eq!(config.flush_seconds, 5);
        assert_eq!(config.protection, Some(30));
        assert_eq!(config.drain_seconds, 0);
        let arguments = ["tarsregistry", "--database-url", "sqlite:a"].map(OsString::from);
        let in_container = Command::read(arguments, |name| (name == "POD_IP").then(|| "10.0.0.1".into()));
        let Ok(Command::Serve(in_container)) = in_container else {
            panic!("{in_container:?}")
        };
        assert_eq!(in_container.drain_seconds, 5);
    }

    #[test]
    fn subcommands_take_the_flags_too() {
        assert!(matches!(
            read(&["serve", "--http", "127.0.0.1:1"]),
            Ok(Command::Serve(_))
        ));
        assert!(matches!(
            read(&["--http", "127.0.0.1:1", "serve"]),
            Ok(Command::Serve(_))
        ));
        assert!(matches!(
            read(&["migrate", "--database-url", "mysql://root@h/d"]),
            Ok(Command::Migrate(_))
        ));
        let config = config(&["--trusted-cidr", "10.1.0.0/16,fd00::/8", "--trusted-cidr", "10.0.0.7"]);
        assert_eq!(config.trusted.len(), 3);
    }

    #[test]
    fn every_flag_has_its_environment_twin() {
        for argument in CommandLine::command()
            .get_arguments()
            .filter(|argument| argument.get_long().is_some())
        {
            let long = argument.get_long().unwrap();
            if ["help", "version"].contains(&long) {
                continue;
            }
            let twin = format!("TARSREGISTRY_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(
                argument.get_env().and_then(|name| name.to_str()),
                Some(twin.as_str()),
                "--{long}"
            );
        }
    }

    #[test]
    fn a_mistake_names_the_setting_and_no_password() {
        let cases: [(&[&str], &str); 12] = [
            (&["--registry-endpoint", "tcp -p http"], "--registry-endpoint"),
            (&["--node-identity", "maybe"], "--node-identity"),
            (&["--trusted-cidr", "10.0.0.0/33"], "expected a network"),
            (&["--database-url", "postgres://u:hunter2@h/d"], "mysql://"),
            (&["--database-url-file", "/nowhere/url"], "/nowhere/url"),
            (&["--lease", "0"], "--lease"),
            (&["--flush-interval", "61"], "--flush-interval"),
            (&["--protection", "0"], "a percentage from 1 to 100, or `off`"),
            (
                &["--admin-endpoint", "tcp -p 17892"],
                "--registry-endpoint and --admin-endpoint",
            ),
            (
                &["--admin-endpoint", "tcp -h 127.0.0.1 -p 17890"],
                "--query-endpoint and --admin-endpoint",
            ),
            (&["--advertise", "0.0.0.0"], "--advertise"),
            (&["--advertise", "tcp -h a"], "--advertise"),
        ];
        for (arguments, expected) in cases {
            let text = read(arguments).unwrap_err().to_string();
            assert!(text.contains(expected) && !text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn a_url_file_is_read_and_excludes_the_flag() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("url");
        std::fs::write(&path, "mysql://root:hunter2@h/db_tars\n").unwrap();
        let path = path.to_str().unwrap();
        let config = config(&["--database-url-file", path]);
        assert_eq!(
            config.database,
            Database::MySql(MySqlAddress::Url("mysql://root:hunter2@h/db_tars".into()))
        );
        assert!(!format!("{config:?}").contains("hunter2"));
        let both = read(&["--database-url-file", path, "--database-url", "sqlite:a"]).unwrap_err();
        assert!(both.to_string().contains("set one of them"));
    }
}
