//! What `trace.tars` becomes, and what the programs here are told on their command lines.

mod admin;
mod place;

use std::path::PathBuf;

use tars::trace::{FileSink, Tracer};
use tokio::signal::unix::{SignalKind, signal};

pub use self::place::Place;

tars::include_tars!("trace");

/// Where things are. The defaults are those of a registry on this machine.
#[derive(Clone, Debug, clap::Parser)]
pub struct Settings {
    /// The configuration that `tarscli` wrote, whose supervisor registers this server: it counts in place of the flags below,
    /// and the server does not register itself
    #[arg(long)]
    pub config: Option<PathBuf>,
    /// The registry's object that looks other objects up
    #[arg(long, default_value = "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 17890")]
    pub locator: String,
    /// Where a server of this example listens; port 0 is any free one
    #[arg(long, default_value = "tcp -h 127.0.0.1 -p 0")]
    pub endpoint: String,
    /// The file that call chains are written to
    #[arg(long, default_value = "trace.log")]
    pub trace_log: PathBuf,
    /// Seconds after which the registry is asked again where the objects are that are called
    #[arg(long, default_value_t = 60)]
    pub refresh_seconds: u64,
}

impl Settings {
    /// The recorder of call chains for `module`, `Application.Server`.
    pub fn tracer(&self, module: &str) -> tars::Result<Tracer> {
        Ok(Tracer::new(module, FileSink::open(&self.trace_log)?))
    }
}

/// Reads the command line, and has the runtime tell on standard error what is worth knowing.
pub fn begin() -> Settings {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    clap::Parser::parse()
}

/// Waits for Ctrl-C, or for the signal that ends a container. Both are listened for from now on.
///
/// # Panics
/// Outside a tokio runtime.
pub fn stop() -> impl Future<Output = ()> {
    let listen = |kind| signal(kind).expect("a process may always ask for its signals");
    let (mut interrupted, mut terminated) = (listen(SignalKind::interrupt()), listen(SignalKind::terminate()));
    async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    }
}
