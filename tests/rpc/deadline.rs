//! Deadlines: from a request's time to the calls made in its course.

use std::time::Duration;

use tars::{Communicator, Context, Server, code};

use crate::common::{ANYWHERE, Echo, Gate, OBJECT, RawServer, Servant, TestServer, echo, echo_request, framed};

#[tokio::test]
async fn a_request_with_a_time_has_a_deadline() {
    let server = TestServer::start(Servant::new(|cx, _| async move {
        let left = cx
            .remaining()
            .map_or_else(|| "none".to_owned(), |left| left.as_millis().to_string());
        cx.respond::<Echo>(left)
    }))
    .await;
    let left: u64 = echo(&server.proxy(), "")
        .timeout(Duration::from_secs(20))
        .await
        .unwrap()
        .parse()
        .unwrap();
    assert!((10_000..=20_000).contains(&left), "{left}");
    let mut raw = server.raw().await;
    let mut packet = echo_request(1, "");
    packet.i_timeout = 0;
    raw.send(&framed(&packet)).await;
    assert_eq!(crate::common::echoed(&raw.response().await.unwrap()), "none");
}

#[tokio::test]
async fn a_request_whose_time_is_over_is_not_begun() {
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .max_calls_per_connection(1);
    let server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    let mut brief = echo_request(2, "brief");
    brief.i_timeout = 1;
    // In one write, so that both have come when the first has begun.
    raw.send(&[framed(&echo_request(1, "first")), framed(&brief)].concat())
        .await;
    gate.entered(1).await;
    // The server reads tokio's clock, which a test may put forward.
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(10)).await;
    tokio::time::resume();
    gate.release(2);
    assert_eq!(raw.response().await.unwrap().i_ret, code::SUCCESS);
    let answer = raw.response().await.unwrap();
    assert_eq!((answer.i_request_id, answer.i_ret), (2, code::SERVER_QUEUE_TIMEOUT));
    assert_eq!(answer.s_result_desc, "the request's 1 ms were over before it began");
    assert_eq!(gate.count(), 1);
}

/// A server whose servant calls on, and the raw server that it calls.
async fn chain(spawned: bool) -> (TestServer, RawServer) {
    let end = RawServer::start().await;
    let proxy = Communicator::builder()
        .timeout(Duration::from_mins(1))
        .build()
        .proxy(&end.object())
        .unwrap();
    let middle = TestServer::start(Servant::new(move |cx, text| {
        let proxy = proxy.clone();
        async move {
            let onward = async move { echo(&proxy, &text).one_way().await };
            if spawned {
                tokio::spawn(Context::current().scope(onward)).await.unwrap()?;
            } else {
                onward.await?;
            }
            cx.respond::<Echo>(String::new())
        }
    }))
    .await;
    (middle, end)
}

#[tokio::test]
async fn calls_made_while_serving_end_with_the_deadline_of_the_call_served() {
    for spawned in [false, true] {
        let (middle, end) = chain(spawned).await;
        let proxy = middle.proxy();
        let call = echo(&proxy, "x").timeout(Duration::from_secs(20));
        let (answer, mut raw) = tokio::join!(call, end.accept());
        answer.unwrap();
        let millis = raw.request().await.unwrap().i_timeout;
        assert!((10_000..=20_000).contains(&millis), "{millis}");
    }
    assert_eq!(Context::current().deadline(), None);
}

#[tokio::test]
async fn no_call_is_sent_when_no_time_is_left() {
    let server = RawServer::start().await;
    let error = echo(&server.proxy(), "x").timeout(Duration::ZERO).await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (code::INVOKE_TIMEOUT, "TestApp.EchoServer.EchoObj.echo: no time is left")
    );
}

#[tokio::test]
async fn an_endpoint_that_cannot_be_reached_in_time_is_a_connect_error() {
    // Nobody answers at an address of the documentation range; a network that says so at once is a connect error too.
    let proxy = Communicator::new()
        .proxy(&format!("{OBJECT}@tcp -h 192.0.2.1 -p 9"))
        .unwrap();
    let error = echo(&proxy, "x").timeout(Duration::from_millis(50)).await.unwrap_err();
    assert_eq!(error.code(), code::PROXY_CONNECT_ERR);
    assert!(error.message().contains("192.0.2.1:9"), "{error}");
}
