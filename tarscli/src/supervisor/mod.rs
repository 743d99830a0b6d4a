//! The supervisor: PID 1 of a server's container.

mod checking;
mod machine;
mod restart;
