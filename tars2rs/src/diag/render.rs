//! Turns diagnostics into text. The only module that knows annotate-snippets.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Severity};
use crate::source::{SourceFile, SourceMap, Span};

/// More than this is noise: the file is probably not IDL at all.
const MOST_SHOWN: usize = 500;
/// Bytes of a line shown before and behind a label when the line is longer than both together.
const MOST_OF_A_LINE: usize = 400;
/// Labels further apart than this are shown as two excerpts, which also keeps rendering linear in the file's length.
const FAR_APART: usize = 40;

/// How text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    #[default]
    Plain,
    /// With the escapes of a terminal.
    Coloured,
}

/// All diagnostics as text, each followed by an empty line.
pub(crate) fn render_all(diagnostics: &[Diagnostic], sources: &SourceMap, style: Style) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MOST_SHOWN) {
        out.push_str(&render(diagnostic, sources, style));
        out.push_str("\n\n");
    }
    if diagnostics.len() > MOST_SHOWN {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "... and {} more\n", diagnostics.len() - MOST_SHOWN);
    }
    out
}

fn render(diagnostic: &Diagnostic, sources: &SourceMap, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level
        .primary_title(harmless(&diagnostic.message))
        .id(diagnostic.code.text());
    let mut group = Group::with_title(title);
    for stretch in stretches(diagnostic, sources) {
        group = match stretch.cut {
            None => group.element(stretch.snippet()),
            Some((line, column)) => group.element(stretch.origin(line, column)).element(stretch.snippet()),
        };
    }
    for note in &diagnostic.advice.notes {
        group = group.element(Level::NOTE.message(without_controls(note)));
    }
    for note in chain(diagnostic, sources) {
        group = group.element(Level::NOTE.message(without_controls(&note)));
    }
    if let Some(help) = &diagnostic.advice.help {
        group = group.element(Level::HELP.message(without_controls(help)));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let text = renderer.render(&[group]);
    // Below an origin of its own an excerpt still gets a line for its path, which is empty then.
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| uncoloured(line).trim() != ":::")
        .collect();
    lines.join("\n")
}

/// A note or help, of which parts may come from a file, without what would steer a terminal: annotate-snippets sees to
/// titles and sources only.
fn without_controls(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{FFFD}")
}

/// A line without the escapes that colour it.
fn uncoloured(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

/// How the compiler came to an included file.
fn chain(diagnostic: &Diagnostic, sources: &SourceMap) -> Vec<String> {
    let Some(primary) = &diagnostic.primary else {
        return Vec::new();
    };
    let note = |from: Span| {
        let file = sources.file_of(from);
        format!("included at {}:{}", file.name, file.position(from.start).0)
    };
    sources.chain(primary.span).into_iter().map(note).collect()
}

/// Stretches of near labels, the primary one first.
fn stretches<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Vec<Stretch<'a>> {
    let Some(primary) = &diagnostic.primary else {
        return Vec::new();
    };
    let mut stretches = vec![Stretch::new(
        primary.span,
        sources,
        AnnotationKind::Primary,
        &primary.text,
    )];
    for label in &diagnostic.related {
        let next = Stretch::new(label.span, sources, AnnotationKind::Context, &label.text);
        match stretches.iter_mut().find(|known| known.near(&next)) {
            Some(known) => known.merge(next),
            None => stretches.push(next),
        }
    }
    stretches
}

/// Lines of one file with the labels on them.
struct Stretch<'a> {
    file: &'a SourceFile,
    /// First and last line, from 0.
    lines: (usize, usize),
    bytes: Range<usize>,
    labels: Vec<(Range<usize>, AnnotationKind, &'a str)>,
    /// For a line too long to be shown whole: line and column of the label, which the excerpt no longer tells.
    cut: Option<(usize, usize)>,
}

impl<'a> Stretch<'a> {
    fn new(span: Span, sources: &'a SourceMap, kind: AnnotationKind, text: &'a str) -> Self {
        let file = sources.file_of(span);
        let source = file.text.as_bytes();
        let mut at = local(span, file);
        let (first, mut start) = file.line_of(at.start);
        // Not further than it takes to know that the line is too long.
        let far = source.len().min(at.end + 2 * MOST_OF_A_LINE + 1);
        let mut end = source[at.end..far]
            .iter()
            .position(|b| *b == b'\n')
            .map_or(boundary(file, far), |found| at.end + found);
        let mut cut = None;
        if end - start > 2 * MOST_OF_A_LINE {
            cut = Some(file.position(span.start));
            at.end = boundary(file, at.end.min(at.start + MOST_OF_A_LINE / 2));
            start = boundary(file, start.max(at.start.saturating_sub(MOST_OF_A_LINE)));
            end = boundary(file, end.min(at.end + MOST_OF_A_LINE));
        }
        let last = first + newlines(&file.text[at.clone()]);
        Self {
            file,
            lines: (first, last),
            bytes: start..end,
            labels: vec![(at, kind, text)],
            cut,
        }
    }

    fn near(&self, other: &Self) -> bool {
        self.cut.is_none()
            && other.cut.is_none()
            && self.file.start == other.file.start
            && self.lines.0 <= other.lines.1 + FAR_APART
            && other.lines.0 <= self.lines.1 + FAR_APART
    }

    fn merge(&mut self, other: Self) {
        self.lines = (self.lines.0.min(other.lines.0), self.lines.1.max(other.lines.1));
        self.bytes = self.bytes.start.min(other.bytes.start)..self.bytes.end.max(other.bytes.end);
        self.labels.extend(other.labels);
    }

    fn snippet(self) -> Snippet<'a, Annotation<'a>> {
        let offset = self.bytes.start;
        let annotations = self.labels.into_iter().map(|(range, kind, text)| {
            let annotation = kind.span(range.start - offset..range.end - offset);
            if text.is_empty() {
                annotation
            } else {
                annotation.label(text)
            }
        });
        let path = self.cut.is_none().then_some(self.file.name.as_str());
        Snippet::source(harmless(&self.file.text[self.bytes.clone()]))
            .line_start(self.lines.0 + 1)
            .path(path)
            .annotations(annotations)
    }

    /// The place in words, above a cut line.
    fn origin(&self, line: usize, column: usize) -> Origin<'a> {
        Origin::path(self.file.name.as_str()).line(line).char_column(column)
    }
}

/// An excerpt without what is no text, byte for byte: the end of a Windows line would be shown as a character of its own,
/// and a terminal may take the control characters beyond ASCII for commands. annotate-snippets sees to the others.
fn harmless(text: &str) -> String {
    text.replace('\r', " ")
        .replace(|c| matches!(c, '\u{80}'..='\u{9F}'), "\u{B7}")
}

/// The span in bytes of its own file, kept on character boundaries.
fn local(span: Span, file: &SourceFile) -> Range<usize> {
    let clamp = |offset: u32| boundary(file, (offset.saturating_sub(file.start) as usize).min(file.text.len()));
    let (start, end) = (clamp(span.start), clamp(span.end));
    start..end.max(start)
}

fn newlines(text: &str) -> usize {
    text.matches('\n').count()
}

/// The character boundary at or before a byte.
fn boundary(file: &SourceFile, at: usize) -> usize {
    file.text.floor_char_boundary(at)
}
