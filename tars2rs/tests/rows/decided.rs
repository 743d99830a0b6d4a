//! Portability: what compilers for other languages do not take is accepted, with a warning for those who ask.

use tars2rs::Config;

use crate::codes;

const ROWS: &[(&str, &str, &[&str])] = &[
    (
        "forward references",
        "struct A { 0 require B b; }; struct B { 0 require int a; };",
        &["T1001"],
    ),
    (
        "recursion between structs",
        "struct A { 0 optional vector<B> b; }; struct B { 0 optional vector<A> a; };",
        &["T1002"],
    ),
    (
        "recursion of one struct is fine",
        "struct A { 0 optional vector<A> b; };",
        &[],
    ),
    ("routekey", "interface I { void f(routekey int a); };", &["T1003"]),
    ("an enum with some values", "enum A { B = 1, C };", &["T1004"]),
    (
        "an enum with all or none",
        "enum A { B = 1, C = 2 }; enum D { F, G };",
        &[],
    ),
    (
        "an enumerator as a default",
        "enum A { B }; struct C { 0 optional A a = B; };",
        &["T1005"],
    ),
    ("unsigned byte", "struct A { 0 require unsigned byte a; };", &["T1006"]),
    (
        "unsigned short",
        "struct A { 0 require unsigned short a; };",
        &["T1006"],
    ),
    (
        "unsigned int is known everywhere",
        "struct A { 0 require unsigned int a; };",
        &[],
    ),
    ("constants", "const int A = 1;", &["T1007"]),
    ("arrays", "struct A { 0 require int a[2]; };", &["T1008"]),
    ("pointers", "struct A { 0 require byte *a; };", &["T1009"]),
    ("strings with a size", "struct A { 0 require string:5 a; };", &["T1010"]),
    (
        "vectors with a size",
        "struct A { 0 require vector<int>:5 a; };",
        &["T1010"],
    ),
    (
        "fields that differ in the first letter",
        "struct A { 0 require int x; 1 require int X; };",
        &["T0901", "T1011"],
    ),
    (
        "operations that differ in the first letter",
        "interface I { void f(); void F(); };",
        &["T0901", "T1011"],
    ),
    (
        "names that differ elsewhere are fine",
        "struct A { 0 require int ab; 1 require int aB; };",
        &[],
    ),
    (
        "a keyword of another language",
        "struct A { 0 require int class; };",
        &["T1012"],
    ),
    (
        "an optional byte without a default",
        "struct A { 0 optional byte a; };",
        &["T1014"],
    ),
    ("with one", "struct A { 0 optional byte a = 0; };", &[]),
    (
        "a fraction as a map key",
        "struct A { 0 require map<double, int> a; };",
        &["T0902", "T1015"],
    ),
    (
        "a struct as a map key",
        "struct B { 0 require int a; }; struct A { 0 require map<B, int> a; };",
        &["T0902", "T1016"],
    ),
    (
        "a struct with a key",
        "struct B { 0 require int a; }; key[B, a]; struct A { 0 require map<B, int> a; };",
        &[],
    ),
    ("an enumerator of two enums", "enum A { C }; enum B { C };", &["T1017"]),
];

#[test]
fn portability_is_a_warning_for_those_who_ask() {
    for (rule, body, expected) in ROWS {
        let file = format!("module m {{ {body} }};");
        let files = [("a.tars", file.as_bytes())];
        assert_eq!(codes(&files, Config::new().warn("portability")), *expected, "{rule}");
        let quiet: Vec<&str> = expected.iter().copied().filter(|code| *code < "T10").collect();
        assert_eq!(codes(&files, &Config::new()), quiet, "{rule}");
    }
}

#[test]
fn files_that_include_each_other() {
    let files: [(&str, &[u8]); 2] = [("a.tars", b"#include \"b.tars\""), ("b.tars", b"#include \"a.tars\"")];
    assert_eq!(codes(&files, Config::new().warn("portability")), ["T1013"]);
}
