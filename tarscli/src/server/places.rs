//! Where `_server_meta.yaml` says what: for those who have to mend it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_saphyr::Spanned;

/// The file and the lines of its keys.
#[derive(Debug, Default)]
pub(crate) struct Places {
    path: PathBuf,
    pub(super) server: Keys,
    pub(super) adapters: Vec<Keys>,
}

impl Places {
    pub(super) fn new(path: &Path, server: Keys, adapters: Vec<Keys>) -> Self {
        Self {
            path: path.to_owned(),
            server,
            adapters,
        }
    }

    /// The file and the line of a key of the server: "`/tars/bin/_server_meta.yaml`, line 3".
    pub(crate) fn of(&self, key: &str) -> String {
        self.at(self.server.line(key))
    }

    /// The same of a key of the adapter with this number, from 0; where it has none, the adapter's begin.
    pub(crate) fn of_adapter(&self, adapter: usize, key: &str) -> String {
        let keys = self.adapters.get(adapter);
        let line = keys.and_then(|keys| keys.line(key).or_else(|| keys.begin()));
        self.at(line.or_else(|| self.server.line("adapters")))
    }

    fn at(&self, line: Option<u64>) -> String {
        let path = self.path.display();
        match line {
            Some(line) => format!("`{path}`, line {line}"),
            None => format!("`{path}`"),
        }
    }
}

/// The keys alone, with their places.
#[derive(Debug, Default)]
pub(super) struct Keys(pub(super) Vec<Spanned<String>>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let mut keys = Vec::new();
        while let Some((key, IgnoredAny)) = map.next_entry()? {
            keys.push(key);
        }
        Ok(Keys(keys))
    }
}

impl Keys {
    fn line(&self, key: &str) -> Option<u64> {
        let found = self.0.iter().find(|spanned| spanned.value == key);
        found.map(|spanned| spanned.referenced.line())
    }

    fn begin(&self) -> Option<u64> {
        self.0.first().map(|spanned| spanned.referenced.line())
    }
}
