//! Questions about a place, a file, a layout.

use serde_json::{Value, json};

use crate::client::{Editor, at, range};

const MAIN: &str = "\
#include \"lib/base.tars\"
module app
{
    /* 😀😀 */ struct User
    {
        0 require base::Id id; // Who it is.
        1 optional Mood mood = GLAD;
        2 optional vector<map<string, base::Id>> friends;
    };
    /**
     * How somebody feels.
     */
    enum Mood { GLAD, SAD = 5 };
    const int MAX_USERS = 10;
    key[User, id, mood];
    interface Users
    {
        // Finds one.
        int findUser(base::Id id, out User user);
    };
};
";
const BASE: &str = "module base { struct Id { 0 require long number; }; };\n";

fn editor() -> Editor {
    let mut editor = Editor::with(&[("main.tars", MAIN), ("lib/base.tars", BASE)]);
    editor.open_stored("main.tars");
    editor
}

fn definition(editor: &mut Editor, mark: &str) -> Value {
    let place = editor.place("main.tars", &at(MAIN, mark));
    editor.ask("textDocument/definition", &place)
}

#[test]
fn names_lead_to_their_definitions() {
    let mut editor = editor();
    let here = |editor: &Editor, mark| json!({"uri": editor.uri("main.tars"), "range": range(MAIN, mark)});
    let there = |editor: &Editor, mark| json!({"uri": editor.uri("lib/base.tars"), "range": range(BASE, mark)});
    for (mark, target) in [
        ("optional #Mood", "enum #Mood"),
        ("= #GLAD", "{ #GLAD"),
        ("out #User", "struct #User"),
        ("key[#User", "struct #User"),
        ("[User, #id", "Id #id"),
        ("id, #mood]", "Mood #mood"),
        // On the name itself.
        ("struct #User", "struct #User"),
    ] {
        let target = here(&editor, target);
        assert_eq!(definition(&mut editor, mark), target, "{mark}");
    }
    for (mark, target) in [
        ("require base::#Id", "struct #Id"),
        ("string, base::#Id", "struct #Id"),
        ("findUser(base::#Id", "struct #Id"),
        ("require #base", "module #base"),
    ] {
        let target = there(&editor, target);
        assert_eq!(definition(&mut editor, mark), target, "{mark}");
    }
    let start = json!({"line": 0, "character": 0});
    let file = json!({"uri": editor.uri("lib/base.tars"), "range": {"start": start, "end": start}});
    assert_eq!(definition(&mut editor, "lib/#base"), file);
    for nothing in ["#struct User", "0 #require", "= #5"] {
        assert_eq!(definition(&mut editor, nothing), Value::Null, "{nothing}");
    }
    editor.leave();
}

#[test]
fn a_name_behind_letters_beyond_the_basic_plane_is_found() {
    let mut editor = editor();
    // Two letters of two units each stand before it on the line.
    assert_eq!(at(MAIN, "struct #User")["character"], 22);
    let place = editor.place("main.tars", &at(MAIN, "struct #User"));
    let found = editor.ask("textDocument/prepareRename", &place);
    assert_eq!(found["range"], range(MAIN, "struct #User"));
    assert_eq!(found["placeholder"], "User");
    editor.leave();
}

#[test]
fn all_places_that_name_the_same_are_found_also_in_files_that_are_not_open() {
    let mut editor = editor();
    std::fs::write(
        editor.path("other.tars"),
        "#include \"lib/base.tars\"\nmodule other { struct O { 0 require base::Id o; }; };\n",
    )
    .unwrap();
    std::fs::write(
        editor.path("alien.tars"),
        "module alien { struct Id { 0 require int i; }; };\n",
    )
    .unwrap();
    let mut params = editor.place("main.tars", &at(MAIN, "require base::#Id"));
    params["context"] = json!({"includeDeclaration": true});
    let found = editor.ask("textDocument/references", &params);
    let files = |found: &Value| -> Vec<String> {
        let uri = |place: &Value| place["uri"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        found.as_array().unwrap().iter().map(uri).collect()
    };
    assert_eq!(
        files(&found),
        ["base.tars", "main.tars", "main.tars", "main.tars", "other.tars"]
    );
    params["context"] = json!({"includeDeclaration": false});
    assert_eq!(files(&editor.ask("textDocument/references", &params)).len(), 4);
    editor.leave();
}

fn hover(editor: &mut Editor, mark: &str) -> String {
    let place = editor.place("main.tars", &at(MAIN, mark));
    let answer = editor.ask("textDocument/hover", &place);
    assert_eq!(answer["range"]["start"], at(MAIN, mark));
    assert_eq!(answer["contents"]["kind"], "markdown");
    answer["contents"]["value"].as_str().unwrap().to_owned()
}

#[test]
fn a_name_shows_its_declaration_comment_and_rust_name() {
    let mut editor = editor();
    assert_eq!(
        hover(&mut editor, "optional #Mood"),
        "```tars\nenum Mood { GLAD, SAD = 5 };\n```\n\nIn `app`.\n\nIn Rust: `app::Mood`\n\n---\n\nHow somebody feels."
    );
    assert_eq!(
        hover(&mut editor, "Id #id;"),
        "```tars\n0 require base::Id id;\n```\n\nIn `app::User`.\n\nIn Rust: `id`\n\n---\n\nWho it is."
    );
    for (mark, text) in [
        ("= #GLAD", "In Rust: `Mood::GLAD`"),
        ("int #MAX_USERS", "In Rust: `app::MAX_USERS`"),
        ("int #findUser", "In Rust: `Users::find_user`\n\n---\n\nFinds one."),
        (
            "interface #Users",
            "In Rust: trait `app::Users`, server `UsersServer`, client `UsersClient`",
        ),
        ("require base::#Id", "struct Id { 0 require long number; };"),
        ("require #base", "module base"),
    ] {
        let shown = hover(&mut editor, mark);
        assert!(shown.contains(text), "{shown}");
    }
    editor.leave();
}

/// Symbols in one line, what is inside one in parentheses.
fn names(found: &Value) -> String {
    let list = found.as_array().into_iter().flatten();
    let one = |item: &Value| match names(&item["children"]).as_str() {
        "" => item["name"].as_str().unwrap().to_owned(),
        inner => format!("{}({inner})", item["name"].as_str().unwrap()),
    };
    list.map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_file_shows_what_it_declares() {
    let mut editor = editor();
    let params = json!({"textDocument": {"uri": editor.uri("main.tars")}});
    let found = editor.ask("textDocument/documentSymbol", &params);
    assert_eq!(
        names(&found),
        "app(User(id mood friends) Mood(GLAD SAD) MAX_USERS Users(findUser))"
    );
    let user = &found[0]["children"][0];
    assert_eq!(user["selectionRange"], range(MAIN, "struct #User"));
    assert_eq!(user["range"]["start"], at(MAIN, "#struct User"));
    editor.leave();
}

/// A text after edits that do not overlap, the last first.
fn edited(text: &str, edits: &Value) -> String {
    let byte = |position: &Value| {
        let line = usize::try_from(position["line"].as_u64().unwrap()).unwrap();
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        let units: Vec<u16> = text[start..].encode_utf16().collect();
        let column = usize::try_from(position["character"].as_u64().unwrap()).unwrap();
        start + String::from_utf16(&units[..column]).unwrap().len()
    };
    let mut new = text.to_owned();
    for edit in edits.as_array().unwrap().iter().rev() {
        let range = byte(&edit["range"]["start"])..byte(&edit["range"]["end"]);
        new.replace_range(range, edit["newText"].as_str().unwrap());
    }
    new
}

#[test]
fn the_layout_is_that_of_fmt() {
    let text = "module m{struct 	S{0 require int a;/* 😀 */ };};\n";
    let mut editor = Editor::with(&[]);
    editor.open("a.tars", text);
    let params =
        json!({"textDocument": {"uri": editor.uri("a.tars")}, "options": {"tabSize": 4, "insertSpaces": true}});
    let edits = editor.ask("textDocument/formatting", &params);
    let new = edited(text, &edits);
    assert_eq!(new.as_bytes(), tars2rs::format("a.tars", text.as_bytes()).unwrap());
    editor.replace_all("a.tars", &new);
    assert_eq!(editor.ask("textDocument/formatting", &params), json!([]));
    // Wrong syntax stays as it is: it may be half typed.
    editor.replace_all("a.tars", "module m{struct S{ 0 require");
    assert_eq!(editor.ask("textDocument/formatting", &params), json!([]));
    editor.leave();
}

#[test]
fn a_byte_order_mark_counts_as_the_editor_counts_it() {
    let text = "\u{FEFF}module m { struct S { 0 require int a; }; struct T { 0 require S s; }; };\n";
    let mut editor = Editor::with(&[]);
    editor.open("a.tars", text);
    let place = editor.place("a.tars", &at(text, "require #S"));
    let found = editor.ask("textDocument/definition", &place);
    assert_eq!(found["range"], range(text, "struct #S"));
    editor.leave();
}

#[test]
fn a_byte_order_mark_can_be_typed_and_removed() {
    let plain = "module m { struct S { 0 require int a; }; struct T { 0 require S s; }; };\n";
    let marked = format!("\u{FEFF}{plain}");
    let place = |character: u32| json!({"line": 0, "character": character});
    let mut editor = Editor::with(&[]);
    editor.open("a.tars", plain);
    for (text, end, typed) in [(marked.as_str(), 0, "\u{FEFF}"), (plain, 1, "")] {
        let range = json!({"start": place(0), "end": place(end)});
        editor.change("a.tars", &json!([{"range": range, "text": typed}]));
        let asked = editor.place("a.tars", &at(text, "require #S"));
        let found = editor.ask("textDocument/definition", &asked);
        assert_eq!(found["range"], self::range(text, "struct #S"));
    }
    // In front of the first word as well.
    editor.replace_all("a.tars", "\u{FEFF}mod");
    let asked = editor.place("a.tars", &place(4));
    let found = editor.ask("textDocument/completion", &asked);
    assert_eq!(found[0]["label"], "module");
    assert_eq!(
        found[0]["textEdit"]["range"],
        json!({"start": place(1), "end": place(4)})
    );
    editor.leave();
}

#[test]
fn positions_nowhere_have_no_answers() {
    let mut editor = editor();
    for (line, character) in [(2, 9999), (9999, 0), (4_294_967_295_u32, 4_294_967_295_u32)] {
        let place = editor.place("main.tars", &json!({"line": line, "character": character}));
        for method in ["textDocument/definition", "textDocument/hover"] {
            assert_eq!(editor.ask(method, &place), Value::Null);
        }
        editor.ask("textDocument/completion", &place);
    }
    editor.leave();
}
