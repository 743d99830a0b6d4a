//! Processes and signals: the one place that touches them.

mod exit;

pub(crate) use exit::Exit;
