//! Who serves a servant: the rules of `QueryF`, from rows to answers. No SQL, no clock, no sockets.
//!
//! ```text
//! rows ─▶ entries ─▶ catalog ─▶ directory ─▶ servant ─▶ lists
//! tables  one row,   what is    immutable,   the views   active and
//!         checked    known now  shared       of one      inactive
//! ```
//!
//! The rules are TarsFramework's registry's, where its clients rely on them. Where it gives one endpoint twice, an order
//! that changes, or nothing at all of a server that has just left, the answers here are better (see [`Lists`] and
//! [`Catalog`]).

mod catalog;
mod directory;
mod endpoint;
mod entry;
mod grouping;
mod lists;
mod rows;
mod servant;
mod set;

#[cfg(test)]
mod tests;

pub(crate) use catalog::Catalog;
#[cfg(test)]
pub(crate) use catalog::DEPARTED_FOR;
pub(crate) use directory::{Answer, Counts, Directory};
pub(crate) use endpoint::told_host;
pub(crate) use entry::Entry;
pub(crate) use lists::Lists;
pub(crate) use rows::{AdapterRow, GroupRows, PriorityRow, RegistryRow, RuleRow, ServerName, ServerRow, World};
pub(crate) use servant::Servant;
