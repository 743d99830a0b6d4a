//! Calls that fail: every beginning has its end.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tars::protocol::{RequestPacket, ResponsePacket};
use tars::trace::{Flags, Line, Sink, Trace, Tracer};
use tars::{BoxFuture, Error, Proxy, Request, Response, Result, Server, Service, code};
use tower::timeout::TimeoutLayer;

use super::{KEY, Memory, end, traced};
use crate::common::{
    ANYWHERE, Echo, Gate, OBJECT, RawServer, Servant, TestServer, echo, echo_request, echo_response, framed, request,
};

/// A servant that fails in every way.
#[derive(Clone)]
struct Failing;

impl Service<Request> for Failing {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert_ne!(request.function(), "panic");
        Box::pin(async move {
            match request.function() {
                "late" => {
                    tokio::task::yield_now().await;
                    panic!("late");
                }
                "odd" => Err(Error::new(0, "a code\nthat says |success|")),
                "echo" => {
                    let (cx, args) = request.open::<Echo>()?;
                    cx.respond::<Echo>(args.text)
                }
                _ => Err(request.unknown_function()),
            }
        })
    }
}

#[tokio::test]
async fn failures_at_a_server_are_recorded() {
    let memory = Memory::default();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Failing)
        .tracer(memory.tracer("Test.Failing"));
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let mut call = async |function: &str, change: fn(&mut RequestPacket)| {
        let mut packet = request(1, function, Vec::new());
        packet.status.insert("STATUS_TRACE_KEY".into(), "f-ab|s".into());
        change(&mut packet);
        let before = memory.lines(0).await.len();
        raw.send(&framed(&packet)).await;
        let answer = raw.response().await.unwrap();
        let ends = memory.ends(before + 2).await;
        (answer.i_ret, ends[before].clone(), ends[before + 1].clone())
    };
    let begin = end("sr", 0, "");
    for (function, code, text) in [
        ("nothing", -3, "`TestApp.EchoServer.EchoObj` has no function `nothing`"),
        ("panic", -99, "the servant panicked"),
        ("late", -99, "the servant panicked"),
        ("odd", -99, "a code that says  success "),
    ] {
        assert_eq!(
            call(function, |_| ()).await,
            (code, begin.clone(), end("ss", code, text)),
            "{function}"
        );
    }
    let (code, first, last) = call("echo", |_| ()).await;
    assert_eq!((code, first, last.0, last.1), (-1, begin.clone(), "ss", -1));
    assert!(
        last.2.starts_with("parameters of TestApp.EchoServer.EchoObj.echo: "),
        "{}",
        last.2
    );
    let (code, first, last) = call("echo", |packet| packet.s_servant_name = "A.B.C".to_owned()).await;
    assert_eq!((code, first, last.0, last.1), (-4, begin, "ss", -4));
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_recorded_as_the_error_it_becomes() {
    let memory = Memory::default();
    let builder = Server::builder()
        .adapter(
            ANYWHERE,
            OBJECT,
            Servant::new(|cx, _| async move { cx.respond::<Echo>("x".repeat(5000)) }),
        )
        .max_frame_bytes(1024)
        .tracer(memory.tracer("Test.Long"));
    let server = TestServer::of(builder).await;
    let proxy = traced(memory.tracer("Test.Client")).proxy(&server.object()).unwrap();
    let call = async { echo(&proxy, "x").await };
    Trace::root(Flags::NONE, 1).scope(call).await.unwrap_err();
    let ends = memory.ends(4).await;
    assert!(ends[2].2.starts_with("an answer of "), "{ends:?}");
    assert_eq!(
        (ends[2].1, ends[3].1),
        (code::SERVER_ENCODE_ERR, code::SERVER_ENCODE_ERR)
    );
}

#[tokio::test]
async fn a_call_that_is_given_up_at_shutdown_has_its_end() {
    let memory = Memory::default();
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .tracer(memory.tracer("Test.Gated"))
        .shutdown_grace(Duration::ZERO);
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let mut packet = echo_request(1, "x");
    packet.status.insert("STATUS_TRACE_KEY".into(), KEY.into());
    raw.send(&framed(&packet)).await;
    gate.entered(1).await;
    server.stopped().await;
    let given_up = end("ss", -99, "the call was given up before it ended");
    assert_eq!(memory.ends(2).await, [end("sr", 0, ""), given_up]);
}

/// Notes in which order lines come and are asked to be written.
#[derive(Clone, Default)]
struct Order {
    events: Arc<Mutex<Vec<&'static str>>>,
}

impl Sink for Order {
    fn record(&self, line: Line) {
        self.events.lock().unwrap().push(line.annotation.as_str());
    }

    fn flush(&self) -> BoxFuture<()> {
        self.events.lock().unwrap().push("flush");
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn a_server_writes_its_lines_when_no_call_can_add_to_them() {
    let sink = Order::default();
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .tracer(Tracer::new("Test.Gated", sink.clone()))
        .shutdown_grace(Duration::from_millis(10));
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let mut packet = echo_request(1, "x");
    packet.status.insert("STATUS_TRACE_KEY".into(), KEY.into());
    raw.send(&framed(&packet)).await;
    gate.entered(1).await;
    server.stopped().await;
    assert_eq!(*sink.events.lock().unwrap(), ["sr", "ss", "flush"]);
}

/// Runs a call of a raw server within a chain and tells the client's lines.
async fn client_ends<F>(exchange: impl FnOnce(Proxy, RawServer) -> F) -> Vec<(&'static str, i32, String)>
where
    F: Future<Output = ()>,
{
    let memory = Memory::default();
    let server = RawServer::start().await;
    let proxy = traced(memory.tracer("Test.Client")).proxy(&server.object()).unwrap();
    Trace::root(Flags::ALL, 1).scope(exchange(proxy, server)).await;
    memory.ends(2).await
}

#[tokio::test]
async fn failures_at_a_client_are_recorded() {
    let begin = end("cs", 0, "");
    let given_up = end("cr", -7, "the call was given up before its answer came");

    let dropped = client_ends(|proxy, server| async move {
        let call = async { drop(echo(&proxy, "x").await) };
        tokio::select! {
            () = call => panic!("nobody answers"),
            _ = async { server.accept().await.request().await } => {}
        }
    });
    assert_eq!(dropped.await, [begin.clone(), given_up.clone()]);

    let elapsed = client_ends(|proxy, server| async move {
        let proxy = proxy.layer(TimeoutLayer::new(Duration::from_millis(20)));
        echo(&proxy, "x").await.unwrap_err();
        drop(server);
    });
    assert_eq!(elapsed.await, [begin.clone(), given_up]);

    let late = client_ends(|proxy, server| async move {
        // The call that connects is no part of the chain: a task of its own does not inherit it.
        let connecting = proxy.clone();
        let raw = tokio::spawn(async move { server.connected(&connecting).await });
        let _raw = raw.await.unwrap();
        let answer = echo(&proxy, "x").timeout(Duration::from_millis(50)).await;
        assert_eq!(answer.unwrap_err().code(), code::INVOKE_TIMEOUT);
    })
    .await;
    assert_eq!((&late[0], late[1].0, late[1].1), (&begin, "cr", -7));
    assert!(late[1].2.contains("no answer from"), "{}", late[1].2);

    let refused = client_ends(|proxy, server| async move {
        let _place = server.closed();
        echo(&proxy, "x").await.unwrap_err();
    })
    .await;
    assert_eq!((&refused[0], refused[1].0, refused[1].1), (&begin, "cr", -8));
    assert!(refused[1].2.contains("cannot connect to"), "{}", refused[1].2);
}

#[tokio::test]
async fn one_way_calls_that_are_not_sent_are_recorded() {
    let begin = end("cs", 0, "");
    let refused = client_ends(|proxy, server| async move {
        let _place = server.closed();
        echo(&proxy, "x").one_way().await.unwrap_err();
    })
    .await;
    assert_eq!((&refused[0], refused[1].0, refused[1].1), (&begin, "cr", -8));

    let dropped = client_ends(|proxy, _server| async move {
        let mut call = pin!(echo(&proxy, "x").one_way().into_future());
        let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    });
    let given_up = end("cr", -7, "the call was given up before it was sent");
    assert_eq!(dropped.await, [begin, given_up]);
}

#[tokio::test]
async fn answers_that_are_errors_or_unreadable_are_recorded() {
    let begin = end("cs", 0, "");
    let answered = |change: fn(&mut ResponsePacket)| {
        client_ends(move |proxy, server| async move {
            let answer = async {
                let mut raw = server.accept().await;
                let mut packet = echo_response(raw.request().await.unwrap().i_request_id, "x");
                change(&mut packet);
                raw.send(&framed(&packet)).await;
            };
            let (answer, ()) = tokio::join!(echo(&proxy, "x"), answer);
            drop(answer);
        })
    };
    let failed = answered(|packet| {
        packet.i_ret = 1001;
        packet.s_result_desc = "no such|user\n".into();
    });
    assert_eq!(failed.await, [begin.clone(), end("cr", 1001, "no such user ")]);
    let unreadable = answered(|packet| packet.s_buffer = vec![0xff].into()).await;
    assert_eq!(
        (&unreadable[0], unreadable[1].0, unreadable[1].1),
        (&begin, "cr", code::CLIENT_DECODE_ERR)
    );
    assert_eq!(answered(|_| ()).await, [begin, end("cr", 0, "")]);
}
