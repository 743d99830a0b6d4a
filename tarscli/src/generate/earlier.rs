//! An earlier run's node and ports: who is registered with them stays so.

use std::collections::HashMap;

use tars::{Endpoint, Protocol};

use crate::{
    layout::Layout,
    server::{ServerConf, ServerInfo},
};

/// The object of `local`, the server's own administration.
pub(super) const ADMIN: &str = "AdminObj";

/// Ports by object and protocol.
pub(super) type EarlierPorts = HashMap<(String, Protocol), u16>;

/// What an earlier run chose.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// The node's name; empty when there was no such run.
    pub(super) node: String,
    pub(super) ports: EarlierPorts,
}

/// What `server_info.yaml` has, when it is of the same server. A file that cannot be read is no reason to fail: it is
/// about to be written.
pub(super) fn read(layout: &Layout, conf: &ServerConf, warnings: &mut Vec<String>) -> Earlier {
    match ServerInfo::read(layout) {
        Ok(Some(info)) if info.conf.name() == conf.name() => of(&info),
        Ok(_) => Earlier::default(),
        Err(error) => {
            warnings.push(format!("the ports of an earlier run are not known: {error:#}"));
            Earlier::default()
        }
    }
}

fn of(info: &ServerInfo) -> Earlier {
    let adapters = info
        .conf
        .adapters
        .iter()
        .map(|adapter| (adapter.object.as_str(), adapter.endpoint.as_str()));
    let all = adapters.chain([(ADMIN, info.conf.local.as_str())]);
    let parsed = all.filter_map(|(object, endpoint)| Some((object, endpoint.parse::<Endpoint>().ok()?)));
    let ports = parsed.map(|(object, endpoint)| ((object.to_owned(), endpoint.protocol), endpoint.port));
    Earlier {
        node: info.local_ip.clone(),
        ports: ports.collect(),
    }
}
