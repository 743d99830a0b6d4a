//! Parameters in lines.

use tars::codec::Writer;
use tars::trace::{Annotation, Flags, Trace};
use tars::{BoxFuture, Call, Error, Operation, Proxy, Request, Response, Result, Server, Service, TarsStruct};

use super::{Memory, annotations, traced};
use crate::common::{ANYWHERE, OBJECT, Servant, TestServer, echo};

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

/// Answers the body that it is given.
#[derive(Clone)]
struct Mirror;

impl Service<Request> for Mirror {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let body = request.body().to_vec();
        Box::pin(async { Ok(Response::new(body)) })
    }
}

#[tokio::test]
async fn json_bodies_are_recorded_as_they_are_unless_they_are_opened() {
    let memory = Memory::default();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Adder { next: None })
        .adapter(ANYWHERE, "TestApp.EchoServer.RawObj", Mirror)
        .tracer(memory.tracer("Trace.Back"));
    let server = TestServer::of(builder).await;
    let comm = traced(memory.tracer("Trace.Gateway").gateway());
    let body = r#"{ "b": 2, "a": 1 }"#;
    let answer = r#"{"c":3,"tars_ret":0}"#;
    for (object, answer, expected) in [
        (
            server.object(),
            answer,
            [
                ("ts", body),
                ("sr", r#"{"a":1,"b":2}"#),
                ("ss", r#"{"":0,"c":3}"#),
                ("te", answer),
            ],
        ),
        (
            server.object().replace("EchoObj", "RawObj"),
            body,
            [("ts", body), ("sr", body), ("ss", body), ("te", body)],
        ),
    ] {
        memory.lines.lock().unwrap().clear();
        let before = *memory.count.borrow();
        let proxy = comm.proxy(&object).unwrap();
        let call = async { proxy.call_json("Add", body).await };
        assert_eq!(Trace::root(Flags::ALL, 1).scope(call).await.unwrap(), answer);
        let lines = memory.lines(before + 4).await;
        let found: Vec<_> = lines
            .iter()
            .map(|line| (line.annotation.as_str(), str::from_utf8(&line.params).unwrap()))
            .collect();
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn long_parameters_are_named_so() {
    const LONG: &str = r#"{"trace_param_over_max_len":true}"#;
    // What the chain asks for, what is granted at least and at most.
    for (kilobytes, least, most, length, is_long) in [
        (1, 1, 64, 1000, false),
        (1, 1, 64, 1024, true),
        (2, 1, 64, 1024, false),
        (1, 2, 64, 1024, false),
        (2, 1, 64, 2048, true),
        (10_240, 1, 64, 64_000, false),
        (10_240, 1, 64, 64 * 1024, true),
        (10_240, 10_240, 64, 64 * 1024, true),
        (10_240, 1, 65, 64 * 1024, false),
        (2, 2, 1, 1024, true),
        (1, 0, 0, 1000, false),
    ] {
        let memory = Memory::default();
        let tracer = memory.tracer("Test.All").min_param_kb(least);
        // The ceiling is there without being set.
        let tracer = if most == 64 { tracer } else { tracer.max_param_kb(most) };
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
            assert_eq!(line.params == LONG, is_long, "{kilobytes} {least} {most} {length}");
        }
    }
}

#[tokio::test]
async fn a_chain_gets_no_parameters_that_are_not_allowed() {
    let memory = Memory::default();
    let tracer = memory.tracer("Test.All").param_flags(Flags::SR | Flags::CR);
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .tracer(tracer.clone());
    let server = TestServer::of(builder).await;
    let proxy = traced(tracer).proxy(&server.object()).unwrap();
    let call = async { echo(&proxy, "x").await };
    Trace::root(Flags::ALL, 1).scope(call).await.unwrap();
    let lines = memory.lines(4).await;
    let have: Vec<_> = lines.iter().map(|line| !line.params.is_empty()).collect();
    assert_eq!(annotations(&lines), ["cs", "sr", "ss", "cr"]);
    assert_eq!(have, [false, true, false, true]);
}
