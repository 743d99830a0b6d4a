//! What happens on sockets.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::common::*;

/// Settings with times or sizes of the test.
fn limited(more: &str) -> tarsgateway::Config {
    config_file(&format!(
        "[routes]\n\"A.B.C\" = \"tcp -h 127.0.0.1 -p 1\"\n[access]\nallow = [\"Test.*\"]\n[limits]\n{more}"
    ))
}

#[tokio::test]
async fn calls_follow_each_other_on_one_connection() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    let mut stream = gateway.connect().await;
    for n in 0..3 {
        let body = format!("{{\"n\":{n}}}");
        stream.write_all(raw(&body, "").as_bytes()).await.unwrap();
        assert_eq!(read_one(&mut stream).await, (200, body));
    }
}

#[tokio::test]
async fn pipelined_calls_are_answered_in_order() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    let mut stream = gateway.connect().await;
    let sent: String = (0..20).map(|n| raw(&format!("{{\"n\":{n}}}"), "")).collect();
    stream.write_all(sent.as_bytes()).await.unwrap();
    for n in 0..20 {
        assert_eq!(read_one(&mut stream).await, (200, format!("{{\"n\":{n}}}")));
    }
}

#[tokio::test]
async fn chunked_bodies_are_read() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    let mut stream = gateway.connect().await;
    let head = format!("POST /json/{OBJECT}/f HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    stream
        .write_all(format!("{head}1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n").as_bytes())
        .await
        .unwrap();
    assert_eq!(read_one(&mut stream).await, (200, "{}".to_owned()));
    // Two lengths that disagree are an attack on whatever stands in front.
    let smuggled =
        format!("POST /json/{OBJECT}/f HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}x");
    stream.write_all(smuggled.as_bytes()).await.unwrap();
    assert_eq!(parse(&read_all(&mut stream).await).0, 400);
}

#[tokio::test]
async fn heads_have_a_size() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    let mut stream = gateway.connect().await;
    let large = raw("{}", &format!("X-Large: {}\r\n", "x".repeat(20_000)));
    let _ = stream.write_all(large.as_bytes()).await;
    assert_eq!(parse(&read_all(&mut stream).await).0, 431);
    let mut stream = gateway.connect().await;
    let many = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let _ = stream.write_all(raw("{}", &many).as_bytes()).await;
    assert_eq!(parse(&read_all(&mut stream).await).0, 431);
}

#[tokio::test]
async fn heads_have_a_time() {
    let gateway = Running::start(
        &limited("header_timeout_ms = 10000\nidle_timeout_ms = 3600000"),
        &Fake::echo(),
    )
    .await;
    let mut silent = gateway.connect().await;
    let mut slow = gateway.connect().await;
    slow.write_all(b"POST /json HT").await.unwrap();
    let mut second = gateway.connect().await;
    second.write_all(raw("{}", "").as_bytes()).await.unwrap();
    assert_eq!(read_one(&mut second).await.0, 200);
    second.write_all(b"P").await.unwrap();
    // When this is answered, what was sent before it is read. If something was not, it takes its time.
    gateway.wait_for_metric("tarsgateway_connections 3").await;
    pass(Duration::from_secs(10)).await;
    for stream in [&mut silent, &mut slow, &mut second] {
        assert_eq!(read_all(stream).await, "");
    }
}

#[tokio::test]
async fn connections_without_requests_end() {
    let gateway = Running::start(
        &limited("header_timeout_ms = 3600000\nidle_timeout_ms = 100"),
        &Fake::echo(),
    )
    .await;
    let mut stream = gateway.connect().await;
    stream.write_all(raw("{}", "").as_bytes()).await.unwrap();
    assert_eq!(read_one(&mut stream).await.0, 200);
    assert_eq!(read_all(&mut stream).await, "");
}

#[tokio::test]
async fn bodies_have_a_time() {
    let gateway = Running::start(&limited("body_timeout_ms = 100"), &Fake::echo()).await;
    let mut stream = gateway.connect().await;
    let head = raw(&"x".repeat(100), "");
    stream.write_all(&head.as_bytes()[..head.len() - 50]).await.unwrap();
    let (status, body) = parse(&read_all(&mut stream).await);
    assert_eq!(status, 408);
    assert!(body.contains("did not arrive in time"));
}

#[tokio::test]
async fn answers_must_be_taken() {
    let fake = Fake::new(|_| Box::pin(async { Ok(body(format!("{{\"a\":\"{}\"}}", "x".repeat(9_000_000)))) }));
    let gateway = Running::start(&limited("answer_timeout_ms = 100"), &fake).await;
    let mut stream = gateway.connect().await;
    stream.write_all(raw("{}", "").as_bytes()).await.unwrap();
    fake.called().await;
    gateway.wait_for_metric("tarsgateway_connections 0").await;
    assert!(read_all(&mut stream).await.len() < 9_000_000);
}

#[tokio::test]
async fn small_answers_must_be_taken_too() {
    let fake = Fake::new(|_| Box::pin(async { Ok(body(format!("{{\"a\":\"{}\"}}", "x".repeat(30_000)))) }));
    let times = "answer_timeout_ms = 100\nheader_timeout_ms = 3600000\nidle_timeout_ms = 3600000";
    let gateway = Running::start(&limited(times), &fake).await;
    let mut stream = gateway.connect().await;
    let sent = raw("{}", "").repeat(500);
    stream.write_all(sent.as_bytes()).await.unwrap();
    fake.called().await;
    gateway.wait_for_metric("tarsgateway_connections 0").await;
}

fn http2_call(function: &str) -> http::Request<()> {
    http::Request::post(format!("http://gateway/json/{OBJECT}/{function}"))
        .body(())
        .unwrap()
}

/// The first bytes of an answer, as many as there should be.
async fn first(answer: &mut h2::RecvStream, size: usize) {
    let mut came = 0;
    while came < size {
        came += answer.data().await.unwrap().unwrap().len();
    }
    assert_eq!(came, size);
}

/// What is left of an answer: how much came, and whether that was all.
async fn rest(mut answer: h2::RecvStream) -> (usize, Result<(), h2::Error>) {
    let mut size = 0;
    while let Some(data) = answer.data().await {
        match data {
            Ok(data) => size += data.len(),
            Err(error) => return (size, Err(error)),
        }
    }
    (size, Ok(()))
}

#[tokio::test]
async fn in_http2_a_stalled_stream_ends_alone() {
    let (held, came, go) = Fake::held();
    let fake = Fake::new(move |call| match call.function.as_str() {
        "large" => Box::pin(async { Ok(body(format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000)))) }),
        _ => tarsgateway::Upstream::call(&held, call),
    });
    let times = "answer_timeout_ms = 10000\n[upstream]\ntimeout_ms = 60000";
    let gateway = Running::start(&limited(times), &fake).await;
    let mut windows = h2::client::Builder::new();
    windows.initial_connection_window_size(10_000_000);
    let (client, connection) = windows.handshake::<_, Bytes>(gateway.connect().await).await.unwrap();
    let _connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let (running, _) = client.send_request(http2_call("held"), true).unwrap();
    came.notified().await;
    let (stalled, _) = client.send_request(http2_call("large"), true).unwrap();
    let stalled = stalled.await.unwrap();
    assert_eq!(stalled.status(), 200);
    // Nothing gives its window back, so it stays shut until the stream is reset.
    let mut stalled = stalled.into_body();
    first(&mut stalled, 65_535).await;
    pass(Duration::from_secs(10)).await;
    let (size, end) = rest(stalled).await;
    assert_eq!((size, end.unwrap_err().reason()), (0, Some(h2::Reason::CANCEL)));
    go.notify_one();
    let answer = running.await.unwrap();
    assert_eq!(rest(answer.into_body()).await.0, 2, "on the same connection");
}

#[tokio::test]
async fn in_http2_small_answers_must_be_taken_too() {
    let fake = Fake::new(|_| Box::pin(async { Ok(body(format!("{{\"a\":\"{}\"}}", "x".repeat(2000)))) }));
    let gateway = Running::start(&limited("answer_timeout_ms = 10000"), &fake).await;
    let mut windows = h2::client::Builder::new();
    windows.initial_window_size(1);
    let (client, connection) = windows.handshake::<_, Bytes>(gateway.connect().await).await.unwrap();
    let _connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let (answer, _) = client.send_request(http2_call("f"), true).unwrap();
    let mut answer = answer.await.unwrap().into_body();
    first(&mut answer, 1).await;
    pass(Duration::from_secs(10)).await;
    let (size, end) = rest(answer).await;
    assert_eq!((size, end.unwrap_err().reason()), (0, Some(h2::Reason::CANCEL)));
}

#[tokio::test]
async fn a_connection_over_the_limit_takes_the_place_of_an_idle_one() {
    let gateway = Running::start(&config(&["--connections", "1"]), &Fake::echo()).await;
    let mut first = gateway.connect().await;
    first.write_all(raw("{}", "").as_bytes()).await.unwrap();
    assert_eq!(read_one(&mut first).await.0, 200);
    let mut second = gateway.connect().await;
    second.write_all(raw("{}", "").as_bytes()).await.unwrap();
    assert_eq!(read_one(&mut second).await.0, 200);
    assert_eq!(read_all(&mut first).await, "");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_busy_ones() {
    let (fake, came, go) = Fake::held();
    let gateway = Running::start(&config(&["--connections", "1"]), &fake).await;
    let mut first = gateway.connect().await;
    first.write_all(raw("{\"n\":1}", "").as_bytes()).await.unwrap();
    came.notified().await;
    let mut second = gateway.connect().await;
    second.write_all(raw("{\"n\":2}", "").as_bytes()).await.unwrap();
    gateway.wait_for_metric("tarsgateway_held_connections_total 1").await;
    assert_eq!(fake.count(), 1);
    go.notify_one();
    assert_eq!(parse(&read_all(&mut first).await), (200, "{\"n\":1}".to_owned()));
    came.notified().await;
    go.notify_one();
    assert_eq!(read_one(&mut second).await, (200, "{\"n\":2}".to_owned()));
}

#[tokio::test]
async fn those_over_the_limit_are_answered_one_after_the_other() {
    let (fake, came, go) = Fake::held();
    let gateway = Running::start(&config(&["--connections", "1"]), &fake).await;
    let mut streams = Vec::new();
    for n in 0..3 {
        let mut stream = gateway.connect().await;
        let request = raw(&format!("{{\"n\":{n}}}"), "Connection: close\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    came.notified().await;
    gateway.wait_for_metric("tarsgateway_held_connections_total 1").await;
    for (n, stream) in streams.iter_mut().enumerate() {
        if n > 0 {
            came.notified().await;
        }
        go.notify_one();
        let answer = read_all(stream).await;
        assert_eq!(parse(&answer), (200, format!("{{\"n\":{n}}}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_share_few_connections() {
    let gateway = Running::start(&config(&["--connections", "2"]), &Fake::echo()).await;
    let address = gateway.address;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..24 {
        // All connect before the first is accepted.
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let header = if n % 3 == 0 { "Connection: close\r\n" } else { "" };
            let body = format!("{{\"n\":{n}}}");
            stream.write_all(raw(&body, header).as_bytes()).await.unwrap();
            assert_eq!(read_one(&mut stream).await, (200, body));
            // Whoever keeps its connection loses it when another one needs the place.
            stream
        });
    }
    assert_eq!(clients.join_all().await.len(), 24);
}

#[tokio::test]
async fn in_http2_connections_make_room_too() {
    let gateway = Running::start(&config(&["--connections", "1"]), &Fake::echo()).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let (client, connection) = h2::client::handshake(gateway.connect().await).await.unwrap();
        let connection = tokio::spawn(connection);
        clients.push((client, connection));
    }
    let mut answers = tokio::task::JoinSet::new();
    for (client, connection) in clients {
        answers.spawn(async move {
            let mut client = client.ready().await.unwrap();
            let (answer, _) = client.send_request(http2_call("f"), true).unwrap();
            let answer = answer.await.unwrap();
            assert_eq!(answer.status(), 200);
            assert_eq!(rest(answer.into_body()).await.0, 2);
            (client, connection)
        });
    }
    assert_eq!(answers.join_all().await.len(), 3);
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_its_call() {
    let (fake, came, _go) = Fake::held();
    let gateway = Running::start(&config(&[]), &fake).await;
    let mut stream = gateway.connect().await;
    stream.write_all(raw("{}", "").as_bytes()).await.unwrap();
    came.notified().await;
    gateway.wait_for_metric("tarsgateway_running_calls 1").await;
    drop(stream);
    gateway.wait_for_metric("tarsgateway_running_calls 0").await;
    gateway
        .wait_for_metric(
            "tarsgateway_requests_total{route=\"/json/OBJ/FUNC\",rule=\"Test.Server.Obj\",status=\"499\"} 1",
        )
        .await;
}

#[tokio::test]
async fn http2_without_tls_is_served() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    let (client, connection) = h2::client::handshake(gateway.connect().await).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut answers = Vec::new();
    for n in 0..10 {
        let request = http::Request::post(format!("http://gateway/json/{OBJECT}/f"))
            .body(())
            .unwrap();
        let mut client = client.clone().ready().await.unwrap();
        let (answer, mut body) = client.send_request(request, false).unwrap();
        body.send_data(Bytes::from(format!("{{\"n\":{n}}}")), true).unwrap();
        answers.push(answer);
    }
    for (n, answer) in answers.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        let (mut body, mut bytes) = (answer.into_body(), Vec::new());
        while let Some(data) = body.data().await {
            bytes.extend_from_slice(&data.unwrap());
        }
        assert_eq!(bytes, format!("{{\"n\":{n}}}").into_bytes());
    }
    gateway.stop.cancel();
    drop(client);
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn http2_streams_are_bounded() {
    let (fake, came, go) = Fake::held();
    let gateway = Running::start(&limited("streams_per_connection = 1"), &fake).await;
    let (client, connection) = h2::client::handshake(gateway.connect().await).await.unwrap();
    let _connection = tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = || {
        http::Request::post(format!("http://gateway/json/{OBJECT}/f"))
            .body(())
            .unwrap()
    };
    let (first, _) = client.send_request(request(), true).unwrap();
    came.notified().await;
    go.notify_one();
    assert_eq!(first.await.unwrap().status(), 200);
    assert_eq!(
        client.current_max_send_streams(),
        1,
        "the answer came after the settings"
    );
}

#[tokio::test]
async fn what_is_no_http_gets_an_end() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\0\0\0\x20binary\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ] {
        let mut stream = gateway.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = read_all(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer:?}");
    }
}

#[tokio::test]
async fn operators_have_a_listener_of_their_own() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    assert_eq!(gateway.admin("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(gateway.admin("/readyz").await, (200, "ready\n".to_owned()));
    let mut stream = gateway.connect().await;
    let request = raw("{}", "").replace(OBJECT, "Not.Allowed.Obj");
    stream.write_all((raw("{}", "") + &request).as_bytes()).await.unwrap();
    assert_eq!(
        (read_one(&mut stream).await.0, read_one(&mut stream).await.0),
        (200, 403)
    );
    let (status, metrics) = gateway.admin("/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "tarsgateway_requests_total{route=\"/json/OBJ/FUNC\",rule=\"Test.Server.Obj\",status=\"200\"} 1",
        "tarsgateway_requests_total{route=\"/json/OBJ/FUNC\",rule=\"\",status=\"403\"} 1",
        "tarsgateway_return_codes_total{rule=\"Test.Server.Obj\",code=\"0\"} 1",
        "tarsgateway_ready 1",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("Not.Allowed"));
}

#[tokio::test]
async fn a_stream_of_single_bytes_is_still_one_request() {
    let gateway = Running::start(&config(&[]), &Fake::echo()).await;
    let mut stream: TcpStream = gateway.connect().await;
    stream.set_nodelay(true).unwrap();
    for byte in raw("{\"a\":1}", "").bytes() {
        stream.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(read_one(&mut stream).await, (200, "{\"a\":1}".to_owned()));
    let quiet = tokio::time::timeout(Duration::from_millis(20), stream.read_u8()).await;
    assert!(quiet.is_err(), "one answer and no more");
}
