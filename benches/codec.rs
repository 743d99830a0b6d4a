//! Encodes and decodes a struct of ordinary size, 376 bytes on the wire.
#![allow(missing_docs, reason = "criterion's macros write undocumented functions")]

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tars::TarsStruct;
use tars::codec::{self, Limits, Struct, Writer};

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Nested {
    #[tars(tag = 0, require)]
    id: i32,
    #[tars(tag = 1, require)]
    name: String,
    #[tars(tag = 2)]
    value: i64,
    #[tars(tag = 3)]
    score: f64,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
struct Medium {
    #[tars(tag = 0, require)]
    flag: bool,
    #[tars(tag = 1, require)]
    kind: i8,
    #[tars(tag = 2, require)]
    port: i16,
    #[tars(tag = 3, require)]
    count: i32,
    #[tars(tag = 4, require)]
    timestamp: i64,
    #[tars(tag = 5, require)]
    ratio: f32,
    #[tars(tag = 6, require)]
    price: f64,
    #[tars(tag = 7, require)]
    name: String,
    #[tars(tag = 8)]
    items: Vec<Nested>,
    #[tars(tag = 9)]
    labels: BTreeMap<String, String>,
}

fn medium() -> Medium {
    let nested = |index: i32| Nested {
        id: 1000 + index,
        name: format!("item-name-{index}"),
        value: 10_000_000_000 + i64::from(index),
        score: f64::from(index) + 0.5,
    };
    Medium {
        flag: true,
        kind: 7,
        port: 20001,
        count: 1_234_567,
        timestamp: 1_732_270_000_123,
        ratio: 0.75,
        price: 12345.6789,
        name: "TestApp.HelloServer.HelloObj".to_owned(),
        items: (0..5).map(nested).collect(),
        labels: (0..5)
            .map(|index| (format!("key-{index}"), format!("value-of-label-{index}")))
            .collect(),
    }
}

fn codec(criterion: &mut Criterion) {
    let value = medium();
    let bytes = codec::encode(&value).expect("the value is within its bounds");
    assert_eq!(bytes.len(), 376);
    assert_eq!(
        bytes[..14],
        [
            0x00, 1, 0x10, 7, 0x21, 0x4e, 0x21, 0x32, 0x00, 0x12, 0xd6, 0x87, 0x43, 0x00
        ]
    );
    assert_eq!(
        codec::decode::<Medium>(&bytes, &Limits::default()).expect("the bytes were just written"),
        value
    );

    let mut group = criterion.benchmark_group("codec");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode/fresh", |bencher| {
        bencher.iter(|| codec::encode(black_box(&value)));
    });
    group.bench_function("encode/reuse", |bencher| {
        let mut buffer = Vec::with_capacity(512);
        bencher.iter(|| {
            buffer.clear();
            let mut writer = Writer::from_vec(std::mem::take(&mut buffer));
            black_box(&value).encode_fields(&mut writer);
            buffer = writer.finish().expect("the value is within its bounds");
            black_box(buffer.len())
        });
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| codec::decode::<Medium>(black_box(&bytes), &Limits::default()));
    });
    group.bench_function("clone", |bencher| bencher.iter(|| black_box(&value).clone()));
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
