//! A server of the kind that registers itself: the greeter of `examples/hello`, and what its container tells the registry.

use anyhow::Context as _;
use hello::{
    Greeter,
    test_app::{HelloClient, HelloServer},
};
use tars::{
    Communicator, Server,
    protocol::{AdapterConf, KeepAliveReq, OnPrestopReq, OnStartupReq, RegisterMetricsReq},
};

const OBJECT: &str = "TestApp.HelloServer.HelloObj";
const APPLICATION: &str = "TestApp";
const SERVER: &str = "HelloServer";
const NODE: &str = "127.0.0.1";

/// A running greeter.
pub(crate) struct Sample {
    endpoint: String,
}

impl Sample {
    /// Serves at a free port for as long as the program runs.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let adapter = "tcp -h 127.0.0.1 -p 0";
        let server = Server::builder()
            .adapter(adapter, OBJECT, HelloServer::new(Greeter))
            .bind()
            .await?;
        let endpoint = server
            .local_endpoints()
            .first()
            .context("one adapter was bound")?
            .to_string();
        tokio::spawn(server.serve());
        Ok(Self { endpoint })
    }

    /// Where it serves.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls the server where it says it is.
    pub(crate) async fn greet(&self, communicator: &Communicator) -> anyhow::Result<String> {
        let client: HelloClient = communicator.client(&format!("{OBJECT}@{}", self.endpoint))?;
        client.say_hello("demo").await.context("sayHello")
    }

    /// What its container tells the registry at the start.
    pub(crate) fn registration(&self) -> OnStartupReq {
        let adapter = AdapterConf {
            servant: OBJECT.into(),
            endpoint: self.endpoint.clone(),
            max_conns: 1000,
            thread_num: 2,
            ..AdapterConf::default()
        };
        OnStartupReq {
            node_name: NODE.into(),
            application: APPLICATION.into(),
            server: SERVER.into(),
            adapters: vec![adapter],
            state: "activating".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            server_type: "tars_rust".into(),
            ..OnStartupReq::default()
        }
    }
}

/// Where the server's metrics are to be read.
pub(crate) fn metrics() -> RegisterMetricsReq {
    let (application, server) = (APPLICATION.into(), SERVER.into());
    RegisterMetricsReq {
        node_name: NODE.into(),
        application,
        server,
        metrics_port: 9100,
    }
}

/// A sign of life.
pub(crate) fn beat(state: &str) -> KeepAliveReq {
    let (application, server) = (APPLICATION.into(), SERVER.into());
    KeepAliveReq {
        node_name: NODE.into(),
        state: state.into(),
        application,
        server,
    }
}

/// The end of the server.
pub(crate) fn end() -> OnPrestopReq {
    OnPrestopReq {
        node_name: NODE.into(),
        application: APPLICATION.into(),
        server: SERVER.into(),
    }
}
