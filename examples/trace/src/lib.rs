//! What `trace.tars` becomes, and what the programs here are told on their command lines.

tars::include_tars!("trace");

use tars::trace::{FileSink, Tracer};

/// Where things are. The defaults are those of a registry on this machine.
#[derive(Clone, Debug, clap::Parser)]
pub struct Settings {
    /// The registry's object that looks other objects up
    #[arg(long, default_value = "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 17890")]
    pub locator: String,
    /// Where a server of this example listens; port 0 is any free one
    #[arg(long, default_value = "tcp -h 127.0.0.1 -p 0")]
    pub endpoint: String,
    /// The file that call chains are written to
    #[arg(long, default_value = "trace.log")]
    pub trace_log: std::path::PathBuf,
}

impl Settings {
    /// The recorder of call chains for `module`, `Application.Server`.
    pub fn tracer(&self, module: &str) -> tars::Result<Tracer> {
        Ok(Tracer::new(module, FileSink::open(&self.trace_log)?))
    }
}

/// Ends with Ctrl-C, or with the signal that ends a container.
pub async fn stop() {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .expect("a process may always ask for its signals");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}
