//! Maps, which are objects: sorted, hashed, or as a vector of pairs in the order of the text.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use serde::ser::{SerializeMap, Serializer};

use super::read::FromJson;
use super::reader::Reader;
use super::write::{Room, ToJson};
use crate::codec::{DecodeError, NODE_MINIMUM, Problem, node_bytes, table_bytes};

/// Reads an object, entry by entry. `insert` makes room for an entry.
fn read_entries<K: FromJson, V: FromJson>(
    r: &mut Reader<'_>,
    mut insert: impl FnMut(&mut Reader<'_>, K, V) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    r.members(|r, key| {
        let name = K::read_key(r, key.into()).map_err(|error| error.in_entry(key, true))?;
        let value = V::read(r).map_err(|error| error.in_entry(key, false))?;
        insert(r, name, value)
    })
}

impl<K: FromJson + Ord, V: FromJson> FromJson for BTreeMap<K, V> {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut map = Self::new();
        if r.null()? {
            return Ok(map);
        }
        let mut paid = 0;
        read_entries(r, |r, key, value| {
            // Nodes are paid for before they can exist; every fifth entry may bring a new one.
            if map.len() == paid {
                r.charge(node_bytes::<K, V>())?;
                paid += NODE_MINIMUM;
            }
            map.insert(key, value);
            Ok(())
        })?;
        Ok(map)
    }
}

impl<K: FromJson + Eq + Hash, V: FromJson, S: BuildHasher + Default> FromJson for HashMap<K, V, S> {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut map = Self::default();
        if r.null()? {
            return Ok(map);
        }
        let mut paid = 0;
        read_entries(r, |r, key, value| {
            if map.len() >= paid {
                let next = (paid * 2).max(3);
                r.charge(table_bytes::<K, V>(next))?;
                map.reserve(next - map.len());
                if paid > 0 {
                    r.refund(table_bytes::<K, V>(paid));
                }
                paid = next;
            }
            map.insert(key, value);
            Ok(())
        })?;
        Ok(map)
    }
}

/// A pair is an entry of a map: `Vec<(K, V)>` is a map in the order of the text, and a pair alone a map of one entry.
impl<K: FromJson, V: FromJson> FromJson for (K, V) {
    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut entries = Self::read_list(r)?;
        match (entries.pop(), entries.len()) {
            (Some(entry), 0) => Ok(entry),
            (entry, others) => {
                let count = others + usize::from(entry.is_some());
                Err(r.error(Problem::PairCount { count }))
            }
        }
    }

    fn read_list(r: &mut Reader<'_>) -> Result<Vec<Self>, DecodeError> {
        let mut entries = Vec::new();
        read_entries(r, |r, key, value| {
            r.room(&mut entries)?;
            entries.push((key, value));
            Ok(())
        })?;
        Ok(entries)
    }
}

fn write_entries<'a, K: ToJson + 'a, V: ToJson + 'a, S: Serializer>(
    entries: impl ExactSizeIterator<Item = (&'a K, &'a V)>,
    to: S,
    room: Room,
) -> Result<S::Ok, S::Error> {
    let room = room.enter()?;
    let mut map = to.serialize_map(Some(entries.len()))?;
    for (key, value) in entries {
        map.serialize_entry(&*key.write_key::<S::Error>(room)?, &room.value(value))?;
    }
    map.end()
}

impl<K: ToJson, V: ToJson> ToJson for BTreeMap<K, V> {
    fn write<S: Serializer>(&self, to: S, room: Room) -> Result<S::Ok, S::Error> {
        write_entries(self.iter(), to, room)
    }
}

/// In the order of the map, which differs from one map to the next.
impl<K: ToJson, V: ToJson, H> ToJson for HashMap<K, V, H> {
    fn write<S: Serializer>(&self, to: S, room: Room) -> Result<S::Ok, S::Error> {
        write_entries(self.iter(), to, room)
    }
}

impl<K: ToJson, V: ToJson> ToJson for (K, V) {
    fn write<S: Serializer>(&self, to: S, room: Room) -> Result<S::Ok, S::Error> {
        write_entries(std::iter::once((&self.0, &self.1)), to, room)
    }

    fn write_list<S: Serializer>(items: &[Self], to: S, room: Room) -> Result<S::Ok, S::Error> {
        write_entries(items.iter().map(|(key, value)| (key, value)), to, room)
    }
}
