//! An editor, as the server sees one: frames over a pipe. Whatever it waits for has a limit.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(40);

/// A running server with a directory of its own. Killed when it is dropped.
pub(crate) struct Editor {
    pub(crate) dir: TempDir,
    child: Child,
    input: Option<ChildStdin>,
    messages: Receiver<Value>,
    ended: Receiver<()>,
    told: VecDeque<Value>,
    next: i64,
}

impl Drop for Editor {
    fn drop(&mut self) {
        // It has ended already when the test was about that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn messages(output: impl Read + Send + 'static) -> (Receiver<Value>, Receiver<()>) {
    let (sender, receiver) = channel();
    let (end, ended) = channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        while let Some(message) = frame(&mut output) {
            if sender.send(message).is_err() {
                break;
            }
        }
        drop(end);
    });
    (receiver, ended)
}

fn frame(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    output.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap())
}

pub(crate) fn framed(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Editor {
    /// A server that nobody has spoken to yet, in a directory with these files.
    pub(crate) fn silent(files: &[(&str, &str)], args: &[&str]) -> Self {
        let dir = TempDir::new().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("tars2rs"))
            .arg("lsp")
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (messages, ended) = messages(child.stdout.take().unwrap());
        Self {
            dir,
            input: child.stdin.take(),
            child,
            messages,
            ended,
            told: VecDeque::new(),
            next: 0,
        }
    }

    /// A session that has begun, with the directory as its folder.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        Self::offering(files, &json!({}))
    }

    /// The same for an editor that can do this.
    pub(crate) fn offering(files: &[(&str, &str)], capabilities: &Value) -> Self {
        let mut editor = Self::silent(files, &[]);
        editor.begin(json!({"capabilities": capabilities}));
        editor
    }

    /// `initialize` and `initialized`; the answer.
    pub(crate) fn begin(&mut self, mut params: Value) -> Value {
        let folder = json!([{"uri": self.uri(""), "name": "folder"}]);
        params["processId"] = Value::Null;
        params["workspaceFolders"] = folder;
        let answer = self.ask("initialize", &params);
        self.tell("initialized", &json!({}));
        answer
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let root = self.dir.path().canonicalize().unwrap();
        if name.is_empty() { root } else { root.join(name) }
    }

    pub(crate) fn uri(&self, name: &str) -> String {
        uri(&self.path(name))
    }

    /// Bytes as they are. A server that has ended cannot take them, which shows later.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(bytes).and_then(|()| input.flush());
        }
    }

    /// No more will come.
    pub(crate) fn hang_up(&mut self) {
        self.input = None;
    }

    pub(crate) fn tell(&mut self, method: &str, params: &Value) {
        let body = json!({"jsonrpc": "2.0", "method": method, "params": params});
        self.send(&framed(&body.to_string()));
    }

    /// Asks without waiting; the request's id.
    pub(crate) fn begin_to_ask(&mut self, method: &str, params: &Value) -> i64 {
        self.next += 1;
        let body = json!({"jsonrpc": "2.0", "id": self.next, "method": method, "params": params});
        self.send(&framed(&body.to_string()));
        self.next
    }

    /// The whole response.
    pub(crate) fn response(&mut self, id: &Value) -> Value {
        self.wait_for(|message| message.get("method").is_none() && message["id"] == *id)
    }

    /// What is answered, which must not be an error.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.begin_to_ask(method, params);
        let mut response = self.response(&json!(id));
        assert!(response.get("error").is_none(), "{response}");
        response["result"].take()
    }

    /// Code and text of the error that is answered.
    pub(crate) fn ask_in_vain(&mut self, method: &str, params: &Value) -> (i64, String) {
        let id = self.begin_to_ask(method, params);
        let response = self.response(&json!(id));
        error(&response)
    }

    /// The first message, of those that nobody has seen yet, that is such.
    pub(crate) fn wait_for(&mut self, such: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.told.iter().position(&such) {
            return self.told.remove(at).unwrap();
        }
        loop {
            let message = self.messages.recv_timeout(LIMIT).expect("the server says something");
            if such(&message) {
                return message;
            }
            self.told.push_back(message);
        }
    }

    /// The next findings that are told about a file.
    pub(crate) fn findings(&mut self, name: &str) -> Vec<Value> {
        self.findings_as(&self.uri(name))
    }

    /// The next findings that are told about a URI.
    pub(crate) fn findings_as(&mut self, uri: &str) -> Vec<Value> {
        let mut found = self.wait_for(|message| {
            message["method"] == "textDocument/publishDiagnostics" && message["params"]["uri"] == json!(uri)
        });
        serde_json::from_value(found["params"]["diagnostics"].take()).unwrap()
    }

    /// The codes among the next findings of a file.
    pub(crate) fn codes(&mut self, name: &str) -> Vec<String> {
        let code = |found: &Value| found["code"].as_str().unwrap().to_owned();
        self.findings(name).iter().map(code).collect()
    }

    pub(crate) fn open(&mut self, name: &str, text: &str) {
        self.open_as(&self.uri(name), text);
    }

    /// Opens a text under a URI as it stands.
    pub(crate) fn open_as(&mut self, uri: &str, text: &str) {
        let document = json!({"uri": uri, "languageId": "tars", "version": 1, "text": text});
        self.tell("textDocument/didOpen", &json!({"textDocument": document}));
    }

    /// Opens a file as it is stored; its text.
    pub(crate) fn open_stored(&mut self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        self.open(name, &text);
        text
    }

    pub(crate) fn change(&mut self, name: &str, changes: &Value) {
        let document = json!({"uri": self.uri(name), "version": 2});
        let params = json!({"textDocument": document, "contentChanges": changes});
        self.tell("textDocument/didChange", &params);
    }

    pub(crate) fn replace_all(&mut self, name: &str, text: &str) {
        self.change(name, &json!([{"text": text}]));
    }

    pub(crate) fn close(&mut self, name: &str) {
        let params = json!({"textDocument": {"uri": self.uri(name)}});
        self.tell("textDocument/didClose", &params);
    }

    /// Parameters for a question about a place.
    pub(crate) fn place(&self, name: &str, position: &Value) -> Value {
        json!({"textDocument": {"uri": self.uri(name)}, "position": position})
    }

    /// How the server ended, and what it said on stderr.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        assert_eq!(
            self.ended.recv_timeout(LIMIT),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected),
            "the server ends"
        );
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap(), said)
    }

    /// `shutdown` and `exit`, after which it must end well.
    pub(crate) fn leave(mut self) {
        assert_eq!(self.ask("shutdown", &Value::Null), Value::Null);
        self.tell("exit", &Value::Null);
        let (status, said) = self.end();
        assert_eq!((status.code(), said.as_str()), (Some(0), ""));
    }
}

pub(crate) fn error(response: &Value) -> (i64, String) {
    let error = &response["error"];
    let text = error["message"].as_str().unwrap_or_else(|| panic!("{response}"));
    (error["code"].as_i64().unwrap(), text.to_owned())
}

pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// Where a piece of a text begins, its `#`s left out of the text but counted as its first byte: `at(text, "foo #bar")` is
/// the place of `bar` behind `foo `.
pub(crate) fn at(text: &str, mark: &str) -> Value {
    let (before, behind) = mark.split_once('#').unwrap_or(("", mark));
    let start = text
        .find(&format!("{before}{behind}"))
        .unwrap_or_else(|| panic!("no {mark}"))
        + before.len();
    let line = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let number = text[..start].matches('\n').count();
    json!({"line": number, "character": text[line..start].encode_utf16().count()})
}

/// From the beginning of a piece to its end, on one line.
pub(crate) fn range(text: &str, mark: &str) -> Value {
    let start = at(text, mark);
    let piece = mark.split_once('#').map_or(mark, |(_, piece)| piece);
    let end = start["character"].as_u64().unwrap() + piece.encode_utf16().count() as u64;
    json!({"start": start, "end": {"line": start["line"], "character": end}})
}
