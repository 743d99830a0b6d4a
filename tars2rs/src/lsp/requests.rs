//! What an editor may ask, and the terms of a session. Pure: parameters in, answers out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_server::ErrorCode;
use lsp_types as lsp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::analysis::Manner;
use super::convert::{self, position_in, range_in};
use super::place::{legal, path_of};
use super::text::{Encoding, Position};
use super::workspace::Workspace;

/// Why a request is not answered.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) ErrorCode, pub(super) String);

/// JSON as text: as a tree of values, a large answer would take fifty times its room.
pub(super) type Answer = Result<String, Refusal>;

/// What the two ends agree on when the session begins.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) manner: Manner,
    pub(super) folders: Vec<PathBuf>,
    /// The editor can be asked to tell about files that are not open.
    pub(super) watches: bool,
    /// What is wrong with the options.
    pub(super) complaint: Option<String>,
}

/// What an editor may set when it begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    include_dirs: Vec<PathBuf>,
}

/// What is read of what an editor says of itself. No more than that: an editor may know things that nobody knew of when
/// this was written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Given {
    root_uri: Option<String>,
    workspace_folders: Option<Vec<Folder>>,
    initialization_options: Value,
    capabilities: Value,
}

#[derive(Debug, Deserialize)]
struct Folder {
    uri: String,
}

/// The terms for what an editor says of itself.
pub(super) fn terms(params: Value, manner: &Manner) -> Result<Terms, Refusal> {
    let given: Given = read(params)?;
    let mut manner = manner.clone();
    let complaint = match serde_json::from_value::<Option<Options>>(given.initialization_options) {
        Ok(options) => {
            manner.include_dirs.extend(options.unwrap_or_default().include_dirs);
            None
        }
        Err(error) => Some(format!("tars2rs leaves the initialization options out: {error}")),
    };
    let able = |what: &str| given.capabilities.pointer(what);
    let encodings = able("/general/positionEncodings").and_then(Value::as_array);
    if encodings.is_some_and(|encodings| encodings.iter().any(|encoding| encoding == "utf-8")) {
        manner.encoding = Encoding::Utf8;
    }
    let folders = match given.workspace_folders {
        Some(folders) if !folders.is_empty() => folders.into_iter().map(|folder| folder.uri).collect(),
        // Editors of old know nothing else.
        _ => given.root_uri.into_iter().collect::<Vec<_>>(),
    };
    let folders = folders.iter().filter(|uri| uri.starts_with("file:"));
    let watches = able("/workspace/didChangeWatchedFiles/dynamicRegistration");
    Ok(Terms {
        manner,
        folders: folders.filter_map(|uri| path_of(uri)).collect(),
        watches: watches == Some(&Value::Bool(true)),
        complaint,
    })
}

/// What this server can do.
pub(super) fn abilities(encoding: Encoding) -> Value {
    let encoding = match encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Utf16 => "utf-16",
    };
    json!({
        "capabilities": {
            "positionEncoding": encoding,
            "textDocumentSync": {"openClose": true, "change": lsp::TextDocumentSyncKind::INCREMENTAL, "save": true},
            "definitionProvider": true,
            "referencesProvider": true,
            "hoverProvider": true,
            "completionProvider": {"triggerCharacters": [":", "<", "(", "\"", "/", "["]},
            "documentSymbolProvider": true,
            "documentFormattingProvider": true,
            "renameProvider": {"prepareProvider": true},
            "codeActionProvider": {"codeActionKinds": [lsp::CodeActionKind::QUICKFIX]},
        },
        "serverInfo": {"name": "tars2rs", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// What is asked about.
pub(super) struct Asked<'s> {
    pub(super) workspace: &'s Workspace,
    /// What the editor calls its open texts.
    pub(super) uris: &'s BTreeMap<PathBuf, lsp::Uri>,
}

impl Asked<'_> {
    pub(super) fn answer(&self, method: &str, params: Value) -> Answer {
        match method {
            "textDocument/definition" => self.definition(params),
            "textDocument/references" => self.references(params),
            "textDocument/hover" => self.hover(params),
            "textDocument/completion" => self.completion(params),
            "textDocument/documentSymbol" => self.symbols(params),
            "textDocument/formatting" => self.formatting(params),
            "textDocument/prepareRename" => self.prepare_rename(params),
            "textDocument/rename" => self.rename(params),
            "textDocument/codeAction" => self.code_actions(params),
            _ => Err(Refusal(
                ErrorCode::MethodNotFound,
                format!("there is no `{method}` here"),
            )),
        }
    }

    /// What the editor calls a file.
    pub(super) fn uri(&self, path: &Path) -> Option<lsp::Uri> {
        self.uris.get(path).cloned().or_else(|| convert::uri(path))
    }

    /// What the core calls a file.
    pub(super) fn path(&self, uri: &lsp::Uri) -> Result<PathBuf, Refusal> {
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
        let found = self.workspace.complete(&path, position);
        let replaces = convert::range(found.replaces);
        let all = found.all.into_iter().enumerate();
        answer(
            all.map(|found| convert::completion(found, replaces))
                .collect::<Vec<_>>(),
        )
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
        answer(json!({"range": convert::range(range), "placeholder": name}))
    }

    fn rename(&self, params: Value) -> Answer {
        let params: lsp::RenameParams = read(params)?;
        let (path, position) = self.place(&params.text_document_position)?;
        let edits = self
            .workspace
            .rename(&path, position, &params.new_name)
            .map_err(refused)?;
        let edit = convert::workspace_edit(edits, &|path| self.uri(path));
        // Its table has no order; that of a value has.
        answer(serde_json::to_value(edit).map_err(unanswerable)?)
    }

    fn code_actions(&self, params: Value) -> Answer {
        let params: lsp::CodeActionParams = read(params)?;
        let path = self.path(&params.text_document.uri)?;
        let asked = range_in(params.range);
        let uris = |path: &Path| self.uri(path);
        let found = self.workspace.findings().remove(&path).unwrap_or_default();
        let found = found.iter();
        let near = found.filter(|found| found.range.start <= asked.end && asked.start <= found.range.end);
        let fixes = near.filter_map(|found| convert::quick_fix(found, &uris));
        answer(fixes.collect::<Vec<_>>())
    }
}

fn refused(reason: String) -> Refusal {
    Refusal(ErrorCode::RequestFailed, reason)
}

pub(super) fn read<T: DeserializeOwned>(mut params: Value) -> Result<T, Refusal> {
    if let Some(Value::String(uri)) = params.pointer_mut("/textDocument/uri") {
        *uri = legal(uri);
    }
    serde_json::from_value(params).map_err(|error| Refusal(ErrorCode::InvalidParams, error.to_string()))
}

pub(super) fn answer(value: impl serde::Serialize) -> Answer {
    serde_json::to_string(&value).map_err(unanswerable)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
fn unanswerable(error: serde_json::Error) -> Refusal {
    Refusal(ErrorCode::InternalError, error.to_string())
}
