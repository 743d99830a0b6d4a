use tars::TarsStruct;

#[derive(TarsStruct)]
struct Server {
    #[tars(tag = 0, default = "5")]
    text_for_a_number: i32,
    #[tars(tag = 1, default = true)]
    bool_for_a_text: String,
    #[tars(tag = 2, default = 0.5)]
    float_for_an_integer: i64,
    #[tars(tag = 3, default = -1)]
    integer_for_a_bool: bool,
    #[tars(tag = 4, default = -1)]
    integer_for_a_float: f64,
}

fn main() {}
