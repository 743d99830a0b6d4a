//! Puts values in the place of `${..}`.

use anyhow::{Context as _, ensure};
use tars::{Endpoint, ObjectAddress};

use super::{address, earlier::ADMIN, ports::Ports};
use crate::{
    cli::Genconf,
    server::{ServerConf, ServerInfo},
};

const LOCAL_IP: &str = "${local_ip}";
const RANDOM_PORT: &str = "${random_port}";
const NAMESPACE: &str = "${namespace}";

/// Where an adapter listens that says nothing about it.
const ENDPOINT: &str = "tcp -h ${local_ip} -p ${random_port} -t 30000";

/// Where the registry is looked for in K8STARS' clusters.
const DEFAULT_NAMESPACE: &str = "tars-system";

/// The server with every value in its place, on the node that it is registered with already, if there is one.
pub(super) fn resolve(
    mut conf: ServerConf,
    args: &Genconf,
    registered: Option<String>,
    ports: &mut Ports,
) -> anyhow::Result<ServerInfo> {
    conf.locator = locator(&conf.locator, &args.node.namespace);
    let registry = parse_locator(&conf.locator)?;
    let given = args.node.node.as_deref().filter(|given| !given.is_empty());
    let node = match (given, registered) {
        (None, Some(node)) => node,
        _ => address::own(given, &registry)?,
    };
    if conf.local.is_empty() {
        // Whoever reaches the administration can end the server: it is for this machine alone.
        conf.local = ServerConf::default().local;
    }
    for endpoint in endpoints(&mut conf) {
        if endpoint.text.is_empty() {
            ENDPOINT.clone_into(endpoint.text);
        }
        *endpoint.text = endpoint.text.replace(LOCAL_IP, &node);
        let parsed = endpoint.parse()?;
        if !endpoint.text.contains(RANDOM_PORT) {
            ports.take(parsed.port);
        }
    }
    for endpoint in endpoints(&mut conf).filter(|endpoint| endpoint.text.contains(RANDOM_PORT)) {
        let port = ports
            .choose(endpoint.object, &endpoint.parse()?)
            .with_context(|| endpoint.name())?;
        *endpoint.text = endpoint.text.replace(RANDOM_PORT, &port.to_string());
    }
    let tars_path = args.place.path.to_str();
    Ok(ServerInfo {
        conf,
        local_ip: node,
        tars_path: tars_path
            .context("TARS_PATH is not UTF-8, and configuration files are")?
            .to_owned(),
    })
}

/// Where something listens.
struct Listener<'a> {
    object: &'a str,
    text: &'a mut String,
}

/// The adapters' endpoints and the administration's.
fn endpoints(conf: &mut ServerConf) -> impl Iterator<Item = Listener<'_>> {
    let adapters = conf.adapters.iter_mut().map(|adapter| Listener {
        object: &adapter.object,
        text: &mut adapter.endpoint,
    });
    adapters.chain([Listener {
        object: ADMIN,
        text: &mut conf.local,
    }])
}

impl Listener<'_> {
    /// The endpoint, with port 0 where one is to be chosen.
    fn parse(&self) -> anyhow::Result<Endpoint> {
        let text = self.text.replace(RANDOM_PORT, "0");
        let parsed: Endpoint = no_variable(&text)
            .and_then(|()| Ok(text.parse()?))
            .with_context(|| self.name())?;
        let has_port = parsed.port != 0 || self.text.contains(RANDOM_PORT);
        ensure!(
            has_port,
            "{}: expected a port after `-p`, or `{RANDOM_PORT}`",
            self.name()
        );
        Ok(parsed)
    }

    /// For people.
    fn name(&self) -> String {
        if self.object == ADMIN {
            "endpoint `local`".to_owned()
        } else {
            format!("endpoint of `{}`", self.object)
        }
    }
}

fn no_variable(text: &str) -> anyhow::Result<()> {
    let known = format!("`{LOCAL_IP}` and `{RANDOM_PORT}`");
    ensure!(
        !text.contains("${"),
        "`{text}`: nothing is known to put there but {known}"
    );
    Ok(())
}

fn locator(text: &str, namespace: &str) -> String {
    let namespace = if namespace.is_empty() {
        DEFAULT_NAMESPACE
    } else {
        namespace
    };
    text.replace(NAMESPACE, namespace)
}

/// The registry's address.
pub(super) fn parse_locator(text: &str) -> anyhow::Result<ObjectAddress> {
    let what = "locator (TARS_LOCATOR)";
    ensure!(
        !text.contains("${"),
        "{what} `{text}`: nothing is known to put there but `{NAMESPACE}`"
    );
    let locator: ObjectAddress = text.parse().context(what)?;
    ensure!(
        !locator.endpoints.is_empty(),
        "{what} `{text}`: expected `@` and where the registry is, such as `@tcp -h HOST -p 17890`"
    );
    Ok(locator)
}
