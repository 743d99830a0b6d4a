//! The server of a container, as its files describe it.

mod info;
mod meta;
mod places;
pub(crate) mod registering;
pub(crate) mod rules;

pub(crate) use info::{Adapter, ServerConf, ServerInfo};
pub(crate) use meta::Meta;
pub(crate) use places::Places;
