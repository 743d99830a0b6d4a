//! What the tests of calls start: servers on free ports, servants made of closures, and peers that speak raw bytes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary includes it and uses a part of it"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use tars::codec::{self, Limits, Writer};
use tars::protocol::{RequestPacket, ResponsePacket};
use tars::{BoxFuture, Call, Communicator, Context, Endpoint, Operation, Proxy, Request, Response, Result};
use tars::{Server, ServerBuilder, Service, TarsStruct};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinHandle;

/// The object that test servers serve.
pub const OBJECT: &str = "TestApp.EchoServer.EchoObj";

/// An endpoint on a free port.
pub const ANYWHERE: &str = "tcp -h 127.0.0.1 -p 0";

/// `string echo(string text)`.
#[derive(Debug)]
pub enum Echo {}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub struct EchoArgs {
    #[tars(tag = 1, require)]
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, TarsStruct)]
pub struct EchoReply {
    #[tars(tag = 0, require, name = "tars_ret")]
    pub ret: String,
}

impl Operation for Echo {
    const NAME: &'static str = "echo";
    type Args = EchoArgs;
    type Reply = EchoReply;
    type Output = String;

    fn into_output(reply: EchoReply) -> String {
        reply.ret
    }

    fn into_reply(output: String) -> EchoReply {
        EchoReply { ret: output }
    }
}

/// Calls `echo`.
pub fn echo(proxy: &Proxy, text: &str) -> Call<String> {
    let mut args = Writer::new();
    args.field(1, text);
    proxy.call::<Echo>(args)
}

type Handler = dyn Fn(Context, String) -> BoxFuture<Result<Response>> + Send + Sync;

/// A servant with the one function `echo`, whose body is a closure.
#[derive(Clone)]
pub struct Servant {
    handler: Arc<Handler>,
}

impl Servant {
    pub fn new<F>(handler: impl Fn(Context, String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Response>> + Send + 'static,
    {
        Self {
            handler: Arc::new(move |cx, text| Box::pin(handler(cx, text))),
        }
    }

    /// Answers what it was given.
    pub fn echo() -> Self {
        Self::new(|cx, text| async move { cx.respond::<Echo>(text) })
    }

    /// Answers what it was given once `gate` is open for it.
    pub fn gated(gate: &Gate) -> Self {
        let gate = gate.clone();
        Self::new(move |cx, text| {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                cx.respond::<Echo>(text)
            }
        })
    }
}

impl Service<Request> for Servant {
    type Response = Response;
    type Error = tars::Error;
    type Future = BoxFuture<Result<Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.function() != Echo::NAME {
            return Box::pin(std::future::ready(Err(request.unknown_function())));
        }
        match request.open::<Echo>() {
            Ok((cx, args)) => (self.handler)(cx, args.text),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

/// Holds calls up until a test lets them go, and tells how many have come.
#[derive(Clone)]
pub struct Gate {
    open: Arc<Semaphore>,
    entered: watch::Sender<usize>,
}

impl Gate {
    pub fn new() -> Self {
        Self {
            open: Arc::new(Semaphore::new(0)),
            entered: watch::Sender::new(0),
        }
    }

    pub async fn pass(&self) {
        self.entered.send_modify(|entered| *entered += 1);
        self.open.acquire().await.unwrap().forget();
    }

    /// Waits until `count` calls have come.
    pub async fn entered(&self, count: usize) {
        self.entered
            .subscribe()
            .wait_for(|entered| *entered >= count)
            .await
            .unwrap();
    }

    pub fn count(&self) -> usize {
        *self.entered.borrow()
    }

    /// Lets `count` calls go on.
    pub fn release(&self, count: usize) {
        self.open.add_permits(count);
    }
}

/// A port that belongs to one test for as long as this lives. Connections to it are refused until somebody listens there.
///
/// A port that is only remembered is free: the system may give it to another test. Here a socket is bound to it and never
/// listens. Whoever asks the system for any port is given another one. Whoever names this one may still listen at it,
/// again and again: that is what `SO_REUSEADDR` on both sockets means to Linux as long as only one of them listens.
pub struct Place {
    socket: TcpSocket,
}

impl Place {
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self { socket }
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::tcp("127.0.0.1", self.address().port())
    }
}

/// A server that serves until it is stopped or dropped.
pub struct TestServer {
    pub endpoints: Vec<Endpoint>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Result<()>>,
}

impl TestServer {
    /// Serves [`OBJECT`] on a free port.
    pub async fn start<S>(servant: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + 'static,
        S::Error: Into<tars::BoxError>,
        S::Future: Send + 'static,
    {
        Self::of(Server::builder().adapter(ANYWHERE, OBJECT, servant)).await
    }

    /// Serves [`OBJECT`] at a place that stays the test's own when the server has ended.
    pub async fn at<S>(place: &Place, servant: S) -> Self
    where
        S: Service<Request, Response = Response> + Clone + Send + 'static,
        S::Error: Into<tars::BoxError>,
        S::Future: Send + 'static,
    {
        Self::of(Server::builder().adapter(place.endpoint(), OBJECT, servant)).await
    }

    pub async fn of(builder: ServerBuilder) -> Self {
        let server = builder.bind().await.unwrap();
        let endpoints = server.local_endpoints().to_vec();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(server.serve_with_shutdown(async { drop(stopped.await) }));
        Self {
            endpoints,
            stop: Some(stop),
            serving,
        }
    }

    /// What a client calls.
    pub fn object(&self) -> String {
        format!("{OBJECT}@{}", self.endpoints[0])
    }

    pub fn address(&self) -> SocketAddr {
        self.endpoints[0].address().parse().unwrap()
    }

    /// A proxy with a connection of its own.
    pub fn proxy(&self) -> Proxy {
        Communicator::new().proxy(&self.object()).unwrap()
    }

    pub async fn raw(&self) -> Raw {
        Raw::new(TcpStream::connect(self.address()).await.unwrap())
    }

    /// Gives the signal to shut down.
    pub fn signal(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for the end of the shutdown.
    pub async fn stopped(mut self) {
        self.signal();
        (&mut self.serving).await.unwrap().unwrap();
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A listener of raw peers, to play a server that misbehaves.
pub struct RawServer {
    pub listener: TcpListener,
    place: Place,
}

impl RawServer {
    pub async fn start() -> Self {
        let place = Place::new();
        Self {
            listener: TcpListener::bind(place.address()).await.unwrap(),
            place,
        }
    }

    /// Listens no more. Connections are refused from now on.
    pub fn closed(self) -> Place {
        self.place
    }

    pub fn object(&self) -> String {
        format!("{OBJECT}@{}", self.endpoint())
    }

    pub fn endpoint(&self) -> Endpoint {
        self.place.endpoint()
    }

    pub fn proxy(&self) -> Proxy {
        Communicator::new().proxy(&self.object()).unwrap()
    }

    pub async fn accept(&self) -> Raw {
        Raw::new(self.listener.accept().await.unwrap().0)
    }

    /// The connection of `proxy`, made by a call that nobody waits for: the time of later calls is not spent on it.
    pub async fn connected(&self, proxy: &Proxy) -> Raw {
        let (sent, mut raw) = tokio::join!(echo(proxy, "connects").one_way(), self.accept());
        sent.unwrap();
        raw.request().await.unwrap();
        raw
    }
}

/// One end of a connection, byte by byte.
pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next frame with its length, `None` at the end.
    pub async fn frame(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).await.ok()?;
        let mut frame = length.to_vec();
        frame.resize(u32::from_be_bytes(length) as usize, 0);
        self.stream.read_exact(&mut frame[4..]).await.unwrap();
        Some(frame)
    }

    pub async fn response(&mut self) -> Option<ResponsePacket> {
        let frame = self.frame().await?;
        Some(codec::decode(&frame[4..], &Limits::default()).unwrap())
    }

    pub async fn request(&mut self) -> Option<RequestPacket> {
        let frame = self.frame().await?;
        Some(codec::decode(&frame[4..], &Limits::default()).unwrap())
    }

    /// Whether the peer has closed the connection; waits for that or for a byte.
    pub async fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]).await, Ok(0) | Err(_))
    }
}

/// A request as a client would send it.
pub fn request(id: i32, function: &str, body: Vec<u8>) -> RequestPacket {
    RequestPacket {
        i_version: 1,
        i_request_id: id,
        s_servant_name: OBJECT.to_owned(),
        s_func_name: function.to_owned(),
        s_buffer: body.into(),
        i_timeout: 10_000,
        ..RequestPacket::default()
    }
}

/// A request of `echo`.
pub fn echo_request(id: i32, text: &str) -> RequestPacket {
    request(id, "echo", codec::encode(&EchoArgs { text: text.to_owned() }).unwrap())
}

/// The answer of `echo`.
pub fn echo_response(id: i32, text: &str) -> ResponsePacket {
    let body = codec::encode(&EchoReply { ret: text.to_owned() }).unwrap();
    ResponsePacket {
        i_version: 1,
        i_request_id: id,
        s_buffer: body.into(),
        ..ResponsePacket::default()
    }
}

/// A packet with its length in front.
pub fn framed(packet: &impl codec::Struct) -> Vec<u8> {
    let body = codec::encode(packet).unwrap();
    let length = u32::try_from(body.len() + 4).unwrap();
    [&length.to_be_bytes()[..], &body].concat()
}

/// The text of an `echo` answer.
pub fn echoed(packet: &ResponsePacket) -> String {
    codec::decode::<EchoReply>(&packet.s_buffer, &Limits::default())
        .unwrap()
        .ret
}

pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .map(|digit| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
