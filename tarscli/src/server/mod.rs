//! The server of a container, as its files describe it.

mod info;
pub(crate) mod registering;

pub(crate) use info::{Adapter, ServerConf, ServerInfo};
