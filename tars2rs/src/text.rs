//! Short texts that many hold: names, and what comments say. A copy costs neither time nor memory.

use std::borrow::Borrow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// A text that does not change.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Text(Rc<str>);

impl Text {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::from("")
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl PartialEq<Text> for str {
    fn eq(&self, other: &Text) -> bool {
        self == &*other.0
    }
}

impl PartialEq<Text> for &str {
    fn eq(&self, other: &Text) -> bool {
        *self == &*other.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A table, of names above all. Its order is another one in each run, so nothing comes out in it.
pub(crate) type Table<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// Empties a table that is used again. A large one is given back: emptying costs its size, however little is in it, so many
/// short lists behind a long one would cost the square.
pub(crate) fn empty<K, V>(table: &mut Table<K, V>) {
    const LARGE: usize = 1024;
    if table.capacity() > LARGE {
        *table = Table::default();
    } else {
        table.clear();
    }
}

/// A set of names, as [`Table`] has them.
pub(crate) type Names = HashSet<Text, foldhash::fast::RandomState>;

/// Texts that are stored once, however often they occur.
#[derive(Debug, Default)]
pub(crate) struct Texts(RefCell<Names>);

impl Texts {
    /// The text, stored.
    pub(crate) fn of(&self, text: &str) -> Text {
        let mut known = self.0.borrow_mut();
        if let Some(known) = known.get(text) {
            return known.clone();
        }
        let new = Text::from(text);
        known.insert(new.clone());
        new
    }
}

/// What a comment says, line by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doc(Option<Text>);

impl Doc {
    /// The lines with `\n` between them.
    pub(crate) fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.as_deref().into_iter().flat_map(|text| text.split('\n'))
    }

    /// Whether nothing is said.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Both, with an empty line between.
    pub(crate) fn and(self, other: Self) -> Self {
        match (&self.0, &other.0) {
            (Some(first), Some(second)) => Self(Some(format!("{first}\n\n{second}").into())),
            (Some(_), None) => self,
            (None, _) => other,
        }
    }
}

impl From<String> for Doc {
    fn from(text: String) -> Self {
        Self((!text.is_empty()).then(|| text.into()))
    }
}
