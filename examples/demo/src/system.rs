//! Everything that runs, started one by one and ended in order.

use std::path::Path;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::{
    children::Family,
    gateway::Gateway,
    ports::Ports,
    registry::Registry,
    rows::{self, Table},
    servers::{BACK, FRONT, Kind, NODE_JS, Place, Server},
    trace_log::TraceLog,
};

/// Settings of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) ports: Ports,
    /// How often servers ask where those are that they call.
    pub(crate) refresh_seconds: u64,
}

/// The whole system on this machine. Dropping it ends its processes in no order; [`stop`](Self::stop) ends them well.
pub(crate) struct System {
    settings: Settings,
    family: Family,
    gateway: Option<Gateway>,
    node: Option<Server>,
    front: Option<Server>,
    back: Option<Server>,
    registry: Option<Registry>,
    /// The chains of calls.
    pub(crate) traces: TraceLog,
    folder: TempDir,
}

/// What is left when everything has ended: files. Dropping it removes them.
pub(crate) struct Remains {
    /// The chains of calls; nobody writes any more.
    pub(crate) traces: TraceLog,
    folder: TempDir,
}

impl Remains {
    /// Removes the files.
    pub(crate) fn remove(self) -> anyhow::Result<()> {
        let path = self.folder.path().to_owned();
        self.folder
            .close()
            .with_context(|| format!("remove {}", path.display()))
    }
}

impl System {
    /// Nothing runs yet. What goes wrong by itself from now on comes out of the receiver.
    pub(crate) fn new(settings: Settings) -> anyhow::Result<(Self, mpsc::UnboundedReceiver<anyhow::Error>)> {
        settings.ports.check()?;
        let folder = tempfile::Builder::new()
            .prefix("tars-demo-")
            .tempdir()
            .context("a folder for the demo")?;
        let (family, alarms) = Family::new();
        let system = Self {
            settings,
            family,
            gateway: None,
            node: None,
            front: None,
            back: None,
            registry: None,
            traces: TraceLog::new(folder.path().join("trace.log")),
            folder,
        };
        Ok((system, alarms))
    }

    pub(crate) async fn start_registry(&mut self) -> anyhow::Result<&Registry> {
        let registry = Registry::start(self.settings.ports, self.folder.path(), &self.family).await?;
        Ok(self.registry.insert(registry))
    }

    pub(crate) async fn start_back(&mut self) -> anyhow::Result<&Server> {
        let back = self.server(BACK).await?;
        Ok(self.back.insert(back))
    }

    pub(crate) async fn start_front(&mut self) -> anyhow::Result<&Server> {
        let front = self.server(FRONT).await?;
        Ok(self.front.insert(front))
    }

    pub(crate) async fn start_node(&mut self) -> anyhow::Result<&Server> {
        let node = self.server(NODE_JS).await?;
        Ok(self.node.insert(node))
    }

    pub(crate) async fn start_gateway(&mut self) -> anyhow::Result<&Gateway> {
        let (registry, traces) = (self.registry()?, self.traces.path());
        let gateway = Gateway::start(self.settings.ports, registry, traces, &self.family).await?;
        Ok(self.gateway.insert(gateway))
    }

    /// Ends the back server without a word to anybody; its supervisor lets it be.
    pub(crate) async fn kill_back(&self) -> anyhow::Result<i64> {
        self.back()?.kill().await
    }

    /// Has its supervisor start the back server again, and waits until the registry sends clients to it.
    pub(crate) async fn revive_back(&self) -> anyhow::Result<&Server> {
        let back = self.back()?;
        back.let_live()?;
        back.is_known(self.registry()?).await?;
        Ok(back)
    }

    /// The back server.
    pub(crate) fn back(&self) -> anyhow::Result<&Server> {
        self.back.as_ref().context("the back server does not run")
    }

    /// `HOST:PORT` of the gateway.
    pub(crate) fn address(&self) -> anyhow::Result<String> {
        let gateway = self.gateway.as_ref().context("the gateway does not run")?;
        Ok(gateway.address().to_owned())
    }

    /// What stands in the database.
    pub(crate) async fn rows(&self) -> anyhow::Result<Vec<Table>> {
        rows::read(self.registry()?.database()).await
    }

    /// Where the points of call chains are written.
    pub(crate) fn trace_log(&self) -> &Path {
        self.traces.path()
    }

    /// Ends everything in order, whatever of it runs: the way in first, then servers, which their supervisors take
    /// out of the registry, then the registry. Goes on after a failure and returns the first.
    pub(crate) async fn stop(mut self) -> anyhow::Result<Remains> {
        let mut ends = Vec::new();
        if let Some(gateway) = self.gateway.take() {
            ends.push(gateway.stop().await);
        }
        for server in [self.front.take(), self.back.take(), self.node.take()]
            .into_iter()
            .flatten()
        {
            ends.push(server.stop().await);
        }
        // What was only just starting ends, too.
        ends.push(self.family.at_most(usize::from(self.registry.is_some())).await);
        if self.registry.is_some() {
            ends.push(self.ensure_empty().await);
        }
        if let Some(registry) = self.registry.take() {
            ends.push(registry.stop().await);
        }
        ends.push(self.family.at_most(0).await);
        ends.into_iter().collect::<anyhow::Result<()>>()?;
        let (traces, folder) = (self.traces, self.folder);
        Ok(Remains { traces, folder })
    }

    async fn ensure_empty(&self) -> anyhow::Result<()> {
        for table in self.rows().await? {
            let is_left = table.name() != rows::NODES && table.rows() > 0;
            ensure!(!is_left, "servers that ended left rows behind:\n{table}");
        }
        Ok(())
    }

    async fn server(&self, kind: Kind) -> anyhow::Result<Server> {
        let place = Place {
            registry: self.registry()?,
            folder: self.folder.path(),
            trace_log: self.traces.path(),
            refresh_seconds: self.settings.refresh_seconds,
            family: &self.family,
        };
        Server::start(kind, &place).await
    }

    fn registry(&self) -> anyhow::Result<&Registry> {
        self.registry.as_ref().context("the registry does not run")
    }
}
