//! Four times the input costs about four times the time and the memory. The square of it would cost sixteen times.

use std::fmt::Write as _;
use std::fs;

use tempfile::TempDir;

use crate::cost::{self, Cost};
use crate::{COMMANDS, GOOD, ended};

/// What does not depend on the input.
const BASE: usize = 100_000;

/// Both costs grow as the input does. What interrupts a measurement makes it longer, so that one good one is enough.
fn linear(command: &[&str], input: &dyn Fn(usize) -> String, size: usize) {
    let dir = TempDir::new().unwrap();
    let measured = |size: usize| -> Cost { cost::of(command, dir.path(), &input(size)) };
    let mut last = None;
    let grows_with_it = (0..5).any(|_| {
        let (small, large) = (measured(size), measured(4 * size));
        last = Some((small, large));
        large.time < 8 * small.time && large.bytes < 6 * small.bytes + BASE
    });
    let text = input(size);
    let shown = &text[..text.floor_char_boundary(300)];
    assert!(grows_with_it, "{command:?}: {last:?}\n{shown}");
}

/// Each is full of whatever could be counted, searched or shown again and again.
const PIECES: [&str; 67] = [
    "{",
    "}",
    ";",
    ",",
    "<",
    ">",
    "(",
    ")",
    "[",
    "]",
    ":",
    "::",
    "*",
    "=",
    "@ ",
    "#\n",
    "\"\n",
    "'",
    "*/",
    "/*",
    "//\n",
    "\\",
    "0 ",
    "00",
    "a",
    "a ",
    "a\n",
    "中",
    "中 ",
    "-",
    ".",
    "1.e",
    "\u{0}",
    "\u{FEFF}",
    "module ",
    "module a {\n",
    "module a { };\n",
    "struct ",
    "struct A {\n",
    "struct A { 0 require int a; };\n",
    "enum E { A };\n",
    "enum E {\n",
    "interface I {\n",
    "key[",
    "key[A, a];\n",
    "const int A = 1;\n",
    "#include \"b.tars\"\n",
    "0 require int a;\n",
    "0 require B b; ",
    "void f();\n",
    "vector<",
    "map<int,",
    "A::",
    "unsigned ",
    "require ",
    "\"a\" ",
    "\u{201c}",
    "\u{201c}a\u{201d} ",
    "a-b",
    "a.b",
    ".1b.b",
    "int[]",
    "int[5] a",
    "long ",
    "std::",
    "Out a ",
    "include \"b.tars\" ",
];

/// Excerpts would take most of the time, and there is an end to their number: the mistakes below have some.
const SHORT: &[&str] = &["check", "--message-format=short", "a.tars"];

#[test]
fn pieces_repeated() {
    for piece in PIECES.into_iter().chain(["\\\""]) {
        for frame in ["{}", "module m { struct S {\n{}\n}; };"] {
            let input = |size: usize| frame.replace("{}", &piece.repeat(size / piece.len()));
            linear(SHORT, &input, 2_000);
        }
    }
}

fn many(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// Definitions in a module.
fn inside(text: &str) -> String {
    format!("module m {{\n{text}\n}};")
}

/// Fields in a struct.
fn fields(text: &str) -> String {
    inside(&format!("struct S {{\n{text}\n}};"))
}

/// The same name in Rust, spelt in 4096 ways.
fn spelling(i: usize) -> String {
    let letters = (0..12).map(|bit| if i >> bit & 1 == 1 { "_a" } else { "A" });
    format!("B{}", letters.collect::<String>())
}

type Input = fn(usize) -> String;

/// Files with mistakes, or nearly.
const DOUBTFUL: [Input; 14] = [
    // Unknown names among many known ones.
    |n| {
        inside(&many(n, |i| {
            format!("struct Known{i} {{ 0 require Unknown{i} a; }};\n")
        }))
    },
    |n| fields(&many(4 * n, |i| format!("{i} require int field{i};\n"))),
    |n| {
        let known = many(n, |i| format!("{i} require int a{i};\n"));
        fields(&known) + &inside(&many(n, |i| format!("key[S, b{i}];\n")))
    },
    // Enumerators by name and number.
    |n| inside(&many(n, |i| format!("enum E{i} {{ X = 1, Y{i} = X }};\n"))),
    |n| inside(&many(n, |i| format!("enum E{i} {{ X{i} = 1, Y = X0 }};\n"))),
    |n| {
        let enumerators = many(n, |i| format!("X{i}, "));
        let user =
            |i| format!("struct S{i} {{ 0 optional E a = X{i}; 1 optional E b = {i}; 2 optional E c = Z{i}; }};\n");
        inside(&format!("enum E {{ {enumerators} }};\n{}", many(n, user)))
    },
    // Names that become one, and one that is declared again and again.
    |n| {
        inside(&many(n, |i| {
            format!("struct {} {{ 0 require int a; }};\n", spelling(i))
        }))
    },
    |n| inside(&many(n, |_| "struct Same { 0 require int a; };\n".to_owned())),
    |n| {
        inside(&format!(
            "interface I {{ {} }};",
            many(n, |_| "void same(int same);\n".to_owned())
        ))
    },
    // Circles: every struct leads back to the first.
    |n| {
        let struct_of = |i| format!("struct S{i} {{ 0 require S{} a; 1 require S0 b; }};\n", (i + 1) % n);
        inside(&many(n, struct_of))
    },
    // One line with everything on it.
    |n| fields(&many(n, |i| format!("{i} require Unknown a; "))),
    // A long comment that many things follow.
    |n| format!("/* {} */ {}", "x ".repeat(30 * n), "*/ ".repeat(15 * n)),
    |n| format!("/* /* {} */ {}", "x ".repeat(30 * n), "*/ a ".repeat(15 * n)),
    |n| fields(&many(n, |i| format!("{} require int a{i};\n", "1".repeat(i % 100 + 1)))),
];

#[test]
fn mistakes_of_one_kind() {
    for input in DOUBTFUL {
        linear(COMMANDS[0], &input, 100);
    }
}

/// Files without mistakes.
const GOOD_ONES: [Input; 10] = [
    |n| {
        inside(&many(n, |i| {
            format!("struct S{i} {{ 0 optional int a; 1 optional string b = \"x\"; }};\n")
        }))
    },
    |n| many(n, |i| format!("module m{i} {{ const int N{i} = {i}; }};\n")),
    |n| many(n, |i| format!("module m {{ const int N{i} = {i}; }};\n")),
    |n| {
        inside(&format!(
            "interface I {{ {} }};",
            many(n, |i| format!("int f{i}(int a, out int b);\n"))
        ))
    },
    |n| inside(&format!("enum E {{ {} }};", many(n, |i| format!("E{i},\n")))),
    // An enumerator that is the one before, and the other way round.
    |n| {
        inside(
            &many(n, |i| {
                format!("enum E{i} {{ A{i} = E{}::A{} }};\n", i.max(1) - 1, i.max(1) - 1)
            })
            .replacen("E0::A0", "0", 1),
        )
    },
    // Chains of structs, of containers, of map keys; circles through containers.
    |n| {
        let link = |i| {
            format!(
                "struct S{i} {{ 0 require S{} next; 1 optional map<S{}, int> m; }};\n",
                i + 1,
                i + 1
            )
        };
        inside(&(many(n, link) + &format!("struct S{n} {{ 0 require int end; }};\n")))
    },
    |n| {
        let link = |i| {
            format!(
                "struct S{i} {{ 0 optional vector<S{}> a; 1 optional vector<S0> b; }};\n",
                (i + 1) % n
            )
        };
        inside(&many(n, link))
    },
    // Comments that follow each other, above and behind.
    |n| format!("{}{GOOD}", "// comment\n".repeat(20 * n)),
    |n| {
        let behind = "\n// lines".repeat(n / 4);
        fields(&many(40, |i| format!("{i} require int a{i};{behind} // behind\n")))
    },
];

#[test]
fn definitions_of_one_kind() {
    for command in COMMANDS {
        for input in GOOD_ONES {
            linear(command, &input, if command[0] == "build" { 30 } else { 120 });
        }
    }
}

#[test]
fn deep_and_wide_includes() {
    let dir = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write("a.tars", "#include \"0.tars\"\n");
    for i in 0..500 {
        let mistake = format!("module m {{ struct S{i} {{ 0 require Nothing a; }}; }};\n");
        write(&format!("{i}.tars"), &format!("#include \"{}.tars\"\n{mistake}", i + 1));
    }
    write("500.tars", "");
    for command in COMMANDS {
        // Only `fmt` does not care for includes.
        let expected = i32::from(command[0] != "fmt");
        assert_eq!(ended(dir.path(), command), Some(expected), "{command:?}");
    }

    let mut wide = String::new();
    for i in 0..500 {
        write!(
            wide,
            "#include \"{i}.tars\"\n#include \"0.tars\"\nmodule m{i}\n{{\n}};\n"
        )
        .unwrap();
        write(&format!("{i}.tars"), "#include \"a.tars\"\n#include \"a.tars\"\n");
    }
    write("a.tars", &wide);
    for command in COMMANDS {
        assert!(matches!(ended(dir.path(), command), Some(0 | 1)), "{command:?}");
    }
}
