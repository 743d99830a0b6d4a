//! The server of a container, as its files describe it.

mod info;
mod meta;
pub(crate) mod registering;

pub(crate) use info::{Adapter, ServerConf, ServerInfo};
pub(crate) use meta::Meta;
