//! Tests across the crates and binaries: see the folder `tests/`. This library is what `idl/*.tars` becomes.

tars::include_tars!("gates");
tars::include_tars!("peers");
tars::include_tars!("vectors");
