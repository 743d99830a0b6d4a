//! Mistakes, told while somebody types.

use serde_json::json;

use crate::client::{Editor, at, range};

const GOOD: &str = "module demo\n{\n    struct A\n    {\n        0 require int a;\n    };\n};\n";

#[test]
fn a_mistake_is_told_with_its_place_code_page_and_related_places() {
    let text = "module demo { /* 😀ü */ struct A { 0 require int a; 0 require int b; }; };\n";
    let mut editor = Editor::with(&[]);
    editor.open("a.tars", text);
    let found = editor.findings("a.tars");
    assert_eq!(found.len(), 1, "{found:?}");
    let found = &found[0];
    assert_eq!(found["code"], "T0203");
    assert_eq!(found["severity"], 1);
    assert_eq!(found["source"], "tars2rs");
    assert_eq!(found["range"], range(text, "a; #0"));
    assert!(
        found["codeDescription"]["href"]
            .as_str()
            .unwrap()
            .ends_with("/docs/diagnostics/T0203.md")
    );
    let related = &found["relatedInformation"][0]["location"];
    assert_eq!(related["uri"], json!(editor.uri("a.tars")));
    assert_eq!(related["range"], range(text, "{ #0"));
    editor.leave();
}

#[test]
fn columns_are_bytes_when_that_was_agreed() {
    let text = "module demo { /* 😀ü */ struct A { 0 require Nope a; }; };\n";
    let mut editor = Editor::offering(&[], &json!({"general": {"positionEncodings": ["utf-8", "utf-16"]}}));
    editor.open("a.tars", text);
    let found = editor.findings("a.tars");
    assert_eq!(
        found[0]["range"]["start"]["character"],
        json!(text.find("Nope").unwrap())
    );
    editor.leave();
}

#[test]
fn typing_mends_and_breaks() {
    let mut editor = Editor::with(&[]);
    editor.open("a.tars", GOOD);
    assert_eq!(editor.codes("a.tars"), [""; 0]);
    let word = range(GOOD, "require #int");
    editor.change("a.tars", &json!([{"range": word, "text": "Nope"}]));
    assert_eq!(editor.codes("a.tars"), ["T0301"]);
    // Several changes, each on top of the one before: the letter by letter of a keyboard, and a deletion.
    let start = at(GOOD, "require #int");
    let letter = |column: u64, letter: &str| {
        let place = json!({"line": start["line"], "character": start["character"].as_u64().unwrap() + column});
        json!({"range": {"start": place, "end": place}, "text": letter})
    };
    let end = json!({"line": start["line"], "character": start["character"].as_u64().unwrap() + 4});
    let deletion = json!({"range": {"start": start, "end": end}, "text": ""});
    editor.change(
        "a.tars",
        &json!([deletion, letter(0, "l"), letter(1, "o"), letter(2, "n"), letter(3, "g")]),
    );
    assert_eq!(editor.codes("a.tars"), [""; 0]);
    editor.replace_all("a.tars", "module demo { struct A { 0 require int a; }; ");
    assert_eq!(editor.codes("a.tars").len(), 1);
    editor.close("a.tars");
    assert_eq!(editor.codes("a.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn an_unsaved_edit_of_an_included_file_changes_the_findings_of_the_other() {
    let mut editor = Editor::with(&[
        (
            "a.tars",
            "#include \"b.tars\"\nmodule a { struct A { 0 require b::B x; }; };\n",
        ),
        ("b.tars", "module b { struct B { 0 require int a; }; };\n"),
    ]);
    editor.open_stored("a.tars");
    assert_eq!(editor.codes("a.tars"), [""; 0]);
    editor.open_stored("b.tars");
    assert_eq!(editor.codes("b.tars"), [""; 0]);
    editor.replace_all("b.tars", "module b { struct Other { 0 require int a; }; };\n");
    assert_eq!(editor.codes("a.tars"), ["T0301"]);
    // Closed without saving: what is stored counts again.
    editor.close("b.tars");
    assert_eq!(editor.codes("a.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn findings_in_an_included_file_are_told_there_and_taken_back() {
    let mut editor = Editor::with(&[
        (
            "a.tars",
            "#include \"sub/b.tars\"\nmodule a { struct A { 0 require b::B x; }; };\n",
        ),
        ("sub/b.tars", "module b { struct B { 0 require Nope a; }; };\n"),
    ]);
    editor.open_stored("a.tars");
    assert_eq!(editor.codes("sub/b.tars"), ["T0301"]);
    // Mended by somebody else.
    std::fs::write(
        editor.path("sub/b.tars"),
        "module b { struct B { 0 require int a; }; };\n",
    )
    .unwrap();
    let change = json!({"uri": editor.uri("sub/b.tars"), "type": 2});
    editor.tell("workspace/didChangeWatchedFiles", &json!({"changes": [change]}));
    assert_eq!(editor.codes("sub/b.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn findings_of_a_closed_file_go_with_the_file_that_includes_it() {
    let mut editor = Editor::with(&[
        ("a.tars", "#include \"b.tars\"\n"),
        ("b.tars", "module b { struct B { 0 require Nope a; }; };\n"),
    ]);
    editor.open_stored("a.tars");
    assert_eq!(editor.codes("b.tars"), ["T0301"]);
    editor.close("a.tars");
    assert_eq!(editor.codes("b.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn a_file_that_belongs_into_a_module_is_seen_there() {
    let mut editor = Editor::with(&[
        (
            "a.tars",
            "module a\n{\n#include \"part.tars\"\n    struct A { 0 require Part x; };\n};\n",
        ),
        ("part.tars", "struct Part { 0 require int a; };\n"),
    ]);
    editor.open_stored("part.tars");
    assert_eq!(editor.codes("part.tars"), ["T0304"]);
    editor.open_stored("a.tars");
    assert_eq!(editor.codes("part.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn a_missing_include_is_found_once_it_is_opened() {
    let mut editor = Editor::with(&[("a.tars", "#include \"new.tars\"\n")]);
    editor.open_stored("a.tars");
    assert_eq!(editor.codes("a.tars"), ["T0310"]);
    editor.open("new.tars", "module n { const int C = 1; };\n");
    assert_eq!(editor.codes("a.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn includes_are_looked_for_where_the_editor_says() {
    let mut editor = Editor::silent(
        &[
            ("src/a.tars", "#include \"b.tars\"\n#include \"c.tars\"\n"),
            ("inc/b.tars", ""),
            ("more/c.tars", ""),
        ],
        &["-I", "inc"],
    );
    editor.begin(json!({"capabilities": {}, "initializationOptions": {"includeDirs": ["more"]}}));
    editor.open_stored("src/a.tars");
    assert_eq!(editor.codes("src/a.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn levels_are_those_of_the_command_line() {
    let text = "module demo { struct A { 0 require int fooBar; 1 require int foo_bar; }; };\n";
    for (args, severity) in [
        (&[][..], Some(2)),
        (&["--deny", "T0901"], Some(1)),
        (&["--allow", "T0901"], None),
    ] {
        let mut editor = Editor::silent(&[], args);
        editor.begin(json!({"capabilities": {}}));
        editor.open("a.tars", text);
        let found = editor.findings("a.tars");
        let told = found.iter().find(|found| found["code"] == "T0901");
        assert_eq!(told.map(|told| told["severity"].as_u64().unwrap()), severity);
        editor.leave();
    }
}

#[test]
fn thousands_of_findings_are_cut_short() {
    let fields: Vec<String> = (0..250).map(|tag| format!("{tag} require Nope a{tag};")).collect();
    let fields = fields.concat();
    let structs: Vec<String> = (0..4).map(|i| format!("struct S{i} {{ {fields} }};")).collect();
    let structs = structs.concat();
    let mut editor = Editor::with(&[]);
    editor.open("a.tars", &format!("module m {{ {structs} }};"));
    let found = editor.findings("a.tars");
    assert_eq!(found.len(), 501);
    assert!(found[500]["message"].as_str().unwrap().starts_with("500 more findings"));
    editor.leave();
}

#[test]
fn a_text_that_was_never_saved_has_findings_too() {
    let mut editor = Editor::with(&[]);
    editor.open_as("untitled:Untitled-1", "module m {");
    assert_eq!(editor.findings_as("untitled:Untitled-1").len(), 1);
    editor.leave();
}

#[test]
fn findings_are_taken_back_under_the_name_they_were_told_under() {
    let mut editor = Editor::with(&[("ü b.tars", "")]);
    let folder = editor.uri("");
    let uris = [
        ("untitled:Untitled-1".to_owned(), None),
        (format!("{folder}%c3%bc%20b%2Etars"), None),
        // As it should not be written: the answer is.
        (format!("{folder}ö b.tars"), Some(format!("{folder}%C3%B6%20b.tars"))),
    ];
    for (uri, legal) in uris {
        let told = legal.as_ref().unwrap_or(&uri);
        editor.open_as(&uri, "module m { struct S { 0 require Nope a; }; };");
        assert_eq!(editor.findings_as(told).len(), 1, "{uri}");
        editor.tell("textDocument/didClose", &json!({"textDocument": {"uri": uri}}));
        assert_eq!(editor.findings_as(told).len(), 0, "{uri}");
    }
    editor.leave();
}

#[cfg(unix)]
#[test]
fn a_directory_reached_over_a_link_is_the_same() {
    let main = "#include \"new.tars\"\nmodule a { struct A { 0 require n::N x; }; };\n";
    let mut editor = Editor::with(&[("real/a.tars", main)]);
    std::os::unix::fs::symlink(editor.path("real"), editor.path("link")).unwrap();
    editor.open("link/a.tars", main);
    assert_eq!(editor.codes("link/a.tars"), ["T0310"]);
    // Not saved yet.
    editor.open("link/new.tars", "module n { struct N { 0 require int a; }; };\n");
    assert_eq!(editor.codes("link/a.tars"), [""; 0]);
    // Not there any more.
    std::fs::remove_file(editor.path("real/a.tars")).unwrap();
    editor.replace_all("link/a.tars", "module a { struct A { 0 require Nope x; }; };\n");
    assert_eq!(editor.codes("link/a.tars"), ["T0301"]);
    editor.leave();
}

#[test]
fn what_is_wrong_with_an_open_file_only_beside_another_is_told() {
    let twice = "module m { struct S { 0 require int a; }; };\n";
    let mut editor = Editor::with(&[
        ("a.tars", "#include \"x.tars\"\n#include \"y.tars\"\n"),
        ("x.tars", twice),
        ("y.tars", twice),
    ]);
    editor.open_stored("x.tars");
    editor.open_stored("y.tars");
    assert_eq!(editor.codes("y.tars"), [""; 0]);
    editor.open_stored("a.tars");
    assert_eq!(editor.codes("y.tars"), ["T0302"]);
    editor.close("a.tars");
    assert_eq!(editor.codes("y.tars"), [""; 0]);
    editor.leave();
}

#[test]
fn files_that_include_each_other_have_each_finding_once() {
    let mut editor = Editor::with(&[
        (
            "a.tars",
            "#include \"b.tars\"\nmodule m { struct A { 0 require int a; }; };\n",
        ),
        (
            "b.tars",
            "#include \"a.tars\"\nmodule m { struct B { 0 require A a; 1 require Nope b; }; };\n",
        ),
    ]);
    editor.open_stored("a.tars");
    editor.open_stored("b.tars");
    assert_eq!(editor.codes("a.tars"), [""; 0]);
    assert_eq!(editor.codes("b.tars"), ["T0301"]);
    editor.leave();
}

#[test]
fn an_editor_that_can_is_asked_to_watch_files() {
    let mut editor = Editor::offering(
        &[],
        &json!({"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": true}}}),
    );
    let asked = editor.wait_for(|message| message["method"] == "client/registerCapability");
    let registration = &asked["params"]["registrations"][0];
    assert_eq!(
        registration["registerOptions"]["watchers"][0]["globPattern"],
        "**/*.tars"
    );
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": null});
    editor.send(&crate::client::framed(&answer.to_string()));
    editor.leave();
}

#[test]
fn a_suggestion_is_a_quick_fix() {
    let text = "module demo { struct Person { 0 require int a; }; struct B { 0 require Persn p; }; };\n";
    let mut editor = Editor::with(&[]);
    editor.open("a.tars", text);
    assert_eq!(editor.codes("a.tars"), ["T0301"]);
    let range = range(text, "Persn");
    let params = json!({"textDocument": {"uri": editor.uri("a.tars")}, "range": range, "context": {"diagnostics": []}});
    let actions = editor.ask("textDocument/codeAction", &params);
    assert_eq!(actions[0]["kind"], "quickfix");
    assert_eq!(actions[0]["title"], "Change to `Person`");
    let edits = &actions[0]["edit"]["changes"][editor.uri("a.tars")];
    assert_eq!(edits, &json!([{"range": range, "newText": "Person"}]));
    let nowhere = json!({"start": at(text, "module"), "end": at(text, "module")});
    let params =
        json!({"textDocument": {"uri": editor.uri("a.tars")}, "range": nowhere, "context": {"diagnostics": []}});
    assert_eq!(editor.ask("textDocument/codeAction", &params), json!([]));
    editor.leave();
}
