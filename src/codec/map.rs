//! Maps: sorted, hashed, or as a vector of pairs in the order of the wire. On a duplicate key the last entry wins, except in a
//! vector, which keeps what was sent.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::error::Problem;
use super::head::kind;
use super::{Decode, DecodeError, Encode, Head, Length, Reader, Writer};

/// Entries a node of the standard library's B-tree has room for, and those that each node but one holds at least.
const NODE_CAPACITY: usize = 11;
pub(crate) const NODE_MINIMUM: usize = 5;
/// What a B-tree node holds besides its entries: lengths, the parent, and the edges of an inner node.
const NODE_LINKS: usize = 16 + (NODE_CAPACITY + 1) * size_of::<usize>();

/// Memory of a B-tree's node.
pub(crate) const fn node_bytes<K, V>() -> usize {
    NODE_CAPACITY * (size_of::<K>() + size_of::<V>()) + NODE_LINKS
}

#[inline]
fn encode_entries<'a, K, V>(entries: impl ExactSizeIterator<Item = (&'a K, &'a V)>, tag: u8, w: &mut Writer)
where
    K: Encode + 'a,
    V: Encode + 'a,
{
    if w.open(tag, kind::MAP, entries.len()) {
        for (key, value) in entries {
            key.encode(0, w);
            value.encode(1, w);
        }
        w.close();
    }
}

#[inline]
fn decode_entry<K: Decode, V: Decode>(r: &mut Reader<'_>, index: usize) -> Result<(K, V), DecodeError> {
    let key = match r.element(0).and_then(|head| K::decode(r, head)) {
        Ok(key) => key,
        Err(error) => return Err(error.in_key(index)),
    };
    match r.element(1).and_then(|head| V::decode(r, head)) {
        Ok(value) => Ok((key, value)),
        Err(error) => Err(error.in_value(index)),
    }
}

impl<K: Encode, V: Encode> Encode for BTreeMap<K, V> {
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        encode_entries(self.iter(), tag, w);
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

impl<K: Decode + Ord, V: Decode> Decode for BTreeMap<K, V> {
    #[inline]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        let count = r.open_map(head)?;
        let mut map = Self::new();
        // Nodes are paid for before they can exist; every fifth entry may bring a new one.
        let mut paid = 0;
        for index in 0..count {
            if map.len() == paid {
                r.charge(node_bytes::<K, V>())?;
                paid += NODE_MINIMUM;
            }
            let (key, value) = decode_entry(r, index)?;
            map.insert(key, value);
        }
        r.leave();
        Ok(map)
    }
}

impl<K: Encode, V: Encode, S> Encode for HashMap<K, V, S> {
    /// In the order of the map, which differs from one map to the next.
    #[inline]
    fn encode(&self, tag: u8, w: &mut Writer) {
        encode_entries(self.iter(), tag, w);
    }

    #[inline]
    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}

/// Memory of a hash table for `capacity` entries: a power of two of slots, at most seven of eight in use, and a byte for each.
pub(crate) fn table_bytes<K, V>(capacity: usize) -> usize {
    let slots = capacity
        .saturating_mul(8)
        .div_ceil(7)
        .max(4)
        .checked_next_power_of_two()
        .unwrap_or(usize::MAX);
    slots.saturating_mul(size_of::<(K, V)>() + 1).saturating_add(16)
}

impl<K: Decode + Eq + Hash, V: Decode, S: BuildHasher + Default> Decode for HashMap<K, V, S> {
    #[inline]
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        let count = r.open_map(head)?;
        let mut map = Self::default();
        // Half of what a table of this many bytes holds, since slots come in powers of two.
        let mut room = count.min(r.remaining() / (2 * (size_of::<(K, V)>() + 1)) * 7 / 8);
        let mut paid = 0;
        for index in 0..count {
            if map.len() >= paid {
                let next = room.max(4).min(count);
                r.charge(table_bytes::<K, V>(next))?;
                map.reserve(next - map.len());
                if paid > 0 {
                    r.refund(table_bytes::<K, V>(paid));
                }
                paid = next;
                room = next.saturating_mul(2);
            }
            let (key, value) = decode_entry(r, index)?;
            map.insert(key, value);
        }
        r.leave();
        Ok(map)
    }
}

impl<K, V> Length for BTreeMap<K, V> {
    #[inline]
    fn length(&self) -> usize {
        self.len()
    }
}

impl<K, V, S> Length for HashMap<K, V, S> {
    #[inline]
    fn length(&self) -> usize {
        self.len()
    }
}

/// A pair is an entry of a map: `Vec<(K, V)>` is a map in the order of the wire, and a pair alone a map of one entry.
impl<K: Encode, V: Encode> Encode for (K, V) {
    fn encode(&self, tag: u8, w: &mut Writer) {
        encode_entries(std::iter::once((&self.0, &self.1)), tag, w);
    }

    #[inline]
    fn encode_list(items: &[Self], tag: u8, w: &mut Writer) {
        encode_entries(items.iter().map(|(key, value)| (key, value)), tag, w);
    }
}

impl<K: Decode, V: Decode> Decode for (K, V) {
    fn decode(r: &mut Reader<'_>, head: Head) -> Result<Self, DecodeError> {
        let count = r.open_map(head)?;
        if count != 1 {
            return Err(r.error_at(Problem::PairCount { count }, head));
        }
        let entry = decode_entry(r, 0)?;
        r.leave();
        Ok(entry)
    }

    #[inline]
    fn decode_list(r: &mut Reader<'_>, head: Head) -> Result<Vec<Self>, DecodeError> {
        let count = r.open_map(head)?;
        let mut entries = r.allot(count)?;
        for index in 0..count {
            r.room(&mut entries, count)?;
            entries.push(decode_entry(r, index)?);
        }
        r.leave();
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;

    const TWICE: &[u8] = &[0x08, 0x00, 3, 0x00, 5, 0x10, 1, 0x00, 4, 0x10, 2, 0x00, 5, 0x10, 3];

    fn read<T: Decode>(bytes: &[u8]) -> Result<T, String> {
        Reader::new(bytes, &Limits::default())
            .require(0, "x")
            .map_err(|error| error.to_string())
    }

    fn written<T: Encode>(value: &T) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.field(0, value);
        writer.finish().unwrap()
    }

    #[test]
    fn the_last_of_two_equal_keys_wins() {
        assert_eq!(read::<BTreeMap<i32, i32>>(TWICE), Ok(BTreeMap::from([(4, 2), (5, 3)])));
        assert_eq!(read::<HashMap<i32, i32>>(TWICE), Ok(HashMap::from([(4, 2), (5, 3)])));
    }

    #[test]
    fn pairs_are_a_map_in_the_order_of_the_wire() {
        let pairs: Vec<(i32, i32)> = read(TWICE).unwrap();
        assert_eq!(pairs, [(5, 1), (4, 2), (5, 3)]);
        assert_eq!(written(&pairs), TWICE);
        assert_eq!(written(&vec![pairs]), [&[0x09, 0x00, 1], TWICE].concat());
        assert_eq!(read::<(i32, i32)>(&written(&(1, 2))), Ok((1, 2)));
    }

    #[test]
    fn entries_have_their_tags() {
        let error = read::<BTreeMap<i32, i32>>(&[0x08, 0x00, 1, 0x00, 5, 0x20, 1]).unwrap_err();
        assert_eq!(
            error,
            "x[value 0] (tag 0): expected an element with tag 1, found tag 2 at byte 5"
        );
        let error = read::<BTreeMap<i32, i32>>(&[0x08, 0x00, 1, 0x00, 5, 0x10]).unwrap_err();
        assert_eq!(error, "x[value 0] (tag 0): 1 bytes needed, 0 left at byte 6");
    }

    #[test]
    fn hashed_maps_of_any_size_come_back() {
        for count in [0, 1, 3, 4, 5, 28, 29, 1000] {
            let map: HashMap<i32, i64> = (0..count).map(|key| (key, 0)).collect();
            assert_eq!(read::<HashMap<i32, i64>>(&written(&map)).as_ref(), Ok(&map));
        }
    }
}
