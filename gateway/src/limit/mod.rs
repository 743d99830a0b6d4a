//! Bounds: how often, how large, how long.

mod body;
mod budget;
mod rate;
mod tally;

pub(crate) use body::Bodies;
pub(crate) use rate::{Network, RateLimit};
pub(crate) use tally::Tally;
