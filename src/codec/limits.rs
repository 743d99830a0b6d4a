//! What a decoder grants to bytes it does not trust.

/// Bytes granted on top of [`Limits::max_expansion`], so that the smallest messages decode too.
const EXPANSION_BASE: usize = 3 * 1024;

/// How deep values nest by default, for reading and for writing.
pub(crate) const DEFAULT_MAX_DEPTH: u32 = 100;

/// Limits of one decoding.
///
/// The wire format has none of its own, and a few bytes can claim a list of two thousand million elements or a hundred thousand
/// nested structs. Counts and lengths are always checked against the bytes that remain; these limits bound what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Structs, lists and maps that may be open at the same time, unknown fields included. Default 100.
    pub max_depth: u32,
    /// Bytes of memory one decoded value may take: text, bytes, and the elements of lists and maps. Default 256 MiB.
    pub max_decoded_bytes: usize,
    /// Bytes of memory that each byte of input may turn into, 3 KiB more for the whole. Default 128.
    ///
    /// An optional field at its default takes no byte on the wire, so two bytes can stand for an element as wide as its struct.
    /// Whoever sends long lists of very wide and nearly empty structs has receivers raise this; `usize::MAX` leaves
    /// [`max_decoded_bytes`](Self::max_decoded_bytes) alone to decide.
    pub max_expansion: usize,
}

impl Limits {
    /// Bytes of memory that may be spent on `input` bytes.
    pub(crate) fn budget(&self, input: usize) -> usize {
        self.max_expansion
            .saturating_mul(input)
            .saturating_add(EXPANSION_BASE)
            .min(self.max_decoded_bytes)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: DEFAULT_MAX_DEPTH,
            max_decoded_bytes: 256 * 1024 * 1024,
            max_expansion: 128,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_both_memory_limits_decides() {
        let limits = Limits::default();
        assert_eq!(limits.budget(10), 10 * 128 + 3072);
        assert_eq!(limits.budget(usize::MAX), 256 * 1024 * 1024);
        assert_eq!(
            Limits {
                max_expansion: usize::MAX,
                ..limits
            }
            .budget(1),
            256 * 1024 * 1024
        );
    }
}
