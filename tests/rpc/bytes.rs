//! The bytes themselves, held against what TarsCpp and Tars.js write.

use tars::codec::Writer;
use tars::{Error, code};

use crate::common::{Echo, RawServer, Servant, TestServer, echo, hex};
use tars::Operation;

/// `ResponsePacket` of TarsCpp: version 1, id 1, return code -3, nothing else.
const NO_FUNCTION: &str = "0000001110012c30014c50fd6d000c780c";

/// `RequestPacket` of TarsCpp and Tars.js: id 1, `Test.HelloServer.HelloObj`, `sayHello("world")`, 3000 ms.
const SAY_HELLO: &str = "0000004110012c3c40015619546573742e48656c6c6f5365727665722e48656c6c6f4f626a660873617948656c6c6f7d0000071605776f726c64810bb8980ca80c";

/// `ResponsePacket` of Tars.js, which writes its optional members though they are empty: return value 0, out parameter
/// `"hello world"` at tag 2.
const HELLO_WORLD: &str = "0000002310012c30014c5c6d00000e0c260b68656c6c6f20776f726c64780c8600980c";

/// `tars_ping` of Tars.js: id 2, 5000 ms.
const PING: &str = "0000003a10012c3c40025619546573742e48656c6c6f5365727665722e48656c6c6f4f626a6609746172735f70696e677d000c811388980ca80c";

/// `int sayHello(string name, out string greeting)`.
enum SayHello {}

#[derive(tars::TarsStruct)]
struct SayHelloArgs {
    #[tars(tag = 1, require)]
    name: String,
}

#[derive(Debug, PartialEq, tars::TarsStruct)]
struct SayHelloReply {
    #[tars(tag = 0, require, name = "tars_ret")]
    ret: i32,
    #[tars(tag = 2, require)]
    greeting: String,
}

impl Operation for SayHello {
    const NAME: &'static str = "sayHello";
    type Args = SayHelloArgs;
    type Reply = SayHelloReply;
    type Output = SayHelloReply;

    fn into_output(reply: SayHelloReply) -> SayHelloReply {
        reply
    }

    fn into_reply(output: SayHelloReply) -> SayHelloReply {
        output
    }
}

#[tokio::test]
async fn an_error_answer_is_what_tarscpp_writes() {
    let server = TestServer::of(tars::Server::builder().adapter(
        crate::common::ANYWHERE,
        "Test.HelloServer.HelloObj",
        tower_service_fn(|| Err(Error::new(code::SERVER_NO_FUNC, ""))),
    ))
    .await;
    let mut raw = server.raw().await;
    raw.send(&hex(SAY_HELLO)).await;
    assert_eq!(raw.frame().await.unwrap(), hex(NO_FUNCTION));
    raw.send(&hex(PING)).await;
    assert_eq!(raw.response().await.unwrap().i_request_id, 2);
}

#[tokio::test]
async fn a_request_is_what_tarscpp_writes_and_an_answer_of_node_is_read() {
    let server = RawServer::start().await;
    let proxy = tars::Communicator::new()
        .proxy(&format!("Test.HelloServer.HelloObj@{}", server.endpoint()))
        .unwrap();
    let mut args = Writer::new();
    args.field(1, "world");
    let call = tokio::spawn(proxy.call::<SayHello>(args).into_future());
    let mut raw = server.accept().await;
    let mut frame = raw.frame().await.unwrap();
    // The time that connecting took is no longer there for the server.
    let timeout = frame.len() - 6..frame.len() - 4;
    let millis = u16::from_be_bytes(frame[timeout.clone()].try_into().unwrap());
    assert!((1000..=3000).contains(&millis), "{millis}");
    frame[timeout].copy_from_slice(&3000_u16.to_be_bytes());
    assert_eq!(frame, hex(SAY_HELLO));
    raw.send(&hex(HELLO_WORLD)).await;
    let expected = SayHelloReply {
        ret: 0,
        greeting: "hello world".to_owned(),
    };
    assert_eq!(call.await.unwrap().unwrap(), expected);
}

#[tokio::test]
async fn bodies_of_every_size_arrive() {
    let server = TestServer::start(Servant::echo()).await;
    let proxy = server.proxy();
    for size in [0, 1, 255, 256, 8_000, 16_383, 16_384, 65_536, 1_000_000, 9_000_000] {
        let text = "x".repeat(size);
        assert!(echo(&proxy, &text).await.unwrap() == text, "{size} bytes");
    }
    assert_eq!(Echo::NAME, "echo");
}

/// A servant that answers everything alike.
fn tower_service_fn(answer: fn() -> tars::Result<tars::Response>) -> Always {
    Always { answer }
}

#[derive(Clone)]
struct Always {
    answer: fn() -> tars::Result<tars::Response>,
}

impl tars::Service<tars::Request> for Always {
    type Response = tars::Response;
    type Error = Error;
    type Future = std::future::Ready<tars::Result<tars::Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<tars::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: tars::Request) -> Self::Future {
        std::future::ready((self.answer)())
    }
}
