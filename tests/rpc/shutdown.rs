//! Shutting a server down while calls run.

use std::time::Duration;

use tars::{Communicator, Server, code};
use tokio::net::TcpStream;

use crate::common::{ANYWHERE, Gate, OBJECT, Place, Servant, TestServer, echo, echo_request, echoed, framed};

#[tokio::test]
async fn running_calls_end_and_are_answered() {
    const CALLS: usize = 100;
    let gate = Gate::new();
    let place = Place::new();
    let mut server = TestServer::at(&place, Servant::gated(&gate)).await;
    let proxy = server.proxy();
    let calls: Vec<_> = (0..CALLS)
        .map(|n| tokio::spawn(echo(&proxy, &n.to_string()).into_future()))
        .collect();
    gate.entered(CALLS).await;
    let mut idle = server.raw().await;
    idle.send(&framed(&echo_request(1, "last"))).await;
    gate.entered(CALLS + 1).await;

    server.signal();
    // The listener is gone as soon as the signal has been seen; calls still run then.
    while TcpStream::connect(server.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.release(CALLS + 1);
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), number.to_string());
    }
    assert_eq!(echoed(&idle.response().await.unwrap()), "last");
    assert!(idle.is_closed().await);
    drop(idle);
    server.stopped().await;
    assert_eq!(echo(&proxy, "x").await.unwrap_err().code(), code::PROXY_CONNECT_ERR);
}

#[tokio::test]
async fn requests_that_were_read_are_answered_too() {
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .max_calls_per_connection(1);
    let mut server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    raw.send(&[framed(&echo_request(1, "runs")), framed(&echo_request(2, "waits"))].concat())
        .await;
    gate.entered(1).await;
    server.signal();
    gate.release(2);
    assert_eq!(echoed(&raw.response().await.unwrap()), "runs");
    assert_eq!(echoed(&raw.response().await.unwrap()), "waits");
    assert!(raw.is_closed().await);
    drop(raw);
    server.stopped().await;
}

#[tokio::test]
async fn requests_that_had_arrived_are_answered_too() {
    const REQUESTS: i32 = 4000;
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .max_calls_per_connection(1);
    let mut server = TestServer::of(builder).await;
    let mut raw = server.raw().await;
    // More than is read at once, so most of it is still in the socket when the signal comes.
    let requests: Vec<_> = (1..=REQUESTS).map(|id| framed(&echo_request(id, "arrived"))).collect();
    raw.send(&requests.concat()).await;
    gate.entered(1).await;
    server.signal();
    gate.release(REQUESTS.try_into().unwrap());
    for _ in 0..REQUESTS {
        assert_eq!(echoed(&raw.response().await.unwrap()), "arrived");
    }
    assert!(raw.is_closed().await);
    drop(raw);
    server.stopped().await;
}

#[tokio::test]
async fn a_request_that_arrived_right_before_the_signal_is_answered() {
    for _ in 0..10 {
        let mut server = TestServer::start(Servant::echo()).await;
        let mut raw = server.raw().await;
        raw.send(&framed(&echo_request(1, "before"))).await;
        assert_eq!(echoed(&raw.response().await.unwrap()), "before");
        // Nothing of this waits, so the runtime has not been told of the second request when the server is stopped.
        let request = framed(&echo_request(2, "arrived"));
        assert_eq!(raw.stream.try_write(&request).unwrap(), request.len());
        server.signal();
        assert_eq!(echoed(&raw.response().await.unwrap()), "arrived");
        assert!(raw.is_closed().await);
        drop(raw);
        server.stopped().await;
    }
}

#[tokio::test]
async fn calls_that_do_not_end_are_given_up_after_the_grace_time() {
    let gate = Gate::new();
    let builder = Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::gated(&gate))
        .shutdown_grace(Duration::from_millis(20));
    let server = TestServer::of(builder).await;
    let call = tokio::spawn(echo(&server.proxy(), "x").into_future());
    gate.entered(1).await;
    server.stopped().await;
    assert_eq!(call.await.unwrap().unwrap_err().code(), code::PROXY_CONNECT_ERR);
}

#[tokio::test]
async fn a_client_reaches_the_server_that_comes_after() {
    let place = Place::new();
    let server = TestServer::at(&place, Servant::echo()).await;
    let proxy = Communicator::new().proxy(&server.object()).unwrap();
    assert_eq!(echo(&proxy, "first").await.unwrap(), "first");
    server.stopped().await;
    let _second = TestServer::at(&place, Servant::echo()).await;
    assert_eq!(echo(&proxy, "second").await.unwrap(), "second");
}
