//! The call chain: which calls begin one, and what a caller may say about it.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::object::{FunctionName, ObjectName};

/// Functions whose last sample is remembered; the rest share one.
const REMEMBERED: usize = 4096;

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

/// Which points of a chain carry parameters: a sum of 1 (client sends), 2 (client receives), 4 (server receives),
/// 8 (server sends).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(pub(crate) u8);

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

impl FromStr for Flags {
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

/// Decides which calls begin a chain.
pub(crate) struct Sampler {
    sample: Sample,
    last: Mutex<HashMap<Option<(ObjectName, FunctionName)>, Instant>>,
}

impl Sampler {
    pub(crate) fn new(sample: Sample) -> Self {
        Self {
            sample,
            last: Mutex::default(),
        }
    }

    /// Whether this call of `function` begins a chain.
    pub(crate) fn picks(&self, object: &ObjectName, function: &FunctionName) -> bool {
        match self.sample {
            Sample::Off => false,
            Sample::Probability(share) => rand::random::<f64>() < share,
            Sample::Interval(interval) => self.is_due(interval, Some((object.clone(), function.clone()))),
        }
    }

    fn is_due(&self, interval: Duration, key: Option<(ObjectName, FunctionName)>) -> bool {
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let key = if last.len() < REMEMBERED || last.contains_key(&key) { key } else { None };
        let is_due = last.get(&key).is_none_or(|&at| now.duration_since(at) >= interval);
        if is_due {
            last.insert(key, now);
        }
        is_due
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampler").field("sample", &self.sample).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_texts() {
        assert_eq!("off".parse(), Ok(Sample::Off));
        assert_eq!("interval:100".parse(), Ok(Sample::Interval(Duration::from_millis(100))));
        assert_eq!("probability:0.5".parse(), Ok(Sample::Probability(0.5)));
        assert_eq!("f".parse(), Ok(Flags(15)));
        assert_eq!("file:/var/log/t".parse(), Ok(Sink::File("/var/log/t".into())));
        assert_eq!("object:tars.tarslog.LogObj".parse(), Ok(Sink::Object("tars.tarslog.LogObj".parse().unwrap())));
        for wrong in ["", "on", "interval", "interval:0", "interval:x", "probability:2", "probability:NaN"] {
            assert!(wrong.parse::<Sample>().is_err(), "{wrong}");
        }
        for wrong in ["", "g", "1f", "-", "+1"] {
            assert!(wrong.parse::<Flags>().is_err(), "{wrong}");
        }
        for wrong in ["", "file:", "object:x", "stderr"] {
            assert!(wrong.parse::<Sink>().is_err(), "{wrong}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_interval_picks_one_call_of_each_function() {
        let sampler = Sampler::new(Sample::Interval(Duration::from_millis(100)));
        let (object, f, g) = ("A.B.C".parse().unwrap(), "f".parse().unwrap(), "g".parse().unwrap());
        assert!(sampler.picks(&object, &f) && sampler.picks(&object, &g));
        assert!(!sampler.picks(&object, &f));
        tokio::time::advance(Duration::from_millis(99)).await;
        assert!(!sampler.picks(&object, &f));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(sampler.picks(&object, &f) && !sampler.picks(&object, &f));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let sampler = Sampler::new(Sample::Interval(Duration::from_secs(1)));
        let f = "f".parse().unwrap();
        let picked = (0..2 * REMEMBERED).filter(|i| sampler.picks(&format!("A.B.C{i}").parse().unwrap(), &f)).count();
        assert_eq!(picked, REMEMBERED + 1);
        assert!(sampler.last.lock().unwrap().len() <= REMEMBERED + 1);
    }

    #[test]
    fn probabilities_are_kept_at_their_ends() {
        let (object, f) = ("A.B.C".parse().unwrap(), "f".parse().unwrap());
        for (share, expected) in [(0.0, false), (1.0, true)] {
            let sampler = Sampler::new(Sample::Probability(share));
            assert!((0..1000).all(|_| sampler.picks(&object, &f) == expected));
        }
    }
}
