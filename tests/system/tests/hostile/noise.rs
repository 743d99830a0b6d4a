//! Bytes that nobody should have to read, from a seed.

use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};

/// Numbers that break arithmetic.
const EDGES: [u32; 10] = [
    0,
    1,
    3,
    4,
    0x7f,
    0xff,
    0xffff,
    10 * 1024 * 1024,
    0x7fff_ffff,
    0xffff_ffff,
];

/// A source of bytes that is the same on every run.
pub(crate) struct Noise(StdRng);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end.max(1))
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.0.random_ratio(percent, 100)
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Up to `most` bytes of anything.
    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.below(most + 1)];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// A number that breaks arithmetic.
    pub(crate) fn edge(&mut self) -> u32 {
        *self.pick(&EDGES)
    }

    /// `message` with one to eight things wrong.
    pub(crate) fn mutated(&mut self, message: &[u8]) -> Vec<u8> {
        let mut bytes = message.to_vec();
        for _ in 0..=self.below(8) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let until = (at + 1 + self.below(16)).min(bytes.len());
        match self.below(7) {
            _ if bytes.is_empty() => bytes.push(0),
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.bytes(1).first().copied().unwrap_or(0xff),
            2 => drop(bytes.drain(at..until)),
            3 => {
                let more = self.bytes(16);
                bytes.splice(at..at, more);
            }
            4 => {
                let again = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            5 => {
                let edge = self.edge().to_be_bytes();
                let length = edge.len().min(bytes.len() - at);
                bytes[at..at + length].copy_from_slice(&edge[..length]);
            }
            _ => bytes.truncate(at),
        }
    }
}
