//! The call chain: which calls begin one, and what a caller may say about it.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use axum::http::HeaderMap;
use tars::trace::{Flags, Sampler, Trace};

use crate::access::Allowed;
use crate::config::{self, Networks};
use crate::object::ObjectName;

/// Which calls begin a call chain.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Sample {
    /// None.
    #[default]
    Off,
    /// One in that time for each function of each object.
    Interval(Duration),
    /// Each with that probability.
    Probability(f64),
}

/// At which points of a chain parameters are recorded: a sum of 1 (client sends), 2 (client receives), 4 (server
/// receives), 8 (server sends).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Points(u8);

/// Where the points go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sink {
    /// Nowhere: chains are begun and passed on only.
    #[default]
    Off,
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
    /// A log object, `tars.tarslog.LogObj`.
    Object(ObjectName),
}

/// Why a text is none of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub(crate) struct TraceSettingError {
    expected: &'static str,
    found: String,
}

impl FromStr for Sample {
    type Err = TraceSettingError;

    fn from_str(text: &str) -> Result<Self, TraceSettingError> {
        let sample = match text.split_once(':') {
            None if text == "off" => Some(Self::Off),
            Some(("interval", millis)) => millis
                .parse()
                .ok()
                .filter(|millis| (1..=86_400_000).contains(millis))
                .map(|millis| Self::Interval(Duration::from_millis(millis))),
            Some(("probability", share)) => share
                .parse()
                .ok()
                .filter(|share| (0.0..=1.0).contains(share))
                .map(Self::Probability),
            _ => None,
        };
        sample.ok_or_else(|| TraceSettingError {
            expected: "`off`, `interval:MILLISECONDS` or `probability:0.01`",
            found: text.to_owned(),
        })
    }
}

impl FromStr for Points {
    type Err = TraceSettingError;

    fn from_str(text: &str) -> Result<Self, TraceSettingError> {
        let is_digit = text.len() == 1;
        let digit = u8::from_str_radix(text, 16).ok().filter(|_| is_digit);
        digit.map(Self).ok_or_else(|| TraceSettingError {
            expected: "a hexadecimal digit, `0` to `f`",
            found: text.to_owned(),
        })
    }
}

impl FromStr for Sink {
    type Err = TraceSettingError;

    fn from_str(text: &str) -> Result<Self, TraceSettingError> {
        let sink = match text.split_once(':') {
            None if text == "off" => Some(Self::Off),
            None if text == "stdout" => Some(Self::Stdout),
            Some(("file", path)) if !path.is_empty() => Some(Self::File(path.into())),
            Some(("object", object)) => object.parse().ok().map(Self::Object),
            _ => None,
        };
        sink.ok_or_else(|| TraceSettingError {
            expected: "`off`, `stdout`, `file:PATH` or `object:tars.tarslog.LogObj`",
            found: text.to_owned(),
        })
    }
}

/// Decides which calls are part of a chain, and of which.
pub(crate) struct Tracing {
    sampler: Sampler,
    points: Points,
    max_len_kb: u32,
    trusted: Networks,
}

impl Tracing {
    pub(crate) fn new(config: &config::Trace) -> Self {
        Self {
            sampler: match config.sample {
                Sample::Off => Sampler::off(),
                Sample::Interval(interval) => Sampler::interval(interval),
                Sample::Probability(share) => Sampler::probability(share),
            },
            points: config.flags,
            max_len_kb: u32::try_from(config.max_len_kb.get()).unwrap_or(u32::MAX),
            trusted: config.trusted.clone(),
        }
    }

    /// The chain of a call that came from `peer`.
    ///
    /// A trusted peer's `traceparent` decides, and its `tracestate` may say which points carry parameters. Of anybody
    /// else only the ids are taken, and only when the sampler picks the call: nobody can make the gateway or a servant
    /// record more than the configuration says.
    pub(crate) fn open(&self, headers: &HeaderMap, peer: IpAddr, call: &Allowed) -> Option<Trace> {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let (parent, state) = (header("traceparent"), header("tracestate"));
        if self.trusted.contain(peer)
            && let Some(trace) = parent.and_then(|parent| self.continued(parent, state.unwrap_or_default()))
        {
            return Some(trace);
        }
        if !self.sampler.sample(&format!("{}:{}", call.object, call.function)) {
            return None;
        }
        let told = parent.and_then(|parent| Trace::from_traceparent(parent, None));
        let told = told.and_then(|told| self.continued(&format!("00-{}-{}-01", told.id(), told.span()), ""));
        Some(told.unwrap_or_else(|| Trace::root(Flags::from_bits(self.points.0), self.max_len_kb)))
    }

    /// The chain of a `traceparent`, with our points unless `state` has its own.
    fn continued(&self, parent: &str, state: &str) -> Option<Trace> {
        if state.split(',').any(|member| member.trim_start().starts_with("tars=")) {
            return Trace::from_traceparent(parent, Some(state));
        }
        let ours = format!("tars={:x}.{}", self.points.0, self.max_len_kb);
        let state = if state.is_empty() {
            ours
        } else {
            format!("{ours},{state}")
        };
        Trace::from_traceparent(parent, Some(&state))
    }
}

impl fmt::Debug for Tracing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracing")
            .field("points", &self.points)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;
    use crate::access::AccessList;
    use crate::config::Number;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";

    #[test]
    fn settings_are_texts() {
        assert_eq!("off".parse(), Ok(Sample::Off));
        assert_eq!("interval:100".parse(), Ok(Sample::Interval(Duration::from_millis(100))));
        assert_eq!("probability:0.5".parse(), Ok(Sample::Probability(0.5)));
        assert_eq!("f".parse(), Ok(Points(15)));
        assert_eq!("file:/var/log/t".parse(), Ok(Sink::File("/var/log/t".into())));
        let object = "tars.tarslog.LogObj".parse().unwrap();
        assert_eq!("object:tars.tarslog.LogObj".parse(), Ok(Sink::Object(object)));
        for wrong in [
            "",
            "on",
            "interval",
            "interval:0",
            "interval:x",
            "probability:2",
            "probability:NaN",
        ] {
            assert!(wrong.parse::<Sample>().is_err(), "{wrong}");
        }
        for wrong in ["", "g", "1f", "-", "+1"] {
            assert!(wrong.parse::<Points>().is_err(), "{wrong}");
        }
        for wrong in ["", "file:", "object:x", "stderr"] {
            assert!(wrong.parse::<Sink>().is_err(), "{wrong}");
        }
    }

    fn open(sample: &str, peer: &str, headers: &[(&'static str, &str)]) -> Option<Trace> {
        let tracing = Tracing::new(&config::Trace {
            sample: sample.parse().unwrap(),
            flags: "4".parse().unwrap(),
            max_len_kb: Number::new(3),
            sink: Sink::Off,
            trusted: Networks(vec!["10.0.0.0/8".parse().unwrap()]),
        });
        let rules = AccessList {
            allow: vec!["A.*".parse().unwrap()],
            deny: Vec::new(),
        };
        let call = rules.check("A.B.C".parse().unwrap(), "f".parse().unwrap()).unwrap();
        let headers = headers.iter().map(|&(name, value)| {
            let value = value.parse::<HeaderValue>().unwrap();
            (HeaderName::from_static(name), value)
        });
        tracing.open(&headers.collect(), peer.parse().unwrap(), &call)
    }

    const ALWAYS: &str = "probability:1";
    const STRANGER: &str = "192.0.2.1";
    const FRIEND: &str = "10.0.0.1";

    fn parent(flags: &str) -> (&'static str, String) {
        ("traceparent", format!("00-{ID}-b7ad6b7169203331-{flags}"))
    }

    #[test]
    fn the_sampler_begins_chains() {
        assert!(open("off", STRANGER, &[]).is_none());
        let trace = open(ALWAYS, STRANGER, &[]).unwrap();
        assert_eq!(
            (trace.flags().bits(), trace.max_len_kb(), trace.is_sampled()),
            (4, 3, true)
        );
    }

    #[test]
    fn a_stranger_can_name_a_chain_and_no_more() {
        let (name, value) = parent("01");
        let headers = [(name, value.as_str()), ("tracestate", "tars=f.10240,x=y")];
        assert!(open("off", STRANGER, &headers).is_none(), "it cannot begin one");
        for flags in ["01", "00"] {
            let (name, value) = parent(flags);
            let trace = open(ALWAYS, STRANGER, &[(name, &value), ("tracestate", "tars=f.10240,x=y")]).unwrap();
            assert_eq!((trace.id(), trace.flags().bits(), trace.max_len_kb()), (ID, 4, 3));
            assert!(trace.is_sampled(), "nor hide one");
        }
        let trace = open(ALWAYS, STRANGER, &[("traceparent", "00-x-y-01")]).unwrap();
        assert_eq!(trace.id().len(), 32);
    }

    #[test]
    fn a_trusted_peer_decides() {
        let (name, value) = parent("01");
        let trace = open("off", FRIEND, &[(name, &value)]).unwrap();
        assert_eq!((trace.id(), trace.flags().bits(), trace.is_sampled()), (ID, 4, true));
        let trace = open("off", FRIEND, &[(name, &value), ("tracestate", "x=y, tars=f.9")]).unwrap();
        assert_eq!((trace.flags().bits(), trace.max_len_kb()), (15, 9));
        let (name, value) = parent("00");
        let trace = open(ALWAYS, FRIEND, &[(name, &value)]).unwrap();
        assert!(!trace.is_sampled(), "passed on, not recorded");
        assert!(open("off", FRIEND, &[("traceparent", "nonsense")]).is_none());
    }
}
