//! Servers that we did not write, registered as a container's supervisor registers them: found by name, called by our generated
//! client and through the gateway.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use hello::test_app::HelloClient;
use serde_json::json;
use tars::{
    Communicator,
    codec::Limits,
    protocol::{self, AdapterConf, OnPrestopReq, OnStartupReq, RequestPacket, ResponsePacket, TarsregistryClient},
};
use tars_test_support::{
    gateway::Gateway,
    http::Http,
    lookup::Lookup,
    node, patient,
    process::Process,
    registry::{Backend, Registry},
};
use trace_sample::trace::{FrontendClient, Req, Rsp};

const NODE: &str = "127.0.0.1";
const INDEX: &str = "HelloWorld.PHPTarsuser.Index";
const HELLO: &str = "TestApp.HelloServer.HelloObj";

/// Registers the server behind `process` for `object`, `Application.Server.Object`.
async fn register(registry: &Registry, object: &str, process: &Process) {
    let endpoint = process.endpoint().await;
    let (application, server) = application_and_server(object);
    let request = OnStartupReq {
        node_name: NODE.into(),
        application,
        server,
        adapters: vec![AdapterConf {
            servant: object.into(),
            endpoint: format!("{endpoint} -t 60000"),
            ..AdapterConf::default()
        }],
        ..OnStartupReq::default()
    };
    supervisor(registry).on_startup(&request).await.unwrap();
    Lookup::at(registry.query()).finds(object, &[NODE], &[]).await;
}

fn application_and_server(object: &str) -> (String, String) {
    let mut parts = object.split('.').map(str::to_owned);
    (parts.next().unwrap(), parts.next().unwrap())
}

fn supervisor(registry: &Registry) -> TarsregistryClient {
    patient::client(registry.object())
}

async fn registry() -> Registry {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    registry
}

fn communicator(registry: &Registry) -> Communicator {
    Communicator::builder().locator(registry.query()).unwrap().build()
}

#[tokio::test]
async fn a_registered_node_server_is_found_by_name() {
    let registry = registry().await;
    let index = node::start_sample("index.js");
    register(&registry, INDEX, &index).await;
    let client: FrontendClient = communicator(&registry).client(INDEX).unwrap();
    let req = Req {
        x: 1,
        y: -2,
        name: "中文".into(),
    };
    let output = client.jsonfunc("Tars", &req).await.unwrap();
    let rsp = Rsp {
        x: 1,
        y: -2,
        name: "Tars, 中文".into(),
    };
    assert_eq!((output.ret, output.rsp), (0, rsp));

    let (application, server) = application_and_server(INDEX);
    let end = OnPrestopReq {
        node_name: NODE.into(),
        application,
        server,
    };
    supervisor(&registry).on_prestop(&end).await.unwrap();
    Lookup::at(registry.query()).finds(INDEX, &[], &[]).await;
    let newcomer: FrontendClient = communicator(&registry).client(INDEX).unwrap();
    let error = newcomer.jsonfunc("Tars", &req).await.unwrap_err();
    assert!(!error.is_answer() && error.message().contains(INDEX), "{error}");
}

#[tokio::test]
async fn a_registered_node_server_is_called_with_json_through_the_gateway() {
    let registry = registry().await;
    let index = node::start_sample("index.js");
    register(&registry, INDEX, &index).await;
    let gateway = Gateway::start(registry.query(), "HelloWorld.*").await;
    let mut http = Http::connect(gateway.address()).await.unwrap();
    let path = format!("/json/{INDEX}/jsonfunc");

    let question = json!({"name": "Tars", "req": {"x": 1, "y": -2, "name": "中文"}});
    let answer = http.post(&path, &[], question.to_string()).await.unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let expected = json!({"rsp": {"x": 1, "y": -2, "name": "Tars, 中文"}, "tars_ret": 0});
    assert_eq!(answer.json(), expected);

    let answer = http.post(&path, &[], "{}").await.unwrap();
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (502, "application/problem+json"),
        "{answer:?}"
    );
    assert_eq!(answer.json()["code"], -1, "{answer:?}");
}

#[tokio::test]
async fn a_registered_node_server_is_called_with_tup_through_the_gateway() {
    let registry = registry().await;
    let hello = node::start("hello-server.js", &[]);
    register(&registry, HELLO, &hello).await;
    let gateway = Gateway::start(registry.query(), "TestApp.*").await;
    let mut http = Http::connect(gateway.address()).await.unwrap();

    let by_name: std::collections::BTreeMap<_, _> = [("name".to_owned(), string(0, "TUP"))].into();
    let answer: RequestPacket = tup(&mut http, protocol::TUPVERSION, field(0, &by_name)).await;
    assert_eq!((answer.i_version, answer.i_request_id), (protocol::TUPVERSION, 4711));
    let values: Values = tars::codec::decode(&answer.s_buffer, &Limits::default()).unwrap();
    assert_eq!(values.entries[""], string(0, "hello from Node, TUP"));

    let answer: ResponsePacket = tup(&mut http, protocol::TARSVERSION, string(1, "fields")).await;
    assert_eq!((answer.i_ret, answer.i_request_id), (0, 4711), "{answer:?}");
    assert_eq!(answer.s_buffer, string(0, "hello from Node, fields"));

    // The same server, found by name without a gateway.
    let client: HelloClient = communicator(&registry).client(HELLO).unwrap();
    assert_eq!(client.say_hello("Rust").await.unwrap(), "hello from Node, Rust");
}

/// A body of names.
#[derive(tars::TarsStruct)]
struct Values {
    #[tars(tag = 0, require)]
    entries: std::collections::BTreeMap<String, bytes::Bytes>,
}

fn field(tag: u8, value: &impl tars::codec::Encode) -> bytes::Bytes {
    let mut writer = tars::codec::Writer::new();
    writer.field(tag, value);
    writer.finish().unwrap().into()
}

fn string(tag: u8, text: &str) -> bytes::Bytes {
    field(tag, &text)
}

/// Posts a frame that calls `sayHello`, and reads the frame that comes back.
async fn tup<T: tars::codec::Struct>(http: &mut Http, version: i16, body: bytes::Bytes) -> T {
    let request = RequestPacket {
        i_version: version,
        i_request_id: 4711,
        s_servant_name: HELLO.into(),
        s_func_name: "sayHello".into(),
        s_buffer: body,
        i_timeout: 3000,
        ..RequestPacket::default()
    };
    let packet = tars::codec::encode(&request).unwrap();
    let length = u32::try_from(packet.len() + 4).unwrap();
    let frame = [&length.to_be_bytes()[..], &packet].concat();
    let answer = http
        .post("/tup", &[("content-type", "application/octet-stream")], frame)
        .await
        .unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    let length: [u8; 4] = answer.body[..4].try_into().unwrap();
    assert_eq!(u32::from_be_bytes(length) as usize, answer.body.len());
    tars::codec::decode(&answer.body[4..], &Limits::default()).unwrap()
}
