//! The ports of an earlier run: who is registered with them stays so.

use std::collections::HashMap;

use tars::{Endpoint, Protocol};

use crate::{
    layout::Layout,
    server::{ServerConf, ServerInfo},
};

/// The object of `local`, the server's own administration.
pub(super) const ADMIN: &str = "AdminObj";

/// Ports by object and protocol.
pub(super) type Earlier = HashMap<(String, Protocol), u16>;

/// What `server_info.yaml` has, when it is of the same server. A file that cannot be read is no reason to fail: it is
/// about to be written.
pub(super) fn ports(layout: &Layout, conf: &ServerConf, warnings: &mut Vec<String>) -> Earlier {
    match ServerInfo::read(layout) {
        Ok(Some(info)) if info.conf.name() == conf.name() => of(&info),
        Ok(_) => Earlier::new(),
        Err(error) => {
            warnings.push(format!("the ports of an earlier run are not known: {error:#}"));
            Earlier::new()
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
    parsed
        .map(|(object, endpoint)| ((object.to_owned(), endpoint.protocol), endpoint.port))
        .collect()
}
