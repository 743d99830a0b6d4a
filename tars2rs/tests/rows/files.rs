//! Several files.

use tars2rs::Config;

use crate::codes;

/// A rule, the files, of which `a.tars` is named and `inc` is an include directory, and the codes.
type Row = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [&'static str],
);

const B: &str = "module b { struct B { 0 require int a; }; };";
const USES_B: &str = "#include \"b.tars\"\nmodule a { struct A { 0 require b::B b; }; };";

const ROWS: &[Row] = &[
    ("beside the including file", &[("a.tars", USES_B), ("b.tars", B)], &[]),
    (
        "relative to the including file, not to the first one",
        &[
            ("a.tars", "#include \"sub/c.tars\""),
            ("sub/c.tars", "#include \"b.tars\""),
            ("sub/b.tars", B),
        ],
        &[],
    ),
    ("in an include directory", &[("a.tars", USES_B), ("inc/b.tars", B)], &[]),
    (
        "an absolute path of another machine, by its last part",
        &[
            ("a.tars", "#include \"/usr/local/tars/cpp/include/b.tars\""),
            ("inc/b.tars", B),
        ],
        &[],
    ),
    (
        "nowhere, and nothing is said of what it would declare",
        &[("a.tars", USES_B)],
        &["T0310"],
    ),
    (
        "a file is one file under all its paths",
        &[
            (
                "a.tars",
                "#include \"b.tars\"\n#include \"./b.tars\"\n#include \"sub/../b.tars\"",
            ),
            ("b.tars", B),
            ("sub/c.tars", ""),
        ],
        &[],
    ),
    (
        "files that include each other",
        &[
            (
                "a.tars",
                "#include \"b.tars\"\nmodule a { struct A { 0 require int a; }; };",
            ),
            (
                "b.tars",
                "#include \"a.tars\"\nmodule b { struct B { 0 require a::A a; }; };",
            ),
        ],
        &[],
    ),
    (
        "a file that includes itself",
        &[("a.tars", "#include \"a.tars\"\nmodule a { };")],
        &["T0311"],
    ),
    (
        "what is included further on is visible",
        &[
            (
                "a.tars",
                "#include \"c.tars\"\nmodule a { struct A { 0 require b::B b; }; };",
            ),
            ("c.tars", "#include \"b.tars\""),
            ("b.tars", B),
        ],
        &[],
    ),
    (
        "an include between modules",
        &[
            (
                "a.tars",
                "module x { };\n#include \"b.tars\"\nmodule a { struct A { 0 require b::B b; }; };",
            ),
            ("b.tars", B),
        ],
        &[],
    ),
    (
        "a fragment included inside a module belongs to it",
        &[
            (
                "a.tars",
                "module a {\n#include \"f.tars\"\nstruct A { 0 require F f; }; };",
            ),
            ("f.tars", "struct F { 0 require int a; };"),
        ],
        &[],
    ),
    (
        "any extension",
        &[
            (
                "a.tars",
                "#include \"b.jce\"\nmodule a { struct A { 0 require b::B b; }; };",
            ),
            ("b.jce", B),
        ],
        &[],
    ),
    (
        "a module over two files",
        &[
            (
                "a.tars",
                "#include \"c.tars\"\nmodule b { struct A { 0 require B b; }; };",
            ),
            ("c.tars", B),
        ],
        &[],
    ),
    (
        "a struct twice over two files",
        &[
            (
                "a.tars",
                "#include \"c.tars\"\nmodule b { struct B { 0 require int b; }; };",
            ),
            ("c.tars", B),
        ],
        &["T0302"],
    ),
    (
        "an interface twice over two files",
        &[
            ("a.tars", "#include \"c.tars\"\nmodule b { interface I { }; };"),
            ("c.tars", "module b { interface I { }; };"),
        ],
        &["T0303"],
    ),
    (
        "a mistake in an included file",
        &[("a.tars", USES_B), ("b.tars", "module b { struct B { 0 int a; }; };")],
        &["T0205"],
    ),
    (
        "a directory as an include",
        &[("a.tars", "#include \"sub\""), ("sub/b.tars", B)],
        &["T0310"],
    ),
    ("no path", &[("a.tars", "#include \"\"")], &["T0110"]),
    (
        "angle brackets",
        &[(
            "a.tars",
            "#include <b.tars>\nmodule a { struct A { 0 require int a; }; };",
        )],
        &["T0110"],
    ),
    (
        "a blank behind the hash",
        &[("a.tars", "# include \"b.tars\"\nmodule a { };")],
        &["T0110"],
    ),
    (
        "a quoted remark behind it, and two on a line",
        &[
            (
                "a.tars",
                "#include \"b.tars\" // \"note\"\n#include \"c.tars\" #include \"d.tars\"",
            ),
            ("b.tars", B),
            ("c.tars", ""),
            ("d.tars", ""),
        ],
        &[],
    ),
];

#[test]
fn includes() {
    for (rule, files, expected) in ROWS {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        assert_eq!(codes(&files, &Config::new()), *expected, "{rule}");
    }
}

#[test]
fn includes_may_be_deeper_than_200() {
    let mut files = vec![("a.tars".to_owned(), "#include \"0.tars\"".to_owned())];
    for i in 0..500 {
        files.push((format!("{i}.tars"), format!("#include \"{}.tars\"", i + 1)));
    }
    files.push(("500.tars".to_owned(), B.to_owned()));
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_bytes()))
        .collect();
    assert_eq!(codes(&files, &Config::new()), [""; 0]);
}
