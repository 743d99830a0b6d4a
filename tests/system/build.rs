//! Compiles the test interfaces as a user's crate would.

fn main() -> Result<(), tars2rs::Error> {
    tars2rs::Config::new().compile(&["idl/gate.tars", "idl/peers.tars", "idl/vectors.tars"], &["idl"])
}
