//! Calling: a communicator, its proxies, where their endpoints are, and one multiplexed connection an endpoint.

mod call;
mod channel;
mod communicator;
mod connect;
mod discovery;
mod driver;
mod exchange;
mod health;
mod pool;
mod proxy;
mod route;
mod slots;
mod target;

pub use call::{Call, CallFuture, OneWay, OneWayFuture, Reply, ReplyFuture, WithReply};
pub use communicator::{Communicator, CommunicatorBuilder};
pub use exchange::ResponseFuture;
pub use proxy::{Client, Proxy};
