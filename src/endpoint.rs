//! Where a servant is: endpoint strings (`tcp -h 10.0.0.1 -p 18015 -t 60000`) and object strings
//! (`App.Server.Obj@tcp -h 10.0.0.1 -p 18015:tcp -h 10.0.0.2 -p 18015`).

mod parse;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The transport of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// One packet per datagram.
    Udp,
    /// A stream of packets.
    Tcp,
    /// A stream of packets over TLS.
    Ssl,
}

impl Protocol {
    /// The word that begins an endpoint string.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Ssl => "ssl",
        }
    }

    /// The number that stands for it in `EndpointF.istcp`: 0 udp, 1 tcp, 2 ssl.
    #[must_use]
    pub const fn to_istcp(self) -> i32 {
        match self {
            Self::Udp => 0,
            Self::Tcp => 1,
            Self::Ssl => 2,
        }
    }

    /// The protocol that `EndpointF.istcp` means; `None` for a number nobody sends.
    #[must_use]
    pub const fn from_istcp(istcp: i32) -> Option<Self> {
        match istcp {
            0 => Some(Self::Udp),
            1 => Some(Self::Tcp),
            2 => Some(Self::Ssl),
            _ => None,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One place to call or to listen at.
///
/// The string form is `tcp|udp|ssl -h HOST -p PORT` and options. What is printed can be parsed again.
///
/// ```
/// use tars::Endpoint;
///
/// let endpoint: Endpoint = "tcp -h 10.0.0.1 -p 18015 -t 60000".parse()?;
/// assert_eq!((endpoint.host.as_str(), endpoint.port), ("10.0.0.1", 18015));
/// assert_eq!(endpoint.to_string(), "tcp -h 10.0.0.1 -p 18015 -t 60000");
///
/// let error = "tcp -h 10.0.0.1 -p http".parse::<Endpoint>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`tcp -h 10.0.0.1 -p http`, column 20: option `-p` needs a number from 0 to 65535, found `http`"
/// );
/// # Ok::<(), tars::ParseEndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Endpoint {
    /// The transport.
    pub protocol: Protocol,
    /// `-h`: host name or address, an IPv6 address without brackets. `*` is read as `0.0.0.0`.
    pub host: String,
    /// `-p`: port, 0 when not given. A server asked to listen at port 0 gets a free one.
    pub port: u16,
    /// `-t`: milliseconds after which a server closes an idle connection. `None` when not given: see
    /// [`timeout`](Self::timeout).
    pub timeout_ms: Option<u32>,
    /// `-g`: grid (gray release) flag.
    pub grid: i32,
    /// `-q`: quality of service.
    pub qos: i32,
    /// `-w`: static weight, at most 100; -1 when not given, 100 when not given but `-v` asks for weights.
    pub weight: i32,
    /// `-v`: 0 for round robin, 1 for static weight.
    pub weight_type: i32,
    /// `-e`: 0 for no authentication, 1 for access key and secret key.
    pub auth: i32,
    /// `-b`: the address to listen at when it differs from the host that clients are told.
    pub bind: Option<String>,
    /// `-s`: the set the endpoint belongs to, as `name.area.group`.
    pub set: Option<String>,
}

impl Endpoint {
    /// What `-t` means when it is not given: 3 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3);

    /// An endpoint of `protocol` with every option at its default.
    pub fn new(protocol: Protocol, host: impl Into<String>, port: u16) -> Self {
        Self {
            protocol,
            host: host.into(),
            port,
            timeout_ms: None,
            grid: 0,
            qos: 0,
            weight: -1,
            weight_type: 0,
            auth: 0,
            bind: None,
            set: None,
        }
    }

    /// A TCP endpoint with every option at its default.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::new(Protocol::Tcp, host, port)
    }

    /// The value of `-t`, or [`DEFAULT_TIMEOUT`](Self::DEFAULT_TIMEOUT).
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout_ms
            .map_or(Self::DEFAULT_TIMEOUT, |millis| Duration::from_millis(millis.into()))
    }

    /// Host and port as people write them, `10.0.0.1:18015` or `[::1]:18015`.
    #[must_use]
    pub fn address(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Endpoint {
    /// Options in TarsCpp's order; `-t` and `-w` only when they say something, `-g`, `-q`, `-v`, `-e` when not 0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -h {} -p {}", self.protocol, self.host, self.port)?;
        if let Some(timeout) = self.timeout_ms {
            write!(f, " -t {timeout}")?;
        }
        for (option, value) in [("-g", self.grid), ("-q", self.qos)] {
            if value != 0 {
                write!(f, " {option} {value}")?;
            }
        }
        if self.weight >= 0 {
            write!(f, " -w {}", self.weight)?;
        }
        for (option, value) in [("-v", self.weight_type), ("-e", self.auth)] {
            if value != 0 {
                write!(f, " {option} {value}")?;
            }
        }
        for (option, value) in [("-b", &self.bind), ("-s", &self.set)] {
            if let Some(value) = value {
                write!(f, " {option} {value}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Endpoint {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, ParseEndpointError> {
        parse::endpoint(text)
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = ParseEndpointError;

    fn try_from(text: &str) -> Result<Self, ParseEndpointError> {
        text.parse()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = ParseEndpointError;

    fn try_from(text: String) -> Result<Self, ParseEndpointError> {
        text.parse()
    }
}

impl TryFrom<&String> for Endpoint {
    type Error = ParseEndpointError;

    fn try_from(text: &String) -> Result<Self, ParseEndpointError> {
        text.parse()
    }
}

/// What a client calls: an object's name and, when they are listed, the endpoints that serve it.
///
/// ```
/// use tars::ObjectAddress;
///
/// let object: ObjectAddress = "App.Server.Obj@tcp -h 10.0.0.1 -p 18015:tcp -h ::1 -p 18015".parse()?;
/// assert_eq!(object.name, "App.Server.Obj");
/// assert_eq!(object.endpoints.len(), 2);
/// assert_eq!(object.endpoints[1].host, "::1");
/// # Ok::<(), tars::ParseEndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ObjectAddress {
    /// `App.Server.Obj`, what travels as `sServantName`.
    pub name: String,
    /// What follows `#`: calls through proxies of different marks use different connections.
    pub mark: Option<String>,
    /// The endpoints after `@`; empty when the object is to be looked up.
    pub endpoints: Vec<Endpoint>,
}

impl fmt::Display for ObjectAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(mark) = &self.mark {
            write!(f, "#{mark}")?;
        }
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            write!(f, "{}{endpoint}", if index == 0 { '@' } else { ':' })?;
        }
        Ok(())
    }
}

impl FromStr for ObjectAddress {
    type Err = ParseEndpointError;

    fn from_str(text: &str) -> Result<Self, ParseEndpointError> {
        parse::object(text)
    }
}

/// Why a string is no endpoint or no object address: the whole string, the column and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`, column {column}: {message}")]
pub struct ParseEndpointError {
    text: String,
    column: usize,
    message: String,
}

impl ParseEndpointError {
    /// The column the error points at, counted in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}
