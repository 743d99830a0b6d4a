//! A session with an editor: what may be said when, and what is told without being asked.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use lsp_types as lsp;
use serde_json::{Value, json};

use super::analysis::Manner;
use super::convert;
use super::findings::Finding;
use super::outbox::Outbox;
use super::requests::{self, Answer, Asked, Refusal, Terms, read};
use super::text::Encoding;
use super::wire::{self, Incoming};
use super::workspace::Workspace;
use crate::diag::Levels;
use crate::settings::Choices;

/// Findings are told once nothing has arrived for so long: whoever types fast is not held up.
const QUIET: Duration = Duration::from_millis(40);
/// Messages that are looked at before their turn.
const MOST_AHEAD: usize = 1000;

/// Serves an editor over standard input and output, until it ends the session.
pub(crate) fn serve(include_dirs: &[PathBuf], levels: Levels) -> Result<(), String> {
    let manner = Manner {
        include_dirs: include_dirs.to_vec(),
        choices: Choices {
            levels,
            ..Choices::default()
        },
        encoding: Encoding::default(),
    };
    let (sender, arriving) = sync_channel(16);
    // It ends with the program: nothing else can end a read of standard input.
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        while let Some(read) = wire::read(&mut input).transpose() {
            let last = read.is_err();
            if sender.send(read).is_err() || last {
                return;
            }
        }
    });
    let root = std::env::current_dir().unwrap_or_default();
    let mut server = Server {
        workspace: Workspace::new(root, Vec::new(), manner),
        outbox: Outbox::new(io::stdout()),
        arriving,
        ahead: VecDeque::new(),
        cancelled: HashSet::new(),
        phase: Phase::New,
        watches: false,
        uris: BTreeMap::new(),
        published: BTreeMap::new(),
        stale: false,
    };
    let ended = server.run();
    ended.and(server.outbox.close())
}

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    ShutDown,
}

type Arrived = io::Result<Incoming>;

struct Server {
    workspace: Workspace,
    outbox: Outbox,
    arriving: Receiver<Arrived>,
    /// Messages that have arrived and wait for their turn.
    ahead: VecDeque<Arrived>,
    /// Requests among them whose answers nobody wants any more.
    cancelled: HashSet<RequestId>,
    phase: Phase,
    /// The editor can be asked to tell about files that are not open.
    watches: bool,
    /// What the editor calls its open texts.
    uris: BTreeMap<PathBuf, lsp::Uri>,
    /// What was told, by the URI that it was told about.
    published: BTreeMap<String, Vec<Finding>>,
    /// Texts have changed since findings were told.
    stale: bool,
}

impl Server {
    fn run(&mut self) -> Result<(), String> {
        loop {
            match self.next()? {
                None => self.publish()?,
                Some(Incoming::Broken(broken)) => self.outbox.send(wire::complaint(&broken))?,
                Some(Incoming::Message(Message::Notification(said))) if said.method == "exit" => {
                    return match self.phase {
                        Phase::ShutDown => Ok(()),
                        Phase::New | Phase::Running => Err("the editor said `exit` without `shutdown`".to_owned()),
                    };
                }
                Some(Incoming::Message(Message::Request(request))) => self.request(request)?,
                Some(Incoming::Message(Message::Notification(said))) => self.notification(said)?,
                Some(Incoming::Message(Message::Response(_))) => {}
            }
        }
    }

    /// The next message; `None` when it is time to tell findings.
    fn next(&mut self) -> Result<Option<Incoming>, String> {
        while self.ahead.len() < MOST_AHEAD
            && let Ok(arrived) = self.arriving.try_recv()
        {
            self.cancelled.extend(cancelled(&arrived));
            self.ahead.push_back(arrived);
        }
        let next = match self.ahead.pop_front() {
            Some(next) => Ok(next),
            None if self.stale => self.arriving.recv_timeout(QUIET),
            None => self.arriving.recv().map_err(RecvTimeoutError::from),
        };
        match next {
            Ok(Ok(incoming)) => Ok(Some(incoming)),
            Ok(Err(error)) => Err(format!("cannot read from the editor: {error}")),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err("the editor went away without `shutdown` and `exit`".to_owned()),
        }
    }

    fn send(&self, message: &Message) -> Result<(), String> {
        let bytes = wire::bytes(message).map_err(|error| format!("cannot put a message together: {error}"))?;
        self.outbox.send(bytes)
    }

    fn say(&self, method: &str, params: impl serde::Serialize) -> Result<(), String> {
        self.send(&Notification::new(method.to_owned(), params).into())
    }

    fn request(&mut self, request: Request) -> Result<(), String> {
        let id = request.id.clone();
        // A mistake of ours must not take away the editor's session.
        let answer = catch_unwind(AssertUnwindSafe(|| self.answer(request)));
        let answer = answer.unwrap_or_else(|_| {
            let reason = "the answer could not be found; this is a mistake in tars2rs".to_owned();
            Err(Refusal(ErrorCode::InternalError, reason))
        });
        match answer {
            Ok(result) => {
                let bytes = wire::answer(&id, &result);
                self.outbox
                    .send(bytes.map_err(|error| format!("cannot put an answer together: {error}"))?)
            }
            Err(Refusal(code, reason)) => self.send(&Response::new_err(id, code as i32, reason).into()),
        }
    }

    fn answer(&mut self, request: Request) -> Answer {
        if self.cancelled.remove(&request.id) {
            return Err(Refusal(ErrorCode::RequestCanceled, "cancelled".to_owned()));
        }
        match (self.phase, request.method.as_str()) {
            (Phase::New, "initialize") => self.initialize(request.params),
            (Phase::New, _) => {
                let reason = "`initialize` comes first".to_owned();
                Err(Refusal(ErrorCode::ServerNotInitialized, reason))
            }
            (Phase::ShutDown, _) | (Phase::Running, "initialize") => {
                let reason = format!("`{}` at this point of the session", request.method);
                Err(Refusal(ErrorCode::InvalidRequest, reason))
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                requests::answer(Value::Null)
            }
            (Phase::Running, method) => self.asked().answer(method, request.params),
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            workspace: &self.workspace,
            uris: &self.uris,
        }
    }

    fn initialize(&mut self, params: Value) -> Answer {
        let Terms {
            manner,
            folders,
            watches,
            complaint,
        } = requests::terms(params, &self.workspace.manner)?;
        let encoding = manner.encoding;
        let root = self.workspace.overlay.root.clone();
        self.workspace = Workspace::new(root, folders, manner);
        self.watches = watches;
        self.phase = Phase::Running;
        if let Some(complaint) = complaint {
            let params = lsp::ShowMessageParams {
                typ: lsp::MessageType::WARNING,
                message: complaint,
            };
            // Whether the editor is still there shows with the answer.
            let _ = self.say("window/showMessage", params);
        }
        requests::answer(requests::abilities(encoding))
    }

    fn notification(&mut self, said: Notification) -> Result<(), String> {
        match (self.phase, said.method.as_str()) {
            (Phase::Running, "initialized") if self.watches => self.watch(),
            (_, "$/cancelRequest") => {
                // The request was answered before.
                if let Some(id) = cancelled_id(&said.params) {
                    self.cancelled.remove(&id);
                }
                Ok(())
            }
            (Phase::Running, _) => {
                // What makes no sense cannot be answered. A mistake of ours is told by the panic's own message.
                let _ = catch_unwind(AssertUnwindSafe(|| self.said(said)));
                Ok(())
            }
            (Phase::New | Phase::ShutDown, _) => Ok(()),
        }
    }

    /// Asks to be told of changes in files that are not open.
    fn watch(&self) -> Result<(), String> {
        let watchers = json!([{"globPattern": "**/*.tars"}]);
        let registration = json!({
            "id": "files", "method": "workspace/didChangeWatchedFiles", "registerOptions": {"watchers": watchers},
        });
        let params = json!({"registrations": [registration]});
        let request = Request::new(
            "watch".to_owned().into(),
            "client/registerCapability".to_owned(),
            params,
        );
        self.send(&request.into())
    }

    fn said(&mut self, said: Notification) -> Result<(), Refusal> {
        match said.method.as_str() {
            "textDocument/didOpen" => {
                let params: lsp::DidOpenTextDocumentParams = read(said.params)?;
                let path = self.asked().path(&params.text_document.uri)?;
                self.workspace.open(&path, &params.text_document.text);
                self.uris.insert(path, params.text_document.uri);
            }
            "textDocument/didChange" => {
                let params: lsp::DidChangeTextDocumentParams = read(said.params)?;
                let path = self.asked().path(&params.text_document.uri)?;
                let changes: Vec<_> = params.content_changes.into_iter().map(convert::change_in).collect();
                self.workspace.change(&path, &changes);
            }
            "textDocument/didClose" => {
                let params: lsp::DidCloseTextDocumentParams = read(said.params)?;
                let path = self.asked().path(&params.text_document.uri)?;
                self.workspace.close(&path);
                self.uris.remove(&path);
            }
            // Files that are not open may have changed as well.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => self.workspace.forget_all(),
            _ => return Ok(()),
        }
        self.stale = true;
        Ok(())
    }

    /// Tells what has changed among the findings.
    fn publish(&mut self) -> Result<(), String> {
        self.stale = false;
        let found = catch_unwind(AssertUnwindSafe(|| self.workspace.findings()));
        let Ok(found) = found else { return Ok(()) };
        let uris = |path: &Path| self.asked().uri(path);
        let found = found
            .into_iter()
            .filter_map(|(path, found)| Some((uris(&path)?.as_str().to_owned(), found)));
        let found: BTreeMap<String, Vec<Finding>> = found.collect();
        let tell = |uri: &str, findings: &[Finding]| match uri.parse() {
            Ok(uri) => self.say(
                "textDocument/publishDiagnostics",
                convert::findings(uri, findings, &uris),
            ),
            // It was one before.
            Err(_) => Ok(()),
        };
        // Also where a file is called by another name now.
        let gone = |(uri, told): &(&String, &Vec<Finding>)| !told.is_empty() && !found.contains_key(*uri);
        for (uri, _) in self.published.iter().filter(gone) {
            tell(uri, &[])?;
        }
        for (uri, findings) in &found {
            if self.published.get(uri) != Some(findings) {
                tell(uri, findings)?;
            }
        }
        self.published = found;
        Ok(())
    }
}

/// The request that a message takes back.
fn cancelled(arrived: &Arrived) -> Option<RequestId> {
    match arrived {
        Ok(Incoming::Message(Message::Notification(said))) if said.method == "$/cancelRequest" => {
            cancelled_id(&said.params)
        }
        _ => None,
    }
}

fn cancelled_id(params: &Value) -> Option<RequestId> {
    serde_json::from_value(params.get("id")?.clone()).ok()
}
