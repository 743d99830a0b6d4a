//! Compiles `hello.tars` into `OUT_DIR`.

fn main() -> Result<(), tars2rs::Error> {
    tars2rs::Config::new().compile(&["hello.tars"], &["."])
}
