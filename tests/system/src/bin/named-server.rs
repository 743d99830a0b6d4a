//! A server that tells its name: `named-server NAME` says where it listens, and `ended` after a SIGTERM.
#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::time::Duration;

use clap::Parser;
use tars::{Context, Registration, Result};
use tars_system_tests::peers::{Named, NamedAddOutput, NamedCarryOutput, NamedServer, Parcel};
use tokio::signal::unix::{SignalKind, signal};

/// The object it serves.
const OBJECT: &str = "Peers.NamedServer.NamedObj";

#[derive(Debug, Parser)]
struct Settings {
    /// What `who` answers
    name: String,
    /// Where to listen
    #[arg(long, default_value = "tcp -h 127.0.0.1 -p 0")]
    endpoint: String,
    /// The registry to register with
    #[arg(long)]
    registry: Option<String>,
    /// The set to register in
    #[arg(long, requires = "registry")]
    set: Option<String>,
    /// Seconds between two beats
    #[arg(long, default_value_t = 15)]
    beat: u64,
    /// Seconds to serve on after taking itself out
    #[arg(long, default_value_t = 0)]
    drain: u64,
}

impl Settings {
    fn registration(&self) -> Result<Option<Registration>> {
        let Some(registry) = &self.registry else {
            return Ok(None);
        };
        let registration = Registration::at(registry)?
            .beat_interval(Duration::from_secs(self.beat))
            .drain(Duration::from_secs(self.drain));
        Ok(Some(match &self.set {
            Some(set) => registration.set_division(set)?,
            None => registration,
        }))
    }
}

struct Server {
    name: String,
}

impl Named for Server {
    async fn who(&self, _cx: &mut Context) -> Result<String> {
        Ok(self.name.clone())
    }

    async fn add(&self, _cx: &mut Context, a: i32, b: i32) -> Result<NamedAddOutput> {
        Ok(NamedAddOutput {
            ret: 0,
            c: a.wrapping_add(b),
        })
    }

    async fn carry(&self, _cx: &mut Context, parcel: Parcel) -> Result<NamedCarryOutput> {
        Ok(NamedCarryOutput {
            ret: parcel,
            by: self.name.clone(),
        })
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::parse();
    let registration = settings.registration()?;
    let servant = NamedServer::new(Server { name: settings.name });
    let builder = tars::Server::builder().adapter(settings.endpoint.as_str(), OBJECT, servant);
    let builder = match registration {
        Some(registration) => builder.register(registration),
        None => builder,
    };
    let server = builder.bind().await?;
    println!("listening at {}", server.local_endpoints()[0]);
    let mut terminate = signal(SignalKind::terminate())?;
    server
        .serve_with_shutdown(async {
            terminate.recv().await;
        })
        .await?;
    println!("ended");
    Ok(())
}
