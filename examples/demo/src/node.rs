//! The server in Node.js. Its library cannot register it, so it is registered on its behalf, as its container's supervisor
//! would.

use std::{fmt, path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use tars::{
    Endpoint,
    protocol::{AdapterConf, KeepAliveReq, OnPrestopReq, OnStartupReq, TarsregistryClient},
};
use tokio::{process::Command, task::JoinHandle, time::interval};

use crate::{
    children::{Child, Family},
    registry::Registry,
    servers::listening,
};

const OBJECT: &str = "HelloWorld.PHPTarsuser.Index";
const APPLICATION: &str = "HelloWorld";
const SERVER: &str = "PHPTarsuser";
const NODE: &str = "127.0.0.1";

/// Signs of life come well within the registry's lease.
const BEAT: Duration = Duration::from_secs(10);

/// A running Node server.
pub(crate) struct Node {
    child: Child,
    endpoint: Endpoint,
    registry: TarsregistryClient,
    /// Whether the registry may know it.
    is_registered: bool,
    beats: Option<JoinHandle<()>>,
}

impl Node {
    /// Starts the server at a free port.
    pub(crate) async fn start(registry: TarsregistryClient, family: &Family) -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .with_file_name("trace")
            .join("node");
        ensure!(
            folder.join("node_modules").exists(),
            "the packages of {} are missing: `scripts/install-test-tools demo` installs them",
            folder.display()
        );
        let child = family.start(
            "the Node server",
            Command::new("node").arg("index.js").current_dir(folder),
        )?;
        let endpoint = child.wait_for("where it listens", listening).await?;
        Ok(Self {
            child,
            endpoint,
            registry,
            is_registered: false,
            beats: None,
        })
    }

    /// Registers the server, keeps it registered, and waits until clients are sent to it.
    pub(crate) async fn register(&mut self, registry: &Registry, family: &Family) -> anyhow::Result<()> {
        self.is_registered = true;
        let client = &self.registry;
        client
            .on_startup(&registration(&self.endpoint))
            .await
            .context("onStartup of the Node server")?;
        self.beats = Some(tokio::spawn(keep_registered(client.clone(), family.clone())));
        registry.sends_to(OBJECT, self.endpoint.port).await
    }

    /// Takes the server out of the registry, then ends it.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        if let Some(beats) = &self.beats {
            beats.abort();
        }
        let taken_out = if self.is_registered {
            let taken_out = self.registry.on_prestop(&end()).await;
            taken_out.context("onPrestop of the Node server")
        } else {
            Ok(())
        };
        self.child.stop().await.and(taken_out)
    }
}

async fn keep_registered(client: TarsregistryClient, family: Family) {
    let mut ticks = interval(BEAT);
    loop {
        ticks.tick().await;
        if let Err(error) = client.keep_alive(&beat()).await {
            family.alarm(anyhow::Error::new(error).context("keepAlive of the Node server"));
            return;
        }
    }
}

fn registration(endpoint: &Endpoint) -> OnStartupReq {
    let adapter = AdapterConf {
        servant: OBJECT.into(),
        endpoint: endpoint.to_string(),
        max_conns: 1000,
        thread_num: 1,
        ..AdapterConf::default()
    };
    OnStartupReq {
        node_name: NODE.into(),
        application: APPLICATION.into(),
        server: SERVER.into(),
        adapters: vec![adapter],
        state: "activating".into(),
        version: "1.0.0".into(),
        server_type: "tars_nodejs".into(),
        ..OnStartupReq::default()
    }
}

fn beat() -> KeepAliveReq {
    KeepAliveReq {
        node_name: NODE.into(),
        state: "active".into(),
        application: APPLICATION.into(),
        server: SERVER.into(),
    }
}

fn end() -> OnPrestopReq {
    OnPrestopReq {
        node_name: NODE.into(),
        application: APPLICATION.into(),
        server: SERVER.into(),
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{OBJECT} at {}", self.endpoint)
    }
}
