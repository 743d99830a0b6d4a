//! What the tests start and look into: databases on the private MariaDB, the workspace's own binaries, Node programs.
//!
//! Everything cleans up by `Drop`. A missing tool is a failure that says what to run, never a skipped test.

pub mod gateway;
pub mod guide;
pub mod http;
pub mod lookup;
pub mod mysql;
pub mod named;
pub mod node;
pub mod patient;
pub mod pod;
pub mod port;
pub mod process;
pub mod proxy;
pub mod registry;
