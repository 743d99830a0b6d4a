//! Who may be called: nobody, unless a rule allows it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::object::{FunctionName, ObjectName, is_part};

/// A rule: an object (`App.Server.Obj`), the objects of a server (`App.Server.*`) or of an application (`App.*`), and
/// perhaps one function of them (`:function`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Arc<str>,
    objects: Objects,
    function: Option<FunctionName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Objects {
    One(ObjectName),
    /// Those whose names begin so; the last character is a dot.
    Beginning(String),
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no object pattern: write `App.Server.Obj`, `App.Server.*` or `App.*`, and `:function` after it for one function"
)]
pub struct PatternError(String);

impl Pattern {
    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the rule speaks of exactly this name. An allowed name is matched to the letter.
    fn allows(&self, object: &ObjectName, function: &FunctionName) -> bool {
        let is_object = match &self.objects {
            Objects::One(name) => name == object,
            Objects::Beginning(beginning) => object.as_str().starts_with(beginning),
        };
        is_object && self.function.as_ref().is_none_or(|name| name == function)
    }

    /// Whether the rule speaks of this name in any case: a registry may compare names without case, so a name that is
    /// denied is denied however it is written.
    fn denies(&self, object: &ObjectName, function: &FunctionName) -> bool {
        let is_object = match &self.objects {
            Objects::One(name) => name.as_str().eq_ignore_ascii_case(object.as_str()),
            Objects::Beginning(beginning) => {
                let start = object.as_str().as_bytes().get(..beginning.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(beginning.as_bytes()))
            }
        };
        let is_function = |name: &FunctionName| name.as_str().eq_ignore_ascii_case(function.as_str());
        is_object && self.function.as_ref().is_none_or(is_function)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let wrong = || PatternError(text.to_owned());
        let (objects, function) = match text.split_once(':') {
            Some((objects, function)) => (objects, Some(function.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let objects = match objects.strip_suffix(".*") {
            Some(start) if start.split('.').count() <= 2 && start.split('.').all(is_part) => {
                Objects::Beginning(format!("{start}."))
            }
            Some(_) => return Err(wrong()),
            None => Objects::One(objects.parse().map_err(|_| wrong())?),
        };
        Ok(Self {
            text: text.into(),
            objects,
            function,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// All rules. A rule that denies wins over any that allows.
#[derive(Clone, Debug, Default)]
pub(crate) struct AccessList {
    /// What may be called.
    pub(crate) allow: Vec<Pattern>,
    /// What may not, although it is allowed otherwise.
    pub(crate) deny: Vec<Pattern>,
}

/// A call that the rules let through; only [`AccessList::check`] makes one.
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) object: ObjectName,
    pub(crate) function: FunctionName,
    /// The rule that allowed it: there are as many as the configuration has, so it can label a metric.
    pub(crate) rule: Arc<str>,
}

impl AccessList {
    /// The call, if it may be made.
    pub(crate) fn check(&self, object: ObjectName, function: FunctionName) -> Option<Allowed> {
        if self.deny.iter().any(|pattern| pattern.denies(&object, &function)) {
            return None;
        }
        let rule = self.allow.iter().find(|pattern| pattern.allows(&object, &function))?;
        Some(Allowed {
            object,
            function,
            rule: Arc::clone(&rule.text),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn list(allow: &[&str], deny: &[&str]) -> AccessList {
        let patterns = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        AccessList {
            allow: patterns(allow),
            deny: patterns(deny),
        }
    }

    fn check(list: &AccessList, object: &str, function: &str) -> bool {
        list.check(object.parse().unwrap(), function.parse().unwrap()).is_some()
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        assert!(!check(&AccessList::default(), "App.Server.Obj", "f"));
    }

    #[test]
    fn patterns_end_at_dots() {
        let list = list(
            &[
                "App.Server.Obj",
                "Other.Server.*",
                "Third.*",
                "Fourth.Server.Obj:f",
                "Fifth.*:f",
            ],
            &[],
        );
        for (object, function, allowed) in [
            ("App.Server.Obj", "f", true),
            ("App.Server.Obj2", "f", false),
            ("App.Server2.Obj", "f", false),
            ("app.Server.Obj", "f", false),
            ("Other.Server.Any", "f", true),
            ("Other.ServerX.Any", "f", false),
            ("Third.Any.Any", "f", true),
            ("ThirdX.Any.Any", "f", false),
            ("Fourth.Server.Obj", "f", true),
            ("Fourth.Server.Obj", "g", false),
            ("Fourth.Server.Obj", "F", false),
            ("Fifth.A.B", "f", true),
            ("Fifth.A.B", "g", false),
        ] {
            assert_eq!(check(&list, object, function), allowed, "{object}:{function}");
        }
    }

    #[test]
    fn what_is_denied_is_denied_however_it_is_written() {
        let list = list(&["App.*"], &["App.Server.Secret", "App.Admin.*", "App.Server.Obj:drop"]);
        for (object, function, allowed) in [
            ("App.Server.Obj", "f", true),
            ("App.Server.Secret", "f", false),
            ("App.server.SECRET", "f", false),
            ("App.Admin.Obj", "f", false),
            ("App.ADMIN.Obj", "f", false),
            ("App.Server.Obj", "drop", false),
            ("App.Server.obj", "Drop", false),
            ("App.Administration.Obj", "f", true),
        ] {
            assert_eq!(check(&list, object, function), allowed, "{object}:{function}");
        }
    }

    #[test]
    fn wrong_patterns_say_what_is_expected() {
        for wrong in [
            "",
            "*",
            "App",
            "App.Server",
            "*.Server.Obj",
            "App.*.Obj",
            "A.B.C.*",
            "A.B.C:",
            "A.B.C:a:b",
            "A.B.C@tcp",
            "App.**",
            ".*",
        ] {
            let error = wrong.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}` is no object pattern")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_denied_object_is_never_allowed(
            parts in prop::collection::vec("[A-Za-z][A-Za-z0-9_]{0,5}", 3),
            function in "[a-z]{1,4}",
            flips in any::<u64>(),
        ) {
            let object = parts.join(".");
            let list = list(&[&format!("{}.*", parts[0]), &object], &[&object]);
            let other: String = object
                .chars()
                .enumerate()
                .map(|(at, c)| if flips >> (at % 64) & 1 == 1 { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
                .collect();
            prop_assert!(!check(&list, &object, &function));
            prop_assert!(!check(&list, &other, &function));
        }

        #[test]
        fn any_text_is_a_pattern_or_an_error(text in "\\PC{0,24}|[A-Za-z.*:@]{0,16}") {
            if let Ok(pattern) = text.parse::<Pattern>() {
                prop_assert_eq!(pattern.as_str(), text.as_str());
                prop_assert!(pattern.as_str().contains('.'));
            }
        }
    }
}
