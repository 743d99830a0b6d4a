//! Settings: what the file, the command line and the environment say, and what it means.

mod file;
mod flags;
mod value;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;
use serde::Deserialize;

use crate::access::{AccessList, Pattern};
use crate::context::{ContextRules, ForwardedHeader, KeyPattern};
use crate::object::ObjectName;
use crate::trace::{Points, Sample, Sink};

pub use file::FileError;
pub use flags::{Command, ConfigError};
pub(crate) use value::{Locator, Networks, Number};

/// A time limit in milliseconds, up to an hour.
pub(crate) type Limit = Number<1, 3_600_000>;

/// What a Tars frame holds at most, and so a body.
const MAX_BODY: u64 = 10 * 1024 * 1024 - 64 * 1024;

/// The settings of a gateway, complete and checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where calls come in.
    #[serde(with = "value::text")]
    pub(crate) listen: SocketAddr,
    /// Where health and metrics are told.
    #[serde(with = "value::text")]
    pub(crate) admin: SocketAddr,
    /// Peers whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Networks,
    /// Whether the text of a failed call reaches the caller.
    pub(crate) expose_error_text: bool,
    /// Where servants are found.
    pub(crate) upstream: Upstream,
    /// Objects whose place is known.
    #[serde(deserialize_with = "file::routes")]
    pub(crate) routes: BTreeMap<ObjectName, Locator>,
    /// What may be called.
    pub(crate) access: Access,
    /// Who may call.
    pub(crate) auth: Auth,
    /// What is passed on of a request.
    pub(crate) context: Context,
    /// Bounds.
    pub(crate) limits: Limits,
    /// How often may be called.
    pub(crate) rate_limit: RateLimits,
    /// The call chain.
    pub(crate) trace: Trace,
    /// How the gateway ends.
    pub(crate) drain: Drain,
    /// The log.
    pub(crate) log: Log,
}

/// Where servants are found, and how long calls take.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Upstream {
    /// The registry's query object.
    #[serde(with = "value::maybe")]
    pub(crate) locator: Option<Locator>,
    /// How long a call may take when its caller does not say, in milliseconds.
    pub(crate) timeout_ms: Limit,
    /// How long a caller may ask for, in milliseconds.
    pub(crate) max_timeout_ms: Limit,
    /// How long connecting to a servant may take, in milliseconds.
    pub(crate) connect_timeout_ms: Limit,
    /// Objects kept ready to be called.
    pub(crate) max_objects: Number<1, 100_000>,
}

/// What may be called: nothing, unless it is allowed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Access {
    /// Allowed.
    #[serde(with = "value::list")]
    pub(crate) allow: Vec<Pattern>,
    /// Denied, although allowed.
    #[serde(with = "value::list")]
    pub(crate) deny: Vec<Pattern>,
}

/// Who may call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// The file of bearer tokens; without it everybody may.
    pub(crate) token_file: Option<PathBuf>,
}

/// What is passed on of a request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Context {
    /// Context keys that callers may set.
    #[serde(with = "value::list")]
    pub(crate) client_keys: Vec<KeyPattern>,
    /// Headers that become context.
    #[serde(with = "value::list")]
    pub(crate) headers: Vec<ForwardedHeader>,
}

/// Bounds on what strangers can make the gateway hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// Bytes of a body.
    pub(crate) body_bytes: Number<1, MAX_BODY>,
    /// Bytes of a request's head. Not less than 8 KiB, since the HTTP library reads so much at once.
    pub(crate) header_bytes: Number<8192, 1_048_576>,
    /// Bytes of all requests that wait for a servant.
    pub(crate) buffered_bytes: Number<1, 0x10_0000_0000>,
    /// Bytes of all answers that nobody has taken yet.
    pub(crate) answer_bytes: Number<1, 0x10_0000_0000>,
    /// Calls under way.
    pub(crate) concurrent_calls: Number<1, 1_000_000>,
    /// Calls of one object under way; a quarter of all when it is not said.
    pub(crate) concurrent_calls_per_object: Option<Number<1, 1_000_000>>,
    /// Connections.
    pub(crate) connections: Number<1, 1_000_000>,
    /// Requests under way on one HTTP/2 connection.
    pub(crate) streams_per_connection: Number<1, 10_000>,
    /// Time for a request's head, in milliseconds.
    pub(crate) header_timeout_ms: Limit,
    /// Time for a request's body, in milliseconds.
    pub(crate) body_timeout_ms: Limit,
    /// Time without a request after which a connection is closed, in milliseconds.
    pub(crate) idle_timeout_ms: Limit,
    /// Time in which a caller takes its answer, in milliseconds.
    pub(crate) answer_timeout_ms: Limit,
}

/// How often may be called.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RateLimits {
    /// By each client address (IPv6: each network of 64 bits).
    pub(crate) client: Option<Rate>,
    /// On each object.
    pub(crate) object: Option<Rate>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// Calls a second in the long run.
    pub(crate) per_second: Number<1, 1_000_000>,
    /// Calls at once.
    pub(crate) burst: Number<1, 1_000_000>,
}

/// The call chain.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trace {
    /// Which calls begin one.
    #[serde(with = "value::text")]
    pub(crate) sample: Sample,
    /// Which points carry parameters.
    #[serde(with = "value::text")]
    pub(crate) flags: Points,
    /// KiB of parameters a point carries at most.
    pub(crate) max_len_kb: Number<0, 10_240>,
    /// Where the points go.
    #[serde(with = "value::text")]
    pub(crate) sink: Sink,
    /// Peers whose `traceparent` decides.
    pub(crate) trusted: Networks,
}

/// How the gateway ends.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Drain {
    /// How long it says that it is not ready before it takes no more connections, in milliseconds.
    pub(crate) delay_ms: Number<0, 3_600_000>,
    /// How long requests under way may take then, in milliseconds.
    pub(crate) grace_ms: Number<0, 3_600_000>,
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// How it is written.
    pub(crate) format: LogFormat,
    /// What is logged, in the syntax of tracing's `EnvFilter`.
    pub(crate) filter: String,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: ([0, 0, 0, 0], 8200).into(),
            admin: ([127, 0, 0, 1], 8201).into(),
            trusted_proxies: Networks::default(),
            expose_error_text: false,
            upstream: Upstream::default(),
            routes: BTreeMap::new(),
            access: Access::default(),
            auth: Auth::default(),
            context: Context::default(),
            limits: Limits::default(),
            rate_limit: RateLimits::default(),
            trace: Trace::default(),
            drain: Drain::default(),
            log: Log::default(),
        }
    }
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            locator: None,
            timeout_ms: Number::new(3000),
            max_timeout_ms: Number::new(60_000),
            connect_timeout_ms: Number::new(1500),
            max_objects: Number::new(1024),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: Number::new(1024 * 1024),
            header_bytes: Number::new(16 * 1024),
            buffered_bytes: Number::new(128 * 1024 * 1024),
            answer_bytes: Number::new(128 * 1024 * 1024),
            concurrent_calls: Number::new(1024),
            concurrent_calls_per_object: None,
            connections: Number::new(4096),
            streams_per_connection: Number::new(64),
            header_timeout_ms: Number::new(10_000),
            body_timeout_ms: Number::new(15_000),
            idle_timeout_ms: Number::new(75_000),
            answer_timeout_ms: Number::new(30_000),
        }
    }
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            sample: Sample::Off,
            flags: Points::default(),
            max_len_kb: Number::new(1),
            sink: Sink::Off,
            trusted: Networks::default(),
        }
    }
}

impl Default for Drain {
    fn default() -> Self {
        Self {
            delay_ms: Number::new(5000),
            grace_ms: Number::new(30_000),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".to_owned(),
        }
    }
}

impl Limits {
    /// Calls of one object under way at most.
    pub(crate) fn calls_per_object(&self) -> usize {
        match self.concurrent_calls_per_object {
            Some(calls) => calls.size(),
            None => self.concurrent_calls.size().div_ceil(4),
        }
    }
}

impl Config {
    /// How the log is written.
    #[must_use]
    pub fn log_format(&self) -> LogFormat {
        self.log.format
    }

    /// What is logged, in the syntax of tracing's `EnvFilter`.
    #[must_use]
    pub fn log_filter(&self) -> &str {
        &self.log.filter
    }

    /// The rules on calls.
    pub(crate) fn access_list(&self) -> AccessList {
        AccessList {
            allow: self.access.allow.clone(),
            deny: self.access.deny.clone(),
        }
    }

    /// The rules on contexts.
    pub(crate) fn context_rules(&self) -> ContextRules {
        ContextRules {
            client_keys: self.context.client_keys.clone(),
            headers: self.context.headers.clone(),
        }
    }

    /// What no single value can know.
    fn check(&self) -> Result<(), String> {
        if self.upstream.timeout_ms.get() > self.upstream.max_timeout_ms.get() {
            let Upstream {
                timeout_ms,
                max_timeout_ms,
                ..
            } = self.upstream;
            return Err(format!(
                "upstream.timeout_ms is {}, more than upstream.max_timeout_ms, {}",
                timeout_ms.get(),
                max_timeout_ms.get()
            ));
        }
        if self.limits.buffered_bytes.get() < self.limits.body_bytes.get() {
            return Err(format!(
                "limits.buffered_bytes is {}, less than the one body that limits.body_bytes allows, {}",
                self.limits.buffered_bytes.get(),
                self.limits.body_bytes.get()
            ));
        }
        if self.upstream.locator.is_none() && self.routes.is_empty() {
            let text = "no servant can be found: set --locator (upstream.locator) to the registry's query object, or --route \
                        (a table [routes]) for each object";
            return Err(text.to_owned());
        }
        if self.upstream.locator.is_none() && matches!(self.trace.sink, Sink::Object(_)) {
            return Err("trace.sink is an object, and there is no upstream.locator to find it".to_owned());
        }
        if self.listen.port() != 0 && self.listen == self.admin {
            return Err(format!(
                "listen and admin are both {}: metrics are not for callers",
                self.listen
            ));
        }
        Ok(())
    }
}
