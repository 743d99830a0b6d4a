//! A peer that does not read its answers must not fill the server's memory. A binary of its own, because the peak is
//! the whole process's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{ANYWHERE, Echo, OBJECT, Servant, TestServer, echo_request, framed};
use peak_alloc::PeakAlloc;
use tars::Server;
use tokio::sync::watch;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// 5000 small requests for 64 KiB each are 312 MiB of answers.
const CALLS: i32 = 5000;
const ANSWER: usize = 64 * 1024;

#[tokio::test]
async fn answers_that_nobody_reads_stop_the_server_from_reading() {
    let begun = watch::Sender::new(0);
    let servant = Servant::new({
        let begun = begun.clone();
        move |cx, _| {
            begun.send_modify(|count| *count += 1);
            async move { cx.respond::<Echo>("x".repeat(ANSWER)) }
        }
    });
    let server = TestServer::of(Server::builder().adapter(ANYWHERE, OBJECT, servant)).await;
    let mut raw = server.raw().await;
    let requests: Vec<u8> = (1..=CALLS).flat_map(|id| framed(&echo_request(id, ""))).collect();
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    raw.send(&requests).await;
    // Far more than the socket and the limit hold is asked for; the server has worked up to its limit when this many
    // calls have begun, and only the reading below lets it go on.
    begun.subscribe().wait_for(|count| *count >= 64).await.unwrap();
    for _ in 0..CALLS {
        assert!(raw.response().await.unwrap().s_buffer.len() > ANSWER);
    }
    let peak = ALLOCATOR.peak_usage() - before;
    assert!(peak < 16 * 1024 * 1024, "peak of {peak} bytes");
}
