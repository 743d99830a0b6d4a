//! Checks and builds large files, as the command line tool does: the usual one of 2.2 MB, and nine times as much for what
//! may not grow faster than the file.
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod large;

use std::ffi::OsString;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use large::Shape;
use tars2rs::tool::Report;

fn compile(c: &mut Criterion) {
    file(c, "2.2 MB", Shape::USUAL);
    file(c, "20 MB", Shape::USUAL.times(9));
}

fn file(c: &mut Criterion, size: &str, shape: Shape) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("large.tars");
    let text = large::text(shape);
    std::fs::write(&file, &text).unwrap();
    let out = dir.path().join("out");

    let mut group = c.benchmark_group(size);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(10);
    let mut command = |name, words: &[&str]| {
        group.bench_function(name, |b| b.iter(|| run(words, &file)));
    };
    command("check", &["check", "--allow", "portability"]);
    command("check with lints", &["check"]);
    command("build", &["build", "-o", out.to_str().unwrap()]);
    group.finish();
}

fn run(words: &[&str], file: &Path) -> Report {
    let words = std::iter::once("tars2rs").chain(words.iter().copied());
    let report = tars2rs::tool::run(words.map(OsString::from).chain([file.into()]));
    assert_eq!(report.code(), 0, "{}", report.stderr());
    report
}

/// As the tool has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group!(benches, compile);
criterion_main!(benches);
