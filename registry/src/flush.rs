//! Writes the beats that were acknowledged from memory.

use std::time::{Duration, Instant};

use crate::beats::Beats;
use crate::config::Config;
use crate::registry::Registry;
use crate::store::{BEATS, PastBeat, Store, StoreError};

/// Time between two flushes, if beats are acknowledged from memory at all: what was acknowledged is in the database long
/// before its lease could run out.
pub(crate) fn period(config: &Config) -> Option<Duration> {
    let lease = Duration::from_secs(config.lease_seconds.into());
    let asked = Duration::from_secs(config.flush_seconds.into());
    (!asked.is_zero()).then(|| asked.min(lease / 4))
}

/// Beats on their way. What is not written when this is dropped, for whatever reason, is tried again.
struct Taken<'a> {
    from: &'a Beats,
    beats: Vec<PastBeat>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        for beat in &self.beats {
            self.from.keep(beat);
        }
    }
}

impl<S: Store> Registry<S> {
    /// Writes every beat that is yet to be written; one caller at a time. What cannot be written is kept.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        let mut was_failing = self.flushing.lock().await;
        self.beats.forget_old(Instant::now());
        let taken = Taken {
            beats: self.beats.take(),
            from: &self.beats,
        };
        let mut result = Ok(());
        for beats in taken.beats.chunks(BEATS) {
            result = result.and(self.flush_some(beats).await);
            if matches!(result, Err(StoreError::Unavailable(_))) {
                break;
            }
        }
        let oldest = taken.beats.iter().map(|beat| beat.at).min();
        let waiting = oldest
            .filter(|_| result.is_err())
            .map_or(0, |at| at.elapsed().as_secs());
        self.metrics
            .unflushed_seconds
            .set(waiting.try_into().unwrap_or(i64::MAX));
        match &result {
            Err(error) if !*was_failing => {
                let cause = std::error::Error::source(error).map(tracing::field::display);
                tracing::warn!(cause, "heartbeats wait to be written: {error}");
            }
            Ok(()) if *was_failing => tracing::info!("heartbeats are written again"),
            _ => {}
        }
        *was_failing = result.is_err();
        result
    }

    async fn flush_some(&self, beats: &[PastBeat]) -> Result<(), StoreError> {
        let written = self.store.flush(beats).await?;
        for (beat, is_written) in beats.iter().zip(written) {
            if is_written {
                self.beats.written(beat);
                self.metrics.flushed_beats.inc();
            } else {
                self.beats.forget(&beat.key);
                self.metrics.dropped_beats.inc();
                tracing::debug!(key = %beat.key, "its rows changed elsewhere: its next heartbeat is written through");
            }
        }
        Ok(())
    }

    /// Flushes now and then until the process is to end, and once more when `served` says that nothing more comes in.
    pub(crate) async fn flush_until(&self, period: Duration, served: impl Future<Output = ()>) {
        let mut served = std::pin::pin!(served);
        loop {
            let is_over = tokio::select! {
                () = &mut served => true,
                () = tokio::time::sleep(period) => false,
            };
            // A failure is said by `flush`, and tried again.
            let _ = self.flush().await;
            if is_over {
                return;
            }
        }
    }
}
