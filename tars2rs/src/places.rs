//! Lines and columns of many names: a file is looked through once, not once a name.

use crate::source::{SourceFile, SourceMap, Span};

/// Bytes of a long line between two marks.
const STRIDE: usize = 1024;

/// A byte whose line and column, both from 1, are known.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: usize,
    line: usize,
    column: usize,
}

/// Marks at the beginnings of all lines of all files, and in long lines.
#[derive(Debug)]
pub(crate) struct Places<'s> {
    files: Vec<(&'s SourceFile, Vec<Mark>)>,
}

impl<'s> Places<'s> {
    /// Looks through the files.
    pub(crate) fn of(sources: &'s SourceMap) -> Self {
        Self {
            files: sources.files().iter().map(|file| (file, marks(&file.text))).collect(),
        }
    }

    /// File, line and column, both from 1, of the beginning of a span. Columns count characters.
    pub(crate) fn of_span(&self, span: Span) -> (&'s SourceFile, usize, usize) {
        let behind = self.files.partition_point(|(file, _)| file.start <= span.start);
        let (file, marks) = &self.files[behind.saturating_sub(1)];
        let at = ((span.start - file.start) as usize).min(file.text.len());
        let behind = marks.partition_point(|mark| mark.at <= at);
        let mark = marks[behind.saturating_sub(1)];
        let column = mark.column + file.text[mark.at..at].chars().count();
        (file, mark.line, column)
    }
}

fn marks(text: &str) -> Vec<Mark> {
    let mut mark = Mark {
        at: 0,
        line: 1,
        column: 1,
    };
    let mut marks = vec![mark];
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        while rest.len() > STRIDE {
            let (part, behind) = rest.split_at(rest.floor_char_boundary(STRIDE));
            mark.at += part.len();
            mark.column += part.chars().count();
            marks.push(mark);
            rest = behind;
        }
        mark = Mark {
            at: mark.at + rest.len(),
            line: mark.line + 1,
            column: 1,
        };
        marks.push(mark);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_messages() {
        let long = "\u{4E2D}x".repeat(2000);
        let mut sources = SourceMap::default();
        for text in ["", "a\nbc\n\nd", &format!("{long}\n{long}")] {
            sources
                .add("a".into(), "a".into(), text.as_bytes(), None)
                .expect("small");
        }
        let places = Places::of(&sources);
        for file in sources.files() {
            for (at, _) in file.text.char_indices().step_by(7) {
                let offset = file.start + u32::try_from(at).expect("small");
                let (_, line, column) = places.of_span(Span::new(offset, offset));
                assert_eq!((line, column), file.position(offset));
            }
        }
    }
}
