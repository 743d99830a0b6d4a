//! What a server answers.

use std::net::SocketAddr;

use tars::{ByteString, Error, Server, code};
use tokio::io::AsyncWriteExt;

use crate::common::{ANYWHERE, Gate, OBJECT, Servant, TestServer, echo, echo_request, echoed, framed, request};

#[tokio::test]
async fn a_call_is_answered() {
    let server = TestServer::start(Servant::echo()).await;
    let proxy = server.proxy();
    assert_eq!(echo(&proxy, "hello").await.unwrap(), "hello");
    proxy.ping().await.unwrap();
    assert_eq!(proxy.in_flight(), 0);
}

#[tokio::test]
async fn servants_on_one_listener_are_told_apart_by_name() {
    let named = |name: &'static str| {
        Servant::new(move |cx, text| async move { cx.respond::<crate::common::Echo>(format!("{name} {text}")) })
    };
    let server = TestServer::of(Server::builder().adapter(ANYWHERE, "A.B.One", named("one")).adapter(
        ANYWHERE,
        "A.B.Two",
        named("two"),
    ))
    .await;
    assert_eq!(server.endpoints[0], server.endpoints[1]);
    let comm = tars::Communicator::new();
    for (object, expected) in [("A.B.One", "one x"), ("A.B.Two", "two x")] {
        let proxy = comm.proxy(&format!("{object}@{}", server.endpoints[0])).unwrap();
        assert_eq!(echo(&proxy, "x").await.unwrap(), expected);
    }
    let nobody = comm.proxy(&format!("A.B.Three@{}", server.endpoints[0])).unwrap();
    for error in [echo(&nobody, "x").await.unwrap_err(), nobody.ping().await.unwrap_err()] {
        assert_eq!(error.code(), code::SERVER_NO_SERVANT);
        assert_eq!(
            error.message(),
            format!("no servant `A.B.Three` at {}", server.address())
        );
    }
}

#[tokio::test]
async fn adapters_of_one_object_at_one_place_are_refused() {
    let builder =
        Server::builder()
            .adapter(ANYWHERE, OBJECT, Servant::echo())
            .adapter(ANYWHERE, OBJECT, Servant::echo());
    let error = builder.bind().await.unwrap_err();
    assert_eq!(error.message(), format!("`{OBJECT}` has two adapters at `{ANYWHERE}`"));
}

#[tokio::test]
async fn wrong_endpoints_fail_in_bind() {
    let cases = [
        (
            "tcp -p 1",
            "endpoint `tcp -p 1`, column 1: option `-h` (host) is missing",
        ),
        (
            "udp -h 127.0.0.1 -p 0",
            "cannot listen at `udp -h 127.0.0.1 -p 0`: only tcp is supported",
        ),
    ];
    for (endpoint, message) in cases {
        let error = Server::builder()
            .adapter(endpoint, OBJECT, Servant::echo())
            .bind()
            .await
            .unwrap_err();
        assert_eq!(error.message(), message);
    }
    let taken = TestServer::start(Servant::echo()).await;
    let error = Server::builder()
        .adapter(taken.endpoints[0].clone(), OBJECT, Servant::echo())
        .bind()
        .await
        .unwrap_err();
    assert!(
        error
            .message()
            .starts_with(&format!("cannot listen at `{}`: ", taken.endpoints[0])),
        "{error}"
    );
}

#[tokio::test]
async fn unknown_functions_and_broken_parameters_are_errors_of_the_call() {
    let server = TestServer::start(Servant::echo()).await;
    let mut raw = server.raw().await;
    raw.send(&framed(&request(1, "shout", Vec::new()))).await;
    raw.send(&framed(&request(2, "echo", vec![0x10, 7]))).await;
    raw.send(&framed(&echo_request(3, "still there"))).await;
    let answers = [
        raw.response().await.unwrap(),
        raw.response().await.unwrap(),
        raw.response().await.unwrap(),
    ];
    assert_eq!(answers[0].i_ret, code::SERVER_NO_FUNC);
    assert_eq!(
        answers[0].s_result_desc,
        *format!("`{OBJECT}` has no function `shout`").as_str()
    );
    assert_eq!(answers[1].i_ret, code::SERVER_DECODE_ERR);
    let text = answers[1].s_result_desc.to_str().unwrap();
    assert!(
        text.starts_with(&format!("parameters of {OBJECT}.echo: EchoArgs.text (tag 1)")),
        "{text}"
    );
    assert_eq!(
        (answers[2].i_ret, echoed(&answers[2]).as_str()),
        (code::SUCCESS, "still there")
    );
}

#[tokio::test]
async fn one_way_calls_run_and_answer_nothing() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let server = TestServer::start(Servant::new(move |cx, text| {
        sender.send((text.clone(), cx.is_one_way())).unwrap();
        async move {
            if text == "fail" {
                Err(Error::new(5, "no"))
            } else {
                cx.respond::<crate::common::Echo>(text)
            }
        }
    }))
    .await;
    let mut raw = server.raw().await;
    for (id, text) in [(1, "good"), (2, "fail")] {
        let mut packet = echo_request(id, text);
        packet.c_packet_type = 1;
        raw.send(&framed(&packet)).await;
    }
    let mut packet = request(3, "nothing", Vec::new());
    packet.c_packet_type = 1;
    raw.send(&framed(&packet)).await;
    raw.send(&framed(&echo_request(4, "two-way"))).await;
    assert_eq!(raw.response().await.unwrap().i_request_id, 4);
    for expected in [("good", true), ("fail", true), ("two-way", false)] {
        let (text, one_way) = receiver.recv().await.unwrap();
        assert_eq!((text.as_str(), one_way), expected);
    }
}

#[tokio::test]
async fn a_one_way_call_runs_to_its_end_though_the_caller_is_gone() {
    let gate = Gate::new();
    let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
    let server = TestServer::start(Servant::new({
        let gate = gate.clone();
        move |cx, text| {
            let (gate, done) = (gate.clone(), done.clone());
            async move {
                gate.pass().await;
                done.send(()).unwrap();
                cx.respond::<crate::common::Echo>(text)
            }
        }
    }))
    .await;
    echo(&server.proxy(), "bye").one_way().await.unwrap();
    gate.entered(1).await;
    gate.release(1);
    finished.recv().await.unwrap();
}

#[tokio::test]
async fn a_panic_is_the_calls_error() {
    let server = TestServer::start(Servant::new(|cx, text| {
        assert_ne!(text, "at once", "a panic before the future");
        async move {
            tokio::task::yield_now().await;
            assert_ne!(text, "later", "a panic inside the future");
            cx.respond::<crate::common::Echo>(text)
        }
    }))
    .await;
    let proxy = server.proxy();
    for text in ["at once", "later"] {
        let error = echo(&proxy, text).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (code::UNKNOWN, "the servant panicked"));
    }
    assert_eq!(echo(&proxy, "fine").await.unwrap(), "fine");
}

#[tokio::test]
async fn context_and_status_travel_both_ways_even_when_they_are_not_text() {
    let odd = || ByteString::from(&b"\xff\xfe"[..]);
    let server = TestServer::start(Servant::new(move |mut cx, text| async move {
        assert_eq!(cx.context_str("user"), Some("7"));
        assert_eq!((cx.context_str("odd"), cx.context_str("none")), (None, None));
        assert_eq!(cx.status_str("STATUS_GRID_KEY"), Some("grid"));
        let value = cx.context()[&b"odd"[..]].clone();
        cx.set_response_context("odd", value);
        cx.set_response_status("set", "yes");
        cx.respond::<crate::common::Echo>(text)
    }))
    .await;
    let proxy = server.proxy();
    let call = echo(&proxy, "x")
        .context("user", "7")
        .context("odd", odd())
        .status("STATUS_GRID_KEY", "grid");
    let reply = call.with_reply().await.unwrap();
    assert_eq!(reply.value, "x");
    assert_eq!(reply.context[&b"odd"[..]], odd());
    assert_eq!(reply.status[&b"set"[..]], "yes");
}

#[tokio::test]
async fn a_servant_knows_who_calls_what_where() {
    let server = TestServer::start(Servant::new(|cx, _| async move {
        let (peer, local) = (cx.peer_address().unwrap(), cx.local_address().unwrap());
        let text = format!("{peer} {local} {} {}", cx.object(), cx.function());
        cx.respond::<crate::common::Echo>(text)
    }))
    .await;
    let mut raw = server.raw().await;
    raw.send(&framed(&echo_request(1, ""))).await;
    let text = echoed(&raw.response().await.unwrap());
    let me: SocketAddr = raw.stream.local_addr().unwrap();
    assert_eq!(text, format!("{me} {} {OBJECT} echo", server.address()));
}

#[tokio::test]
async fn a_waiting_call_does_not_hold_up_the_others_of_its_connection() {
    let gate = Gate::new();
    let gated = gate.clone();
    let server = TestServer::start(Servant::new(move |cx, text| {
        let gate = gated.clone();
        async move {
            if text == "slow" {
                gate.pass().await;
            }
            cx.respond::<crate::common::Echo>(text)
        }
    }))
    .await;
    let proxy = server.proxy();
    let slow = tokio::spawn(echo(&proxy, "slow").into_future());
    gate.entered(1).await;
    for _ in 0..100 {
        assert_eq!(echo(&proxy, "fast").await.unwrap(), "fast");
    }
    gate.release(1);
    assert_eq!(slow.await.unwrap().unwrap(), "slow");
}

#[tokio::test]
async fn a_peer_that_says_no_more_still_gets_its_answers() {
    let gate = Gate::new();
    let server = TestServer::start(Servant::gated(&gate)).await;
    let mut raw = server.raw().await;
    raw.send(&[framed(&echo_request(1, "a")), framed(&echo_request(2, "b"))].concat())
        .await;
    raw.stream.shutdown().await.unwrap();
    gate.entered(2).await;
    gate.release(2);
    let mut texts = [
        echoed(&raw.response().await.unwrap()),
        echoed(&raw.response().await.unwrap()),
    ];
    texts.sort();
    assert_eq!(texts, ["a", "b"]);
    assert!(raw.is_closed().await);
}
