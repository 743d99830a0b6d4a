//! Prints the large file that benchmarks compile, so many times as large: `cargo run --example large -- [TIMES]`;
//! with `STRUCTS FIELDS INTERFACES OPERATIONS` a file of that shape.
#![allow(clippy::print_stdout, reason = "the file is what was asked for")]

#[path = "../benches/large/mod.rs"]
mod large;

use large::Shape;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|arg| arg.parse().ok()).collect();
    let shape = match numbers.as_slice() {
        [structs, fields, interfaces, operations] => Shape {
            structs: *structs,
            fields: *fields,
            interfaces: *interfaces,
            operations: *operations,
        },
        [times, ..] => Shape::USUAL.times(*times),
        [] => Shape::USUAL,
    };
    print!("{}", large::text(shape));
}
