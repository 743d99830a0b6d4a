//! A server in a pod whose life is commanded: `pod-server --config FILE --orders DIR`, both as `tarscli genconf` and the test made
//! them.
//!
//! It serves while there is a file `ready` in the folder of orders, and listens nowhere while there is none. A file `crash` ends it
//! with the code that is in it, once. With a file `deaf` a SIGTERM does not end it. What happens to it goes to files there:
//! `started` has a line for each start (process id, worker number), `pid` is that of the last, and `notified` has a line for each
//! administration command.
#![allow(clippy::print_stdout, reason = "the supervisor and the test read it")]

use std::{fs, io::Write as _, path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use tars::{
    Context, Result,
    config::Config,
    protocol::{AdminF, AdminFServer},
};
use tars_system_tests::peers::{Named, NamedAddOutput, NamedCarryOutput, NamedServer, Parcel};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::interval,
};

/// Between two looks at the orders.
const LOOK: Duration = Duration::from_millis(20);

/// What `who` answers.
const NAME: &str = "pod-server";

type Failure = Box<dyn std::error::Error>;

#[derive(Debug, Parser)]
struct Settings {
    /// The generated configuration
    #[arg(long)]
    config: PathBuf,
    /// The folder of orders
    #[arg(long)]
    orders: PathBuf,
}

/// The folder of orders.
#[derive(Clone, Debug)]
struct Orders(PathBuf);

/// Why the server stops to serve.
enum Stop {
    NotReady,
    Ended(ExitCode),
}

impl Orders {
    fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    fn note(&self, name: &str, line: &str) -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.0.join(name))?;
        writeln!(file, "{line}")
    }

    /// The code to crash with, once.
    fn crash(&self) -> Option<ExitCode> {
        let path = self.0.join("crash");
        let code = fs::read_to_string(&path).ok()?.trim().parse::<u8>().ok()?;
        fs::remove_file(path).ok()?;
        Some(ExitCode::from(code))
    }

    /// Waits until there is a reason to go from being ready, or from not being so.
    async fn wait(&self, is_ready: bool, terminate: &mut Signal) -> Stop {
        let mut look = interval(LOOK);
        loop {
            tokio::select! {
                _ = terminate.recv() => if self.has("deaf") {
                    println!("does not hear SIGTERM");
                } else {
                    return Stop::Ended(ExitCode::SUCCESS);
                },
                _ = look.tick() => {
                    if let Some(code) = self.crash() {
                        return Stop::Ended(code);
                    }
                    if self.has("ready") != is_ready {
                        return Stop::NotReady;
                    }
                }
            }
        }
    }
}

struct Server;

impl Named for Server {
    async fn who(&self, _cx: &mut Context) -> Result<String> {
        Ok(NAME.to_owned())
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
            by: NAME.to_owned(),
        })
    }
}

struct Admin(Orders);

impl AdminF for Admin {
    async fn shutdown(&self, _cx: &mut Context) -> Result<()> {
        Ok(())
    }

    async fn notify(&self, _cx: &mut Context, command: String) -> Result<String> {
        // A test that waits for the line fails without it.
        let _ = self.0.note("notified", &command);
        Ok(format!("heard {command}"))
    }

    async fn get_pid(&self, _cx: &mut Context) -> Result<i64> {
        Ok(i64::from(std::process::id()))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<ExitCode, Failure> {
    let settings = Settings::parse();
    let orders = Orders(settings.orders);
    let mut terminate = signal(SignalKind::terminate())?;
    let id = std::process::id();
    let worker = std::env::var("TARS_WORKER_ID").unwrap_or_default();
    fs::write(orders.0.join("pid"), id.to_string())?;
    orders.note("started", &format!("{id} {worker}"))?;
    println!("pod-server {id} started");
    loop {
        if let Stop::Ended(code) = orders.wait(false, &mut terminate).await {
            return Ok(code);
        }
        // Read only now: whoever is not ready needs no ports.
        let config = Config::read(&settings.config)?;
        if let Stop::Ended(code) = serve(&config, &orders, &mut terminate).await? {
            return Ok(code);
        }
    }
}

/// Serves until there is a reason not to.
async fn serve(config: &Config, orders: &Orders, terminate: &mut Signal) -> std::result::Result<Stop, Failure> {
    let server = tars::Server::builder()
        .servant(config, "NamedObj", NamedServer::new(Server))
        .servant(config, "AdminObj", AdminFServer::new(Admin(orders.clone())))
        .shutdown_grace(Duration::from_millis(100))
        .bind()
        .await?;
    let endpoints = server.local_endpoints().iter().map(ToString::to_string);
    println!("listening at {}", endpoints.collect::<Vec<_>>().join(", "));
    let mut stop = Stop::NotReady;
    server
        .serve_with_shutdown(async { stop = orders.wait(true, terminate).await })
        .await?;
    Ok(stop)
}
