//! A file of the operator's, laid over what was generated.

use std::{borrow::Cow, path::Path};

use anyhow::{Context as _, anyhow, bail};
use tars::{Endpoint, config::Config};

use crate::{
    files,
    server::{ServerInfo, rules},
};

const SERVER: &str = "/tars/application/server";
const LOCATOR: &str = "/tars/application/client<locator>";
const SET: &str = "/tars/application<setdivision>";

/// Lays the file at `path` over `config`.
pub(super) fn merge(config: &mut Config, path: &Path) -> anyhow::Result<()> {
    overlay(path)
        .and_then(|overlay| Ok(config.merge(&overlay)?))
        .with_context(|| format!("cannot merge `{}` (TARS_MERGE_CONF)", path.display()))
}

fn overlay(path: &Path) -> anyhow::Result<Config> {
    // A byte more than it may have, so that the parser tells that it is too many.
    match files::read_any(path, Config::MAX_SIZE as u64 + 1)? {
        Some(text) => Ok(text.parse()?),
        None => bail!("there is no such file"),
    }
}

/// Lets `info` say what the merged configuration does: that is where the server listens.
pub(super) fn follow(info: &mut ServerInfo, config: &Config, warnings: &mut Vec<String>) -> anyhow::Result<()> {
    let conf = &info.conf;
    let servants: Vec<_> = conf.adapters.iter().map(|adapter| conf.servant(adapter)).collect();
    let domains: Vec<_> = servants.iter().map(|servant| format!("{servant}Adapter")).collect();
    for domain in config
        .domains(SERVER)
        .filter(|domain| !domains.iter().any(|own| own == domain))
    {
        if config.get(&format!("{SERVER}/{domain}<servant>")).is_some() {
            warnings.push(format!(
                "`{domain}` is only in TARS_MERGE_CONF: it is neither registered nor checked; list it in _server_meta.yaml"
            ));
        }
    }
    let conf = &mut info.conf;
    let endpoints = conf.adapters.iter_mut().map(|adapter| &mut adapter.endpoint);
    let paths = domains.iter().map(|domain| format!("{SERVER}/{domain}<endpoint>"));
    for (path, endpoint) in paths.zip(endpoints) {
        follow_endpoint(endpoint, config, &path)?;
    }
    follow_endpoint(&mut conf.local, config, &format!("{SERVER}<local>"))?;
    if let Some(locator) = config.get(LOCATOR) {
        rules::locator(&locator).map_err(|why| anyhow!("{LOCATOR} is `{locator}`: {why}"))?;
        locator.as_ref().clone_into(&mut conf.locator);
    }
    conf.set_id = set(config);
    rules::set(&conf.set_id).map_err(|why| anyhow!("{SET} is `{}`: {why}", conf.set_id))
}

/// The set that the server is in by its configuration, empty for none.
fn set(config: &Config) -> String {
    let is_in_one = config
        .get("/tars/application<enableset>")
        .is_some_and(|enabled| enabled.eq_ignore_ascii_case("y"));
    let set = config.get(SET).filter(|_| is_in_one);
    set.map(Cow::into_owned).unwrap_or_default()
}

fn follow_endpoint(endpoint: &mut String, config: &Config, path: &str) -> anyhow::Result<()> {
    if let Some(merged) = config.get(path).filter(|merged| merged != endpoint) {
        merged.parse::<Endpoint>().with_context(|| path.to_owned())?;
        merged.as_ref().clone_into(endpoint);
    }
    Ok(())
}

/// How XML writes `&` and the like.
const ENTITIES: [&str; 6] = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#"];

/// Tells of values that a server in Go reads otherwise than others: its parser takes the file for XML, and reads nothing
/// behind a `&` or `<` in a value.
pub(super) fn check_for_others(config: &Config, warnings: &mut Vec<String>) {
    let mut open = vec![String::new()];
    while let Some(domain) = open.pop() {
        let path = if domain.is_empty() { "/" } else { &domain };
        for (key, value) in config.entries(path) {
            let plain = without_entities(&value);
            if plain.contains(['&', '<']) {
                let text = format!("`{domain}<{key}>` has a `&` or `<`: a server in Go reads nothing behind it");
                warnings.push(text);
            }
            if plain != value {
                let text = format!(
                    "`{domain}<{key}>` has `&amp;` or the like, which stays as it is written: only a server in Go reads it \
                     as `&`; for all others write the character itself"
                );
                warnings.push(text);
            }
        }
        open.extend(config.domains(path).map(|name| format!("{domain}/{name}")));
    }
}

/// Files of K8STARS may have them: its merge is one of XML, and writes the characters they stand for.
fn without_entities(value: &str) -> Cow<'_, str> {
    let plain = Cow::Borrowed(value);
    ENTITIES.iter().fold(plain, |plain, entity| {
        if plain.contains(entity) {
            Cow::Owned(plain.replace(entity, ""))
        } else {
            plain
        }
    })
}
