//! Compiles `trace.tars` into `OUT_DIR`.

fn main() -> Result<(), tars2rs::Error> {
    tars2rs::Config::new().compile(&["trace.tars"], &["."])
}
