//! Builds the migrations into the binary again when one of them changes.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
