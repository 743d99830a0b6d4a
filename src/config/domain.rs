//! The tree: domains of lines and domains.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::mem;

use super::Config;
use super::error::SetConfigError;
use super::escape::{escape, unescape};

/// What does not count at the ends of lines, keys and values. Other spaces do, as in TarsCpp.
pub(super) const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// What is between `<name>` and `</name>`.
#[derive(Clone, Default)]
pub(super) struct Domain {
    pub(super) items: Vec<Item>,
    /// Where each key's last line is, the one that counts.
    keys: HashMap<String, usize>,
    domains: HashMap<String, usize>,
    /// Comments and empty lines behind the last item.
    pub(super) rest: Vec<String>,
}

/// A line or a domain.
#[derive(Clone)]
pub(super) struct Item {
    /// Comments and empty lines before it.
    pub(super) comments: Vec<String>,
    /// Where it was parsed.
    pub(super) line: Option<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Entry(Entry),
    Domain { name: String, body: Domain },
}

/// A line with a key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// As written, without spaces around it.
    text: String,
    /// Where the `=` is; a flag has none.
    equals: Option<usize>,
}

impl Domain {
    /// The domain at the end of `path` in this one.
    pub(super) fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |domain, name| domain.domain(name))
    }

    /// The domain at the end of `path`, made when it is missing.
    pub(super) fn make(&mut self, path: &[&str]) -> Result<&mut Self, SetConfigError> {
        if path.len() > Config::MAX_DEPTH {
            return Err(SetConfigError::Depth);
        }
        if !path.iter().all(|name| is_domain_name(name)) {
            return Err(SetConfigError::Domain);
        }
        let mut domain = self;
        for name in path {
            let place = match domain.place_of(name) {
                Some(place) => place,
                None => domain.add_domain(name, None),
            };
            domain = domain.body_mut(place);
        }
        Ok(domain)
    }

    pub(super) fn domain(&self, name: &str) -> Option<&Self> {
        match &self.items[self.place_of(name)?].kind {
            Kind::Domain { body, .. } => Some(body),
            Kind::Entry(_) => None,
        }
    }

    /// Where the domain of that name is among the items.
    pub(super) fn place_of(&self, name: &str) -> Option<usize> {
        self.domains.get(name).copied()
    }

    /// Where the line of that key that counts is among the items.
    pub(super) fn place_of_key(&self, key: &str) -> Option<usize> {
        self.keys.get(key).copied()
    }

    pub(super) fn body_mut(&mut self, place: usize) -> &mut Self {
        match &mut self.items[place].kind {
            Kind::Domain { body, .. } => body,
            Kind::Entry(_) => unreachable!("a domain's place holds a domain"),
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.items[self.place_of_key(key)?].kind {
            Kind::Entry(entry) => Some(entry),
            Kind::Domain { .. } => None,
        }
    }

    pub(super) fn domain_names(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|item| match &item.kind {
            Kind::Domain { name, .. } => Some(name.as_str()),
            Kind::Entry(_) => None,
        })
    }

    /// The lines that count.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.items
            .iter()
            .enumerate()
            .filter_map(|(place, item)| match &item.kind {
                Kind::Entry(entry) if self.keys.get(&*entry.key()) == Some(&place) => Some(entry),
                _ => None,
            })
    }

    /// All lines with keys.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter_map(|item| match &item.kind {
            Kind::Entry(entry) => Some(entry.text.as_str()),
            Kind::Domain { .. } => None,
        })
    }

    /// Adds an empty domain behind everything, where there is none of that name, and tells its place.
    pub(super) fn add_domain(&mut self, name: &str, line: Option<usize>) -> usize {
        let body = Self::default();
        let kind = Kind::Domain {
            name: name.to_owned(),
            body,
        };
        self.add(kind, line)
    }

    /// Adds an item behind everything. The comments that were last are the item's, and its place is told.
    pub(super) fn add(&mut self, kind: Kind, line: Option<usize>) -> usize {
        let comments = mem::take(&mut self.rest);
        self.push(Item { comments, line, kind })
    }

    /// Adds an item as it is, and tells its place.
    pub(super) fn push(&mut self, item: Item) -> usize {
        let place = self.items.len();
        match &item.kind {
            Kind::Entry(entry) => self.keys.insert(entry.key().into_owned(), place),
            Kind::Domain { name, .. } => self.domains.insert(name.clone(), place),
        };
        self.items.push(item);
        place
    }

    /// Puts a line in the place of the one that counts, or behind everything.
    pub(super) fn put(&mut self, entry: Entry) {
        match self.place_of_key(&entry.key()) {
            Some(place) => {
                self.items[place].kind = Kind::Entry(entry);
                self.items[place].line = None;
            }
            None => {
                self.add(Kind::Entry(entry), None);
            }
        }
    }

    pub(super) fn print(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        for item in &self.items {
            comments(f, &item.comments, depth)?;
            match &item.kind {
                Kind::Entry(entry) => line(f, &entry.text, depth)?,
                Kind::Domain { name, body } => {
                    line(f, &format!("<{name}>"), depth)?;
                    body.print(f, depth + 1)?;
                    line(f, &format!("</{name}>"), depth)?;
                }
            }
        }
        comments(f, &self.rest, depth)
    }
}

fn comments(f: &mut fmt::Formatter<'_>, comments: &[String], depth: usize) -> fmt::Result {
    comments.iter().try_for_each(|comment| line(f, comment, depth))
}

fn line(f: &mut fmt::Formatter<'_>, text: &str, depth: usize) -> fmt::Result {
    if text.is_empty() {
        return writeln!(f);
    }
    writeln!(f, "{:1$}{text}", "", depth * 4)
}

// The index follows from the items.
impl PartialEq for Domain {
    fn eq(&self, other: &Self) -> bool {
        self.items == other.items && self.rest == other.rest
    }
}

impl Eq for Domain {}

// The line says where an item was, not what it is.
impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.comments == other.comments && self.kind == other.kind
    }
}

impl Eq for Item {}

impl Entry {
    /// From a line that has no spaces around it.
    pub(super) fn parse(text: &str) -> Self {
        let bytes = text.as_bytes();
        let equals = text
            .match_indices('=')
            .map(|(at, _)| at)
            .find(|at| *at == 0 || bytes[at - 1] != b'\\');
        Self {
            text: text.to_owned(),
            equals,
        }
    }

    pub(super) fn with_value(key: &str, value: &str) -> Result<Self, SetConfigError> {
        let key = written_key(key)?;
        if value.starts_with(' ') || value.ends_with(' ') {
            return Err(SetConfigError::Value);
        }
        let value = escape(value, false);
        // The space keeps a backslash that ends the key from escaping the `=`.
        Ok(Self::parse(format!("{key} = {value}").trim_end_matches(' ')))
    }

    pub(super) fn flag(key: &str) -> Result<Self, SetConfigError> {
        written_key(key).map(|key| Self::parse(&key))
    }

    pub(super) fn key(&self) -> Cow<'_, str> {
        unescape(self.text[..self.equals.unwrap_or(self.text.len())].trim_matches(SPACE))
    }

    pub(super) fn value(&self) -> Cow<'_, str> {
        let value = self.equals.map_or("", |equals| &self.text[equals + 1..]);
        unescape(value.trim_matches(SPACE))
    }
}

fn written_key(key: &str) -> Result<String, SetConfigError> {
    if key.is_empty() || key.starts_with(['#', '<', ' ']) || key.ends_with(' ') {
        return Err(SetConfigError::Key);
    }
    Ok(escape(key, true))
}

/// Whether every parser takes it for a domain's name. `<!` and `<?` begin what only TarsGo knows, from XML.
pub(super) fn is_domain_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(['!', '?'])
        && !name.contains(['<', '>', '/', '\n'])
        && name.trim_matches(SPACE) == name
}
