//! What a server says about itself. Pure: from adapters to requests.

use std::net::IpAddr;

use super::Registration;
use crate::protocol::{AdapterConf, KeepAliveReq, OnPrestopReq, OnStartupReq, RegisterMetricsReq};
use crate::{Endpoint, Error, Result, code};

/// A server as the registry sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    application: String,
    server: String,
    /// What is registered: object and endpoint, at least one.
    adapters: Vec<(String, Endpoint)>,
    max_connections: i32,
}

/// What an instance says of itself besides `active`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Deactivating,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivating => "deactivating",
        }
    }
}

impl Instance {
    /// The server that these adapters make, each an object and its endpoint. Fails when they are not of one server, when
    /// none can be registered, or when an object has two endpoints: the registry keeps one.
    pub(crate) fn of<'a>(
        adapters: impl IntoIterator<Item = (&'a str, &'a Endpoint)>,
        max_connections: usize,
    ) -> Result<Self> {
        let mut found: Option<Self> = None;
        for (object, endpoint) in adapters {
            let Some((application, server)) = names(object) else {
                continue;
            };
            let adapter = (object.to_owned(), endpoint.clone());
            let Some(instance) = &mut found else {
                found = Some(Self {
                    application: application.to_owned(),
                    server: server.to_owned(),
                    adapters: vec![adapter],
                    max_connections: i32::try_from(max_connections).unwrap_or(i32::MAX),
                });
                continue;
            };
            if (application, server) != (&instance.application, &instance.server) {
                let first = &instance.adapters[0].0;
                return Err(mistake(&format!("`{object}` is of another server than `{first}`")));
            }
            if instance.adapters.iter().any(|(other, _)| other == object) {
                return Err(mistake(&format!(
                    "`{object}` has two endpoints, the registry keeps one"
                )));
            }
            instance.adapters.push(adapter);
        }
        found.ok_or_else(|| mistake("no adapter's object is of the form `Application.Server.Object`"))
    }

    /// Its node, when the first endpoint names one.
    pub(super) fn host(&self) -> Option<&str> {
        let host = &self.adapters[0].1.host;
        (!is_unspecified(host)).then_some(host)
    }

    /// An adapter that only this machine reaches, and so no client elsewhere that is told of it.
    pub(super) fn unreachable(&self) -> Option<&(String, Endpoint)> {
        self.adapters.iter().find(|(_, endpoint)| is_loopback(&endpoint.host))
    }

    /// For people.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.application, self.server)
    }

    /// The adapters as clients are told of them, on `node`.
    fn advertised(&self, node: &str) -> impl Iterator<Item = (&str, Endpoint)> {
        self.adapters.iter().map(move |(object, endpoint)| {
            let mut endpoint = endpoint.clone();
            // Where it listens is nobody else's business.
            endpoint.bind = None;
            if is_unspecified(&endpoint.host) {
                node.clone_into(&mut endpoint.host);
            }
            (object.as_str(), endpoint)
        })
    }

    /// The endpoints, for people.
    pub(super) fn endpoints(&self, node: &str) -> String {
        let texts = self
            .advertised(node)
            .map(|(object, endpoint)| format!("{object}@{endpoint}"));
        texts.collect::<Vec<_>>().join(", ")
    }

    /// It is active already when it registers: its listeners are open. (As `activating` it would stay invisible if the
    /// beat after this call were lost.)
    pub(super) fn startup(&self, node: &str, settings: &Registration) -> OnStartupReq {
        let adapters = self.advertised(node).map(|(object, endpoint)| AdapterConf {
            servant: object.to_owned(),
            endpoint: endpoint.to_string(),
            protocol: "tars".to_owned(),
            max_conns: self.max_connections,
            ..AdapterConf::default()
        });
        OnStartupReq {
            node_name: node.to_owned(),
            application: self.application.clone(),
            server: self.server.clone(),
            set_id: settings.division.as_ref().map(ToString::to_string).unwrap_or_default(),
            adapters: adapters.collect(),
            state: State::Active.as_str().to_owned(),
            version: settings.version.clone(),
            template_name: settings.template.clone(),
            server_type: settings.server_type.clone(),
            ..OnStartupReq::default()
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
        Instance::of(adapters.iter().map(|(object, endpoint)| (*object, endpoint)), 7)
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
            .server_type("tars_cpp");
        let request = found.startup("10.0.0.7", &settings);
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
            ("active", "gray.sz.*")
        );
        assert_eq!(request.adapters[0].max_conns, 7);
        let rest = (
            request.version.as_str(),
            request.template_name.as_str(),
            request.server_type.as_str(),
        );
        assert_eq!(rest, ("v1", "t", "tars_cpp"));
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
            assert_eq!(found.unreachable().unwrap().0, "A.S.Two", "{host}");
        }
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
                "`A.T.One` is of another server than `A.S.One`",
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
