//! Processes and signals: the one place that touches them.
//!
//! All children are waited for by one reaper, and nobody else waits: a second one would take exit codes away. As PID 1,
//! and as a subreaper otherwise, this program also gets the orphans of its children; they are reaped by the way.

mod end;
mod exit;
mod origin;
mod reaper;
mod script;
mod signals;
mod table;
mod tree;

pub(crate) use end::end;
pub(crate) use exit::Exit;
pub(crate) use origin::Origin;
pub(crate) use reaper::{Process, Processes};
pub(crate) use rustix::process::Signal;
pub(crate) use script::{ScriptError, shell, shell_heard};
pub(crate) use signals::{Signals, take_terminal};
