use tars::TarsStruct;

#[derive(TarsStruct)]
struct Server {
    untagged: i32,
    #[tars(require)]
    tag_forgotten: i32,
    #[tars(tag = 1)]
    first: i32,
    #[tars(tag = 1)]
    second: i32,
    #[tars(tag = 256)]
    too_large: i32,
    #[tars(tag = -1)]
    negative: i32,
    #[tars(tag = 2, tag = 3)]
    twice: i32,
    #[tars(tag = 4, requires, max_length = 3, size(3))]
    unknown: i32,
    #[tars(tag = 5, name = "first")]
    named_as_another: i32,
}

fn main() {}
