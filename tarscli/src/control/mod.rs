//! The supervisor's socket: what can be asked and what it answers.
//!
//! One line of JSON asks, `{"ask":"state"}`, one line answers, and the connection ends.

mod claim;
mod client;
mod message;
mod server;
mod socket;
mod status;

pub(crate) use self::claim::{Claim, Taken};
pub(crate) use self::client::{AskError, ask_live, ask_prestop, ask_state};
pub(crate) use self::server::{Listening, Order, serve};
pub(crate) use self::status::{Checks, Left, Phase, Registry, Status};
