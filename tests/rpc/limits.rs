//! What a server bounds.

use std::time::Duration;

use tars::{Communicator, Server, code};

use crate::common::{ANYWHERE, Echo, Gate, OBJECT, Servant, TestServer, echo, echo_request, echoed, framed};

#[tokio::test]
async fn bytes_that_are_no_request_close_the_connection_after_what_runs() {
    let cases: [&[u8]; 5] = [
        &[0x7f, 0xff, 0xff, 0xff],
        &[0, 0, 0, 0],
        &[0, 0, 0, 4],
        b"GET / HTTP/1.1\r\n\r\n",
        &[0, 0, 0, 8, 0x10, 1, 0x2c, 0x3c],
    ];
    for bytes in cases {
        let gate = Gate::new();
        let server = TestServer::start(Servant::gated(&gate)).await;
        let other = server.proxy();
        other.ping().await.unwrap();
        let mut raw = server.raw().await;
        raw.send(
            &[
                &framed(&echo_request(1, "before")),
                bytes,
                &framed(&echo_request(2, "after")),
            ]
            .concat(),
        )
        .await;
        gate.entered(1).await;
        gate.release(1);
        assert_eq!(echoed(&raw.response().await.unwrap()), "before");
        assert!(raw.is_closed().await, "{bytes:?}");
        assert_eq!(gate.count(), 1);
        other.ping().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_longer_than_a_frame_is_an_error_of_the_call() {
    let servant = Servant::new(|cx, text| async move { cx.respond::<Echo>(text.repeat(1000)) });
    let server = TestServer::of(
        Server::builder()
            .adapter(ANYWHERE, OBJECT, servant)
            .max_frame_bytes(50_000),
    )
    .await;
    let proxy = server.proxy();
    let error = echo(&proxy, &"x".repeat(100)).await.unwrap_err();
    assert_eq!(error.code(), code::SERVER_ENCODE_ERR);
    assert!(error.message().contains("frames are limited to 50000"), "{error}");
    assert_eq!(echo(&proxy, "x").await.unwrap().len(), 1000);
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .max_connections(1);
    let server = TestServer::of(builder).await;
    let first = server.proxy();
    first.ping().await.unwrap();
    assert!(server.raw().await.is_closed().await);
    first.ping().await.unwrap();
}

#[tokio::test]
async fn a_full_listener_takes_no_room_from_another() {
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .adapter("tcp -h 127.0.0.1 -p 0 -b 127.0.0.1", "AdminObj", Servant::echo())
        .max_connections(1);
    let server = TestServer::of(builder).await;
    server.proxy().ping().await.unwrap();
    assert!(server.raw().await.is_closed().await);
    let admin = format!("AdminObj@{}", server.endpoints[1]);
    Communicator::new().proxy(&admin).unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn no_more_calls_run_than_allowed_and_the_rest_waits() {
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .max_calls_per_connection(4);
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let frames: Vec<u8> = (1..=10).flat_map(|id| framed(&echo_request(id, "x"))).collect();
    raw.send(&frames).await;
    for answered in 0..10 {
        let running = (answered + 4).min(10);
        gate.entered(running).await;
        assert_eq!(gate.count(), running);
        gate.release(1);
        assert_eq!(raw.response().await.unwrap().i_ret, code::SUCCESS);
    }
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let gate = Gate::new();
    let endpoint = format!("{ANYWHERE} -t 60000");
    let server = TestServer::of(Server::builder().adapter(endpoint, OBJECT, Servant::gated(&gate))).await;
    let mut busy = server.raw().await;
    busy.send(&framed(&echo_request(1, "busy"))).await;
    gate.entered(1).await;
    // From here on the time passes when nothing else happens. Before, the request had all of it to arrive.
    tokio::time::pause();
    let mut idle = server.raw().await;
    let mut partial = server.raw().await;
    partial.send(&framed(&echo_request(1, "half"))[..10]).await;
    assert!(idle.is_closed().await);
    assert!(partial.is_closed().await);
    gate.release(1);
    assert_eq!(echoed(&busy.response().await.unwrap()), "busy");
    assert!(busy.is_closed().await);
}

#[tokio::test]
async fn the_servers_idle_timeout_is_for_endpoints_without_one() {
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .adapter("tcp -h 127.0.0.2 -p 0 -t 0", OBJECT, Servant::echo())
        .idle_timeout(Duration::from_millis(30));
    let server = TestServer::of(builder).await;
    let mut never = crate::common::Raw::new(
        tokio::net::TcpStream::connect(server.endpoints[1].address())
            .await
            .unwrap(),
    );
    assert!(server.raw().await.is_closed().await);
    never.send(&framed(&echo_request(1, "still here"))).await;
    assert_eq!(echoed(&never.response().await.unwrap()), "still here");
}

#[tokio::test]
async fn requests_of_running_calls_are_bounded_in_bytes() {
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .max_call_bytes_per_connection(10_000);
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let text = "x".repeat(6000);
    let requests: Vec<_> = (1..=4).map(|id| framed(&echo_request(id, &text))).collect();
    raw.send(&requests.concat()).await;
    gate.entered(2).await;
    // Another connection is not held up, and its answer shows that the third call had its chance to begin.
    server.proxy().ping().await.unwrap();
    assert_eq!(gate.count(), 2);
    gate.release(4);
    for _ in 1..=4 {
        assert_eq!(echoed(&raw.response().await.unwrap()), text);
    }
}

#[tokio::test(start_paused = true)]
async fn single_bytes_do_not_hold_a_connection() {
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .idle_timeout(Duration::from_secs(10));
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let frame = framed(&echo_request(1, "never complete"));
    for byte in &frame[..3] {
        raw.send(&[*byte]).await;
        tokio::time::advance(Duration::from_secs(4)).await;
    }
    assert!(raw.is_closed().await);
}

#[tokio::test]
async fn an_idle_time_without_end_is_a_setting_like_any_other() {
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .idle_timeout(Duration::MAX);
    let server = TestServer::of(builder).await;
    assert_eq!(echo(&server.proxy(), "x").await.unwrap(), "x");
}

#[tokio::test]
async fn an_error_whose_code_says_success_is_still_an_error() {
    let server = TestServer::start(Servant::new(|_, _| async { Err(tars::Error::new(0, "not really")) })).await;
    let error = echo(&server.proxy(), "x").await.unwrap_err();
    assert_eq!((error.code(), error.message()), (code::UNKNOWN, "not really"));
}
