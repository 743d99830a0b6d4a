//! What a peer asks for must not fill the server's memory. A binary of its own, because the peak is the whole process's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{ANYWHERE, Echo, OBJECT, Servant, TestServer, echo_request, framed, request};
use peak_alloc::PeakAlloc;
use tars::bytes::Bytes;
use tars::{BoxFuture, Error, Operation, Request, Response, Result, Server, Service, TarsStruct};
use tokio::sync::{Mutex, watch};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// 5000 small requests for 64 KiB each are 312 MiB of answers.
const CALLS: i32 = 5000;
const ANSWER: usize = 64 * 1024;

/// One test at a time: the memory is everybody's.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test]
async fn answers_that_nobody_reads_stop_the_server_from_reading() {
    let _alone = ALONE.lock().await;
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

/// An operation with many `out` parameters.
enum Wide {}

#[derive(Debug, TarsStruct)]
struct WideArgs {}

#[derive(Debug, TarsStruct)]
struct WideReply {
    #[tars(tag = 1, require)]
    a: Bytes,
    #[tars(tag = 2, require)]
    b: Bytes,
    #[tars(tag = 3, require)]
    c: Bytes,
    #[tars(tag = 4, require)]
    d: Bytes,
    #[tars(tag = 5, require)]
    e: Bytes,
    #[tars(tag = 6, require)]
    f: Bytes,
    #[tars(tag = 7, require)]
    g: Bytes,
    #[tars(tag = 8, require)]
    h: Bytes,
}

impl Operation for Wide {
    const NAME: &'static str = "wide";
    type Args = WideArgs;
    type Reply = WideReply;
    type Output = WideReply;

    fn into_output(reply: WideReply) -> WideReply {
        reply
    }

    fn into_reply(output: WideReply) -> WideReply {
        output
    }
}

#[derive(Clone)]
struct WideServant;

impl Service<Request> for WideServant {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(async move {
            let (cx, _) = request.open::<Wide>()?;
            let long = || Bytes::from(vec![7; LONG]);
            let short = || Bytes::from_static(b"short");
            cx.respond::<Wide>(WideReply {
                a: long(),
                b: short(),
                c: short(),
                d: short(),
                e: short(),
                f: short(),
                g: short(),
                h: short(),
            })
        })
    }
}

const LONG: usize = 5 * 1024 * 1024;

#[tokio::test]
async fn an_answer_in_tup_takes_no_more_for_its_many_parameters() {
    let _alone = ALONE.lock().await;
    let server = TestServer::of(Server::builder().adapter(ANYWHERE, OBJECT, WideServant)).await;
    let mut raw = server.raw().await;
    let mut packet = request(1, "wide", Vec::new());
    packet.i_version = 3;
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    raw.send(&framed(&packet)).await;
    let answer = raw.frame().await.unwrap();
    let peak = ALLOCATOR.peak_usage() - before;
    assert!(answer.len() > LONG);
    // The value, its plain form, the body, the packet, and what was received here; buffers double as they grow.
    assert!(peak < 7 * LONG, "peak of {peak} bytes");
}
