//! The way of a chain through calls, tasks and servers.

use std::collections::BTreeMap;

use tars::codec::Writer;
use tars::trace::{Annotation, Flags, Line, Trace};
use tars::{Attributes, Context, Layer, Request, Service, SpawnLayer};

use super::{KEY, Memory, annotations, chain, traced};
use crate::common::{Echo, OBJECT, RawServer, Servant, TestServer, echo};
use crate::fakes::{QueryRegistry, active};

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
async fn what_the_framework_asks_in_the_course_of_a_call_is_no_part_of_its_chain() {
    let memory = Memory::default();
    let server = TestServer::start(Servant::echo()).await;
    let registry = QueryRegistry::start(active(&[&server.endpoints[0]])).await;
    let comm = registry.builder().tracer(memory.tracer("Test.Client")).build();
    let call = async { echo(&comm.proxy(OBJECT).unwrap(), "x").await };
    Trace::root(Flags::ALL, 1).scope(call).await.unwrap();
    registry.looked_up(1).await;
    assert_eq!(annotations(&memory.lines(2).await), ["cs", "cr"]);
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
async fn a_one_way_call_ends_at_its_client_when_it_is_sent() {
    let memory = Memory::default();
    let (front, _back) = chain(&memory).await;
    let proxy = traced(memory.tracer("Test.Client")).proxy(&front.object()).unwrap();
    Trace::root(Flags::NONE, 1)
        .scope(async { echo(&proxy, "x").one_way().await })
        .await
        .unwrap();
    let lines = memory.lines(8).await;
    let (own, others): (Vec<Line>, Vec<Line>) = lines.into_iter().partition(|line| line.client == "Test.Client");
    assert_eq!(annotations(&own), ["cs", "cr"]);
    assert_eq!((own[0].span.as_str(), own[1].ret), (own[1].span.as_str(), 0));
    assert_eq!(annotations(&others), ["sr", "cs", "sr", "ss", "cr", "ss"]);
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
