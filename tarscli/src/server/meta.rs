//! `bin/_server_meta.yaml`: what an image says about its server.

use std::{collections::BTreeSet, path::Path};

use anyhow::{Context as _, anyhow};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_saphyr::Spanned;

use super::{
    Adapter, ServerConf,
    places::{Keys, Places},
};
use crate::files;

/// Most bytes of the file.
const MAX_SIZE: u64 = 1024 * 1024;

/// The file over the defaults.
#[derive(Debug, Default)]
pub(crate) struct Meta {
    pub(crate) conf: ServerConf,
    /// Where it says what.
    pub(crate) places: Places,
    /// Keys that mean nothing, one text each.
    pub(crate) warnings: Vec<String>,
}

impl Meta {
    /// Reads the file. Without one, everything has its default; one that is there must be right (K8STARS ignores it
    /// otherwise, and starts with defaults).
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        match files::read(path, MAX_SIZE)? {
            Some(text) => parse(&text, path).with_context(|| format!("`{}`", path.display())),
            None => Ok(Self::default()),
        }
    }
}

fn parse(text: &str, path: &Path) -> anyhow::Result<Meta> {
    let file: File = yaml(text)?;
    let mut conf = ServerConf::default();
    file.over(&mut conf);
    let adapters = yaml::<AdapterKeys>(text)?.adapters.unwrap_or_default();
    let places = Places::new(path, yaml(text)?, adapters);
    Ok(Meta {
        conf,
        warnings: unknown_keys(&places)?,
        places,
    })
}

/// A file that says nothing is an empty one.
fn yaml<T: DeserializeOwned + Default>(text: &str) -> anyhow::Result<T> {
    let options = serde_saphyr::options! { with_snippet: false };
    let value: Result<Option<T>, _> = serde_saphyr::from_str_with_options(text, options);
    Ok(value.map_err(|error| mistake(&error))?.unwrap_or_default())
}

/// What is wrong and in which line. Some of the parser's own texts speak of its options and of types.
fn mistake(error: &serde_saphyr::Error) -> anyhow::Error {
    match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey {
            key: Some(key),
            location,
        } => {
            anyhow!("the key `{key}` is there for a second time at line {}", location.line())
        }
        serde_saphyr::Error::MultipleDocuments { location, .. } => {
            anyhow!("expected one document: a second one begins at line {}", location.line())
        }
        serde_saphyr::Error::InvalidScalar { ty, location } if ["i32", "i64"].contains(ty) => {
            let most = if *ty == "i32" { i64::from(i32::MAX) } else { i64::MAX };
            anyhow!("expected a whole number, at most {most}, at line {}", location.line())
        }
        error => anyhow!("{error}"),
    }
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

#[derive(Default, Deserialize)]
#[serde(default)]
struct AdapterKeys {
    adapters: Option<Vec<Keys>>,
}

fn unknown_keys(places: &Places) -> anyhow::Result<Vec<String>> {
    let known = (known_keys(&ServerConf::default())?, known_keys(&Adapter::default())?);
    let of_server = unknown(&places.server, &known.0);
    let of_adapters = places.adapters.iter().flat_map(|keys| unknown(keys, &known.1));
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
    let hint = meant.map_or_else(String::new, |meant| format!("; is `{meant}` meant?"));
    let line = key.referenced.line();
    let key = &key.value;
    format!("_server_meta.yaml, line {line}: unknown key `{key}` is ignored{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Meta {
        parse(text, Path::new("meta")).unwrap_or_else(|error| panic!("{error:#}"))
    }

    fn message(text: &str) -> String {
        format!("{:#}", parse(text, Path::new("meta")).unwrap_err())
    }

    const EVERY_KEY: &str = "
version: v1
application: App
server: 007
set_id: gray.sz.1
template_name: tars.rust
server_type: tars_rust
locator: a.b.c@tcp -h r -p 1
sample_rate: 1
max_sample_count: 2
statObj: stat
propertyObj: property
asyncThreadNum: 4
sync_invoke_timeout: 5
async_invoke_timeout: 6
report_interval: 7
refresh_endpoint_interval: 8
local: tcp -h 127.0.0.1 -p 9
logSize: 10M
logNum: 11
logLevel: INFO
configObj: config
notifyObj: notify
logObj: log
deactivating_timeout: 12
adapters:
  - object: MainObj
    endpoint: udp -h 10.0.0.1 -p 13
    maxconns: 14
    protocol: not_tars
    queuecap: 15
    queuetimeout: 16
    threads: 17
  - object: QueryObj
";

    #[test]
    fn every_key_in_its_own_style() {
        let Meta { conf, warnings, .. } = parsed(EVERY_KEY);
        assert_eq!(warnings, [""; 0]);
        let expected = ServerConf {
            version: "v1".to_owned(),
            application: "App".to_owned(),
            server: "007".to_owned(),
            set_id: "gray.sz.1".to_owned(),
            template_name: "tars.rust".to_owned(),
            server_type: "tars_rust".to_owned(),
            locator: "a.b.c@tcp -h r -p 1".to_owned(),
            sample_rate: 1,
            max_sample_count: 2,
            statObj: "stat".to_owned(),
            propertyObj: "property".to_owned(),
            asyncThreadNum: 4,
            sync_invoke_timeout: 5,
            async_invoke_timeout: 6,
            report_interval: 7,
            refresh_endpoint_interval: 8,
            local: "tcp -h 127.0.0.1 -p 9".to_owned(),
            logSize: "10M".to_owned(),
            logNum: 11,
            logLevel: "INFO".to_owned(),
            configObj: "config".to_owned(),
            notifyObj: "notify".to_owned(),
            logObj: "log".to_owned(),
            deactivating_timeout: 12,
            adapters: conf.adapters.clone(),
        };
        assert_eq!(conf, expected);
    }

    #[test]
    fn every_key_of_adapters() {
        let main = Adapter {
            object: "MainObj".to_owned(),
            endpoint: "udp -h 10.0.0.1 -p 13".to_owned(),
            maxconns: 14,
            protocol: "not_tars".to_owned(),
            queuecap: 15,
            queuetimeout: 16,
            threads: 17,
        };
        let query = Adapter {
            object: "QueryObj".to_owned(),
            ..Adapter::default()
        };
        assert_eq!(parsed(EVERY_KEY).conf.adapters, [main, query]);
    }

    #[test]
    fn what_is_empty_or_missing_has_its_default() {
        for text in ["", "# nothing\n", "---\n", "set_id:\nadapters:\nlogNum: ~\n", "{}"] {
            let Meta { conf, warnings, .. } = parsed(text);
            assert_eq!((conf, warnings.len()), (ServerConf::default(), 0), "{text}");
        }
    }

    #[test]
    fn unknown_keys_are_told_and_passed_over() {
        let text = "stat_obj: a\nwhat: {a: [1]}\nadapters:\n  - object: A\n    queueCap: 5\n    color: red\n";
        let expected = [
            "_server_meta.yaml, line 1: unknown key `stat_obj` is ignored; is `statObj` meant?",
            "_server_meta.yaml, line 2: unknown key `what` is ignored",
            "_server_meta.yaml, line 5: unknown key `queueCap` is ignored; is `queuecap` meant?",
            "_server_meta.yaml, line 6: unknown key `color` is ignored",
        ];
        assert_eq!(parsed(text).warnings, expected);
    }

    #[test]
    fn mistakes_have_their_line() {
        let cases = [
            ("a: 1\nlogNum: many", "line 2"),
            ("adapters:\n  - object: A\n    threads: [1]", "line 3"),
            ("a: 1\nadapters: 5", "line 2"),
            ("a: 1\nb: [1", "line 2"),
            (
                "server: a\nserver: b",
                "the key `server` is there for a second time at line 2",
            ),
            ("just text", "line 1"),
            (
                "a: 1\n---\nb: 2",
                "expected one document: a second one begins at line 3",
            ),
            (
                "adapters:\n  - maxconns: 3000000000",
                "expected a whole number, at most 2147483647, at line 2",
            ),
        ];
        for (text, expected) in cases {
            assert!(message(text).contains(expected), "{text}: {}", message(text));
        }
    }

    #[test]
    fn the_file_may_be_missing_but_not_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meta.yaml");
        assert_eq!(Meta::read(&path).unwrap().conf, ServerConf::default());
        std::fs::write(&path, b"server: a\nset_id: \xff\n").unwrap();
        let error = format!("{:#}", Meta::read(&path).unwrap_err());
        assert_eq!(error, format!("cannot read `{}`: line 2 is not UTF-8", path.display()));
        assert!(Meta::read(folder.path()).is_err());
    }
}
