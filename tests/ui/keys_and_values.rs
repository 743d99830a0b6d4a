use tars::{TarsEnum, TarsStruct};

#[derive(TarsStruct)]
#[tars(key(host, prot, host))]
struct Endpoint {
    #[tars(tag = 0)]
    host: String,
    #[tars(tag = 1)]
    port: i32,
}

#[derive(TarsStruct)]
#[tars(key(), values(A))]
struct NoKey {
    #[tars(tag = 0)]
    host: String,
}

#[derive(TarsEnum)]
struct NoValues(i32);

#[derive(TarsEnum)]
#[tars(values())]
struct EmptyValues(i32);

#[derive(TarsEnum)]
#[tars(values(A, B = "A"))]
struct SameName(i32);

fn main() {}
