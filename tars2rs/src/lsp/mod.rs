//! `tars2rs lsp`: what editors ask while somebody types.
//!
//! The core knows nothing of the protocol: `workspace` holds the open texts and answers, with what `analysis` found out
//! about each of them and the files it includes. The front end is the compiler's own; open texts stand in for files. A text
//! is looked at once after a change, when something is asked about it, or when nothing has arrived for a moment. `server`
//! (the session), `requests` and `convert` speak the protocol, over the bytes of `wire`.

mod analysis;
mod complete;
mod convert;
mod declaration;
mod findings;
mod hover;
mod index;
mod outbox;
mod outline;
mod place;
mod rename;
mod requests;
mod server;
mod text;
mod wire;
mod workspace;

pub(crate) use server::serve;
