//! The registry as a process of its own, as an operator runs it.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use tars::{
    Communicator,
    protocol::{EndpointF, QueryFClient},
};
use tokio::{
    process::Command,
    time::{interval, timeout},
};

use crate::{
    children::{Child, Family, LIMIT, fields, sibling},
    ports::{self, Ports},
};

/// How often the registry is asked for what is waited for.
const ASK: Duration = Duration::from_millis(50);

/// A running registry on an embedded database.
pub(crate) struct Registry {
    child: Child,
    database: PathBuf,
    listening: Listening,
    query: QueryFClient,
}

/// Where it listens.
struct Listening {
    query: String,
    registry: String,
    admin: String,
    http: String,
}

impl Registry {
    /// Starts the registry on an empty database in `folder` and waits until it answers.
    pub(crate) async fn start(ports: Ports, folder: &Path, family: &Family) -> anyhow::Result<Self> {
        let database = folder.join("registry.db");
        let endpoint = |default| format!("tcp -h 127.0.0.1 -p {}", ports.choose(default));
        let mut command = Command::new(sibling("tarsregistry")?);
        command
            .args(["serve", "--log-format", "json"])
            .args(["--query-endpoint", &endpoint(ports::QUERY)])
            .args(["--registry-endpoint", &endpoint(ports::REGISTRY)])
            .args(["--admin-endpoint", &endpoint(ports::ADMIN)])
            .args(["--http", &format!("127.0.0.1:{}", ports.choose(ports::REGISTRY_HTTP))])
            .args(["--database-url", &format!("sqlite:{}", database.display())]);
        let child = family.start("the registry", &mut command)?;
        let listening = child.wait_for("where it listens", Listening::read).await?;
        let is_ready = |line: &str| (fields(line)?.get("message")? == "ready").then_some(());
        child.wait_for("that it is ready", is_ready).await?;
        let query = Communicator::new().client(&listening.query)?;
        Ok(Self {
            child,
            database,
            listening,
            query,
        })
    }

    /// The object that looks others up, with its endpoint: what clients are given.
    pub(crate) fn locator(&self) -> &str {
        &self.listening.query
    }

    /// The database's file.
    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// Waits until clients that ask for `object` are sent to `port`, and there alone.
    pub(crate) async fn sends_to(&self, object: &str, port: u16) -> anyhow::Result<()> {
        let is_it = |found: &[EndpointF]| found.len() == 1 && found[0].port == i32::from(port);
        let mut ticks = interval(ASK);
        let asked = async {
            loop {
                ticks.tick().await;
                let found = self.query.find_object_by_id(object).await.context("findObjectById")?;
                if is_it(&found) {
                    return anyhow::Ok(());
                }
            }
        };
        timeout(LIMIT, asked).await.with_context(|| {
            format!(
                "the registry does not know {object} at port {port} after {} s",
                LIMIT.as_secs()
            )
        })?
    }

    /// Ends the registry and checks that it ended well.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.child.stop().await
    }
}

impl Listening {
    fn read(line: &str) -> Option<Self> {
        let fields = fields(line)?;
        let field = |name: &str| Some(fields.get(name)?.as_str()?.to_owned());
        Some(Self {
            query: format!("tars.tarsregistry.QueryObj@{}", field("query")?),
            registry: format!("tars.tarsregistry.Registry@{}", field("registry")?),
            admin: format!("AdminObj@{}", field("admin")?),
            http: field("http")?,
        })
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Listening {
            query,
            registry,
            admin,
            http,
        } = &self.listening;
        write!(f, "{query}\n{registry}\n{admin}\nhttp://{http}/readyz")
    }
}
