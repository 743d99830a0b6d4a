//! Whatever may hold itself has a limit, or needs no stack: in every subcommand, on the small stack of a thread.

use std::thread;

use tempfile::TempDir;

use crate::COMMANDS;
use crate::cost;

/// Bytes of stack: less than any thread or program has by itself.
const STACK: usize = 1 << 20;

/// A stack that ends would end the test with it.
fn survives(text: &str, commands: &[&[&str]]) {
    let dir = TempDir::new().unwrap();
    let run = || {
        for command in commands {
            cost::of(command, dir.path(), text);
        }
    };
    thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        worker.unwrap().join().unwrap();
    });
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
    let times = 1_500;
    // Whatever reads files reads them as `check` does, but for `fmt`.
    let commands: [&[&str]; 2] = [
        &["check", "--message-format=short", "a.tars"],
        &["fmt", "--message-format=short", "a.tars"],
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
        crate::ended(dir.path(), COMMANDS[0]) == Some(0)
    };
    let deepest = (2..400).step_by(2).take_while(accepted).last().unwrap();
    assert!((10..400).contains(&deepest), "{deepest}");
    survives(&deep(deepest), &COMMANDS);
}

/// Links of chains: `#` is the number of one, `@` that of the next.
const LINKS: [&str; 5] = [
    "struct S# { 0 require map<S@, int> next; };",
    "struct S# { 0 require S@ next; };",
    "struct S# { 0 require vector<S@> next; };",
    "struct S# { 0 require S@ next; }; key[S#, next];",
    "enum S# { A# = S@::A@ };",
];

/// Chains through names, which nobody limits, with an end, and as a circle.
#[test]
fn chains_of_names() {
    let count = 1_200;
    let at = |link: &str, i: usize, next: usize| link.replace('#', &i.to_string()).replace('@', &next.to_string());
    let chain = |link: &str, end: &str| {
        let links: Vec<String> = (0..count).map(|i| at(link, i, i + 1)).collect();
        format!("module m {{\n{}\n{end}\n}};", links.join("\n"))
    };
    let quick: Vec<&[&str]> = COMMANDS.into_iter().filter(|command| command[0] != "build").collect();
    for link in LINKS {
        let end = if link.starts_with("enum") {
            format!("enum S{count} {{ A{count} }};")
        } else {
            format!("struct S{count} {{ 0 require int end; }};")
        };
        survives(&chain(link, &end), &quick);
        survives(&chain(link, &at(link, count, 0)), &quick);
    }
    let end = format!("struct S{count} {{ 0 require int end; }};");
    survives(&chain(LINKS[0], &end), &[COMMANDS[1]]);
}
