use tars::TarsStruct;

#[derive(TarsStruct)]
struct Server {
    #[tars(tag = 0, presence)]
    not_an_option: i32,
    #[tars(tag = 1)]
    no_presence: Option<i32>,
    #[tars(tag = 2, presence, require)]
    required: Option<i32>,
    #[tars(tag = 3, presence, default = 3)]
    with_default: Option<i32>,
    #[tars(tag = 4, default = "inactive", max_len = 5)]
    too_long: String,
    #[tars(tag = 5, default = 1 + 2)]
    not_a_literal: i32,
    #[tars(tag = 6, max_len = many)]
    not_a_number: String,
    #[tars(tag = 7, name = quantity)]
    not_a_text: i32,
}

fn main() {}
