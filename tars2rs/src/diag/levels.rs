//! Which findings are silent, warnings or errors. Only warnings have a choice: a mistake is a mistake.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Code, Kind, suggest};

/// What becomes of a finding that is no mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Not a word.
    Allow,
    Warn,
    /// An error: nothing is generated.
    Deny,
}

/// What a level is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Selection {
    Code(Code),
    /// Every code that is about other languages.
    Portability,
    /// Whatever is a warning.
    Warnings,
    /// Every code that is no error.
    All,
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Self::All),
            "warnings" => return Ok(Self::Warnings),
            "portability" => return Ok(Self::Portability),
            _ => {}
        }
        Code::named(text).map(Self::Code).ok_or_else(|| {
            let known = Code::ALL.iter().map(|code| code.text());
            let help = suggest::nearest(&text.to_uppercase(), known).map_or_else(
                || "a code such as T0901, `portability`, `warnings` or `all`".to_owned(),
                suggest::phrase,
            );
            format!("there is no code `{text}`; {help}")
        })
    }
}

/// Levels by what they are set for. The narrower selection wins: a code over `portability`, that over the rest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Levels {
    set: BTreeMap<Selection, Level>,
    /// Says nothing about other languages unless asked: the Rust is all that matters.
    rust_only: bool,
}

impl Levels {
    /// What build scripts begin with.
    pub(crate) fn of_builds() -> Self {
        Self {
            set: BTreeMap::new(),
            rust_only: true,
        }
    }

    /// Sets a level. A mistake cannot be less than an error.
    pub(crate) fn set(&mut self, selection: Selection, level: Level) -> Result<(), String> {
        match selection {
            Selection::Code(code) if code.kind() == Kind::Error && level != Level::Deny => {
                Err(format!("{} is an error and stays one", code.text()))
            }
            _ => {
                self.set.insert(selection, level);
                Ok(())
            }
        }
    }

    /// The level of a code.
    pub(crate) fn of(&self, code: Code) -> Level {
        if code.kind() == Kind::Error {
            return Level::Deny;
        }
        let get = |selection| self.set.get(&selection).copied();
        if let Some(level) = get(Selection::Code(code)) {
            return level;
        }
        let portability = code.kind() == Kind::Portability;
        let unset = if portability && self.rust_only {
            Level::Allow
        } else {
            Level::Warn
        };
        let group = get(Selection::Portability).filter(|_| portability);
        let level = group.or_else(|| get(Selection::All)).unwrap_or(unset);
        match level {
            Level::Warn => get(Selection::Warnings).unwrap_or(Level::Warn),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(from: Levels, set: &[(&str, Level)]) -> [Level; 3] {
        let mut levels = from;
        for (text, level) in set {
            levels.set(text.parse().expect("known"), *level).expect("possible");
        }
        [Code::Renamed, Code::ForwardReference, Code::RouteKey].map(|code| levels.of(code))
    }

    #[test]
    fn the_narrower_selection_wins() {
        use Level::{Allow, Deny, Warn};
        let (check, build) = (Levels::default, Levels::of_builds);
        assert_eq!(levels(check(), &[]), [Warn, Warn, Warn]);
        assert_eq!(levels(build(), &[]), [Warn, Allow, Allow]);
        assert_eq!(levels(check(), &[("warnings", Deny)]), [Deny, Deny, Deny]);
        assert_eq!(levels(build(), &[("warnings", Deny)]), [Deny, Allow, Allow]);
        assert_eq!(levels(build(), &[("all", Deny), ("T1003", Allow)]), [Deny, Deny, Allow]);
        assert_eq!(
            levels(build(), &[("portability", Warn), ("T1003", Deny)]),
            [Warn, Warn, Deny]
        );
        assert_eq!(levels(check(), &[("portability", Allow)]), [Warn, Allow, Allow]);
        assert_eq!(
            levels(check(), &[("warnings", Allow), ("T0901", Deny)]),
            [Deny, Allow, Allow]
        );
        assert_eq!(
            levels(check(), &[("all", Allow), ("portability", Warn)]),
            [Allow, Warn, Warn]
        );
    }

    #[test]
    fn mistakes_have_no_choice() {
        let mut levels = Levels::default();
        assert!(levels.set(Selection::Code(Code::DuplicateTag), Level::Allow).is_err());
        assert!(levels.set(Selection::All, Level::Allow).is_ok());
        assert_eq!(levels.of(Code::DuplicateTag), Level::Deny);
    }

    #[test]
    fn selections_are_read() {
        assert_eq!("T0203".parse(), Ok(Selection::Code(Code::DuplicateTag)));
        let wrong = "t020".parse::<Selection>();
        assert!(wrong.is_err_and(|text| text.starts_with("there is no code `t020`; did you mean `T020")));
    }
}
