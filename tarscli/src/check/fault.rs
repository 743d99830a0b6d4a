//! Why a server may get no calls, for people.

use std::fmt;

/// Faults that are told one by one; more are counted.
const TOLD: usize = 4;

/// What was found wrong, at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    reasons: Vec<String>,
}

impl Fault {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self {
            reasons: vec![reason.into()],
        }
    }

    /// What is wrong with one of many, if anything is.
    pub(super) fn of(reasons: impl IntoIterator<Item = Option<String>>) -> Result<(), Self> {
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(Self { reasons })
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.reasons.len().min(TOLD);
        f.write_str(&self.reasons[..told].join("; "))?;
        match self.reasons.len() - told {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_faults_are_a_short_text() {
        assert_eq!(Fault::of([None, None]), Ok(()));
        let fault = |count: usize| {
            let reasons = (1..=count).map(|number| Some(format!("no {number}")));
            Fault::of(reasons).unwrap_err().to_string()
        };
        assert_eq!(fault(1), "no 1");
        assert_eq!(fault(4), "no 1; no 2; no 3; no 4");
        assert_eq!(fault(7), "no 1; no 2; no 3; no 4; and 3 more");
    }
}
