//! The processes that are attacked.

use std::net::SocketAddr;

use tars::{
    Endpoint,
    protocol::{OnStartupReq, RegisterMetricsReq, TarsregistryClient},
};
use tars_test_support::{
    gateway::Gateway,
    lookup::Lookup,
    named::{self, Named},
    patient,
    process::Process,
    registry::{Backend, Registry},
};

use crate::{attack::Port, corpus};

/// What `named-server` serves.
pub(crate) const NAMED: &str = named::OBJECT;

/// The name it is given.
pub(crate) const NAME: &str = "steadfast";

/// An instance that the honest client keeps alive.
pub(crate) struct Instance {
    pub(crate) application: &'static str,
    pub(crate) server: &'static str,
    pub(crate) node: &'static str,
}

pub(crate) const INSTANCE: Instance = Instance {
    application: "Honest",
    server: "Server",
    node: "127.0.0.8",
};

/// Where its metrics are.
pub(crate) const TARGET: &str = "127.0.0.8:9100";

/// What runs.
pub(crate) struct Scene {
    registry: Registry,
    server: Named,
    named: String,
    gateway: Gateway,
}

impl Scene {
    pub(crate) async fn start() -> Self {
        // Beats are written in groups, as in production.
        let registry = Registry::start_with(Backend::sqlite(), &["--flush-interval", "5"]).await;
        registry.process.wait_for("ready").await;
        register(&registry).await;
        let lookup = Lookup::at(registry.query());
        let server = Named::start(NAME, "127.0.0.1", &["--registry", registry.object(), "--beat", "1"]).await;
        lookup.finds(NAMED, &["127.0.0.1"], &[]).await;
        Self {
            named: server.object(),
            gateway: Gateway::start(registry.query(), "Peers.*").await,
            registry,
            server,
        }
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The server's object with its endpoint.
    pub(crate) fn named(&self) -> &str {
        &self.named
    }

    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    pub(crate) fn processes(&self) -> impl Iterator<Item = (&'static str, &Process)> {
        [
            ("registry", &self.registry.process),
            ("server", &self.server.process),
            ("gateway", &self.gateway.process),
        ]
        .into_iter()
    }

    /// Where garbage is thrown, and what it is made from.
    pub(crate) fn ports(&self) -> Vec<Port> {
        let (_, registry) = self.registry.object().split_once('@').unwrap();
        let (_, query) = self.registry.query().split_once('@').unwrap();
        let port = |name, address, corpus| Port { name, address, corpus };
        vec![
            port("registry", address(registry), corpus::registration()),
            port("admin", address(self.registry.admin()), corpus::admin()),
            port("registry http", self.registry.http().parse().unwrap(), corpus::http()),
            port("query", address(query), corpus::query()),
            port("gateway", self.gateway.address().parse().unwrap(), corpus::gateway()),
            port("gateway admin", self.gateway.admin().parse().unwrap(), corpus::http()),
            port("server", address(self.server.endpoint()), corpus::named()),
        ]
    }

    /// Nobody died.
    pub(crate) fn all_run(&mut self) {
        for (name, process) in [
            ("registry", &mut self.registry.process),
            ("server", &mut self.server.process),
            ("gateway", &mut self.gateway.process),
        ] {
            assert!(process.is_running(), "the {name} died:\n{}", process.output());
        }
    }

    /// Each process ends as it is told, and no task of it panicked.
    pub(crate) async fn ends_cleanly(self) {
        for (name, process) in [
            ("gateway", self.gateway.process),
            ("server", self.server.process),
            ("registry", self.registry.process),
        ] {
            process.terminate().await;
            let (code, output) = process.wait().await;
            assert_eq!(code, 0, "{name}: {output}");
            let panic = output.lines().find(|line| line.contains("panicked"));
            assert_eq!(panic, None, "{name}");
        }
    }
}

fn address(endpoint: &str) -> SocketAddr {
    let endpoint: Endpoint = endpoint.parse().unwrap();
    SocketAddr::new(endpoint.host.parse().unwrap(), endpoint.port)
}

async fn register(registry: &Registry) {
    let client: TarsregistryClient = patient::client(registry.object());
    let Instance {
        application,
        server,
        node,
    } = INSTANCE;
    let start = OnStartupReq {
        node_name: node.into(),
        application: application.into(),
        server: server.into(),
        ..OnStartupReq::default()
    };
    client.on_startup(&start).await.unwrap();
    let metrics = RegisterMetricsReq {
        node_name: node.into(),
        application: application.into(),
        server: server.into(),
        metrics_port: 9100,
    };
    client.register_metrics(&metrics).await.unwrap();
}
