//! What a file must mean.

use std::fs;

use tars2rs::Config;
use tempfile::TempDir;

use crate::{Row, codes, inside, whole};

#[test]
fn modules() {
    whole(&[
        (
            "only at the top",
            "module a { module b { struct S { 0 require int a; }; }; };",
            &["T0305"],
        ),
        (
            "opened again, with all names of before",
            "module a { struct S { 0 require int a; }; }; module b { }; module a { struct T { 0 require S s; }; };",
            &[],
        ),
        (
            "a struct named like a module",
            "module a { struct a { 0 require int a; }; };",
            &[],
        ),
        (
            "an interface named like a module",
            "module a { interface a { }; };",
            &["T0306"],
        ),
        (
            "an interface named like another module",
            "module a { interface b { }; }; module b { };",
            &["T0306"],
        ),
        ("a struct outside", "struct S { 0 require int a; };", &["T0304"]),
        ("an enum outside", "enum E { A };", &["T0304"]),
        ("a constant outside", "const int A = 1;", &["T0304"]),
        ("an interface outside", "interface I { };", &["T0304"]),
        (
            "a key before any module",
            "key[S, a]; module a { struct S { 0 require int a; }; };",
            &["T0304"],
        ),
        (
            "a key behind a module",
            "module a { struct S { 0 require int a; }; }; key[S, a];",
            &["T0304"],
        ),
        (
            "a struct twice over two blocks",
            "module a { struct S { 0 require int a; }; }; module a { struct S { 0 require int a; }; };",
            &["T0302"],
        ),
        (
            "an interface twice over two blocks",
            "module a { interface I { }; }; module a { interface I { }; };",
            &["T0303"],
        ),
        (
            "a constant twice over two blocks",
            "module a { const int A = 1; }; module a { const int A = 1; };",
            &["T0303"],
        ),
    ]);
}

#[test]
fn names_and_scopes() {
    inside(&[
        ("structs and enums share their names", "enum S { A1 };", &["T0302"]),
        ("an interface named like a struct", "interface S { };", &["T0901"]),
        ("a constant named like a struct", "const int S = 1;", &["T0901"]),
        ("an enumerator of two enums", "enum G { X };", &[]),
        ("an interface twice", "interface I { }; interface I { };", &["T0303"]),
        (
            "an interface is no type",
            "interface I { }; struct A { 0 require I a; };",
            &["T0308"],
        ),
        (
            "a constant is no type",
            "const int C = 1; struct A { 0 require C a; };",
            &["T0308"],
        ),
        ("an enumerator is no type", "struct A { 0 require X a; };", &["T0301"]),
        ("a module is no type", "struct A { 0 require m a; };", &["T0301"]),
        ("an unknown type", "struct A { 0 require Nothing a; };", &["T0301"]),
        ("an unknown module", "struct A { 0 require n::S a; };", &["T0301"]),
    ]);
    whole(&[
        (
            "names of other modules need the module",
            "module a { struct S { 0 require int a; }; }; module b { struct T { 0 require S s; }; };",
            &["T0301"],
        ),
        (
            "with it they are known",
            "module a { struct S { 0 require int a; }; }; module b { struct T { 0 require a::S s; }; };",
            &[],
        ),
    ]);
}

#[test]
fn order_and_recursion() {
    inside(&[
        (
            "used before it is declared",
            "struct A { 0 require B b; }; struct B { 0 require int a; };",
            &[],
        ),
        ("itself in a vector", "struct A { 0 optional vector<A> a; };", &[]),
        ("itself in a map", "struct A { 0 optional map<int, A> a; };", &[]),
        ("itself in an array", "struct A { 0 optional A a[3]; };", &[]),
        ("itself", "struct A { 0 optional A a; };", &["T0207"]),
        (
            "itself, held by another one before it",
            "struct A { 0 require B b; }; struct B { 0 optional B b; };",
            &["T0207"],
        ),
        (
            "each other in vectors",
            "struct A { 0 optional vector<B> a; }; struct B { 0 optional vector<A> a; };",
            &[],
        ),
        (
            "each other",
            "struct A { 0 optional B a; }; struct B { 0 optional A a; };",
            &["T0207"],
        ),
        (
            "each other, once in a vector",
            "struct A { 0 optional vector<B> a; }; struct B { 0 optional A a; };",
            &[],
        ),
    ]);
}

#[test]
fn structs() {
    inside(&[
        ("no fields", "struct A { };", &["T0202"]),
        (
            "tags in any order",
            "struct A { 5 require int a; 0 require int b; };",
            &[],
        ),
        ("the largest tag", "struct A { 255 require int a; };", &[]),
        ("beyond it", "struct A { 256 require int a; };", &["T0201"]),
        ("negative", "struct A { -1 require int a; };", &["T0201"]),
        (
            "not cut to 32 bits",
            "struct A { 4294967296 require int a; };",
            &["T0201"],
        ),
        (
            "hexadecimal, octal, with a sign",
            "struct A { 0x10 require int a; 017 require int b; +3 require int c; };",
            &[],
        ),
        (
            "a tag twice",
            "struct A { 1 require int a; 0x1 require int b; };",
            &["T0203"],
        ),
        (
            "a name twice",
            "struct A { 0 require int a; 1 require int a; };",
            &["T0204"],
        ),
        (
            "a name twice, tags in any order",
            "struct A { 5 require int x; 9 require int y; 1 require int y; };",
            &["T0204"],
        ),
        (
            "names in other case differ",
            "struct A { 0 require int ab; 1 require int AB; };",
            &["T0901"],
        ),
        ("no tag", "struct A { require int a; };", &["T0206"]),
        ("neither word", "struct A { 0 int a; };", &["T0205"]),
        ("both words", "struct A { 0 require optional int a; };", &["T0205"]),
    ]);
}

const DEFAULTS: &[Row] = &[
    (
        "on both",
        "struct A { 0 require int a = 1; 1 optional int b = 1; };",
        &[],
    ),
    ("a vector", "struct A { 0 optional vector<int> a = 1; };", &["T0403"]),
    ("a map", "struct A { 0 optional map<int, int> a = 1; };", &["T0403"]),
    ("a struct", "struct A { 0 optional S a = 1; };", &["T0403"]),
    ("an array", "struct A { 0 optional int a[2] = 1; };", &["T0403"]),
    ("a pointer", "struct A { 0 optional byte *a = 1; };", &["T0403"]),
    ("a byte too large", "struct A { 0 optional byte a = 300; };", &["T0405"]),
    (
        "an unsigned one below 0",
        "struct A { 0 optional unsigned int a = -5; };",
        &["T0405"],
    ),
    (
        "an int too large",
        "struct A { 0 optional int a = 9999999999; };",
        &["T0405"],
    ),
    (
        "a fraction for an int",
        "struct A { 0 optional int a = 1.5; };",
        &["T0404"],
    ),
    (
        "a number for a bool",
        "struct A { 0 optional bool a = 1; };",
        &["T0404"],
    ),
    (
        "a bool in large letters",
        "struct A { 0 optional bool a = TRUE; };",
        &["T0404"],
    ),
    (
        "a name for a string",
        "struct A { 0 optional string a = abc; };",
        &["T0404"],
    ),
    (
        "a string for an enum",
        "struct A { 0 optional E a = \"X\"; };",
        &["T0404"],
    ),
    (
        "an enumerator for an int",
        "struct A { 0 optional int a = X; };",
        &["T0404"],
    ),
    (
        "an enumerator for a string",
        "struct A { 0 optional string a = X; };",
        &["T0404"],
    ),
    (
        "a constant",
        "const int C = 1; struct A { 0 optional int a = C; };",
        &["T0404"],
    ),
    (
        "an enumerator in all spellings",
        "struct A { 0 optional E a = X; 1 optional E b = m::X; 2 optional E c = E::X; 3 optional E d = m::E::X; };",
        &[],
    ),
    (
        "an enumerator of another enum",
        "struct A { 0 optional E a = P; };",
        &["T0406"],
    ),
    (
        "an unknown qualifier",
        "struct A { 0 optional E a = N::X; };",
        &["T0406"],
    ),
    (
        "the wrong qualifier",
        "struct A { 0 optional E a = F::X; };",
        &["T0406"],
    ),
    ("the number of an enumerator", "struct A { 0 optional E a = 5; };", &[]),
    ("a number of none", "struct A { 0 optional E a = 99; };", &["T0406"]),
    (
        "a fraction for an enum",
        "struct A { 0 optional E a = 1.5; };",
        &["T0404"],
    ),
];

#[test]
fn defaults() {
    inside(DEFAULTS);
}

#[test]
fn values_of_enums() {
    inside(&[
        (
            "negative, hexadecimal, octal, gaps",
            "enum A { A1 = -1, A2 = 0x10, A3 = 017, A4 };",
            &[],
        ),
        ("two of one value", "enum A { A1 = 1, A2 = 1 };", &[]),
        ("a fraction", "enum A { A1 = 1.5 };", &["T0503"]),
        ("a string", "enum A { A1 = \"1\" };", &["T0503"]),
        ("a bool", "enum A { A1 = true };", &["T0503"]),
        ("beyond 32 bits", "enum A { A1 = 4294967296 };", &["T0502"]),
        ("counted beyond 32 bits", "enum A { A1 = 2147483647, A2 };", &["T0502"]),
        ("one of the same enum", "enum A { A1 = 3, A2 = A1, A3 };", &[]),
        (
            "one of another enum",
            "enum A { A1 = Y, A2 = E::Z, A3 = m::X, A4 = m::E::X };",
            &[],
        ),
        ("one that comes later", "enum A { A1 = A2, A2 };", &["T0504"]),
        ("an unknown one", "enum A { A1 = Nothing };", &["T0504"]),
        ("a name twice", "enum A { A1, A1 };", &["T0501"]),
    ]);
}

#[test]
fn constants() {
    inside(&[
        (
            "of every basic type and of enums",
            "const bool A = true; const byte B = 1; const double C = 1.5; const string D = \"d\"; const E F1 = Y; const unsigned int G = 4294967295;",
            &[],
        ),
        ("a struct", "const S A = 1;", &["T0407"]),
        ("a vector", "const vector<int> A = 1;", &["T0407"]),
        ("a map", "const map<int, int> A = 1;", &["T0407"]),
        (
            "another constant as its value",
            "const int A = 1; const int B = A;",
            &["T0404"],
        ),
        ("a value of another kind", "const int A = \"1\";", &["T0404"]),
        ("a value too large", "const short A = 32768;", &["T0405"]),
        ("twice", "const int A = 1; const long A = 2;", &["T0303"]),
    ]);
}

#[test]
fn keys() {
    inside(&[
        ("several lines add up", "key[S, a]; key[S, b];", &[]),
        (
            "any field",
            "struct A { 0 require map<int, int> a; 1 require double b; }; key[A, a, b];",
            &[],
        ),
        ("before the struct", "key[A, a]; struct A { 0 require int a; };", &[]),
        ("a member that is no field", "key[S, c];", &["T0209"]),
        ("a member twice", "key[S, a, a];", &["T0905"]),
        ("a member in two lines", "key[S, a]; key[S, a];", &["T0905"]),
        ("an enum", "key[E, X];", &["T0208"]),
        ("an interface", "interface I { }; key[I, a];", &["T0208"]),
        ("an unknown struct", "key[Nothing, a];", &["T0301"]),
    ]);
}

const TYPES: &[Row] = &[
    (
        "any key that has an order",
        "key[S, a]; struct A { 0 require map<S, int> a; 1 require map<bool, int> b; 2 require map<vector<int>, int> c; 3 require map<map<int, int>, int> d; };",
        &[],
    ),
    (
        "a fraction as a key",
        "struct A { 0 require map<float, int> a; };",
        &["T0902"],
    ),
    (
        "a struct without a key",
        "struct A { 0 require map<S, int> a; };",
        &["T0902"],
    ),
    ("void as a field", "struct A { 0 require void a; };", &["T0401"]),
    (
        "void as an element",
        "struct A { 0 require vector<void> a; };",
        &["T0401"],
    ),
    ("void as a parameter", "interface I { void f(void a); };", &["T0401"]),
    (
        "sizes",
        "struct A { 0 require int a[1048575]; 1 require string:1 b; 2 require vector<int>:2 c; };",
        &[],
    ),
    ("a size of 0", "struct A { 0 require int a[0]; };", &["T0402"]),
    (
        "a size too large",
        "struct A { 0 require string:1048576 a; };",
        &["T0402"],
    ),
    (
        "a size below 0",
        "struct A { 0 require vector<int>:-1 a; };",
        &["T0402"],
    ),
    (
        "a size inside",
        "struct A { 0 require vector<string:5> a; };",
        &["T0904"],
    ),
    (
        "an array of a sized type",
        "struct A { 0 require string:5 a[2]; };",
        &["T0408"],
    ),
    (
        "a map with a size",
        "struct A { 0 require map<int, int>:5 a; };",
        &["T0408"],
    ),
    ("an int with a size", "struct A { 0 require int:5 a; };", &["T0408"]),
    ("a struct with a size", "struct A { 0 require S:5 a; };", &["T0408"]),
    (
        "a pointer to something else",
        "struct A { 0 require int *a; };",
        &["T0401"],
    ),
];

#[test]
fn types() {
    inside(TYPES);
}

#[test]
fn operations() {
    inside(&[
        ("a name twice", "interface I { void f(); int f(int a); };", &["T0601"]),
        (
            "a parameter named like its operation",
            "interface I { void f(int f); };",
            &["T0603"],
        ),
        (
            "a parameter twice",
            "interface I { void f(int a, out int a); };",
            &["T0602"],
        ),
        (
            "an out parameter named like the return value",
            "interface I { int f(out int tars_ret); };",
            &["T0605"],
        ),
        (
            "without a return value",
            "interface I { void f(out int tars_ret); };",
            &[],
        ),
        (
            "any return type",
            "interface I { vector<map<int, S>> f(); E g(); unsigned int h(); };",
            &[],
        ),
    ]);
    let params = |count: usize| {
        let params: Vec<String> = (0..count).map(|number| format!("int p{number}")).collect();
        format!("module m {{ interface I {{ void f({}); }}; }};", params.join(", "))
    };
    for (count, expected) in [(255, &[][..]), (256, &["T0604"])] {
        let file = params(count);
        assert_eq!(
            codes(&[("a.tars", file.as_bytes())], &Config::new()),
            expected,
            "{count} parameters"
        );
    }
}

#[test]
fn there_are_no_limits_on_numbers() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let definitions = many(4000, &|i| format!("const int C{i} = {i};"));
    let modules = many(4000, &|i| format!("module m{i} {{ }};"));
    let operations = many(6000, &|i| format!("void f{i}();"));
    let enumerators = many(6000, &|i| format!("E{i},"));
    for (rule, file) in [
        ("definitions of a module", format!("module m {{ {definitions} }};")),
        ("modules", modules),
        ("operations", format!("module m {{ interface I {{ {operations} }}; }};")),
        ("enumerators", format!("module m {{ enum E {{ {enumerators} }}; }};")),
    ] {
        assert_eq!(check(&file), "", "{rule}");
    }
    let nested = format!("{}int{}", "vector<".repeat(5000), ">".repeat(5000));
    let said = check(&format!("module m {{ struct S {{ 0 require {nested} a; }}; }};"));
    assert!(
        said.contains("error[T0109]") && said.lines().count() == 1,
        "nesting is limited: {said}"
    );
}

/// What the tool says about a file that is too large to be generated for a test.
fn check(file: &str) -> String {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a.tars"), file).unwrap();
    let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"));
    command
        .current_dir(dir.path())
        .args(["check", "a.tars", "--message-format", "short", "--allow", "portability"]);
    String::from_utf8(command.output().unwrap().stderr).unwrap()
}
