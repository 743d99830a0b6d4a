//! The gateway in front of servants that are real, found by routes and by a registry.

use axum::http::StatusCode;
use tars::codec::{self, Limits};
use tars::protocol::{AdminF, AdminFServer, RequestPacket, ResponsePacket};
use tars::trace::{FileSink, Tracer};
use tars::{Context, Endpoint, Error, Result, Server};
use tars_test_support::{guide, port::HeldPort};
use tarsgateway::Config;
use tokio::io::AsyncWriteExt;

use crate::common::*;

/// Answers with what it was told, and with what it knows of its caller.
struct Servant;

impl AdminF for Servant {
    async fn shutdown(&self, _: &mut Context) -> Result<()> {
        std::future::pending().await
    }

    async fn notify(&self, cx: &mut Context, command: String) -> Result<String> {
        match command.as_str() {
            "fail" => Err(Error::new(1001, "at tcp -h 10.1.2.3 -p 4")),
            "panic" => panic!("as the test wants it"),
            "who" => Ok(cx.context_str("REMOTE_IP").unwrap_or_default().to_owned()),
            _ => Ok(format!("did {command}")),
        }
    }

    async fn get_pid(&self, _: &mut Context) -> Result<i64> {
        Ok(i64::MAX)
    }
}

async fn servant(tracer: Option<Tracer>) -> Endpoint {
    let mut builder = Server::builder();
    if let Some(tracer) = tracer {
        builder = builder.tracer(tracer);
    }
    let server = builder.adapter("tcp -h 127.0.0.1 -p 0", OBJECT, AdminFServer::new(Servant));
    let server = server.bind().await.unwrap();
    let endpoint = server.local_endpoints()[0].clone();
    tokio::spawn(server.serve());
    endpoint
}

/// A gateway that calls servants.
async fn gateway(config: &Config) -> Running {
    Running::serve(tarsgateway::Bound::bind(config).await.unwrap())
}

async fn routed(arguments: &[&str]) -> Running {
    let route = format!("--route={OBJECT}={}", servant(None).await);
    let mut all = vec![route.as_str()];
    all.extend(arguments);
    gateway(&config(&all)).await
}

async fn call(gateway: &Running, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
    call_with(gateway, path, "", body).await
}

async fn call_with(gateway: &Running, path: &str, headers: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let mut stream = gateway.connect().await;
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut bytes = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut bytes)
        .await
        .unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let (status, _) = parse(&String::from_utf8_lossy(&bytes));
    (status, bytes.split_off(end + 4))
}

async fn json(gateway: &Running, function: &str, body: &str) -> (u16, String) {
    json_with(gateway, function, "", body).await
}

async fn json_with(gateway: &Running, function: &str, headers: &str, body: &str) -> (u16, String) {
    let path = format!("/json/{OBJECT}/{function}");
    let (status, body) = call_with(gateway, &path, headers, body.as_bytes()).await;
    (status, String::from_utf8(body).unwrap())
}

/// A call that nobody answers.
async fn unanswered_call(gateway: &Running, milliseconds: u32) -> (u16, String) {
    json_with(
        gateway,
        "shutdown",
        &format!("X-Tars-Timeout-Ms: {milliseconds}\r\n"),
        "{}",
    )
    .await
}

fn assert_timeout((status, problem): &(u16, String)) {
    let text = "timeout (return code -7)";
    assert!(*status == 504 && problem.contains(text), "{status} {problem}");
}

#[tokio::test]
async fn json_reaches_a_servant_and_comes_back() {
    let gateway = routed(&[]).await;
    let told = json(&gateway, "notify", r#"{"command":"it"}"#).await;
    assert_eq!(told, (200, r#"{"tars_ret":"did it"}"#.to_owned()));
    assert_eq!(
        json(&gateway, "getPid", "").await,
        (200, format!("{{\"tars_ret\":{}}}", i64::MAX))
    );
    assert_eq!(
        json(&gateway, "notify", r#"{"command":"who"}"#).await.1,
        r#"{"tars_ret":"127.0.0.1"}"#
    );
    let in_body = serde_json::json!({"obj": OBJECT, "func": "notify", "data": r#"{"command":"x"}"#, "reqid": 7});
    let (status, body) = call(&gateway, "/json", in_body.to_string().as_bytes()).await;
    assert_eq!(status, 200);
    assert_eq!(body, br#"{"data":"{\"tars_ret\":\"did x\"}","reqid":7}"#);
}

#[tokio::test]
async fn a_servants_failures_are_problems() {
    let gateway = routed(&[]).await;
    for (function, body, status, text) in [
        ("notify", r#"{"command":"fail"}"#, 502, "with return code 1001"),
        (
            "notify",
            r#"{"command":"panic"}"#,
            502,
            "server error (return code -99)",
        ),
        (
            "notify",
            r#"{"command":5}"#,
            502,
            "could not decode the request (return code -1)",
        ),
        ("nothing", "{}", 502, "no such function (return code -3)"),
    ] {
        let (found, problem) = json(&gateway, function, body).await;
        assert_eq!(found, status, "{problem}");
        assert!(problem.contains(text) && !problem.contains("10.1.2.3"), "{problem}");
    }
    assert_timeout(&unanswered_call(&gateway, 200).await);
}

fn frame(version: i16, function: &str, body: &[u8]) -> Vec<u8> {
    let packet = RequestPacket {
        i_version: version,
        i_request_id: 99,
        s_servant_name: OBJECT.to_owned(),
        s_func_name: function.to_owned(),
        s_buffer: body.to_vec().into(),
        ..RequestPacket::default()
    };
    let fields = codec::encode(&packet).unwrap();
    [&u32::try_from(fields.len() + 4).unwrap().to_be_bytes()[..], &fields].concat()
}

#[tokio::test]
async fn packets_reach_a_servant_and_come_back() {
    let gateway = routed(&[]).await;
    // A string `it` at tag 1.
    let (status, answer) = call(&gateway, "/tup", &frame(1, "notify", b"\x16\x02it")).await;
    assert_eq!(status, 200);
    let answer: ResponsePacket = codec::decode(&answer[4..], &Limits::default()).unwrap();
    assert_eq!(
        (answer.i_ret, answer.i_request_id, &answer.s_buffer[..]),
        (0, 99, &b"\x06\x06did it"[..])
    );

    // A map with `command`, its value a string at tag 0.
    let body = b"\x08\x00\x01\x06\x07command\x1d\x00\x00\x04\x06\x02it";
    let (status, answer) = call(&gateway, "/tup", &frame(3, "notify", body)).await;
    assert_eq!(status, 200);
    let answer: RequestPacket = codec::decode(&answer[4..], &Limits::default()).unwrap();
    assert_eq!(
        (answer.i_version, answer.i_request_id, answer.s_func_name.as_str()),
        (3, 99, "notify")
    );
    assert!(
        answer.s_buffer.windows(6).any(|window| window == b"did it"),
        "{:?}",
        answer.s_buffer
    );

    let (status, answer) = call(&gateway, "/tup", &frame(1, "nothing", b"")).await;
    let answer: ResponsePacket = codec::decode(&answer[4..], &Limits::default()).unwrap();
    assert_eq!((status, answer.i_ret), (200, -3));
    let (status, answer) = call(&gateway, "/tup", &frame(3, "nothing", b"")).await;
    let answer: RequestPacket = codec::decode(&answer[4..], &Limits::default()).unwrap();
    assert_eq!(
        (status, &answer.status[&b"STATUS_RESULT_CODE"[..]]),
        (200, &"-3".into())
    );
}

#[tokio::test]
async fn a_version_that_is_refused_harms_no_other_call() {
    let gateway = routed(&[]).await;
    let refuse = async {
        let mut answers = Vec::new();
        for _ in 0..10 {
            answers.push(call(&gateway, "/tup", &frame(2, "notify", b"")).await);
        }
        answers
    };
    // A call that nobody answers ends by its timeout, not by what happens to the connection.
    let (unanswered, answers) = tokio::join!(unanswered_call(&gateway, 1000), refuse);
    assert_timeout(&unanswered);
    for (status, answer) in answers {
        let answer: RequestPacket = codec::decode(&answer[4..], &Limits::default()).unwrap();
        let code = &answer.status[&b"STATUS_RESULT_CODE"[..]];
        assert_eq!(
            (status, answer.i_version, answer.i_request_id, code),
            (200, 2, 99, &"-1".into())
        );
    }
}

#[tokio::test]
async fn a_servant_that_is_away_is_a_problem_and_then_no_more() {
    let held = HeldPort::any();
    let port = held.address().port();
    let gateway = gateway(&config(&[&format!("--route={OBJECT}=tcp -h 127.0.0.1 -p {port}")])).await;
    let (status, problem) = json(&gateway, "getPid", "").await;
    assert_eq!(status, 502, "{problem}");
    assert!(
        problem.contains("(return code -8)") && !problem.contains("127.0.0.1"),
        "{problem}"
    );
    let server = Server::builder().adapter(
        format!("tcp -h 127.0.0.1 -p {port}").as_str(),
        OBJECT,
        AdminFServer::new(Servant),
    );
    tokio::spawn(server.bind().await.unwrap().serve());
    while json(&gateway, "getPid", "").await.0 != 200 {
        tokio::task::yield_now().await;
    }
}

/// A registry that knows [`OBJECT`].
async fn registry(endpoint: Endpoint) -> String {
    guide::serve([(OBJECT.to_owned(), endpoint)]).await
}

#[tokio::test]
async fn objects_are_found_by_the_registry() {
    let locator = registry(servant(None).await).await;
    let gateway = gateway(&config(&["--locator", &locator, "--allow=Test.*"])).await;
    assert_eq!(
        json(&gateway, "notify", r#"{"command":"it"}"#).await,
        (200, r#"{"tars_ret":"did it"}"#.to_owned())
    );
    for _ in 0..3 {
        let (status, problem) = call(&gateway, "/json/Test.Server.Unknown/f", b"").await;
        let problem: serde_json::Value = serde_json::from_slice(&problem).unwrap();
        assert_eq!((status, problem["code"].as_i64()), (404, Some(-10)));
    }
    let (status, _) = call(&gateway, "/tup", &frame(1, "notify", b"\x16\x02it")).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_registry_that_is_away_is_a_problem() {
    let gateway = gateway(&config(&[
        "--locator",
        "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 1",
        "--allow=Test.*",
    ]))
    .await;
    let (status, problem) = json(&gateway, "getPid", "").await;
    assert!(matches!(status, 502 | 504), "{status} {problem}");
    assert!(!problem.contains("127.0.0.1"), "{problem}");
}

#[tokio::test]
async fn a_call_chain_begins_here_and_goes_on_in_the_servant() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (dir.path().join("gateway.log"), dir.path().join("servant.log"));
    let tracer = Tracer::new("Test.Server", FileSink::open(&theirs).unwrap());
    let route = format!("--route={OBJECT}={}", servant(Some(tracer.clone())).await);
    let sink = format!("--trace-sink=file:{}", ours.display());
    let arguments = [&route, &sink, "--trace-sample=probability:1", "--trace-flags=f"];
    let mut gateway = gateway(&config(&arguments)).await;
    let mut stream = gateway.connect().await;
    let request = raw(r#"{"command":"it"}"#, "Connection: close\r\n").replace("/f HTTP", "/notify HTTP");
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_all(&mut stream).await;
    let parent = answer
        .lines()
        .find_map(|line| line.strip_prefix("traceparent: "))
        .unwrap()
        .trim();
    let id = parent.split('-').nth(1).unwrap().to_owned();
    gateway.stop.cancel();
    (&mut gateway.serving).await.unwrap();
    tracer.flush().await;

    let (ours, theirs) = (
        std::fs::read_to_string(ours).unwrap(),
        std::fs::read_to_string(theirs).unwrap(),
    );
    let points: Vec<Vec<&str>> = ours
        .lines()
        .chain(theirs.lines())
        .map(|line| line.split('|').collect())
        .collect();
    let names: Vec<_> = points.iter().map(|point| point[3]).collect();
    assert_eq!(names, ["ts", "te", "sr", "ss"], "{ours}{theirs}");
    for point in &points {
        assert!(point[0].contains(&id), "{point:?} {id}");
        assert_eq!(point[6], "notify");
    }
    assert_eq!(points[0][1], points[0][2], "the gateway's span is the root");
    assert_eq!(
        points[2][1], points[0][1],
        "and the servant's too, seen from the other side"
    );
    assert_eq!(
        points[0][9], points[2][9],
        "parameters as the caller wrote them, {ours}"
    );
}
