//! The core's answers in the protocol's words.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lsp_types as lsp;

use super::analysis::Place;
use super::complete::Completion;
use super::findings::Finding;
use super::index::Kind;
use super::outline::Outline;
use super::place::uri_of;
use super::text::{Position, Range};
use super::workspace::{Change, Edit};

/// How files are called: as the editor called them where it did.
pub(super) type Uris<'u> = &'u dyn Fn(&Path) -> Option<lsp::Uri>;

/// The URI of a path.
pub(super) fn uri(path: &Path) -> Option<lsp::Uri> {
    uri_of(path).parse().ok()
}

pub(super) fn position_in(position: lsp::Position) -> Position {
    Position {
        line: position.line,
        column: position.character,
    }
}

pub(super) fn range_in(range: lsp::Range) -> Range {
    Range {
        start: position_in(range.start),
        end: position_in(range.end),
    }
}

pub(super) fn change_in(change: lsp::TextDocumentContentChangeEvent) -> Change {
    Change {
        range: change.range.map(range_in),
        text: change.text,
    }
}

fn position(position: Position) -> lsp::Position {
    lsp::Position::new(position.line, position.column)
}

pub(super) fn range(range: Range) -> lsp::Range {
    lsp::Range::new(position(range.start), position(range.end))
}

pub(super) fn location(place: &Place, uris: Uris<'_>) -> Option<lsp::Location> {
    Some(lsp::Location::new(uris(&place.path)?, range(place.range)))
}

/// More findings of a file are not told: nobody reads them while typing.
const MOST_FINDINGS: usize = 500;

/// What is wrong in a file, and how much more.
pub(super) fn findings(uri: lsp::Uri, found: &[Finding], uris: Uris<'_>) -> lsp::PublishDiagnosticsParams {
    let (told, left) = found.split_at(found.len().min(MOST_FINDINGS));
    let mut all: Vec<lsp::Diagnostic> = told.iter().map(|finding| diagnostic(finding, uris)).collect();
    if let Some(next) = left.first() {
        all.push(lsp::Diagnostic {
            range: range(next.range),
            severity: Some(lsp::DiagnosticSeverity::INFORMATION),
            source: Some(SOURCE.to_owned()),
            message: format!(
                "{} more findings from here on are not shown; `tars2rs check` shows all",
                left.len()
            ),
            ..lsp::Diagnostic::default()
        });
    }
    lsp::PublishDiagnosticsParams::new(uri, all, None)
}

/// Who finds.
const SOURCE: &str = "tars2rs";

/// Where a code is explained.
fn page(code: &str) -> Option<lsp::CodeDescription> {
    let pages = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/diagnostics");
    let href = format!("{pages}/{code}.md").parse().ok()?;
    Some(lsp::CodeDescription { href })
}

pub(super) fn diagnostic(finding: &Finding, uris: Uris<'_>) -> lsp::Diagnostic {
    let related = finding.related.iter().filter_map(|(place, text)| {
        Some(lsp::DiagnosticRelatedInformation {
            location: location(place, uris)?,
            message: text.clone(),
        })
    });
    let severity = if finding.error {
        lsp::DiagnosticSeverity::ERROR
    } else {
        lsp::DiagnosticSeverity::WARNING
    };
    lsp::Diagnostic {
        range: range(finding.range),
        severity: Some(severity),
        code: Some(lsp::NumberOrString::String(finding.code.to_owned())),
        code_description: page(finding.code),
        source: Some(SOURCE.to_owned()),
        message: finding.message.clone(),
        related_information: Some(related.collect()),
        ..lsp::Diagnostic::default()
    }
}

pub(super) fn text_edit(edit: &Edit) -> lsp::TextEdit {
    lsp::TextEdit::new(range(edit.range), edit.text.clone())
}

pub(super) fn workspace_edit(
    edits: impl IntoIterator<Item = (PathBuf, Vec<Edit>)>,
    uris: Uris<'_>,
) -> lsp::WorkspaceEdit {
    let changes = edits
        .into_iter()
        .filter_map(|(path, edits)| Some((uris(&path)?, edits.iter().map(text_edit).collect())));
    lsp::WorkspaceEdit::new(changes.collect::<HashMap<_, _>>())
}

/// The change that a finding offers.
pub(super) fn quick_fix(finding: &Finding, uris: Uris<'_>) -> Option<lsp::CodeActionOrCommand> {
    let (place, text) = finding.change.as_ref()?;
    let edit = Edit {
        range: place.range,
        text: text.clone(),
    };
    Some(lsp::CodeActionOrCommand::CodeAction(lsp::CodeAction {
        title: format!("Change to `{text}`"),
        kind: Some(lsp::CodeActionKind::QUICKFIX),
        diagnostics: Some(vec![diagnostic(finding, uris)]),
        edit: Some(workspace_edit([(place.path.clone(), vec![edit])], uris)),
        ..lsp::CodeAction::default()
    }))
}

pub(super) fn completion((order, found): (usize, Completion), replaces: lsp::Range) -> lsp::CompletionItem {
    let kind = match found.kind {
        None if found.text.ends_with('/') => lsp::CompletionItemKind::FOLDER,
        None if found.text.contains('.') => lsp::CompletionItemKind::FILE,
        None => lsp::CompletionItemKind::KEYWORD,
        Some(Kind::Module) => lsp::CompletionItemKind::MODULE,
        Some(Kind::Struct) => lsp::CompletionItemKind::STRUCT,
        Some(Kind::Enum) => lsp::CompletionItemKind::ENUM,
        Some(Kind::Const) => lsp::CompletionItemKind::CONSTANT,
        Some(Kind::Interface) => lsp::CompletionItemKind::INTERFACE,
        Some(Kind::Field | Kind::Param) => lsp::CompletionItemKind::FIELD,
        Some(Kind::Enumerator) => lsp::CompletionItemKind::ENUM_MEMBER,
        Some(Kind::Operation) => lsp::CompletionItemKind::METHOD,
    };
    lsp::CompletionItem {
        label: found.text.clone(),
        kind: Some(kind),
        text_edit: Some(lsp::CompletionTextEdit::Edit(lsp::TextEdit::new(replaces, found.text))),
        detail: Some(found.detail).filter(|detail| !detail.is_empty()),
        sort_text: Some(format!("{order:06}")),
        ..lsp::CompletionItem::default()
    }
}

#[expect(deprecated, reason = "the protocol crate wants every field, also those of old")]
pub(super) fn symbol(outline: &Outline) -> lsp::DocumentSymbol {
    let kind = match outline.kind {
        Kind::Module => lsp::SymbolKind::NAMESPACE,
        Kind::Struct => lsp::SymbolKind::STRUCT,
        Kind::Enum => lsp::SymbolKind::ENUM,
        Kind::Const => lsp::SymbolKind::CONSTANT,
        Kind::Interface => lsp::SymbolKind::INTERFACE,
        Kind::Field => lsp::SymbolKind::FIELD,
        Kind::Enumerator => lsp::SymbolKind::ENUM_MEMBER,
        Kind::Operation => lsp::SymbolKind::METHOD,
        Kind::Param => lsp::SymbolKind::VARIABLE,
    };
    let children: Vec<lsp::DocumentSymbol> = outline.children.iter().map(symbol).collect();
    lsp::DocumentSymbol {
        name: outline.name.clone(),
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: range(outline.range),
        selection_range: range(outline.selection),
        children: Some(children).filter(|children| !children.is_empty()),
    }
}
