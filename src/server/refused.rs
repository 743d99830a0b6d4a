//! Saying that connections are refused, without a line for each. No clock, time is handed in.

use std::time::Duration;

use crate::clock::Instant;

/// Counts the connections that were refused and not spoken of yet.
#[derive(Debug, Default)]
pub(super) struct Refused {
    count: u64,
    /// When they may be spoken of again.
    next: Option<Instant>,
}

impl Refused {
    /// Time between two lines.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Takes note of one.
    pub(super) fn note(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// When there is something to say: `None` as long as nothing was refused.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        (self.count > 0).then(|| self.next.unwrap_or(now))
    }

    /// How many there were, when it is time to say so.
    pub(super) fn take(&mut self, now: Instant) -> Option<u64> {
        self.due(now).filter(|due| *due <= now)?;
        self.next = Some(now + Self::PAUSE);
        Some(std::mem::take(&mut self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn the_first_is_said_at_once_and_the_others_once_a_second() {
        let (mut refused, now) = (Refused::default(), clock::now());
        assert_eq!((refused.due(now), refused.take(now)), (None, None));
        let mut said = Vec::new();
        for millis in 0..=2000 {
            let now = now + Duration::from_millis(millis);
            if millis < 1500 {
                refused.note();
            }
            said.extend(refused.take(now).map(|count| (millis, count)));
        }
        assert_eq!(said, [(0, 1), (1000, 1000), (2000, 499)], "none is lost");
        assert_eq!(refused.due(now), None);
    }

    #[test]
    fn what_is_left_has_its_time() {
        let (mut refused, now) = (Refused::default(), clock::now());
        refused.note();
        assert_eq!(refused.due(now), Some(now));
        refused.take(now);
        refused.note();
        assert_eq!(refused.due(now), Some(now + Refused::PAUSE));
    }
}
