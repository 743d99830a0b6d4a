//! `bin/_server_meta.yaml`: what an image says about its server.

use std::{collections::BTreeSet, fmt, path::Path};

use anyhow::{Context as _, anyhow};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use serde_saphyr::Spanned;

use super::{Adapter, ServerConf};
use crate::files;

/// Most bytes of the file.
const MAX_SIZE: u64 = 1024 * 1024;

/// The file over the defaults.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    pub(crate) conf: ServerConf,
    /// Keys that mean nothing, one text each.
    pub(crate) warnings: Vec<String>,
}

impl Meta {
    /// Reads the file. Without one, everything has its default; one that is there must be right (K8STARS ignores it
    /// otherwise, and starts with defaults).
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        match files::read(path, MAX_SIZE)? {
            Some(text) => parse(&text).with_context(|| format!("`{}`", path.display())),
            None => Ok(Self::default()),
        }
    }
}

fn parse(text: &str) -> anyhow::Result<Meta> {
    let file: File = yaml(text)?;
    let mut conf = ServerConf::default();
    file.over(&mut conf);
    Ok(Meta {
        conf,
        warnings: unknown_keys(text)?,
    })
}

/// A file that says nothing is an empty one.
fn yaml<T: DeserializeOwned + Default>(text: &str) -> anyhow::Result<T> {
    let options = serde_saphyr::options! { with_snippet: false };
    let value: Option<T> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        match error.without_snippet().to_string() {
            text if text.contains("line") || line == 0 => anyhow!("{text}"),
            text => anyhow!("line {line}: {text}"),
        }
    })?;
    Ok(value.unwrap_or_default())
}

/// Declares a struct of the file's keys, each of which may be missing or empty, and how it goes over its defaults.
macro_rules! keys {
    ($name:ident over $target:ident { $($key:ident: $kind:ty,)* }) => {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        #[allow(non_snake_case, reason = "the file's own names, which mix two styles")]
        struct $name {
            $($key: Option<$kind>,)*
        }

        impl $name {
            fn over(self, target: &mut $target) {
                $(if let Some(value) = self.$key {
                    target.$key = value.into_value();
                })*
            }
        }
    };
}

keys!(File over ServerConf {
    version: String,
    application: String,
    server: String,
    set_id: String,
    template_name: String,
    server_type: String,
    locator: String,
    sample_rate: i64,
    max_sample_count: i64,
    statObj: String,
    propertyObj: String,
    asyncThreadNum: i64,
    sync_invoke_timeout: i64,
    async_invoke_timeout: i64,
    report_interval: i64,
    refresh_endpoint_interval: i64,
    local: String,
    logSize: String,
    logNum: i64,
    logLevel: String,
    configObj: String,
    notifyObj: String,
    logObj: String,
    deactivating_timeout: i64,
    adapters: Vec<AdapterFile>,
});

keys!(AdapterFile over Adapter {
    object: String,
    endpoint: String,
    maxconns: i32,
    protocol: String,
    queuecap: i32,
    queuetimeout: i32,
    threads: i32,
});

/// From what is read to what it means.
trait IntoValue {
    type Value;
    fn into_value(self) -> Self::Value;
}

macro_rules! itself {
    ($($kind:ty),*) => {
        $(impl IntoValue for $kind {
            type Value = Self;
            fn into_value(self) -> Self {
                self
            }
        })*
    };
}

itself!(String, i32, i64);

impl IntoValue for Vec<AdapterFile> {
    type Value = Vec<Adapter>;

    fn into_value(self) -> Vec<Adapter> {
        let adapter = |file: AdapterFile| {
            let mut adapter = Adapter::default();
            file.over(&mut adapter);
            adapter
        };
        self.into_iter().map(adapter).collect()
    }
}

/// The keys alone, with their places.
#[derive(Default)]
struct Keys(Vec<Spanned<String>>);

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

#[derive(Default, Deserialize)]
#[serde(default)]
struct AdapterKeys {
    adapters: Option<Vec<Keys>>,
}

fn unknown_keys(text: &str) -> anyhow::Result<Vec<String>> {
    let adapters = yaml::<AdapterKeys>(text)?.adapters.unwrap_or_default();
    let known = (known_keys(&ServerConf::default())?, known_keys(&Adapter::default())?);
    let of_server = unknown(&yaml::<Keys>(text)?, &known.0);
    let of_adapters = adapters.iter().flat_map(|keys| unknown(keys, &known.1));
    Ok(of_server.into_iter().chain(of_adapters).collect())
}

/// What there are defaults for.
fn known_keys(defaults: &impl Serialize) -> anyhow::Result<BTreeSet<String>> {
    match serde_json::to_value(defaults)? {
        serde_json::Value::Object(keys) => Ok(keys.into_iter().map(|(key, _)| key).collect()),
        _ => Ok(BTreeSet::new()),
    }
}

fn unknown(keys: &Keys, known: &BTreeSet<String>) -> Vec<String> {
    let unknown = keys.0.iter().filter(|key| !known.contains(&key.value));
    unknown.map(|key| warning(key, known)).collect()
}

/// Most mistakes are of style: `stat_obj` is written `statObj`.
fn warning(key: &Spanned<String>, known: &BTreeSet<String>) -> String {
    let plain = |key: &str| key.replace(['_', '-'], "").to_ascii_lowercase();
    let meant = known.iter().find(|known| plain(known) == plain(&key.value));
    let hint = meant.map_or_else(String::new, |meant| format!(", `{meant}` is meant?"));
    let line = key.referenced.line();
    format!(
        "_server_meta.yaml, line {line}: nothing is called `{}`{hint}",
        key.value
    )
}
