//! A gateway in front of servants that are made up, and ways to ask it.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tars::BoxFuture;
use tarsgateway::{Answer, Bound, Command, Config, Failure, Gateway, Outgoing, Peer, Upstream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// The object that is allowed in most tests.
pub(crate) const OBJECT: &str = "Test.Server.Obj";

/// Where the caller is.
pub(crate) const CALLER: &str = "192.0.2.1:5000";

/// What a made-up servant does.
pub(crate) type Servant = Arc<dyn Fn(Outgoing) -> BoxFuture<Result<Answer, Failure>> + Send + Sync>;

/// Servants that are made up. It keeps what it was asked.
#[derive(Clone)]
pub(crate) struct Fake {
    servant: Servant,
    pub(crate) calls: Arc<Mutex<Vec<Outgoing>>>,
    called: Arc<Notify>,
}

impl Upstream for Fake {
    fn call(&self, call: Outgoing) -> BoxFuture<Result<Answer, Failure>> {
        self.calls.lock().unwrap().push(call.clone());
        self.called.notify_one();
        (self.servant)(call)
    }
}

impl Fake {
    pub(crate) fn new(
        servant: impl Fn(Outgoing) -> BoxFuture<Result<Answer, Failure>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            servant: Arc::new(servant),
            calls: Arc::default(),
            called: Arc::default(),
        }
    }

    /// Answers every call with that.
    pub(crate) fn answering(result: Result<Answer, Failure>) -> Self {
        Self::new(move |_| {
            let result = result.clone();
            Box::pin(async move { result })
        })
    }

    /// Answers with what it was sent.
    pub(crate) fn echo() -> Self {
        Self::new(|call| Box::pin(async move { Ok(body(call.body)) }))
    }

    /// Never answers.
    pub(crate) fn silent() -> Self {
        Self::new(|_| Box::pin(std::future::pending()))
    }

    /// Says when a call has come, and answers when it is told to.
    pub(crate) fn held() -> (Self, Arc<Notify>, Arc<Notify>) {
        let (came, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (coming, going) = (Arc::clone(&came), Arc::clone(&go));
        let fake = Self::new(move |call| {
            let (coming, going) = (Arc::clone(&coming), Arc::clone(&going));
            Box::pin(async move {
                coming.notify_one();
                going.notified().await;
                Ok(body(call.body))
            })
        });
        (fake, came, go)
    }

    /// The only call so far.
    pub(crate) fn call(&self) -> Outgoing {
        let calls = self.calls.lock().unwrap();
        assert_eq!(calls.len(), 1);
        calls[0].clone()
    }

    /// Ready when a call has come since it was asked last.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }

    pub(crate) fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

/// An answer with a body.
pub(crate) fn body(bytes: impl Into<bytes::Bytes>) -> Answer {
    Answer {
        body: bytes.into(),
        ..Answer::default()
    }
}

/// What a servant fails with.
pub(crate) fn answered(code: i32, text: &str) -> Failure {
    Failure {
        code,
        text: text.to_owned(),
        is_answer: true,
    }
}

/// What a client fails with that gets no answer.
pub(crate) fn unanswered(code: i32, text: &str) -> Failure {
    Failure {
        is_answer: false,
        ..answered(code, text)
    }
}

/// The settings that arguments give, with [`OBJECT`] allowed unless they say something else.
pub(crate) fn config(arguments: &[&str]) -> Config {
    let mut all = vec![
        "tarsgateway",
        "--listen=127.0.0.1:0",
        "--admin=127.0.0.1:0",
        "--drain-delay-ms=0",
    ];
    all.push("--route=Any.Any.Any=tcp -h 127.0.0.1 -p 1");
    if !arguments
        .iter()
        .any(|argument| argument.starts_with("--allow") || argument.starts_with("--config"))
    {
        all.extend(["--allow", OBJECT]);
    }
    let all = all.iter().filter(|argument| {
        // A flag may be given once.
        let name = argument.split('=').next().unwrap();
        !name.starts_with("--") || !arguments.iter().any(|other| other.split('=').next() == Some(name))
    });
    let all = all.chain(arguments).map(OsString::from);
    Command::read(all, |_| None).unwrap().config().clone()
}

/// Settings in a file.
pub(crate) fn config_file(text: &str) -> Config {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    config(&["--config", file.path().to_str().unwrap()])
}

/// A gateway's routes, without sockets.
pub(crate) fn routes(config: &Config, fake: &Fake) -> Router {
    Gateway::new(config, fake.clone()).unwrap().router()
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: bytes::Bytes,
}

impl Read {
    pub(crate) async fn of(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The problem it tells, checked for what every problem has.
    pub(crate) fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        assert!(problem["title"].is_string() && problem["detail"].is_string());
        problem
    }

    pub(crate) fn detail(&self) -> String {
        self.problem()["detail"].as_str().unwrap().to_owned()
    }
}

/// A request to be completed.
pub(crate) fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::new(body.into());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().unwrap();
    request.extensions_mut().insert(Peer(CALLER.parse().unwrap()));
    request
}

/// The same with headers.
pub(crate) fn with(mut request: Request<Body>, headers: &[(&'static str, &str)]) -> Request<Body> {
    for (name, value) in headers {
        request.headers_mut().append(*name, value.parse().unwrap());
    }
    request
}

/// Asks a gateway without sockets.
pub(crate) async fn ask(routes: &Router, request: Request<Body>) -> Read {
    let read = Read::of(routes.clone().oneshot(request).await.unwrap()).await;
    assert_eq!(read.header("x-content-type-options"), "nosniff");
    assert_eq!(read.header("cache-control"), "no-store");
    assert!(!read.header("x-request-id").is_empty());
    assert!(!read.header("content-type").contains("html"));
    read
}

/// A gateway on sockets. Ends when dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) hurry: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(config: &Config, fake: &Fake) -> Self {
        Self::serve(Bound::bind_with(config, fake.clone()).await.unwrap())
    }

    pub(crate) fn serve(bound: Bound) -> Self {
        let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
        Self {
            address: bound.address(),
            admin: bound.admin_address(),
            serving: tokio::spawn(bound.serve(stop.clone().cancelled_owned(), hurry.clone().cancelled_owned())),
            stop,
            hurry,
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A page for operators.
    pub(crate) async fn admin(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        parse(&read_all(&mut stream).await)
    }

    /// Waits until the metrics have that line.
    pub(crate) async fn wait_for_metric(&self, line: &str) {
        let told = async {
            while !self.admin("/metrics").await.1.lines().any(|found| found == line) {
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_secs(20);
        assert!(tokio::time::timeout(limit, told).await.is_ok(), "no `{line}` in time");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Lets that time pass at once for all that wait for it. What the test itself takes does not count towards long times.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// A call of [`OBJECT`] as it goes over the wire.
pub(crate) fn raw(body: &str, headers: &str) -> String {
    let length = body.len();
    format!("POST /json/{OBJECT}/f HTTP/1.1\r\nHost: gateway\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

/// Everything until the peer closes; a reset counts as a close.
pub(crate) async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Status and body of one answer.
pub(crate) fn parse(text: &str) -> (u16, String) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text:?}")), body.to_owned())
}

/// One answer with a `Content-Length` from a connection that stays open.
pub(crate) async fn read_one(stream: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                assert_eq!(body.len(), length, "one answer only");
                return parse(&text);
            }
        }
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).await.unwrap(), 1, "closed after {text:?}");
        bytes.push(byte[0]);
    }
}
