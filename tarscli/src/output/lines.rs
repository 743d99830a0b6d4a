//! Text in whole lines where possible, so that what several write stays readable.

/// The longest line that is waited for.
const LONGEST: usize = 64 << 10;

/// Gathers what was read until there is something to pass on.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Whether the beginning of a line waits for its end.
    pub(super) fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes what was read, and passes on all whole lines; also half of one that is too long.
    pub(super) fn take(&mut self, read: &[u8], mut pass_on: impl FnMut(&[u8])) {
        self.held.extend_from_slice(read);
        let whole = match self.held.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if self.held.len() >= LONGEST => self.held.len(),
            None => return,
        };
        pass_on(&self.held[..whole]);
        self.held.drain(..whole);
    }

    /// Passes on what there is.
    pub(super) fn flush(&mut self, mut pass_on: impl FnMut(&[u8])) {
        if self.is_waiting() {
            pass_on(&self.held);
            self.held.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(reads: &[&[u8]]) -> (Vec<Vec<u8>>, Lines) {
        let mut lines = Lines::default();
        let mut passed = Vec::new();
        for read in reads {
            lines.take(read, |text| passed.push(text.to_vec()));
        }
        (passed, lines)
    }

    #[test]
    fn whole_lines() {
        let (passed, mut lines) = pass(&[b"on", b"e\ntwo\nth", b"ree"]);
        assert_eq!(passed, [b"one\ntwo\n"]);
        assert!(lines.is_waiting());
        let mut rest = Vec::new();
        lines.flush(|text| rest.extend_from_slice(text));
        assert_eq!(rest, b"three");
        lines.flush(|_| panic!("nothing is left"));
    }

    #[test]
    fn a_line_without_end_is_passed_on_in_parts() {
        let part = vec![b'x'; 16 << 10];
        let (passed, lines) = pass(&[&part, &part, &part, &part, &part]);
        assert_eq!(passed.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST]);
        assert_eq!(lines.held.len(), part.len());
    }
}
