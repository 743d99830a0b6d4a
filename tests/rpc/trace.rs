//! The call chain: what is recorded, what is passed on, and that every beginning has its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tars::codec::Writer;
use tars::trace::{Annotation, Flags, Line, Sink, Trace, Tracer};
use tars::{Attributes, BoxFuture, Communicator, Context, Error, Proxy, Request, Response, Result};
use tars::{Server, ServerBuilder, Service, SpawnLayer, code};
use tokio::sync::watch;
use tower::Layer;
use tower::timeout::TimeoutLayer;

use crate::common::{
    ANYWHERE, Echo, Gate, OBJECT, RawServer, Servant, TestServer, echo, echo_request, echo_response, framed, request,
};

/// Keeps lines.
#[derive(Clone, Default)]
struct Memory {
    lines: Arc<Mutex<Vec<Line>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Sink for Memory {
    fn record(&self, line: Line) {
        self.lines.lock().unwrap().push(line);
        self.count.send_modify(|count| *count += 1);
    }
}

impl Memory {
    fn tracer(&self, module: &str) -> Tracer {
        Tracer::new(module, self.clone())
    }

    /// What was recorded, at least `count` lines.
    async fn lines(&self, count: usize) -> Vec<Line> {
        let enough = async { drop(self.count.subscribe().wait_for(|have| *have >= count).await.unwrap()) };
        if tokio::time::timeout(Duration::from_secs(10), enough).await.is_err() {
            panic!("{count} lines expected, there are {:#?}", self.lines.lock().unwrap());
        }
        self.lines.lock().unwrap().clone()
    }

    /// Annotation, return code and error of each line.
    async fn ends(&self, count: usize) -> Vec<(&'static str, i32, String)> {
        let lines = self.lines(count).await;
        assert_eq!(lines.len(), count, "{lines:#?}");
        lines
            .into_iter()
            .map(|line| (line.annotation.as_str(), line.ret, line.error))
            .collect()
    }
}

fn annotations(lines: &[Line]) -> Vec<&'static str> {
    lines.iter().map(|line| line.annotation.as_str()).collect()
}

fn end(annotation: &'static str, ret: i32, error: &str) -> (&'static str, i32, String) {
    (annotation, ret, error.to_owned())
}

/// A communicator whose calls are recorded.
fn traced(tracer: Tracer) -> Communicator {
    Communicator::builder().tracer(tracer).build()
}

fn front() -> ServerBuilder {
    Server::builder()
}

/// A server `Test.Back` that answers what it is given, and a server `Test.Front` that asks it; both record into `memory`.
async fn chain(memory: &Memory) -> (TestServer, TestServer) {
    let back = front()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .tracer(memory.tracer("Test.Back"));
    let back = TestServer::of(back).await;
    let proxy = traced(memory.tracer("Test.Front")).proxy(&back.object()).unwrap();
    let forward = Servant::new(move |cx, text| {
        let proxy = proxy.clone();
        async move {
            let answer = echo(&proxy, &text).await?;
            cx.respond::<Echo>(answer)
        }
    });
    let front = front()
        .adapter(ANYWHERE, OBJECT, forward)
        .tracer(memory.tracer("Test.Front"));
    (TestServer::of(front).await, back)
}

/// A key as a gateway sends it.
const KEY: &str = "0-00112233445566778899aabbccddeeff|1122334455667788";

#[tokio::test]
async fn two_hops_are_six_lines() {
    let memory = Memory::default();
    let (front, _back) = chain(&memory).await;
    let answer = echo(&front.proxy(), "hello")
        .status("STATUS_TRACE_KEY", KEY)
        .await
        .unwrap();
    assert_eq!(answer, "hello");
    let lines = memory.lines(6).await;
    assert_eq!(annotations(&lines), ["sr", "cs", "sr", "ss", "cr", "ss"]);
    let span = lines[1].span.clone();
    assert_eq!(span.len(), 16);
    for line in &lines {
        let (at, module) = match line.annotation {
            Annotation::Cs | Annotation::Cr => ((&*span, "1122334455667788"), ("Test.Front", OBJECT)),
            _ if line.server == "Test.Front" => (("1122334455667788", "*"), ("", "Test.Front")),
            _ => ((&*span, "*"), ("", "Test.Back")),
        };
        assert_eq!((&*line.span, &*line.parent), at);
        assert_eq!((&*line.client, &*line.server), module);
        assert_eq!(line.trace_id, "0-00112233445566778899aabbccddeeff");
        assert_eq!(
            (&*line.function, line.ret, &*line.error, &*line.params),
            ("echo", 0, "", &b""[..])
        );
    }
    assert!(lines.is_sorted_by_key(|line| line.unix_ms));
}

#[tokio::test]
async fn a_gateway_begins_a_chain_with_its_call() {
    let memory = Memory::default();
    let (front, _back) = chain(&memory).await;
    let comm = traced(memory.tracer("Test.Gateway").gateway());
    let proxy = comm.proxy(&front.object()).unwrap();
    let root = Trace::root(Flags::NONE, 1);
    let (id, span) = (root.id().to_owned(), root.span().to_owned());
    root.scope(async { echo(&proxy, "x").await }).await.unwrap();
    let lines = memory.lines(8).await;
    assert_eq!(annotations(&lines), ["ts", "sr", "cs", "sr", "ss", "cr", "ss", "te"]);
    assert!(lines.iter().all(|line| line.trace_id == format!("0-{id}")));
    for line in [&lines[0], &lines[7]] {
        assert_eq!((&*line.span, &*line.parent), (&*span, &*span));
        assert_eq!((&*line.client, &*line.server), ("Test.Gateway", OBJECT));
    }
    assert_eq!(lines[1].span, span);
    assert_eq!((&lines[2].parent, &lines[3].span), (&span, &lines[2].span));
}

#[tokio::test]
async fn a_call_outside_of_a_chain_and_a_ping_leave_no_line() {
    let memory = Memory::default();
    let (front, _back) = chain(&memory).await;
    let proxy = traced(memory.tracer("Test.Client")).proxy(&front.object()).unwrap();
    echo(&proxy, "x").await.unwrap();
    Trace::root(Flags::ALL, 1)
        .scope(async { proxy.ping().await })
        .await
        .unwrap();
    proxy.ping().status("STATUS_TRACE_KEY", KEY).await.unwrap();
    for key in ["", "f-|s", "f-a\nb|s", "f-ab", &format!("f-{}|s", "a".repeat(5000))] {
        echo(&proxy, "x").status("STATUS_TRACE_KEY", key).await.unwrap();
    }
    assert_eq!(memory.lines(0).await, []);
}

#[tokio::test]
async fn what_is_sent_says_the_chain_in_both_forms() {
    let server = RawServer::start().await;
    // No tracer: the chain is passed on all the same.
    let proxy = server.proxy();
    let root = Trace::root(Flags::ALL, 2);
    let (key, traceparent) = (root.key(), root.traceparent());
    let mut raw = None;
    let mut packets = Vec::new();
    root.scope(async {
        for _ in 0..2 {
            echo(&proxy, "x").one_way().await.unwrap();
            let peer = match raw.take() {
                Some(raw) => raw,
                None => server.accept().await,
            };
            let peer = raw.insert(peer);
            packets.push(peer.request().await.unwrap());
        }
    })
    .await;
    assert_eq!(packets[0].i_message_type, 0x100);
    let status: BTreeMap<&str, &str> = texts(&packets[0].status);
    let expected = [
        ("STATUS_TRACE_KEY", &*key),
        ("traceparent", &traceparent),
        ("tracestate", "tars=f.2"),
    ];
    assert_eq!(status, BTreeMap::from(expected));
    // The second call has a span of its own in the same chain.
    let second = Trace::from_key(texts(&packets[1].status)["STATUS_TRACE_KEY"]).unwrap();
    let first = Trace::from_key(&key).unwrap();
    assert_eq!(second.id(), first.id());
    assert_ne!(second.span(), first.span());
}

fn texts(status: &Attributes) -> BTreeMap<&str, &str> {
    status
        .iter()
        .map(|(key, value)| (key.to_str().unwrap(), value.to_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_server_without_a_tracer_passes_the_chain_on() {
    let end = RawServer::start().await;
    for (status, message_type, expected) in [
        (
            [("STATUS_TRACE_KEY", KEY), ("user", "7")],
            0x100,
            "0-00112233445566778899aabbccddeeff",
        ),
        (
            [
                ("traceparent", "00-00112233445566778899aabbccddeeff-1122334455667788-01"),
                ("tracestate", "tars=3.4"),
            ],
            0x100,
            "3.4-00112233445566778899aabbccddeeff",
        ),
        (
            [
                ("traceparent", "00-00112233445566778899aabbccddeeff-1122334455667788-00"),
                ("a", "b"),
            ],
            0,
            "",
        ),
    ] {
        let proxy = end.proxy();
        let middle = TestServer::start(Servant::new(move |cx, text| {
            let proxy = proxy.clone();
            async move {
                echo(&proxy, &text).one_way().await?;
                cx.respond::<Echo>(Context::current().trace().unwrap().key())
            }
        }))
        .await;
        let proxy = middle.proxy();
        let call = status
            .iter()
            .fold(echo(&proxy, "x"), |call, &(key, value)| call.status(key, value));
        let (answer, mut raw) = tokio::join!(call, end.accept());
        assert!(
            answer
                .unwrap()
                .ends_with("00112233445566778899aabbccddeeff|1122334455667788")
        );
        let packet = raw.request().await.unwrap();
        assert_eq!(packet.i_message_type, message_type);
        let status = texts(&packet.status);
        let key = status.get("STATUS_TRACE_KEY").copied().unwrap_or_default();
        let (id, span) = key.split_once('|').unwrap_or_default();
        assert_eq!(id, expected);
        assert_ne!(span, "1122334455667788");
        assert!(status["traceparent"].starts_with("00-00112233445566778899aabbccddeeff-"));
        assert!(status["traceparent"].ends_with(if message_type == 0 { "-00" } else { "-01" }));
        // What else the request carried is nobody else's business.
        assert!(!status.contains_key("user"));
    }
}

#[tokio::test]
async fn chains_that_run_in_one_task_stay_apart() {
    let memory = Memory::default();
    let (front, _back) = chain(&memory).await;
    let proxy = traced(memory.tracer("Test.Client")).proxy(&front.object()).unwrap();
    let run = |root: Trace| {
        let proxy = proxy.clone();
        root.scope(async move {
            for number in 0..10 {
                echo(&proxy, &number.to_string()).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    let roots = [Trace::root(Flags::NONE, 1), Trace::root(Flags::NONE, 1)];
    tokio::join!(run(roots[0].clone()), run(roots[1].clone()));
    let lines = memory.lines(2 * 10 * 8).await;
    for root in roots {
        let own: Vec<_> = lines.iter().filter(|line| line.trace_id.ends_with(root.id())).collect();
        assert_eq!(own.len(), 80);
        let parents: BTreeMap<_, _> = own
            .iter()
            .filter(|line| line.parent != "*")
            .map(|line| (&*line.span, &*line.parent))
            .collect();
        // Each server's lines are of a client's span, and each span leads to the root.
        for line in own {
            let mut span = &*line.span;
            for _ in 0..4 {
                span = parents[span];
            }
            assert_eq!(span, root.span());
        }
    }
}

#[tokio::test]
async fn a_spawned_task_continues_the_chain_in_the_scope_of_the_call() {
    let memory = Memory::default();
    let back = TestServer::start(Servant::echo()).await;
    let proxy = traced(memory.tracer("Test.Front")).proxy(&back.object()).unwrap();
    let front = Servant::new(move |cx, text| {
        let proxy = proxy.clone();
        async move {
            let lost = echo(&proxy, "outside");
            let in_scope = Context::current().scope(async move { echo(&proxy, &text).await });
            let answer = tokio::spawn(in_scope).await.unwrap()?;
            // A call belongs to the chain it is made in, wherever it is awaited.
            tokio::spawn(lost.into_future()).await.unwrap()?;
            cx.respond::<Echo>(answer)
        }
    });
    for front in [
        TestServer::start(front.clone()).await,
        TestServer::start(SpawnLayer::new().layer(front)).await,
    ] {
        echo(&front.proxy(), "x").status("STATUS_TRACE_KEY", KEY).await.unwrap();
    }
    let lines = memory.lines(8).await;
    assert_eq!(annotations(&lines), ["cs", "cr", "cs", "cr", "cs", "cr", "cs", "cr"]);
    assert!(lines.iter().all(|line| line.parent == "1122334455667788"));
}

#[tokio::test]
async fn a_call_made_outside_of_the_scope_it_is_awaited_in_belongs_to_it() {
    let memory = Memory::default();
    let back = TestServer::start(Servant::echo()).await;
    let proxy = traced(memory.tracer("Test.Front")).proxy(&back.object()).unwrap();
    let root = Trace::root(Flags::NONE, 1);
    root.clone().scope(echo(&proxy, "x").into_future()).await.unwrap();
    assert_eq!(memory.lines(2).await[0].span, root.span());
}

#[tokio::test]
async fn a_one_way_call_has_no_end_at_its_client() {
    let memory = Memory::default();
    let (front, _back) = chain(&memory).await;
    let proxy = traced(memory.tracer("Test.Client")).proxy(&front.object()).unwrap();
    Trace::root(Flags::NONE, 1)
        .scope(async { echo(&proxy, "x").one_way().await })
        .await
        .unwrap();
    let lines = memory.lines(7).await;
    assert_eq!(annotations(&lines), ["cs", "sr", "cs", "sr", "ss", "cr", "ss"]);
}

/// A servant that fails in every way.
#[derive(Clone)]
struct Failing;

impl Service<Request> for Failing {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
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
    let builder = front()
        .adapter(ANYWHERE, OBJECT, Failing)
        .tracer(memory.tracer("Test.Failing"));
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let mut call = async |function: &str, change: fn(&mut tars::protocol::RequestPacket)| {
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
async fn a_call_that_is_given_up_at_shutdown_has_its_end() {
    let memory = Memory::default();
    let gate = Gate::new();
    let builder = front()
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
        let call = echo(&proxy, "x").timeout(Duration::from_millis(50)).into_future();
        let (answer, _raw) = tokio::join!(call, server.accept());
        assert_eq!(answer.unwrap_err().code(), code::INVOKE_TIMEOUT);
    })
    .await;
    assert_eq!((&late[0], late[1].0, late[1].1), (&begin, "cr", -7));
    assert!(late[1].2.contains("no answer from"), "{}", late[1].2);

    let refused = client_ends(|proxy, server| async move {
        drop(server);
        echo(&proxy, "x").await.unwrap_err();
    })
    .await;
    assert_eq!((&refused[0], refused[1].0, refused[1].1), (&begin, "cr", -8));
    assert!(refused[1].2.contains("cannot connect to"), "{}", refused[1].2);
}

#[tokio::test]
async fn answers_that_are_errors_or_unreadable_are_recorded() {
    let begin = end("cs", 0, "");
    let answered = |change: fn(&mut tars::protocol::ResponsePacket)| {
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

#[tokio::test]
async fn a_request_that_is_sent_again_has_a_span_of_its_own() {
    let memory = Memory::default();
    let back = TestServer::start(Servant::echo()).await;
    let mut proxy = traced(memory.tracer("Test.Front")).proxy(&back.object()).unwrap();
    let mut args = Writer::new();
    args.field(1, "x");
    let body = args.finish().unwrap();
    Trace::root(Flags::NONE, 1)
        .scope(async {
            let request = Request::new("echo", body);
            let response = Service::call(&mut proxy, request.clone()).await.unwrap();
            // A copy of an answer does not end the call twice.
            drop(response.clone());
            drop(response);
            Service::call(&mut proxy, request).await.unwrap();
        })
        .await;
    let lines = memory.lines(4).await;
    assert_eq!(annotations(&lines), ["cs", "cr", "cs", "cr"]);
    assert_eq!(lines[0].span, lines[1].span);
    assert_eq!((&lines[2].parent, &lines[3].parent), (&lines[0].span, &lines[0].span));
    assert_ne!(lines[2].span, lines[0].span);
}
