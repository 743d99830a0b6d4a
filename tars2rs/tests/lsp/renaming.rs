//! Other names.

use serde_json::{Value, json};

use crate::client::{Editor, at, range};

const MAIN: &str = "\
#include \"base.tars\"
module app
{
    struct User { /* 😀 */ 0 require base::Id id; 1 optional base::Kind kind = BIG; };
    key[User, id];
    interface I { base::Id find(User user); };
};
";
const BASE: &str = "module base { struct Id { 0 require long number; }; enum Kind { BIG, SMALL }; };\n";
const OTHER: &str = "#include \"base.tars\"\nmodule other { struct O { 0 require base::Id o; }; };\n";

fn editor() -> Editor {
    let mut editor = Editor::with(&[("main.tars", MAIN), ("base.tars", BASE), ("other.tars", OTHER)]);
    editor.open_stored("main.tars");
    editor
}

fn params(editor: &Editor, mark: &str, name: &str) -> Value {
    let mut params = editor.place("main.tars", &at(MAIN, mark));
    params["newName"] = json!(name);
    params
}

fn edits(ranges: &[Value], name: &str) -> Value {
    ranges
        .iter()
        .map(|range| json!({"range": range, "newText": name}))
        .collect()
}

#[test]
fn a_type_is_renamed_in_all_files_open_or_not() {
    let mut editor = editor();
    let params = params(&editor, "require base::#Id", "Identity");
    let found = editor.ask("textDocument/rename", &params);
    let changes = found["changes"].as_object().unwrap();
    assert_eq!(changes.len(), 3);
    assert_eq!(
        changes[&editor.uri("main.tars")],
        edits(
            &[range(MAIN, "require base::#Id"), range(MAIN, "{ base::#Id")],
            "Identity"
        )
    );
    assert_eq!(
        changes[&editor.uri("base.tars")],
        edits(&[range(BASE, "struct #Id")], "Identity")
    );
    assert_eq!(
        changes[&editor.uri("other.tars")],
        edits(&[range(OTHER, "base::#Id")], "Identity")
    );
    editor.leave();
}

#[test]
fn members_are_renamed_with_their_uses() {
    let mut editor = editor();
    for (mark, name, places) in [
        ("[User, #id", "ident", &["Id #id", "[User, #id"][..]),
        ("= #BIG", "HUGE", &["= #BIG"]),
        ("I { base::Id #find", "search", &["Id #find"]),
        ("(User #user", "who", &["(User #user"]),
    ] {
        let params = params(&editor, mark, name);
        let found = editor.ask("textDocument/rename", &params);
        let ranges: Vec<Value> = places.iter().map(|place| range(MAIN, place)).collect();
        assert_eq!(
            found["changes"][editor.uri("main.tars")],
            edits(&ranges, name),
            "{mark}"
        );
    }
    editor.leave();
}

#[test]
fn unsaved_texts_count() {
    let mut editor = editor();
    // In the editor `base.tars` has a field more.
    let text = "module base { struct Id { 0 require long number; 1 optional Id2 more; }; struct Id2 { 0 require int a; }; \
                enum Kind { BIG, SMALL }; };\n";
    editor.open("base.tars", text);
    let params = params(&editor, "require base::#Id", "Id2");
    let (_, reason) = editor.ask_in_vain("textDocument/rename", &params);
    assert!(reason.contains("`Id2` does not fit"), "{reason}");
    editor.leave();
}

#[test]
fn names_that_do_not_fit_are_refused() {
    let mut editor = editor();
    for (mark, name, reason) in [
        ("struct #User", "struct", "a word of the language"),
        ("struct #User", "vector", "a word of the language"),
        ("struct #User", "9a", "is no name"),
        ("struct #User", "", "is no name"),
        ("struct #User", "a b", "is no name"),
        ("struct #User", "Näme", "is no name"),
        ("struct #User", "I", "does not fit"),
        ("require base::#Id", "Kind", "does not fit"),
        ("Id #id;", "kind", "does not fit"),
        ("= #BIG", "SMALL", "does not fit"),
    ] {
        let params = params(&editor, mark, name);
        let (code, text) = editor.ask_in_vain("textDocument/rename", &params);
        assert_eq!(code, -32803);
        assert!(text.contains(reason), "{name}: {text}");
    }
    editor.leave();
}

#[test]
fn what_has_no_name_of_its_own_cannot_be_renamed() {
    let mut editor = editor();
    for mark in ["#struct User", "#require base", "#base.tars", "module #app"] {
        let place = editor.place("main.tars", &at(MAIN, mark));
        let (code, _) = editor.ask_in_vain("textDocument/prepareRename", &place);
        assert_eq!(code, -32803, "{mark}");
    }
    editor.leave();
}

#[test]
fn nothing_is_renamed_where_columns_are_in_doubt() {
    let mut editor = editor();
    let other = |line: &[u8]| {
        let mut text = b"#include \"base.tars\"\nmodule other { struct O {\n".to_vec();
        text.extend(line);
        text.extend(b"\n}; };\n");
        text
    };
    let name = "Identity";
    let params = params(&editor, "require base::#Id", name);
    // GBK. Behind the name, it moves nothing.
    std::fs::write(editor.path("other.tars"), other(b"0 require base::Id o; // \xD6\xD0")).unwrap();
    let found = editor.ask("textDocument/rename", &params);
    let place = |character: u32| json!({"line": 2, "character": character});
    let range = json!({"start": place(16), "end": place(18)});
    assert_eq!(found["changes"][editor.uri("other.tars")], edits(&[range], name));
    std::fs::write(
        editor.path("other.tars"),
        other(b"/* \xD6\xD0 */ 0 require base::Id o;"),
    )
    .unwrap();
    let (_, reason) = editor.ask_in_vain("textDocument/rename", &params);
    assert!(reason.contains("other.tars") && reason.contains("as UTF-8"), "{reason}");
    editor.leave();
}

#[test]
fn nothing_is_renamed_while_some_names_cannot_be_read() {
    let mut editor = editor();
    std::fs::write(
        editor.path("other.tars"),
        format!("{OTHER} module more {{ struct X {{ 0 require base::Id"),
    )
    .unwrap();
    let params = params(&editor, "require base::#Id", "Identity");
    let (_, reason) = editor.ask_in_vain("textDocument/rename", &params);
    assert!(
        reason.contains("mend the syntax") && reason.contains("other.tars"),
        "{reason}"
    );
    editor.leave();
}
