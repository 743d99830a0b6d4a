//! `cargo run -p trace-sample --bin trace-client`, beside a registry, `trace-back` and `trace-front`: begins a call chain,
//! calls through it, and prints `0 369`. The chain's lines are in `trace.log` then.
#![allow(clippy::print_stdout, reason = "a command line program")]

use tars::Communicator;
use tars::trace::{Flags, Trace};
use trace_sample::trace::FrontendClient;

#[tokio::main]
async fn main() -> tars::Result<()> {
    let settings = trace_sample::begin();
    let tracer = settings.tracer("Trace.TarsTraceClient")?;
    let communicator = Communicator::builder()
        .locator(&settings.locator)?
        .tracer(tracer.clone())
        .build();
    let front: FrontendClient = communicator.client("Trace.TarsTraceFrontServer.FrontendObj")?;

    let chain = Trace::root(Flags::ALL, 1);
    println!("chain {}", chain.id());
    let sum = chain.scope(async { front.add(123, 246).await }).await?;
    println!("{} {}", sum.ret, sum.c);
    tracer.flush().await;
    Ok(())
}
