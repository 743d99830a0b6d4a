//! Calls in each version of the protocol, by frames made by hand and by our own client.

use std::collections::BTreeMap;
use std::task::Poll;

use tars::bytes::Bytes;
use tars::codec::{self, Limits, Writer};
use tars::protocol::{RequestPacket, ResponsePacket};
use tars::{BoxFuture, Error, Operation, Proxy, Request, Response, Result, Server, Service, TarsStruct, Version, code};

use crate::common::{ANYWHERE, Echo, OBJECT, Raw, RawServer, TestServer, echo, framed, request};

/// `int add(int a, int b, out int c)`.
enum Add {}

#[derive(Debug, TarsStruct)]
struct AddArgs {
    #[tars(tag = 1, require)]
    a: i32,
    #[tars(tag = 2, require)]
    b: i32,
}

#[derive(Debug, TarsStruct)]
struct AddOutput {
    #[tars(tag = 0, require, name = "tars_ret")]
    ret: i32,
    #[tars(tag = 3, require)]
    c: i32,
}

impl Operation for Add {
    const NAME: &'static str = "add";
    type Args = AddArgs;
    type Reply = AddOutput;
    type Output = AddOutput;

    fn into_output(reply: AddOutput) -> AddOutput {
        reply
    }

    fn into_reply(output: AddOutput) -> AddOutput {
        output
    }
}

/// `void nothing()`.
enum Nothing {}

#[derive(Debug, TarsStruct)]
struct Empty {}

impl Operation for Nothing {
    const NAME: &'static str = "nothing";
    type Args = Empty;
    type Reply = Empty;
    type Output = ();

    fn into_output(_: Empty) {}

    fn into_reply((): ()) -> Empty {
        Empty {}
    }
}

#[derive(Clone)]
struct Servant;

fn serve(request: Request) -> Result<Response> {
    match request.function() {
        "add" => {
            let (mut cx, args) = request.open::<Add>()?;
            cx.set_response_context("version", cx.version().to_string());
            let c = args.a + args.b;
            cx.respond::<Add>(AddOutput { ret: 0, c })
        }
        "nothing" => request.open::<Nothing>()?.0.respond::<Nothing>(()),
        "huge" => request.open::<Nothing>()?.0.respond::<Echo>("x".repeat(100_000)),
        "echo" => {
            let (cx, args) = request.open::<Echo>()?;
            cx.respond::<Echo>(args.text)
        }
        "fail" => Err(Error::new(7, "told to fail")),
        "panic" => panic!("told to panic"),
        _ => Err(request.unknown_function()),
    }
}

impl Service<Request> for Servant {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(async { serve(request) })
    }
}

pub(crate) async fn server() -> TestServer {
    let builder = Server::builder().adapter(ANYWHERE, OBJECT, Servant);
    TestServer::of(builder.max_frame_bytes(80_000)).await
}

pub(crate) fn versioned(version: i16, id: i32, function: &str, body: impl Into<Vec<u8>>) -> RequestPacket {
    RequestPacket {
        i_version: version,
        i_message_type: 4,
        ..request(id, function, body.into())
    }
}

/// A body of version 3.
fn tup(values: &[(&str, &[u8])]) -> Vec<u8> {
    let values: BTreeMap<String, Bytes> = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Bytes::copy_from_slice(value)))
        .collect();
    let mut writer = Writer::new();
    writer.field(0, &values);
    writer.finish().unwrap()
}

async fn json_call(raw: &mut Raw, function: &str, body: &str) -> ResponsePacket {
    raw.send(&framed(&versioned(5, 9, function, body))).await;
    let answer = raw.response().await.unwrap();
    assert_eq!((answer.i_version, answer.c_packet_type), (5, 0));
    assert_eq!((answer.i_request_id, answer.i_message_type), (9, 4));
    answer
}

fn text(answer: &ResponsePacket) -> (i32, &str, &str) {
    let body = str::from_utf8(&answer.s_buffer).unwrap();
    (answer.i_ret, body, answer.s_result_desc.to_str().unwrap())
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn calls_in_json() {
    let server = server().await;
    let mut raw = server.raw().await;
    for (function, body, code, expected) in [
        (
            "add",
            r#"{"b": 2, "other": [1], "a": 1.0}"#,
            0,
            r#"{"c":3,"tars_ret":0}"#,
        ),
        ("nothing", "{}", 0, "{}"),
        ("nothing", "", 0, "{}"),
        ("tars_ping", "", 0, ""),
        (
            "add",
            r#"{"a":1}"#,
            -1,
            "parameters of TestApp.EchoServer.EchoObj.add: b: required field is missing at byte 7",
        ),
        (
            "add",
            "",
            -1,
            "parameters of TestApp.EchoServer.EchoObj.add: a: required field is missing at byte 2",
        ),
        (
            "add",
            r#"{"a":1,"b":"2"}"#,
            -1,
            "parameters of TestApp.EchoServer.EchoObj.add: b: expected int, found a string at byte 11",
        ),
        (
            "add",
            r#"{"a":1,"b":2}}"#,
            -1,
            "parameters of TestApp.EchoServer.EchoObj.add: expected the end of the text, found `}` at byte 13",
        ),
        ("fail", "{}", 7, "told to fail"),
        (
            "missing",
            "{}",
            -3,
            "`TestApp.EchoServer.EchoObj` has no function `missing`",
        ),
        ("panic", "{}", -99, "the servant panicked"),
        (
            "huge",
            "{}",
            -2,
            "an answer of 100143 bytes, but frames are limited to 80000",
        ),
    ] {
        let answer = json_call(&mut raw, function, body).await;
        let wanted = if code == 0 {
            (0, expected, "")
        } else {
            (code, "", expected)
        };
        assert_eq!(text(&answer), wanted, "{function} {body}");
    }
    let answer = json_call(&mut raw, "add", r#"{"a":1,"b":2}"#).await;
    assert_eq!(answer.context[&b"version"[..]], "5 (JSON)");
}

/// The answer in the shape of a request, and its code and text.
async fn tup_call(raw: &mut Raw, function: &str, body: Vec<u8>) -> (Bytes, Option<String>, Option<String>) {
    raw.send(&framed(&versioned(3, 9, function, body))).await;
    let answer = raw.request().await.unwrap();
    assert_eq!((answer.i_version, answer.c_packet_type), (3, 0));
    assert_eq!(
        (answer.i_request_id, answer.i_message_type, answer.i_timeout),
        (9, 4, 0)
    );
    assert_eq!((&*answer.s_servant_name, &*answer.s_func_name), (OBJECT, function));
    let status = |key: &str| {
        answer
            .status
            .get(key.as_bytes())
            .map(|value| value.to_str().unwrap().to_owned())
    };
    (
        answer.s_buffer.clone(),
        status("STATUS_RESULT_CODE"),
        status("STATUS_RESULT_DESC"),
    )
}

#[tokio::test]
async fn calls_in_tup() {
    let server = server().await;
    let mut raw = server.raw().await;
    let both: [(&str, &[u8]); 3] = [("b", &[0x00, 2]), ("other", &[]), ("a", &[0x01, 1, 44])];
    let sum = tup(&[("", &[0x0c]), ("c", &[0x01, 1, 46]), ("tars_ret", &[0x0c])]);
    assert_eq!(tup_call(&mut raw, "add", tup(&both)).await, (sum.into(), None, None));
    let empty = Bytes::from_static(&[0x08, 0x0c]);
    for body in [vec![], vec![0x08, 0x0c]] {
        assert_eq!(tup_call(&mut raw, "nothing", body).await, (empty.clone(), None, None));
    }
    assert_eq!(
        tup_call(&mut raw, "tars_ping", vec![]).await,
        (empty.clone(), None, None)
    );
    for (function, body, code, text) in [
        (
            "add",
            tup(&both[..1]),
            "-1",
            "parameters of TestApp.EchoServer.EchoObj.add: AddArgs.a (tag 1): required field is missing",
        ),
        (
            "add",
            vec![0x0a],
            "-1",
            "parameters of TestApp.EchoServer.EchoObj.add: body (tag 0): expected map, found a struct",
        ),
        ("fail", vec![], "7", "told to fail"),
        (
            "missing",
            vec![],
            "-3",
            "`TestApp.EchoServer.EchoObj` has no function `missing`",
        ),
        ("panic", vec![], "-99", "the servant panicked"),
    ] {
        let (body, found, desc) = tup_call(&mut raw, function, body).await;
        assert_eq!(
            (&body, found.as_deref(), desc.as_deref()),
            (&empty, Some(code), Some(text))
        );
    }
    let (body, code, desc) = tup_call(&mut raw, "huge", vec![]).await;
    assert_eq!((body, code.as_deref()), (empty, Some("-2")));
    assert!(desc.unwrap().ends_with("frames are limited to 80000"));
}

/// An error answer stays small, whatever a caller takes for a function's name.
#[tokio::test]
async fn long_names_are_not_repeated() {
    let server = server().await;
    let mut raw = server.raw().await;
    raw.send(&framed(&versioned(3, 1, &"f".repeat(70_000), vec![]))).await;
    let answer = raw.request().await.unwrap();
    assert_eq!(
        (&*answer.s_func_name, &answer.status[&b"STATUS_RESULT_CODE"[..]]),
        ("", &"-3".into())
    );
    assert!(answer.status[&b"STATUS_RESULT_DESC"[..]].len() <= 40_000);
}

#[tokio::test]
async fn one_way_calls_are_not_answered_in_any_version() {
    let server = server().await;
    let mut raw = server.raw().await;
    for version in [1, 2, 3, 5] {
        for function in ["nothing", "fail", "panic", "missing", "tars_ping", "huge"] {
            let packet = RequestPacket {
                c_packet_type: 1,
                ..versioned(version, 1, function, vec![])
            };
            raw.send(&framed(&packet)).await;
        }
    }
    raw.send(&framed(&versioned(1, 2, "nothing", vec![]))).await;
    assert_eq!(raw.response().await.unwrap().i_request_id, 2);
}

/// Bodies of noise in each version: an error of the call, and the connection lives on.
#[tokio::test]
async fn noise_in_a_body_is_an_error_of_the_call() {
    let server = server().await;
    let mut raw = server.raw().await;
    let noise: Vec<u8> = (0..4000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes())
        .collect();
    for version in [1, 3, 5] {
        for (at, body) in noise.chunks(160).enumerate() {
            let id = i32::try_from(at).unwrap();
            raw.send(&framed(&versioned(version, id, "add", body))).await;
            if version == 3 {
                let answer = raw.request().await.unwrap();
                assert_eq!(
                    (answer.i_request_id, &answer.status[&b"STATUS_RESULT_CODE"[..]]),
                    (id, &"-1".into())
                );
            } else {
                let answer = raw.response().await.unwrap();
                assert_eq!((answer.i_request_id, answer.i_ret), (id, -1));
            }
        }
    }
}

pub(crate) async fn send(proxy: &Proxy, version: Version, function: &'static str, body: Vec<u8>) -> Result<Response> {
    let mut request = Request::new(function, body);
    request.set_version(version);
    Service::call(&mut proxy.clone(), request).await
}

#[tokio::test]
async fn a_client_calls_in_json() {
    let server = server().await;
    let proxy = server.proxy();
    let answer = proxy.call_json("add", r#"{"a":1,"b":2}"#).await.unwrap();
    assert_eq!(answer, r#"{"c":3,"tars_ret":0}"#);
    let reply = proxy
        .call_json(String::from("add"), r#"{"a":1,"b":2}"#)
        .with_reply()
        .await
        .unwrap();
    assert_eq!(reply.context[&b"version"[..]], "5 (JSON)");
    proxy.call_json("add", r#"{"a":1,"b":2}"#).one_way().await.unwrap();

    let error = proxy.call_json("add", "[]").await.unwrap_err();
    assert_eq!((error.code(), error.is_answer()), (code::SERVER_DECODE_ERR, true));
    let error = proxy.call_json("fail", "{}").await.unwrap_err();
    assert_eq!(
        (error.code(), error.message(), error.is_answer()),
        (7, "told to fail", true)
    );
    let copy = error.clone();
    assert!(copy.is_answer());
    assert!(Error::from_boxed(error.into()).is_answer());
}

#[tokio::test]
async fn a_client_understands_answers_in_tup() {
    let server = server().await;
    let proxy = server.proxy();
    let both = tup(&[("a", &[0x00, 1]), ("b", &[0x00, 2])]);
    let answer = send(&proxy, Version::TUP, "add", both).await.unwrap();
    assert_eq!(
        answer.body(),
        tup(&[("", &[0x0c]), ("c", &[0x00, 3]), ("tars_ret", &[0x0c])])
    );
    assert_eq!(answer.context()[&b"version"[..]], "3 (TUP)");

    let error = send(&proxy, Version::TUP, "fail", vec![]).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message(), error.is_answer()),
        (7, "told to fail", true)
    );
    let error = send(&proxy, Version::TUP_COMPLEX, "add", vec![]).await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_answer()),
        (code::SERVER_DECODE_ERR, true),
        "{error}"
    );

    // Long enough to be cut off the read buffer.
    let long = "x".repeat(30_000);
    let mut value = Writer::new();
    value.field(0, &long);
    let value = value.finish().unwrap();
    let answer = send(&proxy, Version::TUP, "echo", tup(&[("text", &value)]))
        .await
        .unwrap();
    assert_eq!(answer.body(), tup(&[("", &value), ("tars_ret", &value)]));
    // All on one connection, which none of this has broken.
    assert_eq!(echo(&proxy, "still here").await.unwrap(), "still here");
}

/// As TarsCpp answers a version it does not know: the call fails, the others of the connection do not.
#[tokio::test]
async fn an_answer_in_tup_of_another_shape_is_that_calls_alone() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let answer = async {
        let mut raw = server.accept().await;
        let (first, second) = (raw.request().await.unwrap(), raw.request().await.unwrap());
        for request in [first, second] {
            let packet = ResponsePacket {
                i_version: request.i_version,
                i_request_id: request.i_request_id,
                i_ret: if request.i_version == 2 {
                    code::SERVER_DECODE_ERR
                } else {
                    0
                },
                s_buffer: request.s_buffer,
                ..ResponsePacket::default()
            };
            raw.send(&framed(&packet)).await;
        }
        raw
    };
    let (strange, plain, _raw) = tokio::join!(
        send(&proxy, Version::TUP_COMPLEX, "add", vec![]),
        send(&proxy, Version::TARS, "add", b"2".to_vec()),
        answer
    );
    let error = strange.unwrap_err();
    assert_eq!(
        (error.code(), error.is_answer()),
        (code::SERVER_DECODE_ERR, true),
        "{error}"
    );
    assert_eq!(plain.unwrap().body(), b"2");
}

#[tokio::test]
async fn answers_of_strange_servers() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let answer = async {
        let mut raw = server.accept().await;
        let request = raw.request().await.unwrap();
        assert_eq!((request.i_version, &request.s_buffer[..]), (3, &b"1"[..]));
        // A code that is no number; then servers written in Go, which leave it out, and the names too.
        for (code, body) in [(Some("many"), &b""[..]), (None, b"2")] {
            let status = code.map(|code| ("STATUS_RESULT_CODE".into(), code.into()));
            let packet = RequestPacket {
                i_version: 3,
                i_request_id: request.i_request_id + i32::from(code.is_none()),
                s_buffer: Bytes::copy_from_slice(body),
                status: status.into_iter().collect(),
                ..RequestPacket::default()
            };
            raw.send(&framed(&packet)).await;
        }
        // An answer in another version than the request's.
        let request = raw.request().await.unwrap();
        let request = if request.i_version == 3 {
            raw.request().await.unwrap()
        } else {
            request
        };
        let packet = ResponsePacket {
            i_version: 1,
            i_request_id: request.i_request_id,
            ..ResponsePacket::default()
        };
        raw.send(&framed(&packet)).await;
        raw
    };
    let calls = async {
        let (first, second) = tokio::join!(
            send(&proxy, Version::TUP, "any", b"1".to_vec()),
            send(&proxy, Version::TUP, "any", b"1".to_vec()),
        );
        let error = first.unwrap_err();
        assert_eq!((error.code(), error.is_answer()), (code::UNKNOWN, true));
        assert_eq!(second.unwrap().body(), b"2");
        let error = send(&proxy, Version::JSON, "any", vec![]).await.unwrap_err();
        assert_eq!(
            (error.code(), error.message()),
            (code::CLIENT_DECODE_ERR, "an answer of protocol version 1 (TARS)")
        );
        assert!(!error.is_answer());
    };
    let (_raw, ()) = tokio::join!(answer, calls);
}

#[tokio::test]
async fn what_fails_here_is_no_answer() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let _place = server.closed();
    let error = proxy.ping().await.unwrap_err();
    assert_eq!((error.code(), error.is_answer()), (code::PROXY_CONNECT_ERR, false));
    assert!(!Error::new(7, "made here").is_answer());
}

/// The plain form is decoded by nothing new.
#[tokio::test]
async fn the_plain_version_is_as_it_was() {
    let server = server().await;
    let mut raw = server.raw().await;
    let body = codec::encode(&AddArgs { a: 1, b: 2 }).unwrap();
    raw.send(&framed(&versioned(1, 3, "add", body))).await;
    let answer = raw.response().await.unwrap();
    assert_eq!((answer.i_version, answer.i_ret, answer.i_request_id), (1, 0, 3));
    let output: AddOutput = codec::decode(&answer.s_buffer, &Limits::default()).unwrap();
    assert_eq!((output.ret, output.c), (0, 3));
    assert_eq!(answer.context[&b"version"[..]], "1 (TARS)");
}
