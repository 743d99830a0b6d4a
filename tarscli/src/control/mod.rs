//! The supervisor's socket: what can be asked and what it answers.

mod status;

pub(crate) use status::{Checks, Phase, Registry, Status};
