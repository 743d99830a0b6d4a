//! What the server prints, and what this program has to say: passed on as it comes, and kept in files.
//!
//! Nothing here is done by the event loop. A reader of this program's output who stops reading stops one thread here, and
//! at most the server when its pipe is full.

mod capture;
mod lines;
mod log;
mod rotated;
mod tail;

pub(crate) use self::{
    capture::{Capture, Output},
    log::Log,
};
