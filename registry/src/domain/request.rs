//! The smaller requests, checked.

use super::{InstanceKey, Life, Refusal, State, name};
use tars::protocol::{KeepAliveReq, OnPrestopReq, RegisterMetricsReq};

/// Port a server's metrics are on when the request says 0, as K8STARS assumes.
const DEFAULT_METRICS_PORT: u16 = 9325;

/// What `onPrestop` and `keepAlive` are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One server.
    Instance(InstanceKey),
    /// Every server of a node: the form of old clients, which name no server.
    Node(String),
}

/// A heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Beat {
    pub(crate) scope: Scope,
    pub(crate) state: State,
    /// Whose it is.
    pub(crate) life: Option<Life>,
}

/// Where a server's metrics are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetricsPort {
    pub(crate) key: InstanceKey,
    pub(crate) port: u16,
}

impl Scope {
    /// Checks `onPrestop`.
    pub(crate) fn from_request(req: &OnPrestopReq) -> Result<Self, Refusal> {
        Self::from_names(&req.node_name, &req.application, &req.server)
    }

    fn from_names(node: &str, application: &str, server: &str) -> Result<Self, Refusal> {
        if application.is_empty() && server.is_empty() {
            return Ok(Self::Node(name::key("nodeName", node, name::NODE_WIDTH)?));
        }
        Ok(Self::Instance(name::instance(node, application, server)?))
    }

    /// The node it is about.
    pub(crate) fn node(&self) -> &str {
        match self {
            Self::Instance(key) => &key.node,
            Self::Node(node) => node,
        }
    }
}

impl Beat {
    /// Checks `keepAlive`.
    pub(crate) fn from_request(req: &KeepAliveReq, life: Option<Life>) -> Result<Self, Refusal> {
        Ok(Self {
            scope: Scope::from_names(&req.node_name, &req.application, &req.server)?,
            state: State::from_request("state", &req.state)?,
            life,
        })
    }
}

impl MetricsPort {
    /// Checks `registerMetrics`.
    pub(crate) fn from_request(req: &RegisterMetricsReq) -> Result<Self, Refusal> {
        let key = name::instance(&req.node_name, &req.application, &req.server)?;
        let port = match req.metrics_port {
            0 => DEFAULT_METRICS_PORT,
            port => u16::try_from(port)
                .map_err(|_| Refusal::invalid("metricsPort", format!("is {port}, expected 0 (9325) to 65535")))?,
        };
        Ok(Self { key, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beat(application: &str, server: &str) -> Result<Beat, Refusal> {
        let req = KeepAliveReq {
            node_name: "10.0.0.7".into(),
            application: application.into(),
            server: server.into(),
            ..KeepAliveReq::default()
        };
        Beat::from_request(&req, None)
    }

    #[test]
    fn no_name_at_all_means_the_node_and_one_name_is_a_mistake() {
        assert_eq!(beat("", "").unwrap().scope, Scope::Node("10.0.0.7".into()));
        assert_eq!(beat("A", "").unwrap_err().to_string(), "`server` is empty");
        assert_eq!(beat("", "S").unwrap_err().to_string(), "`application` is empty");
        assert_eq!(beat("A", "S").unwrap().state, State::Active);
    }

    #[test]
    fn metrics_port_is_a_port() {
        let port = |metrics_port| {
            MetricsPort::from_request(&RegisterMetricsReq {
                node_name: "n".into(),
                application: "A".into(),
                server: "S".into(),
                metrics_port,
            })
            .map(|checked| checked.port)
        };
        assert_eq!(port(0), Ok(9325));
        assert_eq!(port(65535), Ok(65535));
        assert_eq!(
            port(65536).unwrap_err().to_string(),
            "`metricsPort` is 65536, expected 0 (9325) to 65535"
        );
        assert!(port(-1).is_err());
    }
}
