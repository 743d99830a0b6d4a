//! tower layers around servants and proxies.

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use tars::{BoxFuture, Error, Layer, Request, Response, Result, Service, SpawnLayer, code};
use tower::limit::ConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;

use crate::common::{Echo, Gate, Servant, TestServer, echo, echo_request, framed};

#[tokio::test]
async fn a_shed_load_is_overload() {
    let gate = Gate::new();
    let limited = ConcurrencyLimitLayer::new(1).layer(Servant::gated(&gate));
    let server = TestServer::start(LoadShedLayer::new().layer(limited)).await;
    let proxy = server.proxy();
    let first = tokio::spawn(echo(&proxy, "first").into_future());
    gate.entered(1).await;
    let error = echo(&proxy, "second").await.unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (code::SERVER_OVERLOAD, "a layer sheds load")
    );
    gate.release(2);
    assert_eq!(first.await.unwrap().unwrap(), "first");
    assert_eq!(echo(&proxy, "third").await.unwrap(), "third");
}

#[tokio::test]
async fn calls_wait_for_a_layer_that_is_not_ready_on_every_connection() {
    let gate = Gate::new();
    let server = TestServer::start(ConcurrencyLimitLayer::new(1).layer(Servant::gated(&gate))).await;
    let proxies = [server.proxy(), server.proxy()];
    let calls: Vec<_> = (0..10)
        .map(|n| tokio::spawn(echo(&proxies[n % 2], &n.to_string()).into_future()))
        .collect();
    for count in 1..=10 {
        gate.entered(count).await;
        assert_eq!(gate.count(), count);
        gate.release(1);
    }
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), number.to_string());
    }
}

#[tokio::test]
async fn an_elapsed_timeout_is_a_queue_timeout() {
    let gate = Gate::new();
    let server = TestServer::start(TimeoutLayer::new(Duration::from_millis(10)).layer(Servant::gated(&gate))).await;
    let error = echo(&server.proxy(), "x").await.unwrap_err();
    assert_eq!(error.code(), code::SERVER_QUEUE_TIMEOUT);
    assert_eq!(error.message(), "a layer's time limit for the call has passed");
}

#[tokio::test]
async fn a_servants_own_error_goes_through_layers_with_its_code() {
    let servant = Servant::new(|_, _| async { Err(Error::new(1001, "no such user")) });
    let server = TestServer::start(TimeoutLayer::new(Duration::from_mins(1)).layer(servant)).await;
    let error = echo(&server.proxy(), "x").await.unwrap_err();
    assert_eq!((error.code(), error.message()), (1001, "no such user"));
}

#[tokio::test]
async fn spawned_calls_answer_panic_and_inherit_alike() {
    let servant = Servant::new(|cx, text| async move {
        assert_ne!(text, "panic");
        assert_eq!(tars::Context::current().deadline(), cx.deadline());
        cx.respond::<Echo>(text)
    });
    let server = TestServer::start(SpawnLayer::new().layer(servant)).await;
    let proxy = server.proxy();
    assert_eq!(echo(&proxy, "x").await.unwrap(), "x");
    let error = echo(&proxy, "panic").await.unwrap_err();
    assert_eq!((error.code(), error.message()), (code::UNKNOWN, "the servant panicked"));
}

/// A user's layer around a proxy: adds to the context of each request.
#[derive(Clone)]
struct Stamp<S> {
    inner: S,
}

impl<S: Service<Request, Response = Response>> Service<Request> for Stamp<S> {
    type Response = Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> S::Future {
        request.context_mut().insert("stamp".into(), "yes".into());
        self.inner.call(request)
    }
}

struct StampLayer;

impl<S> Layer<S> for StampLayer {
    type Service = Stamp<S>;

    fn layer(&self, inner: S) -> Stamp<S> {
        Stamp { inner }
    }
}

#[tokio::test]
async fn layers_go_around_proxies_too() {
    let server = TestServer::start(Servant::new(|cx, text| async move {
        let stamp = cx.context_str("stamp").unwrap_or("no").to_owned();
        cx.respond::<Echo>(format!("{text} {stamp}"))
    }))
    .await;
    assert_eq!(echo(&server.proxy(), "x").await.unwrap(), "x no");
    let layered = server
        .proxy()
        .layer(StampLayer)
        .layer(TimeoutLayer::new(Duration::from_mins(1)));
    assert_eq!(echo(&layered, "x").await.unwrap(), "x yes");
    assert_eq!(echo(&layered, "x").with_reply().await.unwrap().value, "x yes");
    echo(&layered, "x").one_way().await.unwrap();
}

#[tokio::test]
async fn an_elapsed_timeout_of_a_client_is_its_timeout() {
    let server = TestServer::start(Servant::gated(&Gate::new())).await;
    let proxy = server.proxy().layer(TimeoutLayer::new(Duration::from_millis(10)));
    assert_eq!(echo(&proxy, "x").await.unwrap_err().code(), code::INVOKE_TIMEOUT);
    assert_eq!(proxy.in_flight(), 0);
}

#[tokio::test]
async fn a_proxy_is_a_service() {
    let server = TestServer::start(Servant::echo()).await;
    let mut proxy = server.proxy();
    let body = tars::codec::encode(&crate::common::EchoArgs { text: "raw".to_owned() }).unwrap();
    let request = Request::new("echo".to_owned(), body);
    let response = Service::call(&mut proxy, request).await.unwrap();
    assert_eq!(response.body(), [6, 3, b'r', b'a', b'w']);
    let shared: Arc<dyn Fn() -> BoxFuture<Result<()>>> = Arc::new(move || Box::pin(proxy.ping().into_future()));
    shared().await.unwrap();
}

#[tokio::test]
async fn a_shed_call_leaves_no_claim_on_the_limit() {
    let gate = Gate::new();
    let limited = ConcurrencyLimitLayer::new(1).layer(Servant::gated(&gate));
    let server = TestServer::start(LoadShedLayer::new().layer(limited)).await;
    // Each proxy is a connection: one is served, one is shed and then stays silent, one comes later.
    let [first_to_come, shed, late] = [server.proxy(), server.proxy(), server.proxy()];
    let first = tokio::spawn(echo(&first_to_come, "first").into_future());
    gate.entered(1).await;
    assert_eq!(echo(&shed, "x").await.unwrap_err().code(), code::SERVER_OVERLOAD);
    gate.release(2);
    assert_eq!(first.await.unwrap().unwrap(), "first");
    assert_eq!(echo(&late, "late").await.unwrap(), "late");
}

#[tokio::test]
async fn a_call_that_a_layer_holds_back_ends_with_its_deadline() {
    let gate = Gate::new();
    let server = TestServer::start(ConcurrencyLimitLayer::new(1).layer(Servant::gated(&gate))).await;
    let proxy = server.proxy();
    let first = tokio::spawn(echo(&proxy, "first").into_future());
    gate.entered(1).await;
    // Raw, so that it is the server that ends it: a client would give up first and leave the server's end to chance.
    let mut held = echo_request(1, "held");
    held.i_timeout = 20;
    let mut raw = server.raw().await;
    raw.send(&framed(&held)).await;
    let answer = raw.response().await.unwrap();
    assert_eq!(answer.i_ret, code::SERVER_QUEUE_TIMEOUT);
    assert_eq!(
        answer.s_result_desc,
        "the deadline passed while a layer held the call back"
    );
    gate.release(2);
    assert_eq!(first.await.unwrap().unwrap(), "first");
    assert_eq!(echo(&proxy, "next").await.unwrap(), "next");
    assert_eq!(gate.count(), 2, "the held call never began");
}
