//! Clients that are used in more than one runtime.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tars::code;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::common::{Servant, TestServer, echo};

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(10);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn serving() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_client_outlives_the_runtime_that_ran_its_connection() {
    let serving = serving();
    let server = serving.block_on(TestServer::start(Servant::echo()));
    let proxy = server.proxy();
    for text in ["one", "two"] {
        assert_eq!(runtime().block_on(echo(&proxy, text).into_future()).unwrap(), text);
    }
    let waiting = echo(&proxy, "three").into_future();
    assert_eq!(serving.block_on(waiting).unwrap(), "three");
}

#[test]
fn a_client_outlives_a_runtime_that_ended_before_it_began_to_connect() {
    let serving = serving();
    let server = serving.block_on(TestServer::start(Servant::echo()));
    let proxy = server.proxy();
    runtime().block_on(async {
        let mut call = Box::pin(echo(&proxy, "lost").into_future());
        let is_pending = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_pending()));
        assert!(is_pending.await);
    });
    let call = echo(&proxy, "next").timeout(SOON).into_future();
    assert_eq!(runtime().block_on(call).unwrap(), "next");
}

#[test]
fn calls_end_in_time_when_the_runtime_of_their_connection_is_not_run() {
    let serving = serving();
    let server = serving.block_on(TestServer::start(Servant::echo()));
    let proxy = server.proxy();
    let idle = runtime();
    assert_eq!(idle.block_on(echo(&proxy, "x").into_future()).unwrap(), "x");

    let brief = || echo(&proxy, "x").timeout(Duration::from_millis(30));
    runtime().block_on(async {
        let error = timeout(SOON, brief().into_future()).await.unwrap().unwrap_err();
        assert_eq!(error.code(), code::INVOKE_TIMEOUT);
        let error = timeout(SOON, brief().one_way().into_future())
            .await
            .unwrap()
            .unwrap_err();
        assert_eq!(error.code(), code::INVOKE_TIMEOUT);
        let address = server.endpoints[0].address();
        let text = format!("TestApp.EchoServer.EchoObj.echo: not written to {address} within 30 ms");
        assert_eq!(error.message(), text);
    });
    assert_eq!(proxy.in_flight(), 0);
    drop(idle);
}
