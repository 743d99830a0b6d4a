//! `cargo run -p trace-sample --bin trace-back`, beside a registry (`cargo run -p tarsregistry`): registers itself, computes
//! sums for the front server, and writes the points of call chains to `trace.log`. Ctrl-C ends it. With `--config FILE` it is a
//! server in a container, which `tarscli supervisor` registers.
#![allow(clippy::print_stdout, reason = "a command line program")]

use tars::{BoxError, Context, Result, Server};
use trace_sample::trace::{Backend, BackendAddOutput, BackendServer, BackendSubOutput};

struct Back;

impl Backend for Back {
    async fn add(&self, _cx: &mut Context, a: i32, b: i32) -> Result<BackendAddOutput> {
        Ok(BackendAddOutput {
            ret: 0,
            c: a.wrapping_add(b),
        })
    }

    async fn sub(&self, _cx: &mut Context, a: i32, b: i32) -> Result<BackendSubOutput> {
        Ok(BackendSubOutput {
            ret: 0,
            c: a.wrapping_sub(b),
        })
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), BoxError> {
    let settings = trace_sample::begin();
    let stop = trace_sample::stop();
    let object = "Trace.TarsTraceBackServer.BackendObj";
    let (place, tracer) = (settings.place(object)?, settings.tracer("Trace.TarsTraceBackServer")?);
    let communicator = place.communicator(&tracer)?;
    let server = Server::builder()
        .adapter(place.endpoint.as_str(), object, BackendServer::new(Back))
        .tracer(tracer);
    let server = place.known(server, &communicator).bind().await?;
    println!("{object} is listening at {}", server.local_endpoints()[0]);
    server.serve_with_shutdown(stop).await?;
    Ok(())
}
