//! The registry as a process of its own, as an operator runs it.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader, Lines},
    process::{Child, Command},
    time::timeout,
};

/// Longer than a start or an end ever takes, so that the demo cannot hang.
const LIMIT: Duration = Duration::from_secs(30);

/// Which ports the registry listens at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ports {
    /// Those everybody knows, so that the suggestions can be typed as they stand.
    Default,
    /// Any free ones, so that a run disturbs nothing.
    Free,
}

/// A running registry. Dropping it kills the process and removes its database.
pub(crate) struct Registry {
    child: Child,
    folder: TempDir,
    query: String,
    object: String,
    admin: String,
    http: String,
}

impl Registry {
    /// Starts the registry on an empty database in a temporary folder and waits until it listens.
    pub(crate) async fn start(ports: Ports) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("a folder for the database")?;
        let (query, registry, admin, http) = match ports {
            Ports::Default => (
                "tcp -h 127.0.0.1 -p 17890",
                "tcp -h 127.0.0.1 -p 17892",
                "tcp -h 127.0.0.1 -p 17893",
                "127.0.0.1:9325",
            ),
            Ports::Free => {
                let free = "tcp -h 127.0.0.1 -p 0";
                (free, free, free, "127.0.0.1:0")
            }
        };
        let program = sibling("tarsregistry")?;
        let mut child = Command::new(&program)
            .args([
                "serve",
                "--log-format",
                "json",
                "--query-endpoint",
                query,
                "--registry-endpoint",
                registry,
                "--admin-endpoint",
                admin,
                "--http",
                http,
            ])
            .arg("--database-url")
            .arg(format!("sqlite:{}", database(folder.path()).display()))
            // In a group of its own: Ctrl-C reaches the demo, and the demo ends the registry when its server is out.
            .process_group(0)
            .kill_on_drop(true)
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let stderr = child.stderr.take().context("the registry's log is piped")?;
        let listening = timeout(LIMIT, listening(BufReader::new(stderr).lines()))
            .await
            .context("start of the registry")??;
        let [query, object, admin, http] = listening;
        Ok(Self {
            child,
            folder,
            query,
            object,
            admin,
            http,
        })
    }

    /// `tars.tarsregistry.Registry` with its endpoint.
    pub(crate) fn object(&self) -> &str {
        &self.object
    }

    /// The database's file.
    pub(crate) fn database(&self) -> PathBuf {
        database(self.folder.path())
    }

    /// Ends the registry as a container runtime does and checks that it ended well.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let id = self.child.id().context("the registry ended by itself")?;
        let sent = Command::new("kill")
            .args(["-TERM", &id.to_string()])
            .status()
            .await
            .context("kill -TERM")?;
        ensure!(sent.success(), "kill -TERM {id}: {sent}");
        let status = timeout(LIMIT, self.child.wait())
            .await
            .context("end of the registry")??;
        ensure!(status.success(), "the registry ended with {status}");
        Ok(())
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n{}\nAdminObj@{}\nhttp://{}/readyz",
            self.query, self.object, self.admin, self.http
        )
    }
}

fn database(folder: &Path) -> PathBuf {
    folder.join("registry.db")
}

/// A program that was built beside this one.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()
        .context("this program's path")?
        .with_file_name(name);
    ensure!(
        path.exists(),
        "{} is missing: build it with `cargo build -p {name}`",
        path.display()
    );
    Ok(path)
}

/// Reads the registry's log up to the line that tells where it listens, and goes on reading behind the scenes, so that
/// the registry never waits for a full pipe. -> query object, registry object, admin endpoint, HTTP address
async fn listening<R>(mut log: Lines<BufReader<R>>) -> anyhow::Result<[String; 4]>
where
    R: AsyncRead + Unpin + Send + 'static,
{
    let mut seen = Vec::new();
    while let Some(line) = log.next_line().await.context("the registry's log")? {
        match serde_json::from_str::<Record>(&line) {
            Ok(Record {
                fields:
                    Fields::Listening {
                        query,
                        registry,
                        admin,
                        http,
                    },
            }) => {
                tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
                return Ok([
                    format!("tars.tarsregistry.QueryObj@{query}"),
                    format!("tars.tarsregistry.Registry@{registry}"),
                    admin,
                    http,
                ]);
            }
            Ok(Record {
                fields: Fields::Other { message },
            }) => seen.push(message),
            Err(_) => seen.push(line),
        }
    }
    bail!("the registry did not start:\n{}", seen.join("\n"))
}

/// A line of the registry's log.
#[derive(Deserialize)]
struct Record {
    fields: Fields,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Fields {
    Listening {
        query: String,
        registry: String,
        admin: String,
        http: String,
    },
    Other {
        message: String,
    },
}
