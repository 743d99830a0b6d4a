//! What the server and its parts are called, and what the environment says over `_server_meta.yaml`.

use anyhow::{bail, ensure};

use crate::{cli::Genconf, layout::Layout, server::ServerConf};

/// Lays flags and environment over the file. An empty name or locator counts as none; an empty set takes the server out
/// of its set.
pub(super) fn override_by(conf: &mut ServerConf, args: &Genconf) {
    let texts = [
        (&mut conf.application, &args.application),
        (&mut conf.server, &args.server),
        (&mut conf.locator, &args.locator),
    ];
    for (value, over) in texts {
        if let Some(over) = over.as_ref().filter(|over| !over.is_empty()) {
            value.clone_from(over);
        }
    }
    if let Some(set) = &args.set_id {
        conf.set_id.clone_from(set);
    }
    if let Some(milliseconds) = args.ep_uptime {
        conf.refresh_endpoint_interval = milliseconds.into();
    }
}

/// Checks what others would stumble over: the names become parts of domains, servants and file names.
pub(super) fn check(conf: &ServerConf, layout: &Layout) -> anyhow::Result<()> {
    if conf.application.is_empty() || conf.server.is_empty() {
        bail!(
            "application or server name can not be empty: set TARS_APPLICATION and TARS_SERVER, or `application` and \
             `server` in `{}`",
            layout.meta().display()
        );
    }
    name("application (TARS_APPLICATION)", &conf.application)?;
    name("server (TARS_SERVER)", &conf.server)?;
    check_set(&conf.set_id)?;
    for (place, adapter) in conf.adapters.iter().enumerate() {
        let what = format!("object of adapter {}", place + 1);
        ensure!(!adapter.object.is_empty(), "{what}: expected a name such as `HelloObj`");
        name(&what, &adapter.object)?;
        let is_there = conf.adapters[..place]
            .iter()
            .any(|other| other.object == adapter.object);
        ensure!(
            !is_there,
            "{what}: `{}` is the object of an adapter before",
            adapter.object
        );
    }
    Ok(())
}

/// The configuration file's name without `.conf`.
pub(super) fn build_server(conf: &ServerConf, args: &Genconf) -> anyhow::Result<String> {
    let given = args.build_server.as_ref().filter(|name| !name.is_empty());
    let name = given.unwrap_or(&conf.server);
    let is_file_name = !name.contains('/') && !name.contains(char::is_control) && name != "." && name != "..";
    ensure!(
        is_file_name,
        "TARS_BUILD_SERVER is `{name}`, expected a file's name without `/`"
    );
    Ok(name.clone())
}

fn name(what: &str, name: &str) -> anyhow::Result<()> {
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || "./\\<>@#:!?".contains(c);
    match name.chars().find(|c| is_bad(*c)) {
        Some(bad) => bail!("{what} is {name:?}, expected a name without {bad:?}"),
        None => Ok(()),
    }
}

/// Accepts a set, or none.
pub(super) fn check_set(id: &str) -> anyhow::Result<()> {
    let parts: Vec<&str> = id.split('.').collect();
    let is_part = |part: &&str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    let is_set = id.is_empty() || (parts.len() == 3 && parts.iter().all(is_part));
    ensure!(is_set, "set_id (TARS_SET_ID) is {id:?}, expected `name.area.group`");
    Ok(())
}
