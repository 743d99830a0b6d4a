//! A server whose calls end only when it is told to end: `gate-server CALLS` says when so many calls wait in it.
#![allow(clippy::print_stdout, reason = "the test reads it")]

use std::sync::atomic::{AtomicUsize, Ordering};

use tars_system_tests::gates::{Gate, GateServer};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

struct Closed {
    expected: usize,
    waiting: AtomicUsize,
    opened: CancellationToken,
}

impl Gate for Closed {
    async fn pass(&self, _cx: &mut tars::Context, number: i32) -> tars::Result<i32> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) + 1 == self.expected {
            println!("{} calls wait", self.expected);
        }
        self.opened.cancelled().await;
        Ok(number)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let expected = std::env::args().nth(1).ok_or("usage: gate-server CALLS")?.parse()?;
    let opened = CancellationToken::new();
    let gate = Closed {
        expected,
        waiting: AtomicUsize::new(0),
        opened: opened.clone(),
    };
    let server = tars::Server::builder()
        .adapter(
            "tcp -h 127.0.0.1 -p 0",
            "Gates.GateServer.GateObj",
            GateServer::new(gate),
        )
        .max_calls_per_connection(expected)
        .bind()
        .await?;
    println!("listening at {}", server.local_endpoints()[0]);
    let mut terminate = signal(SignalKind::terminate())?;
    server
        .serve_with_shutdown(async {
            terminate.recv().await;
            opened.cancel();
        })
        .await?;
    println!("ended");
    Ok(())
}
