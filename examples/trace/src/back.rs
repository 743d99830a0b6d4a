//! `cargo run -p trace-sample --bin trace-back`, beside a running registry.

use clap::Parser;
use tars::{Communicator, Context, Registration, Result, Server};
use trace_sample::trace::{Backend, BackendAddOutput, BackendServer, BackendSubOutput};

struct Back;

impl Backend for Back {
    async fn add(&self, _cx: &mut Context, a: i32, b: i32) -> Result<BackendAddOutput> {
        Ok(BackendAddOutput { ret: 0, c: a.wrapping_add(b) })
    }

    async fn sub(&self, _cx: &mut Context, a: i32, b: i32) -> Result<BackendSubOutput> {
        Ok(BackendSubOutput { ret: 0, c: a.wrapping_sub(b) })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let settings = trace_sample::Settings::parse();
    let communicator = Communicator::builder().locator(&settings.locator)?.build();
    let server = Server::builder()
        .adapter(settings.endpoint.as_str(), "Trace.TarsTraceBackServer.BackendObj", BackendServer::new(Back))
        .tracer(settings.tracer("Trace.TarsTraceBackServer")?)
        .register(Registration::with(&communicator))
        .bind()
        .await?;
    server.serve_with_shutdown(trace_sample::stop()).await
}
