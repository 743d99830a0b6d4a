//! Calling: a communicator, its proxies, and one multiplexed connection an endpoint.

mod call;
mod channel;
mod communicator;
mod connect;
mod driver;
mod exchange;
mod proxy;
mod slots;

pub use call::{Call, CallFuture, OneWay, OneWayFuture, Reply, ReplyFuture, WithReply};
pub use communicator::{Communicator, CommunicatorBuilder};
pub use exchange::ResponseFuture;
pub use proxy::{Client, Proxy};
