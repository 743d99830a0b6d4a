//! A session: messages in, messages out. Only this module and its neighbours `convert` and `wire` know the protocol.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use lsp_server::{ErrorCode, Message, Notification, Request, Response};
use lsp_types as lsp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::analysis::Manner;
use super::convert::{self, position_in, range_in};
use super::place::path_of;
use super::text::{Encoding, Position};
use super::wire::{self, Incoming};
use super::workspace::{Change, Finding, Workspace};
use crate::diag::Levels;
use crate::settings::Choices;

/// Findings are told once nothing has arrived for so long: whoever types fast is not held up.
const QUIET: Duration = Duration::from_millis(40);

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
    let (sender, receiver) = sync_channel(16);
    // It ends with the program: nothing else can end a read of standard input.
    std::thread::spawn(move || {
        let mut input = io::stdin().lock();
        loop {
            let read = wire::read(&mut input).transpose();
            let Some(read) = read else { return };
            let last = read.is_err();
            if sender.send(read).is_err() || last {
                return;
            }
        }
    });
    let root = std::env::current_dir().unwrap_or_default();
    let mut server = Server {
        workspace: Workspace::new(root, manner),
        output: io::stdout().lock(),
        phase: Phase::New,
        uris: BTreeMap::new(),
        published: BTreeMap::new(),
        stale: false,
    };
    server.run(&receiver)
}

/// How far the session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Running,
    ShutDown,
}

/// Why a request is not answered.
struct Refusal(ErrorCode, String);

type Answer = Result<Value, Refusal>;

struct Server<W> {
    workspace: Workspace,
    output: W,
    phase: Phase,
    /// What the editor calls its open texts.
    uris: BTreeMap<PathBuf, lsp::Uri>,
    published: BTreeMap<PathBuf, Vec<Finding>>,
    /// Texts have changed since findings were told.
    stale: bool,
}

/// What an editor may set when it begins.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Options {
    include_dirs: Vec<PathBuf>,
}

impl<W: Write> Server<W> {
    fn run(&mut self, incoming: &Receiver<io::Result<Incoming>>) -> Result<(), String> {
        loop {
            let next = if self.stale {
                incoming.recv_timeout(QUIET)
            } else {
                incoming.recv().map_err(RecvTimeoutError::from)
            };
            let written = match next {
                Ok(Ok(Incoming::Message(Message::Notification(said)))) if said.method == "exit" => {
                    return match self.phase {
                        Phase::ShutDown => Ok(()),
                        Phase::New | Phase::Running => Err("the editor said `exit` without `shutdown`".to_owned()),
                    };
                }
                Ok(Ok(Incoming::Message(message))) => self.message(message),
                Ok(Ok(Incoming::Broken(reason))) => wire::write_broken(&mut self.output, &reason),
                Ok(Err(error)) => return Err(format!("cannot read from the editor: {error}")),
                Err(RecvTimeoutError::Timeout) => self.publish(),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the editor went away without `shutdown` and `exit`".to_owned());
                }
            };
            written.map_err(|error| format!("cannot write to the editor: {error}"))?;
        }
    }

    fn message(&mut self, message: Message) -> io::Result<()> {
        match message {
            Message::Request(request) => {
                let id = request.id.clone();
                // A mistake of ours must not take away the editor's session.
                let answer = catch_unwind(AssertUnwindSafe(|| self.request(request)));
                let answer = answer.unwrap_or_else(|_| {
                    let reason = "the answer could not be found; this is a mistake in tars2rs".to_owned();
                    Err(Refusal(ErrorCode::InternalError, reason))
                });
                let response = match answer {
                    Ok(value) => Response::new_ok(id, value),
                    Err(Refusal(code, reason)) => Response::new_err(id, code as i32, reason),
                };
                wire::write(&mut self.output, &response.into())
            }
            Message::Notification(notification) => {
                // What makes no sense cannot be answered.
                let _ = catch_unwind(AssertUnwindSafe(|| self.notification(notification)));
                Ok(())
            }
            Message::Response(_) => Ok(()),
        }
    }

    fn request(&mut self, request: Request) -> Answer {
        match (self.phase, request.method.as_str()) {
            (Phase::New, "initialize") => return self.initialize(request.params),
            (Phase::New, _) => {
                let reason = "`initialize` comes first".to_owned();
                return Err(Refusal(ErrorCode::ServerNotInitialized, reason));
            }
            (Phase::ShutDown, _) | (Phase::Running, "initialize") => {
                let reason = format!("`{}` at this point of the session", request.method);
                return Err(Refusal(ErrorCode::InvalidRequest, reason));
            }
            (Phase::Running, "shutdown") => {
                self.phase = Phase::ShutDown;
                return Ok(Value::Null);
            }
            (Phase::Running, _) => {}
        }
        let Request { method, params, .. } = request;
        match method.as_str() {
            "textDocument/definition" => self.definition(params),
            "textDocument/references" => self.references(params),
            "textDocument/hover" => self.hover(params),
            "textDocument/completion" => self.completion(params),
            "textDocument/documentSymbol" => self.symbols(params),
            "textDocument/formatting" => self.formatting(params),
            "textDocument/prepareRename" => self.prepare_rename(params),
            "textDocument/rename" => self.rename(params),
            "textDocument/codeAction" => self.code_actions(params),
            _ => Err(Refusal(ErrorCode::MethodNotFound, format!("there is no `{method}` here"))),
        }
    }

    fn initialize(&mut self, params: Value) -> Answer {
        let given: lsp::InitializeParams = read(params)?;
        let options: Options = given
            .initialization_options
            .and_then(|options| serde_json::from_value(options).ok())
            .unwrap_or_default();
        let mut manner = self.workspace.manner.clone();
        manner.include_dirs.extend(options.include_dirs);
        let offered = given.capabilities.general.and_then(|general| general.position_encodings);
        if offered.is_some_and(|all| all.contains(&lsp::PositionEncodingKind::UTF8)) {
            manner.encoding = Encoding::Utf8;
        }
        let folder = given.workspace_folders.and_then(|folders| folders.into_iter().next());
        #[expect(deprecated, reason = "editors of old know nothing else")]
        let root = folder.map(|folder| folder.uri).or(given.root_uri);
        let root = root
            .filter(|uri| uri.as_str().starts_with("file:"))
            .and_then(|uri| path_of(uri.as_str()));
        let root = root.unwrap_or_else(|| self.workspace.overlay.root.clone());
        let encoding = match manner.encoding {
            Encoding::Utf8 => "utf-8",
            Encoding::Utf16 => "utf-16",
        };
        self.workspace = Workspace::new(root, manner);
        self.phase = Phase::Running;
        Ok(json!({
            "capabilities": {
                "positionEncoding": encoding,
                "textDocumentSync": {"openClose": true, "change": lsp::TextDocumentSyncKind::INCREMENTAL, "save": true},
                "definitionProvider": true,
                "referencesProvider": true,
                "hoverProvider": true,
                "completionProvider": {"triggerCharacters": [":", "<", "("]},
                "documentSymbolProvider": true,
                "documentFormattingProvider": true,
                "renameProvider": {"prepareProvider": true},
                "codeActionProvider": {"codeActionKinds": [lsp::CodeActionKind::QUICKFIX]},
            },
            "serverInfo": {"name": "tars2rs", "version": env!("CARGO_PKG_VERSION")},
        }))
    }

    fn notification(&mut self, said: Notification) {
        if self.phase != Phase::Running {
            return;
        }
        // One that cannot be read is left out: there is no way to refuse it.
        let _ = match said.method.as_str() {
            "textDocument/didOpen" => self.opened(said.params),
            "textDocument/didChange" => self.changed(said.params),
            "textDocument/didClose" => self.closed(said.params),
            // Files that are not open may have changed as well.
            "textDocument/didSave" | "workspace/didChangeWatchedFiles" => {
                self.workspace.forget_all();
                self.stale = true;
                Ok(())
            }
            _ => Ok(()),
        };
    }

    fn opened(&mut self, params: Value) -> Result<(), Refusal> {
        let params: lsp::DidOpenTextDocumentParams = read(params)?;
        let path = self.path(&params.text_document.uri)?;
        self.workspace.open(&path, &params.text_document.text);
        self.uris.insert(path, params.text_document.uri);
        self.stale = true;
        Ok(())
    }

    fn changed(&mut self, params: Value) -> Result<(), Refusal> {
        let params: lsp::DidChangeTextDocumentParams = read(params)?;
        let path = self.path(&params.text_document.uri)?;
        let changes = params.content_changes.into_iter().map(|change| Change {
            range: change.range.map(range_in),
            text: change.text,
        });
        self.workspace.change(&path, &changes.collect::<Vec<_>>());
        self.stale = true;
        Ok(())
    }

    fn closed(&mut self, params: Value) -> Result<(), Refusal> {
        let params: lsp::DidCloseTextDocumentParams = read(params)?;
        let path = self.path(&params.text_document.uri)?;
        self.workspace.close(&path);
        self.uris.remove(&path);
        self.stale = true;
        Ok(())
    }

    /// Tells what has changed among the findings.
    fn publish(&mut self) -> io::Result<()> {
        self.stale = false;
        let found = catch_unwind(AssertUnwindSafe(|| self.workspace.findings()));
        let Ok(mut found) = found else { return Ok(()) };
        for path in self.published.keys() {
            found.entry(path.clone()).or_default();
        }
        for (path, findings) in &found {
            if self.published.get(path) == Some(findings) {
                continue;
            }
            let Some(uri) = self.uri(path) else { continue };
            let uris = |path: &Path| self.uri(path);
            let all = findings.iter().map(|finding| convert::diagnostic(finding, &uris));
            let params = lsp::PublishDiagnosticsParams::new(uri, all.collect(), None);
            let said = Notification::new("textDocument/publishDiagnostics".to_owned(), params);
            wire::write(&mut self.output, &said.into())?;
        }
        found.retain(|path, findings| !findings.is_empty() || self.uris.contains_key(path));
        self.published = found;
        Ok(())
    }

    fn uri(&self, path: &Path) -> Option<lsp::Uri> {
        self.uris.get(path).cloned().or_else(|| convert::uri(path))
    }

    fn path(&self, uri: &lsp::Uri) -> Result<PathBuf, Refusal> {
        let path = path_of(uri.as_str()).ok_or_else(|| {
            let reason = format!("`{}` names no file", uri.as_str());
            Refusal(ErrorCode::InvalidParams, reason)
        })?;
        Ok(self.workspace.canonical(&path))
    }

    fn place(&self, params: &lsp::TextDocumentPositionParams) -> Result<(PathBuf, Position), Refusal> {
        Ok((self.path(&params.text_document.uri)?, position_in(params.position)))
    }

    fn definition(&self, params: Value) -> Answer {
        let params: lsp::GotoDefinitionParams = read(params)?;
        let (path, position) = self.place(&params.text_document_position_params)?;
        let place = self.workspace.definition(&path, position);
        answer(place.and_then(|place| convert::location(&place, &|path| self.uri(path))))
    }

    fn references(&self, params: Value) -> Answer {
        let params: lsp::ReferenceParams = read(params)?;
        let (path, position) = self.place(&params.text_document_position)?;
        let mut places = self.workspace.references(&path, position);
        if !params.context.include_declaration {
            let declared = self.workspace.definition(&path, position);
            places.retain(|place| Some(place) != declared.as_ref());
        }
        let uris = |path: &Path| self.uri(path);
        let places = places.iter().filter_map(|place| convert::location(place, &uris));
        answer(places.collect::<Vec<_>>())
    }

    fn hover(&self, params: Value) -> Answer {
        let params: lsp::HoverParams = read(params)?;
        let (path, position) = self.place(&params.text_document_position_params)?;
        answer(self.workspace.hover(&path, position).map(|(range, value)| lsp::Hover {
            contents: lsp::HoverContents::Markup(lsp::MarkupContent {
                kind: lsp::MarkupKind::Markdown,
                value,
            }),
            range: Some(convert::range(range)),
        }))
    }

    fn completion(&self, params: Value) -> Answer {
        let params: lsp::CompletionParams = read(params)?;
        let (path, position) = self.place(&params.text_document_position)?;
        let found = self.workspace.complete(&path, position).into_iter().enumerate();
        answer(found.map(convert::completion).collect::<Vec<_>>())
    }

    fn symbols(&self, params: Value) -> Answer {
        let params: lsp::DocumentSymbolParams = read(params)?;
        let outline = self.workspace.outline(&self.path(&params.text_document.uri)?);
        answer(outline.iter().map(convert::symbol).collect::<Vec<_>>())
    }

    fn formatting(&self, params: Value) -> Answer {
        let params: lsp::DocumentFormattingParams = read(params)?;
        let edits = self.workspace.format(&self.path(&params.text_document.uri)?);
        answer(edits.iter().map(convert::text_edit).collect::<Vec<_>>())
    }

    fn prepare_rename(&self, params: Value) -> Answer {
        let params: lsp::TextDocumentPositionParams = read(params)?;
        let (path, position) = self.place(&params)?;
        let (range, name) = self.workspace.renamable(&path, position).map_err(refused)?;
        Ok(json!({"range": convert::range(range), "placeholder": name}))
    }

    fn rename(&self, params: Value) -> Answer {
        let params: lsp::RenameParams = read(params)?;
        let (path, position) = self.place(&params.text_document_position)?;
        let edits = self
            .workspace
            .rename(&path, position, &params.new_name)
            .map_err(refused)?;
        answer(convert::workspace_edit(edits, &|path| self.uri(path)))
    }

    fn code_actions(&self, params: Value) -> Answer {
        let params: lsp::CodeActionParams = read(params)?;
        let path = self.path(&params.text_document.uri)?;
        let asked = range_in(params.range);
        let uris = |path: &Path| self.uri(path);
        // What was told, as long as it holds.
        let told = self.published.get(&path).filter(|_| !self.stale);
        let found = told.into_iter().flatten();
        let near = found.filter(|found| found.range.start <= asked.end && asked.start <= found.range.end);
        let fixes = near.filter_map(|found| convert::quick_fix(found, &uris));
        answer(fixes.collect::<Vec<_>>())
    }
}

fn refused(reason: String) -> Refusal {
    Refusal(ErrorCode::RequestFailed, reason)
}

fn read<T: DeserializeOwned>(params: Value) -> Result<T, Refusal> {
    serde_json::from_value(params).map_err(|error| Refusal(ErrorCode::InvalidParams, error.to_string()))
}

fn answer(value: impl serde::Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| Refusal(ErrorCode::InternalError, error.to_string()))
}
