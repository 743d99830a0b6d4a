//! Which set a process belongs to.

use std::fmt;

use crate::{Error, Result, code};

/// A set division, `name.area.group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetDivision(String);

impl SetDivision {
    /// Reads a division. Only its group may be `*`, as TarsCpp has it.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |reason: &str| {
            let text = format!("set division `{text}` {reason}, expected `name.area.group`");
            Err(Error::new(code::ADAPTER_NULL, text))
        };
        let parts: Vec<&str> = text.splitn(4, '.').collect();
        let &[name, area, group] = parts.as_slice() else {
            return wrong("has not three parts");
        };
        if [name, area, group].iter().any(|part| part.is_empty()) {
            return wrong("has an empty part");
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return wrong("contains white space");
        }
        if name == "*" || area == "*" {
            return wrong("has `*` elsewhere than as its group");
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SetDivision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_of_which_the_last_may_be_any() {
        for good in ["gray.sz.1", "gray.sz.*"] {
            assert_eq!(SetDivision::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "gray",
            "gray.sz",
            "gray.sz.1.2",
            "gray..1",
            "*.sz.1",
            "gray.*.1",
            "gr ay.sz.1",
        ] {
            let error = SetDivision::parse(bad).unwrap_err();
            assert!(
                error.message().starts_with(&format!("set division `{bad}` ")),
                "{error}"
            );
        }
    }
}
