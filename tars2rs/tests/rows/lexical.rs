//! Characters, comments, names, numbers and strings.

use tars2rs::Config;

use crate::{Row, codes, inside, whole};

#[test]
fn files_as_bytes() {
    let good = "module m { struct S { 0 require int a; }; };";
    let rows: [(&str, Vec<u8>, &[&str]); 14] = [
        (
            "a byte order mark is stripped",
            [b"\xEF\xBB\xBF", good.as_bytes()].concat(),
            &[],
        ),
        ("Windows line ends", good.replace(' ', "\r\n").into_bytes(), &[]),
        ("old Macintosh line ends", good.replace(' ', "\r").into_bytes(), &[]),
        (
            "vertical tab and form feed are blanks",
            good.replace(' ', "\x0B\x0C").into_bytes(),
            &[],
        ),
        (
            "a comment without a line end at the end",
            format!("{good} // end").into_bytes(),
            &[],
        ),
        (
            "UTF-8 in comments",
            format!("// 中文\n{good} /* ü */").into_bytes(),
            &[],
        ),
        (
            "another encoding in comments",
            [b"// \xD6\xD0\n", good.as_bytes()].concat(),
            &["T0903"],
        ),
        (
            "a comment that ends in a byte like a backslash",
            [b"// \xD6\x5C\n", good.as_bytes()].concat(),
            &["T0903"],
        ),
        ("NUL", [b"\0", good.as_bytes()].concat(), &["T0101"]),
        ("Ctrl-Z", [good.as_bytes(), b"\x1A"].concat(), &["T0101"]),
        ("DEL", [b"\x7F\n", good.as_bytes()].concat(), &["T0101"]),
        (
            "a blank that does not break",
            [b"\xC2\xA0", good.as_bytes()].concat(),
            &["T0101"],
        ),
        (
            "a wide blank",
            ["\u{3000}".as_bytes(), good.as_bytes()].concat(),
            &["T0101"],
        ),
        ("UTF-16", [b"\xFF\xFE", good.as_bytes()].concat(), &["T0312"]),
    ];
    for (rule, file, expected) in rows {
        assert_eq!(codes(&[("a.tars", &file)], &Config::new()), expected, "{rule}");
    }
}

#[test]
fn comments() {
    whole(&[
        ("an empty file", "", &[]),
        ("only a comment", "// nothing", &[]),
        ("a block comment does not nest", "/* a /* b */ module m { };", &[]),
        ("what follows it is text", "/* a /* b */ c */ module m { };", &["T0101"]),
        ("a block comment without its end", "module m { };\n/* open", &["T0102"]),
        (
            "one that takes the rest of a module with it",
            "module m {\nstruct A { 0 require int a; }; /* open\n};",
            &["T0102"],
        ),
        (
            "one that takes no brace with it",
            "module m {\nstruct A { 0 require int a; }; /* open",
            &["T0112", "T0102"],
        ),
        (
            "a backslash does not continue a line comment",
            "// a \\\nmodule m { };",
            &[],
        ),
        ("a comment between any two tokens", "module/**/m/**/{/**/}/**/;", &[]),
        ("`#` begins no comment", "# note\nmodule m { };", &["T0110"]),
        ("no other directive", "#pragma once\nmodule m { };", &["T0110"]),
        ("no annotations", "[note] module m { };", &["T0107"]),
    ]);
    inside(&[
        (
            "a comment between the name of an operation and its parenthesis",
            "interface I { void f /* x */ (); };",
            &[],
        ),
        ("a line end there", "interface I { void f\n(); };", &[]),
    ]);
}

#[test]
fn names() {
    inside(&[
        (
            "letters, digits and underscores",
            "struct _ { 0 require int __x; 1 require int a1; };",
            &[],
        ),
        ("case matters", "struct s { 0 require int a; };", &["T0901"]),
        ("no digit in front", "struct 1a { 0 require int a; };", &["T0107"]),
        (
            "names that begin with tars",
            "struct tarsX { 0 require int tars_a; };",
            &[],
        ),
        (
            "keywords in other case are names",
            "struct Module { 0 require int STRUCT; 1 require int Optional; };",
            &[],
        ),
        (
            "words that other languages have",
            "struct A { 0 require int include; 1 require int class; 2 require int in; };",
            &[],
        ),
        (
            "an operation may be any word",
            "interface I { void int(); void struct(int a); void tarsFoo(); };",
            &[],
        ),
        ("`long` as a field", "struct A { 0 require int long; };", &["T0307"]),
        (
            "`routekey` as a field",
            "struct A { 0 require int routekey; };",
            &["T0307"],
        ),
        ("`key` as a field", "struct A { 0 require int key; };", &["T0307"]),
        (
            "a keyword as a parameter",
            "interface I { void f(int out); };",
            &["T0307"],
        ),
        ("a keyword as an enumerator", "enum G { int };", &["T0307"]),
        ("a keyword as a struct", "struct key { 0 require int a; };", &["T0307"]),
        ("a keyword as a constant", "const int true = 1;", &["T0307"]),
    ]);
    whole(&[
        (
            "a module named with tars",
            "module tars { struct A { 0 require int a; }; };",
            &[],
        ),
        ("a keyword as a module", "module vector { };", &["T0307"]),
    ]);
}

#[test]
fn every_keyword_is_reserved() {
    let keywords = "void struct bool byte short int long float double string vector map key routekey module interface \
                    out require optional false true enum const unsigned";
    assert_eq!(keywords.split_whitespace().count(), 24);
    for keyword in keywords.split_whitespace() {
        let file = format!("module m {{ struct A {{ 0 require int {keyword}; }}; }};");
        assert_eq!(
            codes(&[("a.tars", file.as_bytes())], &Config::new()),
            ["T0307"],
            "{keyword}"
        );
    }
}

#[test]
fn integers() {
    inside(&[
        (
            "decimal, with signs",
            "const int A = 1; const int B = -1; const int C = +1;",
            &[],
        ),
        ("octal", "const int A = 017; const int B = -017;", &[]),
        ("hexadecimal", "const int A = 0x1f; const int B = -0xFF;", &[]),
        ("the sign belongs to the number", "const int A = - 2;", &["T0101"]),
        ("no sums", "const int A = 1+2;", &["T0107"]),
        (
            "the largest",
            "const long A = 9223372036854775807; const long B = -9223372036854775808;",
            &[],
        ),
        ("beyond 64 bits", "const long A = 9223372036854775808;", &["T0106"]),
        (
            "beyond 64 bits, hexadecimal",
            "const long A = 0xffffffffffffffff;",
            &["T0106"],
        ),
        ("a digit too large for octal", "const int A = 08;", &["T0105"]),
        ("a digit too large for octal, later", "const int A = 0129;", &["T0105"]),
        ("a large X", "const int A = 0X1F;", &["T0105"]),
        ("hexadecimal without digits", "const int A = 0x;", &["T0105"]),
        ("an exponent without digits", "const double A = 1.5e-;", &["T0105"]),
        (
            "no blank needed behind a tag",
            "struct A { 0require int a; 1optional int b; };",
            &[],
        ),
    ]);
}

#[test]
fn fractions() {
    inside(&[
        (
            "all forms",
            "const double A = .5; const double B = 5.; const double C = 1e3; const double D = -1.5E-3;",
            &[],
        ),
        ("a suffix", "const float A = 1.5f; const float B = 1.5F;", &[]),
        ("no suffix on an integer", "const float A = 1f;", &["T0107"]),
        ("beyond a double", "const double A = 1e999;", &["T0106"]),
        ("beyond a float", "const float A = 1e300;", &["T0405"]),
        ("an integer for a fraction", "const double A = 1;", &[]),
    ]);
}

#[test]
fn strings() {
    inside(&[
        ("plain", r#"const string A = "a b"; const string B = "";"#, &[]),
        ("UTF-8", "const string A = \"中文\";", &[]),
        (
            "the escapes of C",
            r#"const string A = "\\ \" \' \? \n \r \t \v \f \a \b";"#,
            &[],
        ),
        (
            "bytes in octal and hexadecimal",
            r#"const string A = "\101 \x41 \xe4\xb8\xad";"#,
            &[],
        ),
        (
            "bytes that are not UTF-8 together",
            r#"const string A = "\xff";"#,
            &["T0104"],
        ),
        ("NUL", r#"const string A = "\0";"#, &["T0104"]),
        ("an unknown escape", r#"const string A = "\q";"#, &["T0104"]),
        ("a universal name", r#"const string A = "\u4e2d";"#, &["T0104"]),
        ("marks inside mean nothing", r#"const string A = "{};// /* \"";"#, &[]),
        ("no line end inside", "const string A = \"a\nb\";", &["T0103"]),
        ("not closed at all", "const string A = \"a;", &["T0103"]),
        (
            "not closed, and the end of a struct behind it",
            "struct A { 0 require string a = \"a; };\nstruct B { 0 require int b; };",
            &["T0103"],
        ),
        ("no joining", r#"const string A = "a" "b";"#, &["T0107"]),
        ("no single quotes", "const string A = 'a';", &["T0101"]),
    ]);
    let gbk = b"module m { const string A = \"\xD6\xD0\"; };";
    assert_eq!(codes(&[("a.tars", gbk)], &Config::new()), ["T0111"], "another encoding");
}

#[test]
fn marks() {
    const ROWS: &[Row] = &[
        (
            "`>>` needs no blank",
            "struct A { 0 require vector<vector<int>> a; };",
            &[],
        ),
        ("a dot", "struct A { 0 require m.S a; };", &["T0101"]),
        ("an ampersand", "struct A { 0 require int &a; };", &["T0101"]),
        ("a minus in a name", "struct A { 0 require int a-b; };", &["T0101"]),
    ];
    inside(ROWS);
}
