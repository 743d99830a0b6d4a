//! Bounds: how often, how large, how long.

mod body;
mod rate;

pub(crate) use body::Bodies;
pub(crate) use rate::{RateLimit, by_network};
