//! Lives of instances.

use serde::{Deserialize, Serialize};

/// One life of an instance: of its process, from its first registration to its end. Two processes may have one name, when
/// the next one starts while the last one ends, or when two share a node: the end of one is not that of the other.
///
/// It is the instance's own word, which it repeats with every call: whoever registers twice because an answer was lost is
/// still the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Life(u64);

impl Life {
    /// The word of a request: up to 16 hexadecimal digits. Anything else counts as none.
    pub(crate) fn from_request(word: Option<&str>) -> Option<Self> {
        u64::from_str_radix(word?, 16).ok().map(Self)
    }

    /// Whether these are certainly two. Of who names no life, as the clients of other registries, nothing is certain.
    pub(crate) fn differ(one: Option<Self>, other: Option<Self>) -> bool {
        one.zip(other).is_some_and(|(one, other)| one != other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_lives_differ() {
        let [one, other] = ["00000000000000ff", "fe"].map(|word| Life::from_request(Some(word)));
        assert!(Life::differ(one, other));
        assert!(!Life::differ(one, Life::from_request(Some("FF"))));
        for none in ["", "life", "10000000000000000"] {
            let none = Life::from_request(Some(none));
            assert!(none.is_none() && !Life::differ(one, none));
        }
        assert!(!Life::differ(None, other));
    }
}
