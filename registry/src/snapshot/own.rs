//! The servants of this registry itself: whoever asks is told where they are.

use std::net::IpAddr;

use tars::Endpoint;
use tars::protocol::EndpointF;

use crate::domain::lookup::Entry;
use crate::servant::{QUERY_OBJECT, REGISTRY_OBJECT};

/// The servants that every client of a registry may look up.
pub(crate) const OWN_SERVANTS: &[&str] = &[QUERY_OBJECT, REGISTRY_OBJECT];

/// Where this registry's servants are.
#[derive(Clone, Debug)]
pub(crate) struct Own {
    advertise: Option<String>,
    query: Endpoint,
    registry: Endpoint,
}

impl Own {
    /// `advertise` is the host to tell, if there is one; the endpoints are those really listened at.
    pub(crate) fn new(advertise: Option<String>, query: Endpoint, registry: Endpoint) -> Self {
        Self {
            advertise,
            query,
            registry,
        }
    }

    /// The entry of a servant of ours, for a caller who reached us at `local`.
    pub(super) fn entry(&self, servant: &str, local: Option<IpAddr>) -> Option<Entry> {
        let endpoint = match servant {
            QUERY_OBJECT => &self.query,
            REGISTRY_OBJECT => &self.registry,
            _ => return None,
        };
        let host = self.host(endpoint, local);
        let told = EndpointF {
            port: endpoint.port.into(),
            timeout: i32::try_from(endpoint.timeout().as_millis())
                .ok()
                .filter(|timeout| *timeout > 0)
                .unwrap_or(3000),
            istcp: endpoint.protocol.to_istcp(),
            weight: endpoint.weight,
            weight_type: endpoint.weight_type,
            auth_type: endpoint.auth,
            host,
            ..EndpointF::default()
        };
        Some(Entry::own(servant, told))
    }

    /// What is advertised, else the endpoint's host, else (listening at every address) the one the caller reached.
    fn host(&self, endpoint: &Endpoint, local: Option<IpAddr>) -> String {
        if let Some(host) = &self.advertise {
            return host.clone();
        }
        let is_unspecified = endpoint.host.parse::<IpAddr>().is_ok_and(|host| host.is_unspecified());
        match local.filter(|_| is_unspecified) {
            Some(local) => local.to_canonical().to_string(),
            None => endpoint.host.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(advertise: Option<&str>, listener: &str, local: &str) -> String {
        let endpoint: Endpoint = listener.parse().unwrap();
        let own = Own::new(advertise.map(str::to_owned), endpoint.clone(), endpoint);
        let entry = own.entry(REGISTRY_OBJECT, local.parse().ok()).unwrap();
        let EndpointF {
            host,
            port,
            timeout,
            istcp,
            ..
        } = entry.endpoint;
        format!("{istcp} {host} {port} {timeout}")
    }

    #[test]
    fn a_caller_is_told_where_it_can_reach_us() {
        let cases = [
            (Some("tars-registry"), "tcp -h 0.0.0.0 -p 5", "1 tars-registry 5 3000"),
            (None, "tcp -h 10.0.0.1 -p 5 -t 0", "1 10.0.0.1 5 3000"),
            (None, "ssl -h pod -p 5 -b 0.0.0.0 -t 60000", "2 pod 5 60000"),
            (None, "tcp -h 0.0.0.0 -p 5", "1 10.0.0.7 5 3000"),
            (None, "tcp -h :: -p 5", "1 10.0.0.7 5 3000"),
        ];
        for (advertise, listener, expected) in cases {
            assert_eq!(told(advertise, listener, "::ffff:10.0.0.7"), expected, "{listener}");
        }
        let own = Own::new(None, Endpoint::tcp("a", 1), Endpoint::tcp("a", 1));
        assert!(own.entry("tars.tarsregistry.RegistryObj", None).is_none());
    }
}
