use tars::{TarsEnum, TarsStruct};

#[derive(TarsStruct)]
enum NotAStruct {
    A,
}

#[derive(TarsStruct)]
struct NoNames(#[tars(tag = 0)] i32);

#[derive(TarsStruct)]
struct Generic<T> {
    #[tars(tag = 0)]
    value: T,
}

#[derive(TarsEnum)]
#[tars(values(A))]
enum NotANewtype {
    A,
}

#[derive(TarsEnum)]
#[tars(values(A))]
struct NotAnInt(u8);

fn main() {}
