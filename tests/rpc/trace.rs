//! The call chain: what is recorded, what is passed on, and that every beginning has its end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tars::codec::Writer;
use tars::protocol::{Log, LogClient, LogInfo, LogServer};
use tars::trace::{Annotation, FileSink, Flags, Line, LogSink, Sink, Trace, Tracer};
use tars::{Attributes, BoxFuture, Call, Communicator, Context, Error, Operation, Proxy, Request, Response, Result};
use tars::{Server, Service, SpawnLayer, TarsStruct, code};
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

/// A server `Test.Back` that answers what it is given, and a server `Test.Front` that asks it; both record into `memory`.
async fn chain(memory: &Memory) -> (TestServer, TestServer) {
    let back = Server::builder()
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
    let front = Server::builder()
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
    let builder = Server::builder()
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

/// `int Add(int a, int b, out int c)`.
enum Add {}

#[derive(Debug, TarsStruct)]
struct AddArgs {
    #[tars(tag = 1, require)]
    a: i32,
    #[tars(tag = 2, require)]
    b: i32,
}

#[derive(Debug, TarsStruct)]
struct AddReply {
    #[tars(tag = 0, require, name = "tars_ret")]
    ret: i32,
    #[tars(tag = 3, require)]
    c: i32,
}

impl Operation for Add {
    const NAME: &'static str = "Add";
    type Args = AddArgs;
    type Reply = AddReply;
    type Output = AddReply;

    fn into_output(reply: AddReply) -> AddReply {
        reply
    }

    fn into_reply(output: AddReply) -> AddReply {
        output
    }
}

/// Adds, or lets another add.
#[derive(Clone)]
struct Adder {
    next: Option<Proxy>,
}

impl Service<Request> for Adder {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let next = self.next.clone();
        Box::pin(async move {
            let (cx, AddArgs { a, b }) = request.open::<Add>()?;
            let reply = match next {
                Some(next) => add(&next, a, b).await?,
                None => AddReply { ret: 0, c: a + b },
            };
            cx.respond::<Add>(reply)
        })
    }
}

fn add(proxy: &Proxy, a: i32, b: i32) -> Call<AddReply> {
    let mut args = Writer::new();
    args.field(1, &a);
    args.field(2, &b);
    proxy.call::<Add>(args)
}

#[tokio::test]
async fn parameters_are_recorded_where_the_flags_want_them() {
    let memory = Memory::default();
    let back = Server::builder()
        .adapter(ANYWHERE, OBJECT, Adder { next: None })
        .tracer(memory.tracer("Trace.Back"));
    let back = TestServer::of(back).await;
    let next = traced(memory.tracer("Trace.Front")).proxy(&back.object()).unwrap();
    let front = Server::builder()
        .adapter(ANYWHERE, OBJECT, Adder { next: Some(next) })
        .tracer(memory.tracer("Trace.Front"));
    let front = TestServer::of(front).await;
    let proxy = traced(memory.tracer("Trace.Client")).proxy(&front.object()).unwrap();
    for bits in 0..16 {
        let flags = Flags::from_bits(bits);
        memory.lines.lock().unwrap().clear();
        let reply = Trace::root(flags, 1)
            .scope(async { add(&proxy, 1, 2).await })
            .await
            .unwrap();
        assert_eq!((reply.ret, reply.c), (0, 3));
        let lines = memory.lines(8 * (usize::from(bits) + 1)).await;
        assert_eq!(annotations(&lines), ["cs", "sr", "cs", "sr", "ss", "cr", "ss", "cr"]);
        for line in lines {
            let (flag, params) = match line.annotation {
                Annotation::Cs => (Flags::CS, r#"{"a":1,"b":2}"#),
                Annotation::Cr => (Flags::CR, r#"{"":0,"c":3}"#),
                Annotation::Sr => (Flags::SR, r#"{"a":1,"b":2}"#),
                _ => (Flags::SS, r#"{"":0,"c":3}"#),
            };
            let expected = if flags.contains(flag) { params } else { "" };
            assert_eq!(str::from_utf8(&line.params).unwrap(), expected, "{line}");
        }
    }
}

#[tokio::test]
async fn long_parameters_are_named_so() {
    const LONG: &str = r#"{"trace_param_over_max_len":true}"#;
    for (kilobytes, allowed, length, is_long) in [
        (1, 1, 1000, false),
        (1, 1, 1024, true),
        (2, 1, 1024, false),
        (1, 2, 1024, false),
        (2, 1, 2048, true),
    ] {
        let memory = Memory::default();
        let tracer = memory.tracer("Test.All").max_param_kb(allowed);
        let builder = Server::builder()
            .adapter(ANYWHERE, OBJECT, Servant::echo())
            .tracer(tracer.clone());
        let server = TestServer::of(builder).await;
        let proxy = traced(tracer).proxy(&server.object()).unwrap();
        let text = "x".repeat(length);
        Trace::root(Flags::ALL, kilobytes)
            .scope(async { echo(&proxy, &text).await })
            .await
            .unwrap();
        for line in memory.lines(4).await {
            assert_eq!(line.params == LONG, is_long, "{kilobytes} {allowed} {length}");
        }
    }
}

/// A log server that keeps what it is sent.
#[derive(Clone, Default)]
struct LogServant {
    batches: Arc<Mutex<Vec<(LogInfo, Vec<String>)>>>,
}

impl Log for LogServant {
    async fn logger(&self, _: &mut Context, _: String, _: String, _: String, _: String, _: Vec<String>) -> Result<()> {
        Err(Error::new(1, "not the operation that traces are sent with"))
    }

    async fn loggerby_info(&self, cx: &mut Context, info: LogInfo, buffer: Vec<String>) -> Result<()> {
        assert!(Context::current().trace().is_none() && cx.status().is_empty());
        self.batches.lock().unwrap().push((info, buffer));
        Ok(())
    }
}

#[tokio::test]
async fn lines_reach_the_log_server() {
    let servant = LogServant::default();
    let batches = Arc::clone(&servant.batches);
    let server = TestServer::start(LogServer::new(servant)).await;
    // The log's own calls are made with the tracer that they serve, and inside a chain.
    let memory = Memory::default();
    let log = traced(memory.tracer("Test.App"))
        .client::<LogClient>(&server.object())
        .unwrap();
    let (tracer, back) = Trace::root(Flags::ALL, 1)
        .scope(async {
            (
                Tracer::new("Test.App", LogSink::new(log, "Test.App").unwrap()),
                TestServer::start(Servant::echo()).await,
            )
        })
        .await;
    let proxy = traced(tracer.clone()).proxy(&back.object()).unwrap();
    Trace::root(Flags::ALL, 1)
        .scope(async {
            echo(&proxy, "x").await.unwrap();
            tracer.flush().await;
            for _ in 0..2500 {
                echo(&proxy, "y").one_way().await.unwrap();
            }
            echo(&proxy, "y").timeout(Duration::ZERO).await.unwrap_err();
        })
        .await;
    tracer.flush().await;
    let batches = batches.lock().unwrap().clone();
    let sizes: Vec<_> = batches.iter().map(|(_, lines)| lines.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 2 + 2500 + 2, "{sizes:?}");
    assert!(sizes[0] == 2 && sizes.iter().all(|&size| size <= 2000), "{sizes:?}");
    let (info, lines) = &batches[0];
    let expected = LogInfo {
        appname: "Test".to_owned(),
        servername: "App".to_owned(),
        s_filename: "_t_trace_".to_owned(),
        s_format: "%Y%m%d".to_owned(),
        b_has_sufix: true,
        b_has_app_name_prefix: true,
        s_concat_str: "_".to_owned(),
        s_separ: "|".to_owned(),
        ..LogInfo::default()
    };
    assert_eq!(*info, expected);
    assert!(
        lines[0].contains("|cs|Test.App|") && lines[1].contains("|cr|Test.App|"),
        "{lines:?}"
    );
    // The log server finds the end of a line by this, so the text of an error is left out.
    assert!(
        batches
            .iter()
            .flat_map(|(_, lines)| lines)
            .all(|line| line.ends_with("|\n"))
    );
    assert_eq!((tracer.dropped(), memory.lines(0).await.len()), (0, 0));
}

#[tokio::test]
async fn lines_that_cannot_be_sent_are_counted() {
    let server = RawServer::start().await;
    let log = Communicator::new().client::<LogClient>(&server.object()).unwrap();
    drop(server);
    let sink = LogSink::new(log, "Test.App").unwrap();
    let tracer = Tracer::new("Test.App", sink);
    let back = TestServer::start(Servant::echo()).await;
    let proxy = traced(tracer.clone()).proxy(&back.object()).unwrap();
    Trace::root(Flags::ALL, 1)
        .scope(async { echo(&proxy, "x").await })
        .await
        .unwrap();
    tracer.flush().await;
    assert_eq!(tracer.dropped(), 2);
}

#[tokio::test]
async fn lines_reach_a_file() {
    let path = std::env::temp_dir().join(format!(
        "tars-trace-{}-{}",
        std::process::id(),
        Trace::root(Flags::ALL, 1).id()
    ));
    for round in 1..=2 {
        let tracer = Tracer::new("Test.App", FileSink::open(&path).unwrap());
        let builder = Server::builder()
            .adapter(ANYWHERE, OBJECT, Servant::echo())
            .tracer(tracer);
        let server = TestServer::of(builder).await;
        echo(&server.proxy(), "x")
            .status("STATUS_TRACE_KEY", "f-ab|s")
            .await
            .unwrap();
        // A server that ends has written its lines.
        server.stopped().await;
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2 * round);
        assert!(lines[0].starts_with("f-ab|s|*|sr||Test.App|echo|"));
        assert!(lines[0].ends_with("|0|eyJ0ZXh0IjoieCJ9|"), "{}", lines[0]);
        assert!(lines[1].ends_with("|0|eyIiOiJ4In0=|"), "{}", lines[1]);
    }
    std::fs::remove_file(&path).unwrap();
    let missing = path.join("no").join("where");
    let error = FileSink::open(&missing).unwrap_err();
    assert!(
        error
            .message()
            .starts_with(&format!("cannot open `{}` for the trace: ", missing.display())),
        "{error}"
    );
}
