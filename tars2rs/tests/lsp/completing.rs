//! What may stand where somebody types.

use serde_json::{Value, json};

use crate::client::{Editor, at};

const BASE: &str = "module base { struct Id { 0 require long number; }; enum Kind { BIG, SMALL }; };\n";

/// What is offered at the `|` of a text: labels and the whole answer.
fn offered(text: &str) -> (Vec<String>, Value) {
    let mut editor = Editor::with(&[("base.tars", BASE), ("sub/deep.tars", ""), ("readme.md", "")]);
    let place = at(text, "|");
    // As somebody types: the names are there before the place is.
    editor.open("a.tars", &text.replace('|', ""));
    let params = editor.place("a.tars", &place);
    let answer = editor.ask("textDocument/completion", &params);
    editor.leave();
    let labels = answer.as_array().unwrap().iter();
    (
        labels.map(|item| item["label"].as_str().unwrap().to_owned()).collect(),
        answer,
    )
}

fn labels(text: &str) -> Vec<String> {
    offered(text).0
}

const HEAD: &str = "#include \"base.tars\"\nmodule app { struct User { 0 require int a; 3 optional long b; };\n";

#[test]
fn types_that_can_be_seen_are_offered() {
    let found = labels(&format!("{HEAD} struct S {{ 0 require | }}; }};\n"));
    for name in [
        "User",
        "S",
        "base::Id",
        "base::Kind",
        "int",
        "string",
        "map",
        "vector",
        "unsigned",
    ] {
        assert!(found.contains(&name.to_owned()), "{name} in {found:?}");
    }
    assert!(!found.contains(&"BIG".to_owned()));
    assert_eq!(
        labels(&format!("{HEAD} struct S {{ 0 require base::| }}; }};\n")),
        ["Id", "Kind"]
    );
    let found = labels(&format!("{HEAD} struct S {{ 0 require map<string, |> m; }}; }};\n"));
    assert!(found.contains(&"User".to_owned()));
}

#[test]
fn what_is_typed_already_is_replaced() {
    let text = format!("{HEAD} struct S {{ 0 require Us| }}; }};\n");
    let (_, answer) = offered(&text);
    let user = answer
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["label"] == "User")
        .unwrap();
    assert_eq!(user["textEdit"]["newText"], "User");
    assert_eq!(
        user["textEdit"]["range"],
        json!({"start": at(&text, "Us|"), "end": at(&text, "Us#|")})
    );
}

#[test]
fn the_next_free_tag_is_offered() {
    let found = labels(&format!(
        "{HEAD} struct S {{ 0 require int a;\n 7 optional int b;\n | }}; }};\n"
    ));
    assert_eq!(found, ["8 require", "8 optional"]);
    // Tags further down are taken too, and those of another struct are not.
    assert_eq!(
        labels("module m { struct S { 0 require int a; |\n 1 require int b; }; struct T { 9 require int a; }; };")[0],
        "2 require"
    );
    assert_eq!(
        labels("module m { struct S { 255 require int a; | }; };")[0],
        "0 require"
    );
    assert_eq!(labels("module m { struct S { 0 | }; };"), ["require", "optional"]);
}

#[test]
fn enumerators_are_offered_as_defaults() {
    let text = "module m { enum E { A, B }; enum F { C }; struct S { 0 optional E e = |; }; };";
    assert_eq!(labels(text), ["true", "false", "A", "B"]);
    let text = format!("{HEAD} struct S {{ 0 optional base::Kind k = |; }}; }};");
    assert_eq!(labels(&text), ["true", "false", "BIG", "SMALL"]);
    assert_eq!(
        labels("module m { enum E { A, B }; const E e = |; };"),
        ["true", "false", "A", "B"]
    );
}

#[test]
fn words_of_the_language_are_offered_where_they_belong() {
    assert_eq!(labels("|"), ["module", "#include"]);
    assert_eq!(
        labels("module m { | };"),
        ["struct", "enum", "const", "interface", "key"]
    );
    assert_eq!(
        labels("module m { interface I { int f(|); }; };")[..2],
        ["out", "routekey"]
    );
    assert_eq!(
        labels("module m { struct A { 0 require unsigned | }; };"),
        ["byte", "short", "int"]
    );
}

#[test]
fn keys_are_offered_structs_and_their_members() {
    assert_eq!(labels(&format!("{HEAD} key[|]; }};")), ["User"]);
    assert_eq!(labels(&format!("{HEAD} key[User, |]; }};")), ["a", "b"]);
}

#[test]
fn files_are_offered_for_includes() {
    assert_eq!(labels("#include \"|\"\n"), ["base.tars", "sub/"]);
    assert_eq!(labels("#include \"sub/d|"), ["deep.tars"]);
    assert_eq!(labels("#include \"sub/|\"\nmodule m {};\n"), ["deep.tars"]);
}

#[test]
fn nothing_is_offered_in_comments_and_strings() {
    for text in [
        "module m { // a |\n};",
        "module m { /* | */ };",
        "module m { struct S { 0 optional string s = \"|\"; }; };",
    ] {
        assert_eq!(labels(text), [""; 0], "{text}");
    }
}
