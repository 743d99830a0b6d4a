//! Writes the beats that were acknowledged from memory.

use std::time::{Duration, Instant};

use crate::beats::Beats;
use crate::config::Config;
use crate::registry::Registry;
use crate::store::{BEATS, Flushed, PastBeat, Store, StoreError};

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
            .leases
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
        for (beat, flushed) in beats.iter().zip(written) {
            match flushed {
                Flushed::Written => {
                    self.beats.written(beat);
                    self.metrics.leases.flushed_beats.inc();
                }
                Flushed::Newer => self.catch_up(beat).await,
                // It stays, and is compared again, or is followed by another one that is clearly the younger.
                Flushed::Unclear => {}
                Flushed::Outdated => {
                    self.beats.forget(&beat.key);
                    self.metrics.leases.dropped_beats.inc();
                    tracing::debug!(key = %beat.key, "its rows changed elsewhere: its next heartbeat is written through");
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::State;
    use crate::domain::clean::Clean;
    use crate::registry::tests::{beat, config, exec, number, occupy, registration, registry};
    use crate::snapshot::Follower;
    use crate::store::{BeatOutcome, SqliteStore};

    const FRESH: &str = "SELECT COUNT(*) FROM tarsregistry_instance WHERE last_beat > '2002-01-01'";

    /// A registry whose one instance has beaten, and whose rows say that this was long ago.
    async fn with_one(arguments: &[&str]) -> (Registry<SqliteStore>, tempfile::TempDir) {
        let (registry, dir) = registry(arguments).await;
        registry.store.register(&registration("n1")).await.unwrap();
        let taken = registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        assert_eq!(taken, Some(BeatOutcome::Taken));
        let long_ago = "last_beat = '2001-01-01 00:00:00'";
        exec(&dir, &format!("UPDATE tarsregistry_instance SET {long_ago}")).await;
        exec(&dir, "UPDATE t_node_info SET last_heartbeat = '2001-01-01 00:00:00'").await;
        (registry, dir)
    }

    #[test]
    fn beats_are_written_well_within_their_lease() {
        let period = |arguments: &[&str]| period(&config(arguments));
        assert_eq!(period(&[]), Some(Duration::from_secs(5)));
        assert_eq!(period(&["--lease", "2"]), Some(Duration::from_millis(500)));
        assert_eq!(period(&["--flush-interval", "0"]), None);
    }

    #[tokio::test]
    async fn an_unchanged_beat_is_written_by_the_flush() {
        let (registry, dir) = with_one(&[]).await;
        assert_eq!(registry.take_beat(&beat("n1", State::Active)).await.unwrap(), None);
        assert_eq!(number(&dir, FRESH).await, 0);
        registry.flush().await.unwrap();
        assert_eq!(number(&dir, FRESH).await, 1);
        assert_eq!(registry.metrics.leases.memory_beats.get(), 1);
        assert_eq!(registry.metrics.leases.flushed_beats.get(), 1);
        // A change is written at once.
        let taken = registry.take_beat(&beat("n1", State::Inactive)).await.unwrap();
        assert_eq!(taken, Some(BeatOutcome::Taken));
        registry.flush().await.unwrap();
        assert_eq!(registry.metrics.leases.flushed_beats.get(), 1);
    }

    #[tokio::test]
    async fn an_interval_of_0_writes_through() {
        let (registry, dir) = with_one(&["--flush-interval", "0"]).await;
        let taken = registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        assert_eq!(taken, Some(BeatOutcome::Taken));
        assert_eq!(number(&dir, FRESH).await, 1);
    }

    #[tokio::test]
    async fn what_changed_elsewhere_before_a_beat_changes_back_by_it_and_what_changed_after_it_stays() {
        let (registry, dir) = with_one(&[]).await;
        assert_eq!(registry.take_beat(&beat("n1", State::Active)).await.unwrap(), None);
        // Another registry on the same database took it for dead, before the beat.
        exec(&dir, "UPDATE t_server_conf SET present_state = 'inactive'").await;
        registry.flush().await.unwrap();
        let active = "SELECT COUNT(*) FROM t_server_conf WHERE present_state = 'active'";
        assert_eq!(number(&dir, active).await, 1, "what was acknowledged is not lost");
        assert_eq!(registry.metrics.leases.dropped_beats.get(), 0);
        // It said something else at another registry since.
        assert_eq!(registry.take_beat(&beat("n1", State::Active)).await.unwrap(), None);
        exec(&dir, "UPDATE t_server_conf SET present_state = 'inactive'").await;
        let later = "last_beat = strftime('%Y-%m-%d %H:%M:%f', 'now', '+1 second')";
        exec(
            &dir,
            &format!("UPDATE tarsregistry_instance SET lease_state = 'inactive', {later}"),
        )
        .await;
        registry.flush().await.unwrap();
        assert_eq!(registry.metrics.leases.dropped_beats.get(), 1);
        assert_eq!(number(&dir, active).await, 0);
        let taken = registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        assert_eq!(taken, Some(BeatOutcome::Taken));
        assert_eq!(number(&dir, active).await, 1);
        // Rows that somebody deleted: the instance is to register again.
        assert_eq!(registry.take_beat(&beat("n1", State::Active)).await.unwrap(), None);
        exec(&dir, "DELETE FROM t_server_conf").await;
        registry.flush().await.unwrap();
        let taken = registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        assert_eq!(taken, Some(BeatOutcome::Unknown));
    }

    #[tokio::test]
    async fn what_is_read_of_another_replica_sends_the_next_beat_to_the_database() {
        let (registry, dir) = with_one(&[]).await;
        let mut follower =
            Follower::new(&registry.store, &registry.lookups, &registry.metrics).telling(&registry.beats);
        follower.load().await.unwrap();
        assert_eq!(registry.take_beat(&beat("n1", State::Active)).await.unwrap(), None);
        exec(&dir, "UPDATE t_server_conf SET present_state = 'inactive'").await;
        follower.look().await.unwrap();
        let taken = registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        assert_eq!(taken, Some(BeatOutcome::Taken));
    }

    #[tokio::test]
    async fn while_the_database_is_away_beats_are_kept() {
        let (registry, dir) = with_one(&[]).await;
        let other = occupy(&dir).await;
        assert_eq!(registry.take_beat(&beat("n1", State::Active)).await.unwrap(), None);
        registry.flush().await.unwrap_err();
        // A change is not acknowledged, and what is stored is uncertain from then on.
        registry.take_beat(&beat("n1", State::Inactive)).await.unwrap_err();
        registry.take_beat(&beat("n1", State::Active)).await.unwrap_err();
        drop(other);
        registry.flush().await.unwrap();
        assert_eq!(number(&dir, FRESH).await, 1);
        assert_eq!(registry.metrics.leases.unflushed_seconds.get(), 0);
    }

    #[tokio::test]
    async fn a_flush_that_is_given_up_loses_nothing() {
        let (registry, dir) = with_one(&[]).await;
        registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        let other = occupy(&dir).await;
        let limit = Duration::from_millis(20);
        tokio::time::timeout(limit, registry.flush()).await.unwrap_err();
        drop(other);
        registry.flush().await.unwrap();
        assert_eq!(number(&dir, FRESH).await, 1);
    }

    #[tokio::test]
    async fn what_was_acknowledged_is_written_at_the_end() {
        let (registry, dir) = with_one(&[]).await;
        registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        registry
            .flush_until(Duration::from_hours(1), std::future::ready(()))
            .await;
        assert_eq!(number(&dir, FRESH).await, 1);
    }

    #[tokio::test]
    async fn a_clean_sees_beats_that_were_only_in_memory() {
        let (registry, dir) = with_one(&[]).await;
        registry.take_beat(&beat("n1", State::Inactive)).await.unwrap();
        exec(&dir, "UPDATE t_node_info SET last_heartbeat = '2001-01-01 00:00:00'").await;
        assert_eq!(registry.take_beat(&beat("n1", State::Inactive)).await.unwrap(), None);
        let report = clean_older_than_an_hour(&registry).await;
        assert!(report.contains("0 servers, 0 nodes"), "{report}");
        assert_eq!(number(&dir, "SELECT COUNT(*) FROM t_server_conf").await, 1);
    }

    async fn clean_older_than_an_hour(registry: &Registry<SqliteStore>) -> String {
        let command = Clean::parse(&["n", "1h"]).unwrap();
        let mut follower = Follower::new(&registry.store, &registry.lookups, &registry.metrics);
        tokio::select! {
            () = follower.run() => unreachable!("it never ends"),
            report = registry.clean(&command) => report.unwrap(),
        }
    }

    #[tokio::test]
    async fn who_was_cleaned_is_back_at_its_next_beat() {
        let (registry, dir) = with_one(&[]).await;
        exec(&dir, "UPDATE t_node_info SET present_state = 'inactive'").await;
        let report = clean_older_than_an_hour(&registry).await;
        assert!(report.contains("1 servers, 1 nodes"), "{report}");
        let taken = registry.take_beat(&beat("n1", State::Active)).await.unwrap();
        assert_eq!(taken, Some(BeatOutcome::Recreated));
    }
}
