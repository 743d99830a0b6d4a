//! Compiles the framework's own interfaces to `OUT_DIR/tars.rs`, which `src/protocol.rs` includes.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=idl");
    let mut files = std::fs::read_dir("idl")?
        .map(|file| Ok(file?.path()))
        .collect::<std::io::Result<Vec<PathBuf>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "tars"));
    files.sort();
    // Bytes that somebody else wrote: one odd value must not fail a call.
    tars2rs::Config::new()
        .bytes([
            "tars.RequestPacket.context",
            "tars.RequestPacket.status",
            "tars.ResponsePacket.context",
        ])
        .bytes(["tars.ResponsePacket.status", "tars.ResponsePacket.sResultDesc"])
        .compile(&files, &["idl"])?;
    Ok(())
}
