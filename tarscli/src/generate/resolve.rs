//! Puts values in the place of `${..}`.

use anyhow::{Context as _, anyhow, bail, ensure};
use tars::{Endpoint, Protocol};

use super::{address, earlier::ADMIN, ports::Ports};
use crate::{
    cli::Genconf,
    server::{Places, ServerConf, ServerInfo, rules},
};

const LOCAL_IP: &str = "${local_ip}";
const RANDOM_PORT: &str = "${random_port}";

/// Where an adapter listens that says nothing about it.
const ENDPOINT: &str = "tcp -h ${local_ip} -p ${random_port} -t 30000";

/// The server with every value in its place, on the node that it is registered with already, if there is one.
pub(super) fn resolve(
    mut conf: ServerConf,
    places: &Places,
    args: &Genconf,
    registered: Option<String>,
    ports: &mut Ports,
) -> anyhow::Result<ServerInfo> {
    conf.locator = conf.locator.replace(rules::NAMESPACE, &args.node.namespace);
    let registry = rules::locator(&conf.locator)
        .map_err(|why| anyhow!("{}: `locator` is {:?}: {why}", places.of("locator"), conf.locator))?;
    let given = args.node.node.as_deref();
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
        let parsed = endpoint.parse().with_context(|| endpoint.place(places))?;
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
    let tars_path = args.place.path.to_str().context("the folder's name is not UTF-8")?;
    Ok(ServerInfo {
        conf,
        local_ip: node,
        tars_path: tars_path.to_owned(),
    })
}

/// Refuses two adapters at one endpoint: only one of them gets it.
pub(super) fn apart(conf: &ServerConf, places: &Places) -> anyhow::Result<()> {
    let mut before: Vec<(&str, Endpoint)> = Vec::new();
    for (number, adapter) in conf.adapters.iter().enumerate() {
        let endpoint: Endpoint = adapter.endpoint.parse()?;
        if let Some((other, _)) = before.iter().find(|(_, other)| is_same_place(other, &endpoint)) {
            bail!(
                "{}: endpoint of `{}`: `{other}` is at `{endpoint}` too: expected one of its own, or `-p {RANDOM_PORT}`",
                places.of_adapter(number, "endpoint"),
                adapter.object
            );
        }
        before.push((&adapter.object, endpoint));
    }
    Ok(())
}

/// Whether two would listen with one socket. TLS goes over TCP.
fn is_same_place(one: &Endpoint, other: &Endpoint) -> bool {
    let is_udp = |endpoint: &Endpoint| endpoint.protocol == Protocol::Udp;
    let bound = |endpoint: &Endpoint| endpoint.bind.as_ref().unwrap_or(&endpoint.host).clone();
    is_udp(one) == is_udp(other) && one.port == other.port && bound(one) == bound(other)
}

/// Where something listens.
struct Listener<'a> {
    /// The adapter's number from 0; none for the administration.
    adapter: Option<usize>,
    object: &'a str,
    text: &'a mut String,
}

/// The adapters' endpoints and the administration's.
fn endpoints(conf: &mut ServerConf) -> impl Iterator<Item = Listener<'_>> {
    let adapters = conf.adapters.iter_mut().enumerate().map(|(number, adapter)| Listener {
        adapter: Some(number),
        object: &adapter.object,
        text: &mut adapter.endpoint,
    });
    adapters.chain([Listener {
        adapter: None,
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

    /// The line that says where.
    fn place(&self, places: &Places) -> String {
        match self.adapter {
            Some(number) => places.of_adapter(number, "endpoint"),
            None => places.of("local"),
        }
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
