//! What a server says about itself. Pure: from adapters to requests.

use std::fmt;
use std::net::IpAddr;

use super::Registration;
use crate::protocol::{AdapterConf, KeepAliveReq, OnPrestopReq, OnStartupReq, RegisterMetricsReq};
use crate::{Endpoint, Error, Result, code};

/// A server as the registry sees it: whose it is and which objects it serves.
///
/// ```
/// # fn doc() -> tars::Result<()> {
/// use tars::registration::{Adapter, Instance};
///
/// let endpoint = "tcp -h 10.0.0.7 -p 18015".parse().expect("an endpoint");
/// let instance = Instance::new("TestApp", "HelloServer").adapter(Adapter {
///     threads: 5,
///     ..Adapter::new("TestApp.HelloServer.HelloObj", endpoint)
/// });
/// # Ok(())
/// # }
/// # doc().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it only describes a server"]
pub struct Instance {
    application: String,
    server: String,
    adapters: Vec<Adapter>,
}

/// An object of a server, and how it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// The object, `Application.Server.Object`.
    pub servant: String,
    /// Where it is served. A host that stands for every address (`0.0.0.0`, `::`) is told as the node.
    pub endpoint: Endpoint,
    /// What is spoken there, `tars` for Tars.
    pub protocol: String,
    /// Connections at most, 0 when not known.
    pub max_connections: i32,
    /// Threads that serve it, 0 when not known.
    pub threads: i32,
    /// Requests that may wait, 0 when not known.
    pub queue_capacity: i32,
    /// Milliseconds a request may wait, 0 when not known.
    pub queue_timeout: i32,
}

impl Adapter {
    /// An object that is served by Tars' own protocol.
    #[must_use]
    pub fn new(servant: impl Into<String>, endpoint: Endpoint) -> Self {
        Self {
            servant: servant.into(),
            endpoint,
            protocol: "tars".to_owned(),
            max_connections: 0,
            threads: 0,
            queue_capacity: 0,
            queue_timeout: 0,
        }
    }
}

/// What an instance says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It is starting and does not serve yet.
    Activating,
    /// It serves: clients are sent to it.
    Active,
    /// It is there and does not serve.
    Inactive,
    /// It is about to end: it serves on for those who have not heard of that. There is no way back but to register again.
    Deactivating,
}

impl State {
    /// The word that the registry knows it by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Deactivating => "deactivating",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Instance {
    /// A server without adapters.
    pub fn new(application: impl Into<String>, server: impl Into<String>) -> Self {
        Self {
            application: application.into(),
            server: server.into(),
            adapters: Vec::new(),
        }
    }

    /// Adds an object.
    pub fn adapter(mut self, adapter: Adapter) -> Self {
        self.adapters.push(adapter);
        self
    }

    /// The server that these adapters make, each an object and its endpoint; those of another form than
    /// `Application.Server.Object` are left out. Fails when none can be registered.
    pub(crate) fn of<'a>(
        adapters: impl IntoIterator<Item = (&'a str, &'a Endpoint)>,
        max_connections: usize,
    ) -> Result<Self> {
        let mut found: Option<Self> = None;
        for (object, endpoint) in adapters {
            if let Some((application, server)) = names(object) {
                let instance = found.take().unwrap_or_else(|| Self::new(application, server));
                found = Some(instance.adapter(Adapter {
                    max_connections: i32::try_from(max_connections).unwrap_or(i32::MAX),
                    ..Adapter::new(object, endpoint.clone())
                }));
            }
        }
        found.ok_or_else(|| mistake("no adapter's object is of the form `Application.Server.Object`"))
    }

    /// Fails when a name is missing, when the adapters are not of one server, or when an object has two endpoints: the
    /// registry keeps one.
    pub(super) fn check(&self) -> Result<()> {
        if self.application.is_empty() || self.server.is_empty() {
            return Err(mistake("it has no application or no name"));
        }
        for (index, Adapter { servant, .. }) in self.adapters.iter().enumerate() {
            if names(servant) != Some((&self.application, &self.server)) {
                return Err(mistake(&format!("`{servant}` is not an object of {}", self.name())));
            }
            if self.adapters[..index].iter().any(|other| other.servant == *servant) {
                return Err(mistake(&format!(
                    "`{servant}` has two endpoints, the registry keeps one"
                )));
            }
        }
        Ok(())
    }

    /// Its node, when the first endpoint names one.
    pub(super) fn host(&self) -> Option<&str> {
        let host = &self.adapters.first()?.endpoint.host;
        (!is_unspecified(host)).then_some(host)
    }

    /// An adapter that only this machine reaches, and so no client elsewhere that is told of it.
    pub(super) fn unreachable(&self) -> Option<&Adapter> {
        self.adapters.iter().find(|adapter| is_loopback(&adapter.endpoint.host))
    }

    /// For people.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.application, self.server)
    }

    /// The adapters with the endpoints that clients are told, on `node`.
    fn advertised(&self, node: &str) -> impl Iterator<Item = (&Adapter, Endpoint)> {
        self.adapters.iter().map(move |adapter| {
            let mut endpoint = adapter.endpoint.clone();
            // Where it listens is nobody else's business.
            endpoint.bind = None;
            if is_unspecified(&endpoint.host) {
                node.clone_into(&mut endpoint.host);
            }
            (adapter, endpoint)
        })
    }

    /// The endpoints, for people.
    pub(super) fn endpoints(&self, node: &str) -> String {
        let texts = self
            .advertised(node)
            .map(|(adapter, endpoint)| format!("{}@{endpoint}", adapter.servant));
        texts.collect::<Vec<_>>().join(", ")
    }

    pub(super) fn startup(&self, node: &str, state: State, settings: &Registration) -> OnStartupReq {
        let adapters = self.advertised(node).map(|(adapter, endpoint)| AdapterConf {
            servant: adapter.servant.clone(),
            endpoint: endpoint.to_string(),
            protocol: adapter.protocol.clone(),
            max_conns: adapter.max_connections,
            thread_num: adapter.threads,
            queue_cap: adapter.queue_capacity,
            queue_timeout: adapter.queue_timeout,
        });
        OnStartupReq {
            node_name: node.to_owned(),
            application: self.application.clone(),
            server: self.server.clone(),
            set_id: settings.division.as_ref().map(ToString::to_string).unwrap_or_default(),
            adapters: adapters.collect(),
            disable_flow: settings.disable_flow,
            state: state.as_str().to_owned(),
            version: settings.version.clone(),
            template_name: settings.template.clone(),
            server_type: settings.server_type.clone(),
        }
    }

    pub(super) fn beat(&self, node: &str, state: State) -> KeepAliveReq {
        KeepAliveReq {
            node_name: node.to_owned(),
            state: state.as_str().to_owned(),
            application: self.application.clone(),
            server: self.server.clone(),
        }
    }

    pub(super) fn metrics(&self, node: &str, port: u16) -> RegisterMetricsReq {
        RegisterMetricsReq {
            node_name: node.to_owned(),
            application: self.application.clone(),
            server: self.server.clone(),
            metrics_port: port.into(),
        }
    }

    pub(super) fn prestop(&self, node: &str) -> OnPrestopReq {
        OnPrestopReq {
            node_name: node.to_owned(),
            application: self.application.clone(),
            server: self.server.clone(),
        }
    }
}

pub(super) fn mistake(text: &str) -> Error {
    Error::new(code::UNKNOWN, format!("cannot register the server: {text}"))
}

/// Application and server of `Application.Server.Object`.
fn names(object: &str) -> Option<(&str, &str)> {
    let mut parts = object.split('.');
    let names = (parts.next()?, parts.next()?, parts.next()?);
    let is_full = parts.next().is_none() && ![names.0, names.1, names.2].contains(&"");
    is_full.then_some((names.0, names.1))
}

fn is_unspecified(host: &str) -> bool {
    host.parse().is_ok_and(|address: IpAddr| address.is_unspecified())
}

/// Whether only this machine reaches it.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(adapters: &[(&str, &str)]) -> Result<Instance> {
        let adapters: Vec<(&str, Endpoint)> = adapters
            .iter()
            .map(|(object, endpoint)| (*object, endpoint.parse().unwrap()))
            .collect();
        let found = Instance::of(adapters.iter().map(|(object, endpoint)| (*object, endpoint)), 7)?;
        found.check()?;
        Ok(found)
    }

    #[test]
    fn objects_of_another_form_are_left_out() {
        let found = instance(&[
            ("AdminObj", "tcp -h 127.0.0.1 -p 1"),
            ("A.S.One", "tcp -h 0.0.0.0 -p 2 -t 60000 -b 10.0.0.1"),
            ("A.S.Two", "tcp -h 10.0.0.9 -p 3"),
            ("A.S.T.Four", "tcp -h 10.0.0.9 -p 3"),
        ])
        .unwrap();
        assert_eq!(found.host(), None);
        assert_eq!(found.unreachable(), None, "what is not registered may be local");
        let settings = Registration::at("R@tcp -h a -p 1").unwrap().version("v1");
        let settings = settings
            .set_division("gray.sz.*")
            .unwrap()
            .template("t")
            .server_type("tars_cpp")
            .disable_flow(true);
        let request = found.startup("10.0.0.7", State::Inactive, &settings);
        let adapters: Vec<_> = request
            .adapters
            .iter()
            .map(|a| (a.servant.as_str(), a.endpoint.as_str()))
            .collect();
        let expected = [
            ("A.S.One", "tcp -h 10.0.0.7 -p 2 -t 60000"),
            ("A.S.Two", "tcp -h 10.0.0.9 -p 3"),
        ];
        assert_eq!(adapters, expected);
        assert_eq!((request.application.as_str(), request.server.as_str()), ("A", "S"));
        assert_eq!(
            (request.state.as_str(), request.set_id.as_str()),
            ("inactive", "gray.sz.*")
        );
        assert_eq!(request.adapters[0].max_conns, 7);
        let rest = (
            request.version.as_str(),
            request.template_name.as_str(),
            request.server_type.as_str(),
        );
        assert_eq!(rest, ("v1", "t", "tars_cpp"));
        assert!(request.disable_flow);
        assert_eq!(found.beat("n", State::Deactivating).state, "deactivating");
    }

    #[test]
    fn the_first_endpoint_names_the_node() {
        let found = instance(&[("A.S.One", "tcp -h pod-7 -p 2"), ("A.S.Two", "tcp -h :: -p 2")]).unwrap();
        assert_eq!(found.host(), Some("pod-7"));
        assert_eq!(
            found.endpoints("pod-7"),
            "A.S.One@tcp -h pod-7 -p 2, A.S.Two@tcp -h pod-7 -p 2"
        );
    }

    #[test]
    fn an_adapter_that_only_this_machine_reaches_is_found() {
        for host in ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LocalHost"] {
            let adapter = format!("tcp -h {host} -p 3");
            let found = instance(&[("A.S.One", "tcp -h 10.0.0.9 -p 3"), ("A.S.Two", &adapter)]).unwrap();
            assert_eq!(found.unreachable().unwrap().servant, "A.S.Two", "{host}");
        }
    }

    #[test]
    fn an_instance_by_hand_says_all_of_an_adapter() {
        let adapter = Adapter {
            servant: "A.S.One".to_owned(),
            endpoint: "udp -h 0.0.0.0 -p 3".parse().unwrap(),
            protocol: "not_tars".to_owned(),
            max_connections: 1,
            threads: 2,
            queue_capacity: 3,
            queue_timeout: 4,
        };
        let settings = Registration::at("R@tcp -h a -p 1").unwrap();
        let instance = Instance::new("A", "S").adapter(adapter);
        instance.check().unwrap();
        let request = instance.startup("10.0.0.7", State::Activating, &settings);
        let expected = AdapterConf {
            servant: "A.S.One".to_owned(),
            endpoint: "udp -h 10.0.0.7 -p 3".to_owned(),
            protocol: "not_tars".to_owned(),
            max_conns: 1,
            thread_num: 2,
            queue_cap: 3,
            queue_timeout: 4,
        };
        assert_eq!(request.adapters, [expected]);
        assert_eq!(request.state, "activating");
        for (application, server) in [("", "S"), ("A", "")] {
            let error = Instance::new(application, server).check().unwrap_err();
            assert!(error.message().ends_with("it has no application or no name"), "{error}");
        }
        assert_eq!(Instance::new("A", "S").host(), None, "a server may have no adapters");
    }

    #[test]
    fn mistakes() {
        let cases = [
            (
                &[("AdminObj", "tcp -h a -p 1"), ("A..Obj", "tcp -h a -p 1")][..],
                "no adapter's object is of the form `Application.Server.Object`",
            ),
            (
                &[("A.S.One", "tcp -h a -p 1"), ("A.T.One", "tcp -h a -p 1")],
                "`A.T.One` is not an object of A.S",
            ),
            (
                &[("A.S.One", "tcp -h a -p 1"), ("A.S.One", "tcp -h a -p 2")],
                "`A.S.One` has two endpoints, the registry keeps one",
            ),
        ];
        for (adapters, reason) in cases {
            let error = instance(adapters).unwrap_err();
            assert_eq!(error.message(), format!("cannot register the server: {reason}"));
        }
    }
}
