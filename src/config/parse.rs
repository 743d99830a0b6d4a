//! From lines to the tree.

use std::mem;

use super::Config;
use super::domain::{Domain, Entry, Kind, SPACE, is_domain_name};
use super::error::ParseConfigError;

/// A domain whose end has not come.
struct Open {
    name: String,
    line: usize,
    /// Where it is in the domain around it.
    place: usize,
    around: Domain,
}

/// The domain that is being read, and those around it.
#[derive(Default)]
struct Reader {
    current: Domain,
    open: Vec<Open>,
}

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Domain, ParseConfigError> {
    if text.len() > Config::MAX_SIZE {
        let line = text.as_bytes()[..Config::MAX_SIZE].split(|byte| *byte == b'\n').count();
        let message = format!("expected at most {} bytes, found {}", Config::MAX_SIZE, text.len());
        return Err(ParseConfigError::new(line, message));
    }
    let mut reader = Reader::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.split_terminator('\n').enumerate() {
        reader.line(line.trim_matches(SPACE), index + 1)?;
    }
    reader.end()
}

impl Reader {
    fn line(&mut self, text: &str, line: usize) -> Result<(), ParseConfigError> {
        if text.is_empty() || text.starts_with('#') {
            self.comment(text);
        } else if let Some(tag) = text.strip_prefix('<') {
            self.tag(tag, line)?;
        } else {
            self.current.add(Kind::Entry(Entry::parse(text)), Some(line));
        }
        Ok(())
    }

    /// Keeps a comment, and one of several empty lines.
    fn comment(&mut self, text: &str) {
        let rest = &mut self.current.rest;
        if !text.is_empty() || rest.last().is_none_or(|last| !last.is_empty()) {
            rest.push(text.to_owned());
        }
    }

    fn tag(&mut self, tag: &str, line: usize) -> Result<(), ParseConfigError> {
        let (name, after) = tag
            .split_once('>')
            .ok_or_else(|| ParseConfigError::new(line, "expected a `>`: a line that begins with `<` names a domain"))?;
        let after = after.trim_matches(SPACE);
        if !after.is_empty() && !after.starts_with('#') {
            let message = "expected the end of the line, or a comment, behind a domain's `>`";
            return Err(ParseConfigError::new(line, message));
        }
        if !after.is_empty() && !name.starts_with('/') {
            self.comment(after);
        }
        match name.strip_prefix('/') {
            Some(name) => {
                if !after.is_empty() {
                    self.comment(after);
                }
                self.close(name.trim_matches(SPACE), line)
            }
            None => self.open(name.trim_matches(SPACE), line),
        }
    }

    fn open(&mut self, name: &str, line: usize) -> Result<(), ParseConfigError> {
        if !is_domain_name(name) {
            let message = "expected a domain's name without `<` and `/`; a comment begins with `#`";
            return Err(ParseConfigError::new(line, message));
        }
        if self.open.len() == Config::MAX_DEPTH {
            let message = format!("expected at most {} domains inside each other", Config::MAX_DEPTH);
            return Err(ParseConfigError::new(line, message));
        }
        let (place, inner) = match self.current.place_of(name) {
            Some(place) => {
                // Gone on with: what was said before it now belongs to what follows in it.
                let comments = mem::take(&mut self.current.rest);
                let mut inner = mem::take(self.current.body_mut(place));
                inner.rest.extend(comments);
                (place, inner)
            }
            None => (self.current.add_domain(name, Some(line)), Domain::default()),
        };
        let around = mem::replace(&mut self.current, inner);
        self.open.push(Open {
            name: name.to_owned(),
            line,
            place,
            around,
        });
        Ok(())
    }

    fn close(&mut self, name: &str, line: usize) -> Result<(), ParseConfigError> {
        let Some(open) = self.open.pop() else {
            let message = "expected a key or the begin of a domain: no domain is open that could end here";
            return Err(ParseConfigError::new(line, message));
        };
        if open.name != name {
            let message = format!(
                "expected `</{}>`, for the domain that line {} opens",
                open.name, open.line
            );
            return Err(ParseConfigError::new(line, message));
        }
        let inner = mem::replace(&mut self.current, open.around);
        *self.current.body_mut(open.place) = inner;
        Ok(())
    }

    fn end(self) -> Result<Domain, ParseConfigError> {
        match self.open.last() {
            None => Ok(self.current),
            Some(open) => {
                let message = format!("expected `</{}>` further down: this domain never ends", open.name);
                Err(ParseConfigError::new(open.line, message))
            }
        }
    }
}
