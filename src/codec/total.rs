//! A total order over every type of the IDL, floats included.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};

use bytes::Bytes;

use crate::byte_string::ByteString;

/// A total order, and a hash that agrees with it.
///
/// A struct with `key[]` must be equal to, less than or greater than any other, whatever its fields are, and a float has no [`Ord`].
/// This trait compares floats by their bits in the order of [`f64::total_cmp`], and everything else as [`Ord`] does. The derives
/// implement it for every struct and enum, for structs in the order of their tags; without a `key` it is the only order they have.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a type of the Tars IDL")]
pub trait Total {
    /// Compares two values. Equal means that both have the same encoding.
    fn compare(&self, other: &Self) -> Ordering;

    /// Feeds the value into a hasher; equal values feed the same.
    fn digest<H: Hasher>(&self, state: &mut H);
}

macro_rules! by_order {
    ($($type:ty),+) => {
        $(impl Total for $type {
            #[inline]
            fn compare(&self, other: &Self) -> Ordering {
                self.cmp(other)
            }

            #[inline]
            fn digest<H: Hasher>(&self, state: &mut H) {
                self.hash(state);
            }
        })+
    };
}

by_order!(bool, i8, i16, i32, i64, u8, u16, u32, String, ByteString, Bytes);

/// Compares two sequences element by element; a shorter one comes before its longer continuations.
fn compare_all<'a, T: Total + 'a>(
    mut left: impl Iterator<Item = &'a T>,
    mut right: impl Iterator<Item = &'a T>,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match left.compare(right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

impl<T: Total> Total for Vec<T> {
    fn compare(&self, other: &Self) -> Ordering {
        compare_all(self.iter(), other.iter())
    }

    fn digest<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        for item in self {
            item.digest(state);
        }
    }
}

impl<K: Total, V: Total> Total for BTreeMap<K, V> {
    fn compare(&self, other: &Self) -> Ordering {
        compare_all(self.keys(), other.keys()).then_with(|| compare_all(self.values(), other.values()))
    }

    fn digest<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        for (key, value) in self {
            key.digest(state);
            value.digest(state);
        }
    }
}

/// The entries of a hashed map in the order of their keys.
fn sorted<K: Total, V, S>(map: &HashMap<K, V, S>) -> Vec<(&K, &V)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|(left, _), (right, _)| left.compare(right));
    entries
}

impl<K: Total, V: Total, S> Total for HashMap<K, V, S> {
    fn compare(&self, other: &Self) -> Ordering {
        let (left, right) = (sorted(self), sorted(other));
        let keys = compare_all(left.iter().map(|entry| entry.0), right.iter().map(|entry| entry.0));
        keys.then_with(|| compare_all(left.iter().map(|entry| entry.1), right.iter().map(|entry| entry.1)))
    }

    fn digest<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        for (key, value) in sorted(self) {
            key.digest(state);
            value.digest(state);
        }
    }
}

impl<A: Total, B: Total> Total for (A, B) {
    fn compare(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0).then_with(|| self.1.compare(&other.1))
    }

    fn digest<H: Hasher>(&self, state: &mut H) {
        self.0.digest(state);
        self.1.digest(state);
    }
}

/// A field that is not there comes before one that is.
impl<T: Total> Total for Option<T> {
    fn compare(&self, other: &Self) -> Ordering {
        compare_all(self.iter(), other.iter())
    }

    fn digest<H: Hasher>(&self, state: &mut H) {
        self.is_some().hash(state);
        if let Some(value) = self {
            value.digest(state);
        }
    }
}

impl<T: Total> Total for Box<T> {
    fn compare(&self, other: &Self) -> Ordering {
        T::compare(self, other)
    }

    fn digest<H: Hasher>(&self, state: &mut H) {
        T::digest(self, state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_a_place_each() {
        assert_eq!(f64::NAN.compare(&f64::NAN), Ordering::Equal);
        assert_eq!((-0.0_f32).compare(&0.0), Ordering::Less);
        assert_eq!(vec![1.0, 2.0].compare(&vec![1.0]), Ordering::Greater);
    }

    #[test]
    fn hashed_maps_compare_by_content() {
        let left: HashMap<i32, f64> = (0..100).map(|key| (key, 1.0)).collect();
        let right: HashMap<i32, f64> = (0..100).rev().map(|key| (key, 1.0)).collect();
        assert_eq!(left.compare(&right), Ordering::Equal);
        assert_eq!(left.compare(&HashMap::from([(0, 1.0)])), Ordering::Greater);
    }
}
