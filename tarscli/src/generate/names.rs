//! What the server and its parts are called, and what the environment says over `_server_meta.yaml`.

use anyhow::{anyhow, bail};

use crate::{
    cli::Genconf,
    layout::Layout,
    server::{Adapter, Places, ServerConf, rules},
};

/// Lays flags and environment over the file. An empty set takes the server out of its set.
pub(super) fn override_by(conf: &mut ServerConf, args: &Genconf) {
    let texts = [
        (&mut conf.application, &args.application),
        (&mut conf.server, &args.server),
        (&mut conf.locator, &args.locator),
    ];
    for (value, over) in texts {
        if let Some(over) = over {
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

/// Checks what the file says: flags and variables were when they were read. A value that one of those goes over does not
/// count.
pub(super) fn check(conf: &ServerConf, places: &Places, layout: &Layout) -> anyhow::Result<()> {
    if conf.application.is_empty() || conf.server.is_empty() {
        bail!(
            "application or server name can not be empty: set TARS_APPLICATION and TARS_SERVER, or `application` and \
             `server` in `{}`",
            layout.meta().display()
        );
    }
    for (key, value, rule) in [
        ("application", &conf.application, rules::name as Rule),
        ("server", &conf.server, rules::name),
        ("set_id", &conf.set_id, rules::set),
    ] {
        rule(value).map_err(|why| anyhow!("{}: `{key}` is {value:?}: {why}", places.of(key)))?;
    }
    for (number, adapter) in conf.adapters.iter().enumerate() {
        object(&conf.adapters[..number], adapter).map_err(|why| {
            let place = places.of_adapter(number, "object");
            anyhow!("{place}: object of adapter {}: {why}", number + 1)
        })?;
    }
    Ok(())
}

type Rule = fn(&str) -> Result<(), String>;

/// The registry's tables do not tell `helloObj` from `HelloObj`: it refuses a server with both, again and again.
fn object(before: &[Adapter], adapter: &Adapter) -> Result<(), String> {
    let object = &adapter.object;
    if object.is_empty() {
        return Err("expected a name such as `HelloObj`".to_owned());
    }
    rules::name(object).map_err(|why| format!("it is {object:?}: {why}"))?;
    let same = |other: &&Adapter| other.object.to_lowercase() == object.to_lowercase();
    match before.iter().find(same) {
        None => Ok(()),
        Some(other) if other.object == *object => Err(format!("`{object}` is the object of an adapter before")),
        Some(other) => Err(format!(
            "`{object}` is `{}` of an adapter before in other letters: expected another name",
            other.object
        )),
    }
}

/// The configuration file's name without `.conf`. The server's own is one.
pub(super) fn build_server<'a>(conf: &'a ServerConf, args: &'a Genconf) -> &'a str {
    args.build_server.as_ref().unwrap_or(&conf.server)
}
