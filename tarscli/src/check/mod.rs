//! Whether the server may get calls: looked at from the outside.

mod fault;
mod ping;
mod ports;
mod target;
mod udp;

pub(crate) use self::fault::Fault;
pub(crate) use self::ports::Ports;
