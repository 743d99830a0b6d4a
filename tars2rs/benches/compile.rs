//! Checks and builds a file of 2.2 MB, as the command line tool does.
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

mod large;

use std::ffi::OsString;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn compile(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("large.tars");
    let text = large::text(large::Shape::USUAL);
    std::fs::write(&file, &text).unwrap();
    let run = |words: &[&str]| {
        let words = words.iter().map(OsString::from);
        let report = tars2rs::tool::run(words.chain([file.clone().into_os_string()]));
        assert_eq!(report.code(), 0, "{}", report.stderr());
        report
    };
    let out = dir.path().join("out");
    let out = out.to_str().unwrap();

    let mut group = c.benchmark_group("2.2 MB");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.sample_size(20);
    group.bench_function("check", |b| {
        b.iter(|| black_box(run(&["tars2rs", "check", "--allow", "portability"])));
    });
    group.bench_function("check with lints", |b| b.iter(|| black_box(run(&["tars2rs", "check"]))));
    group.sample_size(10);
    group.bench_function("build", |b| b.iter(|| black_box(run(&["tars2rs", "build", "-o", out]))));
    group.finish();
}

criterion_group!(benches, compile);
criterion_main!(benches);
