//! How sessions begin and end, also those that should not.

use serde_json::{Value, json};

use crate::client::{Editor, error, framed};

const PARSE_ERROR: i64 = -32700;
const INVALID_REQUEST: i64 = -32600;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const NOT_INITIALIZED: i64 = -32002;
const CANCELLED: i64 = -32800;

#[test]
fn a_session_ends_well_after_shutdown_and_exit() {
    Editor::with(&[]).leave();
}

#[test]
fn nothing_is_answered_before_initialize() {
    let mut editor = Editor::silent(&[], &[]);
    let (code, _) = editor.ask_in_vain("textDocument/hover", &json!({}));
    assert_eq!(code, NOT_INITIALIZED);
    // What is told is left out.
    editor.open("a.tars", "broken");
    editor.begin(json!({"capabilities": {}}));
    let (code, _) = editor.ask_in_vain("initialize", &json!({"capabilities": {}}));
    assert_eq!(code, INVALID_REQUEST);
    editor.leave();
}

#[test]
fn nothing_is_answered_after_shutdown() {
    let mut editor = Editor::with(&[]);
    editor.ask("shutdown", &Value::Null);
    let (code, _) = editor.ask_in_vain("textDocument/hover", &json!({}));
    assert_eq!(code, INVALID_REQUEST);
    editor.tell("exit", &Value::Null);
    assert_eq!(editor.end().0.code(), Some(0));
}

#[test]
fn other_ends_are_exit_code_1_with_a_reason() {
    let mut editor = Editor::with(&[]);
    editor.tell("exit", &Value::Null);
    let (status, said) = editor.end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(said, "error: the editor said `exit` without `shutdown`\n");

    let mut editor = Editor::silent(&[], &[]);
    editor.tell("exit", &Value::Null);
    assert_eq!(editor.end().0.code(), Some(1));

    for shut_down in [false, true] {
        let mut editor = Editor::with(&[]);
        if shut_down {
            editor.ask("shutdown", &Value::Null);
        }
        editor.hang_up();
        let (status, said) = editor.end();
        assert_eq!(status.code(), Some(1));
        assert_eq!(said, "error: the editor went away without `shutdown` and `exit`\n");
    }
}

#[test]
fn broken_messages_are_answered_and_do_not_end_the_session() {
    let mut editor = Editor::with(&[]);
    for (body, code, id) in [
        ("{", PARSE_ERROR, Value::Null),
        ("\u{0}", PARSE_ERROR, Value::Null),
        ("[]", INVALID_REQUEST, Value::Null),
        ("{}", INVALID_REQUEST, Value::Null),
        (r#"{"id": 900, "method": 1}"#, INVALID_REQUEST, json!(900)),
        (r#"{"id": 901, "method": "no/such"}"#, METHOD_NOT_FOUND, json!(901)),
        (
            r#"{"id": "902", "method": "textDocument/hover"}"#,
            INVALID_PARAMS,
            json!("902"),
        ),
        (
            r#"{"id": 903, "method": "textDocument/hover", "params": [7]}"#,
            INVALID_PARAMS,
            json!(903),
        ),
    ] {
        editor.send(&framed(body));
        let response = editor.response(&id);
        assert_eq!(error(&response).0, code, "{body}");
    }
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    editor.send(&framed(&nested));
    assert_eq!(error(&editor.response(&Value::Null)).0, PARSE_ERROR);
    let far = json!({"textDocument": {"uri": "file:///nowhere.tars"}, "position": {"line": 4_294_967_295_u32, "character": 1}});
    assert_eq!(editor.ask("textDocument/hover", &far), Value::Null);
    // Notifications that make no sense have no answer.
    editor.tell("textDocument/didChange", &json!({"x": 1}));
    editor.tell("$/whatever", &json!(7));
    editor.leave();
}

#[test]
fn frames_that_cannot_be_told_apart_end_the_session() {
    for (bytes, reason) in [
        (&b"hello\r\n\r\n"[..], "`hello` is no line of a message's head"),
        (b"X: y\r\n\r\n", "a message without Content-Length"),
        (b"Content-Length: -1\r\n\r\n", "a Content-Length that is no number"),
        (b"Content-Length: 99999999999\r\n\r\n", "a message of 99999999999 bytes"),
    ] {
        let mut editor = Editor::with(&[]);
        editor.send(bytes);
        let (status, said) = editor.end();
        assert_eq!(status.code(), Some(1));
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_message_that_breaks_off_ends_the_session() {
    for bytes in [
        &b"Content-Le"[..],
        b"Content-Length: 10\r\n\r\n{",
        b"Content-Length: 10\r\n",
    ] {
        let mut editor = Editor::with(&[]);
        editor.send(bytes);
        editor.hang_up();
        assert_eq!(editor.end().0.code(), Some(1));
    }
}

#[test]
fn an_editor_that_never_reads_cannot_hold_the_server() {
    // Far more answers than a pipe holds, then the end.
    let mut editor = Editor::silent(&[], &[]);
    let request = framed(r#"{"id": 1, "method": "no/such/method/with/a/long/name"}"#);
    editor.send(&request.repeat(20_000));
    editor.hang_up();
    assert_eq!(editor.end().0.code(), Some(1));
}

#[test]
fn what_is_cancelled_in_time_is_not_looked_for() {
    let mut editor = Editor::with(&[]);
    let cancel = json!({"method": "$/cancelRequest", "params": {"id": 77}}).to_string();
    let ask = json!({"id": 77, "method": "textDocument/hover", "params": {}}).to_string();
    // In one piece and behind enough work that both have arrived when the request's turn comes.
    let open = json!({"method": "textDocument/didOpen", "params": {"textDocument": {
        "uri": editor.uri("a.tars"), "languageId": "tars", "version": 1, "text": "struct ".repeat(50_000)}}});
    let symbols = json!({"id": 76, "method": "textDocument/documentSymbol",
        "params": {"textDocument": {"uri": editor.uri("a.tars")}}});
    let bodies = [open.to_string(), symbols.to_string(), ask, cancel];
    editor.send(&bodies.map(|body| framed(&body)).concat());
    assert_eq!(error(&editor.response(&json!(77))).0, CANCELLED);
    editor.leave();
}

#[test]
fn the_session_begins_with_what_both_can_do() {
    let mut editor = Editor::silent(&[], &["--stdio"]);
    let answer = editor.begin(json!({"capabilities": {}}));
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(answer["serverInfo"]["name"], "tars2rs");
    editor.leave();

    let mut editor = Editor::silent(&[], &[]);
    let offered = json!({"general": {"positionEncodings": ["utf-32", "utf-8"]}});
    let answer = editor.begin(json!({"capabilities": offered}));
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-8");
    editor.leave();
}

#[test]
fn what_an_editor_of_tomorrow_says_is_no_mistake() {
    let mut editor = Editor::silent(&[], &[]);
    let able = json!({
        "general": {"positionEncodings": ["utf-99", "utf-8"]},
        "workspace": {"workspaceEdit": {"failureHandling": "later", "resourceOperations": ["split"]}, "symbol": 7},
    });
    let answer = editor.begin(json!({"capabilities": able, "rootUri": "file:///not encoded/ü", "trace": "some"}));
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-8");
    editor.leave();
}

#[test]
fn options_that_are_not_understood_are_told_of() {
    let mut editor = Editor::silent(&[], &[]);
    editor.begin(json!({"capabilities": {}, "initializationOptions": {"includeDir": "x"}}));
    let told = editor.wait_for(|message| message["method"] == "window/showMessage");
    assert!(
        told["params"]["message"].as_str().unwrap().contains("includeDir"),
        "{told}"
    );
    editor.leave();
}

#[test]
fn unknown_arguments_are_exit_code_2() {
    let editor = Editor::silent(&[], &["--port", "1"]);
    let (status, said) = editor.end();
    assert_eq!(status.code(), Some(2));
    assert!(said.contains("--port"), "{said}");
}
