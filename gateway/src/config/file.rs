//! The file of settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use super::Config;
use super::value::{Locator, Route};
use crate::object::ObjectName;

/// Why a file of settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// It says something that means nothing.
    #[error("{path}, line {line}: {setting}{message}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The setting of that line with a colon, if the line is one.
        setting: String,
        /// What is wrong.
        message: String,
    },
}

/// Reads the file at `path`.
pub(super) fn read(path: &Path) -> Result<Config, FileError> {
    let text = std::fs::read_to_string(path).map_err(|source| FileError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text, path)
}

fn parse(text: &str, path: &Path) -> Result<Config, FileError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let before = text.get(..start).unwrap_or_default();
        let line = before.matches('\n').count();
        FileError::Content {
            path: path.to_owned(),
            line: line + 1,
            setting: text.lines().nth(line).map_or_else(String::new, setting),
            message: error.message().trim_end().replace('\n', ", "),
        }
    })
}

/// What the line sets, for a message.
fn setting(line: &str) -> String {
    match line.split_once('=') {
        Some((key, _)) if !key.trim_start().starts_with('#') => format!("`{}`: ", key.trim()),
        _ => String::new(),
    }
}

/// Reads the table of routes.
pub(super) fn routes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<ObjectName, Locator>, D::Error> {
    let table = BTreeMap::<String, String>::deserialize(deserializer)?;
    let routes = table.iter().map(|(object, endpoints)| {
        let Route { object, target } = Route::new(object, endpoints).map_err(serde::de::Error::custom)?;
        Ok((object, target))
    });
    routes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text, Path::new("gateway.toml")).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_file_line_and_setting() {
        for (text, message) in [
            (
                "a = 1",
                "gateway.toml, line 1: `a`: unknown field `a`, expected one of `listen`, `admin`,",
            ),
            (
                "\n[limits]\nbody_byte = 1",
                "gateway.toml, line 3: `body_byte`: unknown field `body_byte`, expected one of",
            ),
            (
                "[limits]\nbody_bytes = 0",
                "gateway.toml, line 2: `body_bytes`: expected a number from 1 to 10420224, found 0",
            ),
            (
                "listen = 8200",
                "gateway.toml, line 1: `listen`: invalid type: integer `8200`, expected a string",
            ),
            (
                "listen = \"x\"",
                "gateway.toml, line 1: `listen`: invalid socket address syntax",
            ),
            (
                "[access]\nallow = [\n  \"App.*\",\n  \"*\",\n]",
                "gateway.toml, line 4: `*` is no object pattern",
            ),
            (
                "[routes]\n\"App.Server.Obj@tcp\" = \"tcp -h 1.1.1.1 -p 1\"",
                "gateway.toml, line 1: `App.Server.Obj@tcp`: an object is named",
            ),
            (
                "[upstream]\nlocator = \"a.b.c\"",
                "gateway.toml, line 2: `locator`: expected an object and its endpoints",
            ),
            ("[log\n", "gateway.toml, line 1: "),
            (
                "trusted_proxies = [\"10.0.0.0/33\"]",
                "gateway.toml, line 1: `trusted_proxies`: expected a network",
            ),
            (
                "[context]\nclient_keys = [\"REMOTE_IP\"]",
                "gateway.toml, line 2: `client_keys`: `REMOTE_IP` is set by the gateway",
            ),
        ] {
            let error = error(text);
            assert!(error.starts_with(message), "{error}\n{message}");
        }
    }

    #[test]
    fn the_example_is_complete_and_says_the_defaults() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tarsgateway.toml");
        let example = read(&path).unwrap();
        assert_eq!(
            format!("{:?}", example.limits),
            format!("{:?}", Config::default().limits)
        );
        assert_eq!(format!("{:?}", example.drain), format!("{:?}", Config::default().drain));
        assert_eq!(
            (example.listen, example.admin),
            (Config::default().listen, Config::default().admin)
        );
    }
}
