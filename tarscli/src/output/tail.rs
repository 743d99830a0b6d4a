//! The last of what was printed.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Bytes that are kept.
const KEPT: usize = 64 << 10;

/// The last bytes of a server's output.
#[derive(Debug, Default)]
pub(super) struct Tail(Mutex<VecDeque<u8>>);

impl Tail {
    pub(super) fn add(&self, text: &[u8]) {
        let text = &text[text.len().saturating_sub(KEPT)..];
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let over = (kept.len() + text.len()).saturating_sub(KEPT);
        kept.drain(..over);
        kept.extend(text);
    }

    /// The last of it, `most` bytes at most, from the beginning of a line when there is one in them.
    pub(super) fn last(&self, most: usize) -> Vec<u8> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cut = kept.len().saturating_sub(most);
        let mut last: Vec<u8> = kept.range(cut..).copied().collect();
        let is_within_line = cut > 0 && kept.get(cut - 1) != Some(&b'\n');
        let end = last.iter().position(|byte| *byte == b'\n');
        // The end of a line alone says more than nothing.
        if let Some(end) = end.filter(|end| is_within_line && end + 1 < last.len()) {
            last.drain(..=end);
        }
        last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines() {
        let tail = Tail::default();
        assert_eq!(tail.last(100), b"");
        tail.add(b"one\ntwo\nthree\n");
        assert_eq!(tail.last(100), b"one\ntwo\nthree\n");
        assert_eq!(tail.last(10), b"two\nthree\n");
        assert_eq!(tail.last(9), b"three\n");
        assert_eq!(tail.last(3), b"ee\n", "no whole line");
    }

    #[test]
    fn no_more_than_is_kept() {
        let tail = Tail::default();
        tail.add(&vec![b'a'; 2 * KEPT]);
        tail.add(b"\nend");
        let last = tail.last(usize::MAX);
        assert_eq!(last.len(), KEPT);
        assert!(last.ends_with(b"a\nend"));
    }
}
