//! What a client does when one of several endpoints cannot be reached.

use std::net::SocketAddr;
use std::time::Duration;

use tars::{Communicator, Endpoint, Proxy, code};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{advance, pause, resume, timeout};

use crate::common::{Echo, OBJECT, Place, RawServer, Servant, TestServer, echo};

/// Longer than anything takes that works, and shorter than the share of a patient call's time.
const SOON: Duration = Duration::from_secs(10);
const PATIENT: Duration = Duration::from_mins(1);

/// A listener whose queue is full: Linux drops what comes to it without an answer.
struct BlackHole {
    listener: TcpListener,
    _filling: TcpStream,
}

impl BlackHole {
    async fn new() -> Self {
        Self::at("127.0.0.1:0".parse().unwrap()).await
    }

    async fn at(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(0).unwrap();
        let filling = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        Self {
            listener,
            _filling: filling,
        }
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::tcp("127.0.0.1", self.listener.local_addr().unwrap().port())
    }
}

fn proxy(comm: &Communicator, first: &Endpoint, second: &Endpoint) -> Proxy {
    comm.proxy(&format!("{OBJECT}@{first}:{second}")).unwrap()
}

/// Calls that must be answered without waiting for the endpoint that cannot be reached.
async fn calls_pass_over_it(proxy: &Proxy) {
    for _ in 0..6 {
        let call = echo(proxy, "x").timeout(PATIENT);
        assert_eq!(timeout(SOON, call.into_future()).await.unwrap().unwrap(), "x");
    }
}

/// Lets more time pass than an endpoint is left alone for.
async fn penalty_ends() {
    pause();
    advance(Duration::from_secs(6)).await;
    resume();
}

#[tokio::test]
async fn an_endpoint_that_swallows_connections_takes_a_share_of_one_call_only() {
    let hole = BlackHole::new().await;
    let server = TestServer::start(Servant::echo()).await;
    let comm = Communicator::builder().connect_timeout(Duration::from_hours(1)).build();
    let proxy = proxy(&comm, &hole.endpoint(), &server.endpoints[0]);
    // The hole may have half of it; what remains is ample for a connection also when the machine is busy.
    let first = echo(&proxy, "x").timeout(Duration::from_secs(4)).await;
    assert_eq!(first.unwrap(), "x");
    calls_pass_over_it(&proxy).await;
}

#[tokio::test]
async fn a_failed_endpoint_is_tried_again_behind_the_backs_of_the_calls() {
    let server = TestServer::start(Servant::echo()).await;
    let dead = Place::new();
    let comm = Communicator::builder().connect_timeout(Duration::from_hours(1)).build();
    let proxy = proxy(&comm, &dead.endpoint(), &server.endpoints[0]);
    calls_pass_over_it(&proxy).await;
    let _hole = BlackHole::at(dead.address()).await;
    penalty_ends().await;
    calls_pass_over_it(&proxy).await;
}

#[tokio::test]
async fn an_endpoint_that_comes_back_is_called_again() {
    let server = TestServer::start(Servant::echo()).await;
    let dead = Place::new();
    let comm = Communicator::new();
    let proxy = proxy(&comm, &dead.endpoint(), &server.endpoints[0]);
    calls_pass_over_it(&proxy).await;
    let servant = Servant::new(|cx, _| async move { cx.respond::<Echo>("back".to_owned()) });
    let _back = TestServer::at(&dead, servant).await;
    penalty_ends().await;
    let until_back = async { while echo(&proxy, "x").timeout(PATIENT).await.unwrap() != "back" {} };
    timeout(SOON, until_back).await.unwrap();
}

#[tokio::test]
async fn a_request_carries_the_time_that_connecting_has_left() {
    let hole = BlackHole::new().await;
    let server = RawServer::start().await;
    let comm = Communicator::builder().connect_timeout(Duration::from_hours(1)).build();
    let proxy = proxy(&comm, &hole.endpoint(), &server.endpoint());
    let call = echo(&proxy, "x").timeout(Duration::from_secs(2)).into_future();
    let (answer, packet) = tokio::join!(call, async { server.accept().await.request().await.unwrap() });
    assert!((1..=1000).contains(&packet.i_timeout), "{}", packet.i_timeout);
    answer.unwrap_err();
}

#[tokio::test]
async fn nothing_but_swallowed_connections_names_all_endpoints() {
    let holes = [BlackHole::new().await, BlackHole::new().await].map(|hole| (hole.endpoint(), hole));
    let place = Place::new();
    let dead = place.endpoint();
    let [first, second] = holes.each_ref().map(|(endpoint, _)| endpoint);
    let comm = Communicator::builder().connect_timeout(Duration::from_hours(1)).build();
    let proxy = comm.proxy(&format!("{OBJECT}@{first}:{second}:{dead}")).unwrap();
    let error = echo(&proxy, "x")
        .timeout(Duration::from_millis(1500))
        .await
        .unwrap_err();
    assert_eq!(error.code(), code::PROXY_CONNECT_ERR);
    assert!(error.message().contains("cannot connect to "), "{error}");
    assert!(error.message().contains("no connection to "), "{error}");
    assert!(error.message().ends_with(" within 1500 ms"), "{error}");
    for endpoint in [first, second, &dead] {
        assert!(error.message().contains(&endpoint.address()), "{error}");
    }
}
