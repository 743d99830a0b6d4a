//! The way out of the registry, within one budget of time.

mod budget;
pub(crate) mod mark;
mod sequence;

pub(crate) use self::budget::{Budget, Deadlines};
pub(crate) use self::sequence::{Outcome, leave};
