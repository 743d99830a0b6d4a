//! At which points of a call its parameters are recorded.

use std::fmt;
use std::ops::BitOr;

/// At which points of a call its parameters are recorded, one bit a point. The points themselves are always recorded.
///
/// ```
/// use tars::trace::Flags;
///
/// assert_eq!(Flags::CS | Flags::CR, Flags::from_bits(3));
/// assert!(Flags::ALL.contains(Flags::SS));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// Nowhere.
    pub const NONE: Self = Self(0);
    /// Where the client sends.
    pub const CS: Self = Self(1);
    /// Where the client receives.
    pub const CR: Self = Self(2);
    /// Where the server receives.
    pub const SR: Self = Self(4);
    /// Where the server sends.
    pub const SS: Self = Self(8);
    /// Everywhere.
    pub const ALL: Self = Self(15);

    /// The flags of a number. One that is above 15 is [`NONE`](Self::NONE), as in every peer.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        if bits > Self::ALL.0 { Self::NONE } else { Self(bits) }
    }

    /// The number, 0 to 15.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flags({:x})", self.0)
    }
}
