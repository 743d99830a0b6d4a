//! What may stand where.

use crate::{inside, whole};

#[test]
fn semicolons() {
    whole(&[
        ("none behind a module", "module m { }", &["T0108"]),
        ("two behind a module", "module m { };;", &["T0107"]),
        (
            "before the brace of a module",
            "module m { ;}\nmodule n { };",
            &["T0107"],
        ),
        ("a comma behind a module", "module m { },\nmodule n { };", &["T0107"]),
        (
            "one behind an include",
            "#include \"b.tars\";\nmodule m { };",
            &["T0310", "T0110"],
        ),
    ]);
    inside(&[
        (
            "none behind a struct",
            "struct A { 0 require int a; }\nstruct B { 0 require int a; };",
            &["T0108"],
        ),
        (
            "none behind an enum",
            "enum A { B }\nstruct C { 0 require int a; };",
            &["T0108"],
        ),
        (
            "none behind an interface",
            "interface A { }\nstruct C { 0 require int a; };",
            &["T0108"],
        ),
        ("none behind a field", "struct A { 0 require int a };", &["T0108"]),
        ("none behind an operation", "interface A { void f() };", &["T0108"]),
        (
            "none behind a constant",
            "const int A = 1\nconst int B = 2;",
            &["T0108"],
        ),
        (
            "none behind a key",
            "key[S, a]\nstruct A { 0 require int a; };",
            &["T0108"],
        ),
        ("two behind a field", "struct A { 0 require int a;; };", &["T0107"]),
        ("two behind a definition", "const int A = 1;;", &["T0107"]),
        ("alone", ";", &["T0107"]),
    ]);
}

#[test]
fn semicolons_elsewhere() {
    inside(&[
        (
            "alone between fields",
            "struct A { 0 require int a;\n;\n1 require int b; };\nstruct B { 0 require A a; };",
            &["T0107"],
        ),
        (
            "alone between operations",
            "interface A { void f();\n;\nvoid g(); };",
            &["T0107"],
        ),
        (
            "alone between enumerators",
            "enum A { B1,\n;\nB2 };\nstruct C { 0 optional A a = B2; };",
            &["T0107"],
        ),
        ("alone at the end of an enum", "enum A { B1,\nB2\n;\n};", &["T0107"]),
        ("nothing else", "struct A { ; };", &["T0107"]),
        (
            "before the brace",
            "struct A { 0 require int a; ;}\nenum B { C ;}\nenum D { F1, ;}",
            &["T0107", "T0107", "T0107"],
        ),
        (
            "too early",
            "struct A { 0 require int ; a\n1 require int b; };\nconst int B = ; 5",
            &["T0107", "T0107"],
        ),
        (
            "a comma instead",
            "struct A { 0 require int a,\n1 require int b; },\nenum B { C },\nconst int D = 1,\nkey[A, a],\ninterface I { void f(), },",
            &["T0107", "T0107", "T0107", "T0107", "T0107", "T0107", "T0107"],
        ),
        (
            "a colon instead",
            "struct A { 0 require int a; }:\nstruct B { 0 require A a; };",
            &["T0107"],
        ),
    ]);
}

#[test]
fn definitions() {
    inside(&[
        ("no inheritance", "interface A extends B { void f(); };", &["T0107"]),
        (
            "no inheritance with a colon",
            "struct A : S { 0 require int a; };",
            &["T0107"],
        ),
        ("no typedef", "typedef int A;", &["T0107"]),
        ("no union", "union A { 0 require int a; };", &["T0107"]),
        ("no exception", "exception A { 0 require int a; };", &["T0107"]),
        ("no declaration without a body", "struct A;", &["T0107"]),
        (
            "no variable behind a struct",
            "struct A { 0 require int a; } a;",
            &["T0107"],
        ),
        (
            "no struct in a struct",
            "struct A { struct B { 0 require int a; }; 0 require B b; };",
            &["T0107"],
        ),
        (
            "no enum in a struct, whatever is made of it",
            "struct A { 0 require int a; enum B { C }; };\nstruct D { 0 optional B b = C; };",
            &["T0107"],
        ),
        ("no enum in an interface", "interface A { enum B { C }; };", &["T0107"]),
        (
            "no constant in an interface",
            "interface A { const int B = 1; };",
            &["T0107"],
        ),
        (
            "no key in a struct",
            "struct A { 0 require int a; key[A, a]; };",
            &["T0107"],
        ),
    ]);
    whole(&[
        ("an empty module", "module m { };", &[]),
        ("something else at the top", "int a;", &["T0107"]),
        ("a module without a name", "module { };", &["T0107"]),
        (
            "a module for the whole file",
            "module m;\nstruct A { 0 require int a; };\nstruct B { 0 require A a; 0 require int b; };",
            &["T0107", "T0203"],
        ),
        (
            "a path as a module's name",
            "module m.n { struct A { 0 require int a; 0 require int b; }; };\nmodule o { };",
            &["T0101", "T0203"],
        ),
    ]);
}

#[test]
fn heads_and_bodies() {
    inside(&[
        ("a struct needs a name", "struct { 0 require int a; };", &["T0107"]),
        ("an enum needs a name", "enum { A1 };", &["T0107"]),
        ("an array as a constant", "const byte A[2] = 1;", &["T0407"]),
        ("a constant needs a value", "const int A;", &["T0107"]),
    ]);
    whole(&[
        (
            "a `;` before a body",
            "module m; { struct A; { 0 require int a }; };",
            &["T0107", "T0107", "T0108"],
        ),
        (
            "neither brace of a module",
            "module m struct A { 0 require int a; };",
            &["T0107"],
        ),
        (
            "a definition in a body that is not closed",
            "module m { struct A { 0 require int a;\nstruct B { 0 require int b; };\n};\nmodule n { };",
            &["T0112"],
        ),
        (
            "a module that is not closed before the next one",
            "module m { struct A { 0 require int a; };\nmodule n { struct B { 0 require m::A a; }; };\nmodule o { struct C { 0 require n::B b; }; };",
            &["T0112"],
        ),
        (
            "a module in a module, all braces in place",
            "module m { struct A { 0 require int a; };\nmodule n { struct B { 0 require int b; }; }; };\nmodule o { };",
            &["T0305"],
        ),
        (
            "one of each: the brace that is missing is the struct's",
            "module m { struct A { 0 require int a;\nstruct B { 0 require int b; };\nmodule n { struct C { 0 require int c; }; }; };",
            &["T0112", "T0305"],
        ),
        (
            "an empty body that is not closed",
            "module m { interface A { ;\n};\nmodule n { };",
            &["T0112"],
        ),
        (
            "two modules that are not closed",
            "module m { struct A { 0 require int a; };\nmodule n { struct B { 0 require int b; };\nmodule o { };",
            &["T0112", "T0112"],
        ),
        (
            "nested behind one that is not closed",
            "module m { struct A { 0 require int a;\nstruct B { enum C { D }; };\n};",
            &["T0112", "T0107"],
        ),
    ]);
}

#[test]
fn fields() {
    inside(&[
        (
            "require and optional",
            "struct A { 0 require int a; 1 optional int b; };",
            &[],
        ),
        (
            "an array of any type",
            "struct A { 0 require int a[3]; 1 require S b[2]; };",
            &[],
        ),
        ("a pointer to bytes", "struct A { 0 require byte *a; };", &[]),
        (
            "a comment directly behind the pointer",
            "struct A { 0 require byte *// why\na; };",
            &[],
        ),
        (
            "another comment there",
            "struct A { 0 require byte */* why */a; };",
            &[],
        ),
        (
            "a size behind the name",
            "struct A { 0 require string a:3; };",
            &["T0408"],
        ),
        ("a type without a name", "struct A { 0 require int; };", &["T0107"]),
        ("two names", "struct A { 0 require int a, b; };", &["T0107"]),
        ("a fraction as a tag", "struct A { 1.5 require int a; };", &["T0107"]),
        ("a colon behind the tag", "struct A { 0: require int a; };", &["T0107"]),
        (
            "a default without a value",
            "struct A { 0 optional int a = ; };",
            &["T0107"],
        ),
        (
            "an array without a size",
            "struct A { 0 require int a[]; };",
            &["T0107"],
        ),
    ]);
}

#[test]
fn two_slips_at_one_place() {
    inside(&[
        (
            "turned round, with a colon",
            "struct A { require 0: int a; };",
            &["T0206", "T0107"],
        ),
        (
            "two semicolons, one before the brace",
            "struct A { 0 require int a;;}",
            &["T0107"],
        ),
    ]);
}

#[test]
fn tag_and_requirement() {
    inside(&[
        ("neither of them", "struct A { int a; S b; };", &["T0206", "T0206"]),
        (
            "only words",
            "struct A { 0 require int a; the name\n1 require int b; };",
            &["T0206"],
        ),
        (
            "only words at the end",
            "struct A { 0 require int a; the name of it\n};",
            &["T0206"],
        ),
        (
            "turned round",
            "struct A { require 0 int a; optional 1 vector<int> b; };",
            &["T0206", "T0206"],
        ),
        (
            "turned round, and out of range",
            "struct A { require 300 int a; };",
            &["T0206", "T0201"],
        ),
        ("the tag behind the type", "struct A { optional int 1 a; };", &["T0206"]),
        ("a word as the tag", "struct A { four optional int a; };", &["T0206"]),
        (
            "the requirement behind the type",
            "struct A { 0 int require a; 1 S optional b; };",
            &["T0205", "T0205"],
        ),
        (
            "within the type",
            "struct A { 0 vector optional<int> a; 1 m optional::S b; };",
            &["T0205", "T0205"],
        ),
        (
            "behind a longer type",
            "struct A { 0 map<int, S> require a; };",
            &["T0205"],
        ),
        ("a word before it", "struct A { 0 foo require int a; };", &["T0107"]),
        ("both", "struct A { 0 require optional int a; };", &["T0205"]),
        (
            "misspelt",
            "struct A { 0 requrie int a; 1 Optional string:3 b; };",
            &["T0205", "T0205"],
        ),
        (
            "misspelt before a type of several tokens",
            "struct A { 0 requrie vector<int> a; 1 optiona map<int, S> b; 2 requrie m::S c; };",
            &["T0205", "T0205", "T0205"],
        ),
        (
            "the name before the type",
            "struct A { 0 require name string; 1 optional n int = 5; }; key[A, name];",
            &["T0307", "T0307"],
        ),
    ]);
}

#[test]
fn types() {
    inside(&[
        (
            "every type",
            "struct A { 0 require bool a; 1 require byte b; 2 require short c; 3 require int d; 4 require long e; 5 require float f; 6 require double g; 7 require string h; 8 require unsigned byte i; 9 require unsigned short j; 10 require unsigned int k; 11 require vector<int> l; 12 require map<string, S> m; 13 require E n; };",
            &[],
        ),
        (
            "blanks and comments in a path",
            "struct A { 0 require m :: /* x */ S a; };",
            &[],
        ),
        (
            "a path that begins with colons",
            "struct A { 0 require ::m::S a; };",
            &["T0301"],
        ),
        (
            "a path of three names",
            "struct A { 0 require m::S::S a; };",
            &["T0301"],
        ),
        (
            "no unsigned long",
            "struct A { 0 require unsigned long a; };",
            &["T0401"],
        ),
        (
            "no unsigned float",
            "struct A { 0 require unsigned float a; };",
            &["T0401"],
        ),
        ("unsigned alone", "struct A { 0 require unsigned a; };", &["T0401"]),
        (
            "a semicolon in a map",
            "struct A { 0 require map<string; vector<S>> a; 1 require vector<map<int; map<int, S>>> b; };",
            &["T0107", "T0107"],
        ),
        ("a map of one type", "struct A { 0 require map<int> a; };", &["T0107"]),
        (
            "a vector of two types",
            "struct A { 0 require vector<int, int> a; };",
            &["T0107"],
        ),
        (
            "a vector without a type",
            "struct A { 0 require vector a; };",
            &["T0107"],
        ),
        ("a large Map", "struct A { 0 require Map<int, int> a; };", &["T0401"]),
        ("a large Vector", "struct A { 0 require Vector<int> a; };", &["T0401"]),
        (
            "arguments for another type",
            "struct A { 0 require S<int> a; };",
            &["T0401"],
        ),
    ]);
}

#[test]
fn enums() {
    inside(&[
        ("empty", "enum A { };", &[]),
        ("a comma at the end", "enum A { B1, };", &[]),
        ("only commas", "enum A { , };", &["T0505"]),
        ("commas in front", "enum A { ,,B1 };", &["T0505"]),
        ("two commas between", "enum A { B1,,B2 };", &["T0505"]),
        ("semicolons", "enum A { B1; B2 };", &["T0107"]),
        ("no comma between", "enum A { B1 B2 };", &["T0107"]),
        (
            "commas in the wrong place",
            "enum A { B1 = , 1 B2, B3 B4 ,, B5, B6 = , C B7, B8 B9, = 1 };",
            &["T0107", "T0107", "T0107", "T0107"],
        ),
        (
            "each mistake",
            "enum A { B1 = 1 + 1, B2 = \"a\", B3 = 1.5, B4 3, B5 = f(1, 2), B6 = , B7 };\nstruct B { 0 optional A a = B7; };",
            &["T0101", "T0503", "T0503", "T0107", "T0107", "T0107"],
        ),
    ]);
}

#[test]
fn operations() {
    inside(&[
        ("an empty interface", "interface I { };", &[]),
        ("no parameters", "interface I { void f(); };", &[]),
        (
            "in and out in any order",
            "interface I { int f(out int a, int b, out string c); };",
            &[],
        ),
        ("routekey", "interface I { int f(routekey string a); };", &[]),
        (
            "out and routekey exclude each other",
            "interface I { int f(out routekey int a); };",
            &["T0107"],
        ),
        (
            "an empty first parameter",
            "interface I { int f(, int a); };",
            &["T0107"],
        ),
        ("a comma at the end", "interface I { int f(int a,); };", &["T0107"]),
        ("a parameter without a name", "interface I { int f(int); };", &["T0107"]),
        ("a default", "interface I { int f(int a = 1); };", &["T0107"]),
        (
            "arrays and pointers",
            "interface I { void f(int a[3], byte *b); };",
            &[],
        ),
        ("`in`", "interface I { void f(in int a); };", &["T0107"]),
        ("`oneway`", "interface I { oneway void f(); };", &["T0107"]),
        ("`throws`", "interface I { void f() throws E; };", &["T0107"]),
        ("the name twice", "interface I { S f f(S s); };", &["T0107"]),
        ("no parentheses", "interface I { void f; };", &["T0107"]),
        ("no return type", "interface I { f(); };", &["T0107"]),
        ("semicolons", "interface I { void f(int a; out S b); };", &["T0107"]),
        (
            "a semicolon at the end",
            "interface I { void f(out S a;); int g(;); int h(S a;)\nint i(;)\nvoid j(); };",
            &["T0107", "T0107", "T0107", "T0107"],
        ),
        (
            "as in a struct",
            "interface I { int f(1 require int a); int g(0 int a, 1 optional S b); void h(require int a); };",
            &["T0107", "T0107", "T0107", "T0107"],
        ),
        (
            "the name before the type",
            "interface I { void f(a int, b string); };",
            &["T0307", "T0307"],
        ),
    ]);
}

#[test]
fn keys() {
    inside(&[
        ("one member", "key[S, a];", &[]),
        ("several", "key[S, a, b];", &[]),
        ("with the module", "key[m::S, a];", &[]),
        ("no member", "key[S];", &["T0107"]),
        ("a semicolon", "key[S; a];", &["T0107"]),
        ("a semicolon at the end", "key[S, a;];", &["T0107"]),
        ("a comma at the end", "key[S, a,];", &["T0107"]),
    ]);
}
