//! Beats that were acknowledged before they were written, written together.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use super::engine::{Arg, Row, Tx};
use super::lease::{Leased, folded, instances_of, nodes_of, padded, update_by_ids};
use super::statement as sql;
use crate::domain::lease::is_unchanged;
use crate::domain::{InstanceKey, State, is_fenced};

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Beats of one transaction at most: few enough that no registration waits long for it.
pub(crate) const BEATS: usize = 500;

/// A beat that said nothing new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastBeat {
    /// Whose.
    pub(crate) key: InstanceKey,
    /// What it said, as all beats before it.
    pub(crate) state: State,
    /// When it came.
    pub(crate) at: Instant,
}

/// What came of a beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// It is written.
    Written,
    /// The rows say something else, and said it before the beat came: another replica, or a sweep, wrote it. The beat was
    /// acknowledged as unchanged and is a change.
    Newer,
    /// The rows say something else since, or are gone, or the instance is leaving: the beat means nothing any more.
    Outdated,
    /// The rows say something else, and whether they said it first is less than the clocks can tell: nothing is written.
    Unclear,
}

/// Writes the beats of instances that are still as the beats say, and nothing of the others.
///
/// A beat is so many whole seconds old, by this machine's monotonic clock; the database takes them from its own clock. What
/// came first is compared by ages, too: that of the rows is the database's, at some moment between question and answer.
pub(super) async fn flush<T: Tx>(tx: &mut T, beats: &[PastBeat]) -> Result<Vec<Flushed>> {
    let nodes = nodes_of(beats.iter().map(|beat| &beat.key));
    let list = [Arg::Texts(&nodes)];
    let found = tx.fetch(&sql::NODES_LOCK, &list).await?;
    let found: BTreeSet<String> = found.iter().map(|row| row.text(0).to_ascii_lowercase()).collect();
    let servers = tx.fetch(&sql::CLEAN_SERVERS, &list).await?;
    let servers: BTreeMap<InstanceKey, String> = servers.iter().map(server).collect();
    let asked = Instant::now();
    let instances = instances_of(tx, &nodes).await?;
    let asked = asked..Instant::now();
    let instances: BTreeMap<InstanceKey, &Leased> = instances
        .iter()
        .filter(|instance| !instance.is_tombstone)
        .map(|instance| (folded(&instance.key), instance))
        .collect();
    let place = |beat: &PastBeat| {
        let key = folded(&beat.key);
        let is_there = found.contains(&key.node);
        let (Some(server_state), Some(instance), true) = (servers.get(&key), instances.get(&key), is_there) else {
            return (Flushed::Outdated, None);
        };
        if is_unchanged(beat.state, server_state, &instance.state, instance.draining) {
            return (Flushed::Written, Some(instance.id));
        }
        if is_fenced(server_state, instance.draining) || beat.state.is_leaving() {
            return (Flushed::Outdated, None);
        }
        (compared(beat.at, &asked, instance.age), None)
    };
    let places: Vec<(Flushed, Option<i64>)> = beats.iter().map(place).collect();
    let written = beats
        .iter()
        .zip(&places)
        .filter_map(|(beat, (_, id))| Some((beat, (*id)?)));
    write(tx, Batch::of(written, Instant::now())).await?;
    Ok(places.into_iter().map(|(flushed, _)| flushed).collect())
}

/// What becomes of a beat that says something else than rows which were `age` milliseconds old at some moment of `asked`.
fn compared(beat: Instant, asked: &Range<Instant>, age: i64) -> Flushed {
    let age_at =
        |moment: Instant| i64::try_from(moment.saturating_duration_since(beat).as_millis()).unwrap_or(i64::MAX);
    if age_at(asked.end) < age {
        Flushed::Newer
    } else if age_at(asked.start) > age {
        Flushed::Outdated
    } else {
        Flushed::Unclear
    }
}

fn server(row: &Row) -> (InstanceKey, String) {
    let key = InstanceKey {
        application: row.text(1),
        server: row.text(2),
        node: row.text(3),
    };
    (folded(&key), row.text(4))
}

/// Beats by their age in whole seconds.
#[derive(Debug, Default)]
struct Batch {
    instances: BTreeMap<i64, Vec<i64>>,
    nodes: BTreeMap<i64, Vec<String>>,
    active: Vec<String>,
}

impl Batch {
    fn of<'a>(beats: impl Iterator<Item = (&'a PastBeat, i64)>, now: Instant) -> Self {
        let mut batch = Self::default();
        let mut nodes: BTreeMap<&str, (i64, bool)> = BTreeMap::new();
        for (beat, id) in beats {
            let age = seconds(now.saturating_duration_since(beat.at));
            batch.instances.entry(age).or_default().push(id);
            let (youngest, is_active) = nodes.entry(&beat.key.node).or_insert((age, false));
            *youngest = age.min(*youngest);
            *is_active |= beat.state == State::Active;
        }
        for (node, (age, is_active)) in nodes {
            batch.nodes.entry(age).or_default().push(node.to_owned());
            if is_active {
                batch.active.push(node.to_owned());
            }
        }
        batch
    }
}

fn seconds(age: Duration) -> i64 {
    i64::try_from(age.as_secs()).unwrap_or(i64::MAX)
}

async fn write<T: Tx>(tx: &mut T, batch: Batch) -> Result<()> {
    for (age, nodes) in batch.nodes {
        let nodes = padded(nodes);
        let age = Arg::Int(age);
        tx.execute(&sql::NODES_BEAT, &[age, age, Arg::Texts(&nodes)]).await?;
    }
    if !batch.active.is_empty() {
        let nodes = padded(batch.active);
        tx.execute(&sql::NODES_ACTIVATE, &[Arg::Texts(&nodes)]).await?;
    }
    for (age, ids) in batch.instances {
        update_by_ids(tx, &sql::INSTANCES_BEAT, &[Arg::Int(age)], ids).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_first_is_said_only_where_it_is_certain() {
        let began = Instant::now();
        let after = |millis| began + Duration::from_millis(millis);
        let beat = after(1000);
        // The answer took 40 ms; the beat was 100 ms old when it was asked for, and 140 when it was there.
        let asked = after(1100)..after(1140);
        for (age, expected) in [
            (-5, Flushed::Outdated),
            (99, Flushed::Outdated),
            (100, Flushed::Unclear),
            (140, Flushed::Unclear),
            (141, Flushed::Newer),
            (10_000, Flushed::Newer),
        ] {
            assert_eq!(compared(beat, &asked, age), expected, "{age}");
        }
        // It came while the question was on its way.
        let asked = after(990)..after(1030);
        assert_eq!(compared(beat, &asked, 0), Flushed::Unclear);
        assert_eq!(compared(beat, &asked, 31), Flushed::Newer);
    }
}
