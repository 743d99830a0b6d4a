//! Whatever may hold itself has a limit, or needs no stack: in every subcommand, on the small stack of a thread.

use tempfile::TempDir;

use crate::COMMANDS;
use crate::cost;

/// A stack that ends would end the test with it.
fn survives(text: &str, commands: &[&[&str]]) {
    let dir = TempDir::new().unwrap();
    for command in commands {
        cost::of(command, dir.path(), text);
    }
}

/// What opens, and what closes it.
const PAIRS: [(&str, &str); 14] = [
    ("vector<", ">"),
    ("map<int,", ">"),
    ("map<", ",int>"),
    ("unsigned ", ""),
    ("a::", ""),
    ("::", ""),
    ("{", "}"),
    ("(", ")"),
    ("[", "]"),
    ("module a {", "};"),
    ("struct A {", "};"),
    ("/*", "*/"),
    ("-", ""),
    ("\"\\\"", "\""),
];

#[test]
fn whatever_opens() {
    let times = 2_500;
    // Whatever reads files reads them as `check` does, but for `fmt`.
    let commands: [&[&str]; 2] = [
        &["check", "--message-format=short", "a.tars"],
        &["fmt", "--check", "a.tars"],
    ];
    for (open, close) in PAIRS {
        let (open, close) = (open.repeat(times), close.repeat(times));
        for text in [
            format!("module a {{ struct A {{ 0 require {open}int{close} a; }}; }};"),
            format!("module a {{ struct A {{ 0 require {open}int"),
            format!("module a {{ struct A {{ 0 optional int a = {open}1{close}; }}; }};"),
            format!("module a {{ interface I {{ {open}int{close} f({open}int{close} a); }}; }};"),
            format!("{open}{close}"),
            open.clone(),
        ] {
            survives(&text, &commands);
        }
    }
}

/// As deep as is allowed, in everything that walks through types.
#[test]
fn types_as_deep_as_they_may_be() {
    let deep = |depth: usize| {
        let (open, close) = ("vector<map<int,".repeat(depth / 2), ">>".repeat(depth / 2));
        format!("module a {{ struct A {{ 0 require {open}int{close} a; }}; interface I {{ {open}A{close} f(); }}; }};")
    };
    let dir = TempDir::new().unwrap();
    let accepted = |depth: &usize| {
        std::fs::write(dir.path().join("a.tars"), deep(*depth)).unwrap();
        crate::timed(dir.path(), COMMANDS[0]).0 == Some(0)
    };
    let deepest = (2..400).step_by(2).take_while(accepted).last().unwrap();
    assert!((16..400).contains(&deepest), "{deepest}");
    survives(&deep(deepest), &COMMANDS);
}

/// Chains through names, which nobody limits.
#[test]
fn chains_of_names() {
    let count = 400;
    let chain = |link: &dyn Fn(usize) -> String, end: &str| {
        let links: String = (0..count).map(link).collect();
        format!("module m {{\n{links}{end}\n}};")
    };
    let end = format!("struct S{count} {{ 0 require int end; }};");
    for text in [
        chain(&|i| format!("struct S{i} {{ 0 require S{} next; }};\n", i + 1), &end),
        chain(
            &|i| format!("struct S{i} {{ 0 require vector<S{}> next; }};\n", i + 1),
            &end,
        ),
        chain(
            &|i| format!("struct S{i} {{ 0 require map<S{}, int> next; }};\n", i + 1),
            &end,
        ),
        chain(
            &|i| format!("struct S{i} {{ 0 require S{} next; }};\nkey[S{i}, next];\n", i + 1),
            &end,
        ),
        // A circle is an error, through a container it is none.
        chain(
            &|i| format!("struct S{i} {{ 0 require S{} next; }};\n", (i + 1) % count),
            "",
        ),
        chain(
            &|i| format!("struct S{i} {{ 0 optional map<S{}, int> next; }};\n", (i + 1) % count),
            "",
        ),
        chain(
            &|i| format!("enum E{i} {{ A{i} = E{}::A{} }};\n", i + 1, i + 1),
            &format!("enum E{count} {{ A{count} }};"),
        ),
        chain(
            &|i| format!("enum E{i} {{ A{i} = E{}::A{} }};\n", (i + 1) % count, (i + 1) % count),
            "",
        ),
    ] {
        survives(&text, &COMMANDS);
    }
}
