//! How a process ended.

use std::{fmt, os::unix::process::ExitStatusExt as _, process::ExitStatus};

use serde::{Deserialize, Serialize};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Exit {
    /// By itself, with this code.
    Code(u8),
    /// By a signal.
    Signal {
        /// Its number.
        number: u8,
        /// Whether it left a core.
        core: bool,
    },
}

impl Exit {
    /// What `wait` said. `None` when the process only stopped, or went on.
    pub(super) fn from_raw(status: i32) -> Option<Self> {
        let status = ExitStatus::from_raw(status);
        let number = |number: i32| u8::try_from(number).ok();
        match (status.code(), status.signal()) {
            (Some(code), _) => Some(Self::Code(number(code)?)),
            (None, Some(signal)) => Some(Self::Signal {
                number: number(signal)?,
                core: status.core_dumped(),
            }),
            (None, None) => None,
        }
    }

    /// The code a shell gives it: 128 and the signal's number. What this process ends with in its place.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal { number, .. } => number.saturating_add(128),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal { number, core: false } => write!(f, "signal {number}"),
            Self::Signal { number, core: true } => write!(f, "signal {number}, core dumped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wait_says() {
        let signal = |number, core| Exit::Signal { number, core };
        let cases = [
            (0x0000, Some(Exit::Code(0)), 0, "exit code 0"),
            (0x0700, Some(Exit::Code(7)), 7, "exit code 7"),
            (0xff00, Some(Exit::Code(255)), 255, "exit code 255"),
            (0x000f, Some(signal(15, false)), 143, "signal 15"),
            (0x0009, Some(signal(9, false)), 137, "signal 9"),
            (0x008b, Some(signal(11, true)), 139, "signal 11, core dumped"),
        ];
        for (status, exit, code, text) in cases {
            assert_eq!(Exit::from_raw(status), exit, "{status:#x}");
            assert_eq!(exit.map(Exit::code), Some(code));
            assert_eq!(exit.map(|exit| exit.to_string()).as_deref(), Some(text));
        }
        for stopped_or_continued in [0x137f, 0xffff] {
            assert_eq!(Exit::from_raw(stopped_or_continued), None);
        }
    }
}
