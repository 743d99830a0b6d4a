//! Names of objects and functions, as clients may spell them: there is one spelling, so a rule about a name cannot be
//! walked around by writing it differently.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a name at most.
const MAX_NAME: usize = 255;

/// The name of an object, `Application.Server.Object`, and nothing else: no endpoint (`@`), no mark (`#`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName(Arc<str>);

/// The name of a function.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionName(Arc<str>);

/// Why a text is no name. It does not repeat the text, which may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// An object's name has a form.
    #[error(
        "an object is named `Application.Server.Object`, in letters, digits, `_` and `-`; an endpoint cannot be given"
    )]
    Object,
    /// A function's name has a form.
    #[error("a function's name has letters, digits and `_`, and does not begin with a digit")]
    Function,
    /// Names have an end.
    #[error("a name has at most {MAX_NAME} bytes")]
    Long,
}

impl ObjectName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FunctionName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` can be one of the three parts of an object's name.
pub(crate) fn is_part(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl FromStr for ObjectName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME {
            return Err(NameError::Long);
        }
        if text.split('.').count() == 3 && text.split('.').all(is_part) {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Object)
        }
    }
}

impl FromStr for FunctionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_NAME {
            return Err(NameError::Long);
        }
        let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_name {
            Ok(Self(text.into()))
        } else {
            Err(NameError::Function)
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_object_has_three_parts_and_no_endpoint() {
        assert_eq!(
            "Test-App.Hello_Server.Obj1".parse::<ObjectName>().unwrap().as_str(),
            "Test-App.Hello_Server.Obj1"
        );
        for wrong in [
            "",
            "A.B",
            "A.B.C.D",
            "A..C",
            ".B.C",
            "A.B.",
            "A.B.C@tcp -h 10.0.0.5 -p 22",
            "A.B.C#1",
            "A.B.C ",
            " A.B.C",
            "A.B.C\n",
            "A.B.C\0",
            "A.B.C:f",
            "A.B.*",
            "A.B.C/f",
            "A.B.С", // a Cyrillic letter
            "AdminObj",
        ] {
            assert_eq!(wrong.parse::<ObjectName>(), Err(NameError::Object), "{wrong:?}");
        }
        assert_eq!(
            format!("A.B.{}", "c".repeat(252)).parse::<ObjectName>(),
            Err(NameError::Long)
        );
    }

    #[test]
    fn a_function_is_an_identifier() {
        assert_eq!("Add_2".parse::<FunctionName>().unwrap().as_str(), "Add_2");
        for wrong in ["", "2f", "a-b", "a.b", "a b", "a\n", "ä", "a/b", "a:b"] {
            assert_eq!(wrong.parse::<FunctionName>(), Err(NameError::Function), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_a_name_can_carry_no_endpoint(text in "[A-Za-z.@# :\\-]{0,24}|\\PC{0,16}") {
            if let Ok(name) = text.parse::<ObjectName>() {
                prop_assert_eq!(name.as_str(), text.as_str());
                prop_assert_eq!(text.matches('.').count(), 2);
                prop_assert!(!text.contains(['@', '#', ':', ' ', '*']));
                let address: tars::ObjectAddress = text.parse().unwrap();
                prop_assert!(address.endpoints.is_empty());
                prop_assert_eq!(&address.name, &text);
            }
        }
    }
}
