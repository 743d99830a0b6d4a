//! Versions of the protocol, which are forms of a body.

use std::fmt;

use crate::protocol::{JSONVERSION, TARSVERSION, TUPVERSION};

/// The version of the protocol that a request is in, `iVersion`: what form its body and its answer have.
///
/// ```
/// use tars::{Request, Version};
///
/// let mut request = Request::new("add", r#"{"a":1,"b":2}"#);
/// assert_eq!(request.version(), Version::TARS);
/// request.set_version(Version::JSON);
/// assert_eq!(request.version().to_string(), "5 (JSON)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i16);

impl Version {
    /// Parameters are fields whose tags are their positions. What generated clients send.
    pub const TARS: Self = Self(TARSVERSION);
    /// Parameters by name, each with the name of its type. Not served.
    pub const TUP_COMPLEX: Self = Self(2);
    /// Parameters by name.
    pub const TUP: Self = Self(TUPVERSION);
    /// Parameters are the members of a JSON object.
    pub const JSON: Self = Self(JSONVERSION);

    /// The versions that servants serve, in words.
    #[cfg(feature = "json")]
    pub(crate) const SERVED: &'static str = "1 (TARS), 3 (TUP) and 5 (JSON)";
    #[cfg(not(feature = "json"))]
    pub(crate) const SERVED: &'static str = "1 (TARS) and 3 (TUP)";

    /// Whether servants serve it.
    pub(crate) const fn is_served(self) -> bool {
        matches!(self, Self::TARS | Self::TUP) || (matches!(self, Self::JSON) && cfg!(feature = "json"))
    }

    /// Whether its answers have the shape of a request, also those that refuse it.
    pub(crate) const fn is_tup(self) -> bool {
        matches!(self, Self::TUP | Self::TUP_COMPLEX)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::TARS => "TARS",
            Self::TUP_COMPLEX => "TUP with types",
            Self::TUP => "TUP",
            Self::JSON => "JSON",
            Self(number) => return write!(f, "{number}"),
        };
        write!(f, "{} ({name})", self.0)
    }
}
