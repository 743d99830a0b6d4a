//! From what is known about a server to its files: `conf/<name>.conf`, which it is started with, and
//! `data/server_info.yaml`, which all other commands read.

mod address;
mod earlier;
mod merge;
mod names;
mod ports;
mod resolve;
mod template;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tars::config::Config;

pub(crate) use self::ports::HeldPorts;
use self::{earlier::Earlier, ports::Ports};
use crate::{
    cli::Genconf,
    files,
    layout::Layout,
    server::{Meta, ServerInfo},
};

/// What was written.
#[derive(Debug)]
pub(crate) struct Generated {
    pub(crate) info: ServerInfo,
    /// The ports that were chosen: nobody else gets them until this is dropped, and so neither does the server.
    pub(crate) held: HeldPorts,
    pub(crate) config_path: PathBuf,
    /// What is odd, for people.
    pub(crate) warnings: Vec<String>,
}

/// Writes both files. With `keep`, a server that may use its ports runs already and is registered, so those of
/// `server_info.yaml` are used again untried, and so is its node's name.
///
/// A thread of its own does it: files may be slow, and where host names must be looked up it takes up to
/// [`address::LOOKUP`] for each. Who does not wait any more may end meanwhile.
pub(crate) async fn genconf(args: &Genconf, keep: bool) -> anyhow::Result<Generated> {
    let args = args.clone();
    let generated = tokio::task::spawn_blocking(move || generate(&args, keep));
    generated.await.context("the configuration was not written")?
}

fn generate(args: &Genconf, keep: bool) -> anyhow::Result<Generated> {
    let layout = Layout::new(&args.place.path);
    let Meta {
        mut conf,
        places,
        mut warnings,
    } = Meta::read(&layout.meta())?;
    names::override_by(&mut conf, args);
    names::check(&conf, &places, &layout)?;
    let config_path = layout.config(names::build_server(&conf, args));
    if conf.adapters.is_empty() {
        warnings.push("no adapters in _server_meta.yaml: nothing but AdminObj is served".to_owned());
    }
    let Earlier { node, ports } = earlier::read(&layout, &conf, &mut warnings);
    let node = Some(node).filter(|node| keep && !node.is_empty());
    let mut ports = Ports::new(args.rand_port_min..args.rand_port_max, ports, keep)?;
    let mut info = resolve::resolve(conf, &places, args, node, &mut ports)?;
    warnings.extend(address::doubt(args.node.node.as_deref(), &info.local_ip));
    let mut config = template::render(&info)?;
    if let Some(path) = &args.merge_conf {
        merge::merge(&mut config, path)?;
        merge::follow(&mut info, &config, &mut warnings)
            .with_context(|| format!("`{}` (TARS_MERGE_CONF)", path.display()))?;
    }
    resolve::apart(&info.conf, &places)?;
    merge::check_for_others(&config, &mut warnings);
    write(&layout, &config_path, &config, args, &info)?;
    Ok(Generated {
        info,
        held: ports.into_held(),
        config_path,
        warnings,
    })
}

fn write(
    layout: &Layout,
    config_path: &Path,
    config: &Config,
    args: &Genconf,
    info: &ServerInfo,
) -> anyhow::Result<()> {
    // What is merged may be a database's password.
    let mode = match args.merge_conf {
        Some(_) => files::PRIVATE,
        None => files::PUBLIC,
    };
    files::write(config_path, &config.to_string(), mode)?;
    files::write(&layout.server_info(), &info.to_yaml()?, files::PUBLIC)
}
