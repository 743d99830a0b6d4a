//! What the ports are meant to read: the stuff that garbage is made from.

use std::collections::BTreeMap;

use bytes::Bytes;
use tars::codec::{Encode, Writer};
use tars::protocol::{self, AdapterConf, KeepAliveReq, OnPrestopReq, OnStartupReq, RegisterMetricsReq, RequestPacket};

use crate::scene::NAMED;

/// What a port is meant to read.
#[derive(Clone)]
pub(crate) struct Corpus {
    speech: Speech,
    messages: Vec<Vec<u8>>,
    cheap: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Speech {
    Tars,
    Http,
}

impl Corpus {
    /// `cheap` is a valid message that costs the server next to nothing.
    fn new(speech: Speech, messages: Vec<Vec<u8>>, cheap: Vec<u8>) -> Self {
        Self {
            speech,
            messages,
            cheap,
        }
    }

    pub(crate) fn messages(&self) -> &[Vec<u8>] {
        &self.messages
    }

    /// A valid message that is asked again and again without end. Garbage is the subject here: a flood of calls that
    /// need the database is load, which the registry refuses with a code of its own.
    pub(crate) fn cheap(&self) -> &[u8] {
        &self.cheap
    }

    /// Makes the length in a mutated message true, so that what follows it is read.
    pub(crate) fn with_true_length(&self, mut message: Vec<u8>) -> Vec<u8> {
        match self.speech {
            Speech::Tars => {
                let length = u32::try_from(message.len()).unwrap().to_be_bytes();
                for (byte, right) in message.iter_mut().zip(length) {
                    *byte = right;
                }
                message
            }
            Speech::Http => {
                let Some(body) = position(&message, b"\r\n\r\n").map(|head| message.split_off(head + 4)) else {
                    return message;
                };
                let head = String::from_utf8_lossy(&message).replace("\r\n\r\n", "\r\n");
                let lines = head
                    .split_inclusive("\r\n")
                    .filter(|line| !line.to_ascii_lowercase().starts_with("content-length"));
                let head: String = lines.collect();
                [
                    format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes(),
                    &body,
                ]
                .concat()
            }
        }
    }

    /// The first bytes of a message that claims `length` bytes.
    pub(crate) fn claiming(&self, length: u32) -> Vec<u8> {
        match self.speech {
            Speech::Tars => length.to_be_bytes().to_vec(),
            Speech::Http => format!("POST /tup HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n").into_bytes(),
        }
    }

    /// A message of about `size` bytes that is nothing but depth.
    pub(crate) fn deep(&self, size: usize) -> Vec<u8> {
        match self.speech {
            // Structs in structs, and lists of one in lists of one.
            Speech::Tars => request(
                1,
                NAMED,
                "carry",
                [[0x1a].repeat(size / 2), [0x19, 0x00, 0x01].repeat(size / 6)].concat(),
            ),
            Speech::Http => post(
                &format!("/json/{NAMED}/carry"),
                "application/json",
                &b"{\"parcel\":[".repeat(size / 11),
            ),
        }
    }
}

fn position(of: &[u8], what: &[u8]) -> Option<usize> {
    of.windows(what.len()).position(|window| window == what)
}

/// A frame with a request.
fn request(version: i16, object: &str, function: &str, body: impl Into<Bytes>) -> Vec<u8> {
    let packet = RequestPacket {
        i_version: version,
        i_request_id: 7,
        s_servant_name: object.into(),
        s_func_name: function.into(),
        s_buffer: body.into(),
        i_timeout: 3000,
        context: BTreeMap::from([("node_name".into(), "127.0.0.1".into())]),
        ..RequestPacket::default()
    };
    let packet = tars::codec::encode(&packet).unwrap();
    let length = u32::try_from(packet.len() + 4).unwrap();
    [&length.to_be_bytes()[..], &packet].concat()
}

fn encoded(tag: u8, value: &impl Encode) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.field(tag, value);
    writer.finish().unwrap()
}

/// One parameter in the three forms a body has: fields, a map of names, JSON.
fn requests(object: &str, function: &str, name: &str, value: &impl Encode, json: &str) -> Vec<Vec<u8>> {
    let by_name = BTreeMap::from([(name.to_owned(), Bytes::from(encoded(0, value)))]);
    vec![
        request(protocol::TARSVERSION, object, function, encoded(1, value)),
        request(protocol::TUPVERSION, object, function, encoded(0, &by_name)),
        request(
            protocol::JSONVERSION,
            object,
            function,
            format!("{{\"{name}\":{json}}}").into_bytes(),
        ),
    ]
}

/// Calls of the server that tells its name.
pub(crate) fn named() -> Corpus {
    use tars_system_tests::peers::Parcel;
    let inside = Parcel {
        label: "inner".into(),
        content: Bytes::from_static(b"content"),
        ..Parcel::default()
    };
    let parcel = Parcel {
        label: "outer".into(),
        stamps: BTreeMap::from([("one".into(), 1), ("two".into(), 2)]),
        inside: vec![inside.clone(), inside],
        ..Parcel::default()
    };
    let json = r#"{"label":"outer","content":[1,2],"stamps":{"one":1},"inside":[{"label":"inner"}]}"#;
    let mut all = requests(NAMED, "carry", "parcel", &parcel, json);
    all.extend(requests(NAMED, "who", "nothing", &0, "0"));
    all.extend(requests(NAMED, "Add", "a", &1, "1"));
    all.push(request(2, NAMED, "who", Bytes::new()));
    all.push(request(1, NAMED, "tars_ping", Bytes::new()));
    all.push(request(1, "No.Such.Obj", "who", Bytes::new()));
    all.push(request(
        5,
        NAMED,
        "carry",
        format!("{{\"parcel\":{json}}}").into_bytes(),
    ));
    let cheap = request(1, NAMED, "who", Bytes::new());
    Corpus::new(Speech::Tars, all, cheap)
}

/// The five methods of the registry, for servers of an application that nobody has.
pub(crate) fn registration() -> Corpus {
    let object = "tars.tarsregistry.Registry";
    let (node, application, server) = ("127.0.0.9".to_owned(), "Hostile".to_owned(), "Server".to_owned());
    let adapter = AdapterConf {
        servant: "Hostile.Server.Obj".into(),
        endpoint: "tcp -h 127.0.0.9 -p 9".into(),
        ..AdapterConf::default()
    };
    let start = OnStartupReq {
        node_name: node.clone(),
        application: application.clone(),
        server: server.clone(),
        set_id: "a.b.c".into(),
        adapters: vec![adapter.clone(), adapter],
        ..OnStartupReq::default()
    };
    let beat = KeepAliveReq {
        node_name: node.clone(),
        state: "active".into(),
        application: application.clone(),
        server: server.clone(),
    };
    let metrics = RegisterMetricsReq {
        node_name: node.clone(),
        application: application.clone(),
        server: server.clone(),
        metrics_port: 9,
    };
    let end = OnPrestopReq {
        node_name: node,
        application,
        server,
    };
    let json = r#"{"nodeName":"127.0.0.9","application":"Hostile","server":"Server","state":"active","metricsPort":9}"#;
    let mut all = requests(object, "onStartup", "req", &start, json);
    all.extend(requests(object, "keepAlive", "req", &beat, json));
    all.extend(requests(object, "registerMetrics", "req", &metrics, json));
    all.extend(requests(object, "onPrestop", "req", &end, json));
    all.extend(requests(
        object,
        "getMetricsAdapters",
        "req",
        &protocol::GetMetricsAdaptersReq::default(),
        "{}",
    ));
    let cheap = request(1, object, "tars_ping", Bytes::new());
    Corpus::new(Speech::Tars, all, cheap)
}

/// Lookups.
pub(crate) fn query() -> Corpus {
    let object = "tars.tarsregistry.QueryObj";
    let id = format!("\"{NAMED}\"");
    let one = [
        "findObjectById",
        "findObjectById4Any",
        "findObjectById4All",
        "findObjectByIdInSameGroup",
    ];
    let mut all: Vec<_> = one
        .iter()
        .flat_map(|function| requests(object, function, "id", &NAMED, &id))
        .collect();
    for (function, second) in [
        ("findObjectByIdInSameSet", "a.b.c"),
        ("findObjectByIdInSameStation", "station"),
    ] {
        all.push(request(
            1,
            object,
            function,
            [encoded(1, &NAMED), encoded(2, &second)].concat(),
        ));
    }
    let cheap = all[0].clone();
    Corpus::new(Speech::Tars, all, cheap)
}

/// Commands of an operator that change nothing.
pub(crate) fn admin() -> Corpus {
    let mut all = requests(
        "AdminObj",
        "notify",
        "command",
        &"clean y 2021-11-25 10:00:00",
        "\"help\"",
    );
    all.extend(requests("AdminObj", "getPid", "nothing", &0, "0"));
    let cheap = request(1, "AdminObj", "getPid", Bytes::new());
    Corpus::new(Speech::Tars, all, cheap)
}

/// A POST with a body.
fn post(path: &str, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Calls for the gateway, and what else HTTP has.
pub(crate) fn gateway() -> Corpus {
    let json = "application/json";
    let carry = r#"{"parcel":{"label":"outer","content":[1,2],"stamps":{"one":1},"inside":[{"label":"inner"}]}}"#;
    let wrapped =
        r#"{"obj":"Peers.NamedServer.NamedObj","func":"Add","data":"{\"a\":1,\"b\":2}","reqid":7,"context":{"k":"v"}}"#;
    let mut all = vec![
        post(&format!("/json/{NAMED}/Add"), json, br#"{"a":1,"b":2}"#),
        post(&format!("/json/{NAMED}/carry"), json, carry.as_bytes()),
        post(&format!("/json/{NAMED}/who"), json, b"{}"),
        post("/json/Other.Server.Obj/f", json, b"{}"),
        post("/json", json, wrapped.as_bytes()),
    ];
    let frames = named();
    all.extend(
        frames
            .messages()
            .iter()
            .map(|frame| post("/tup", "application/octet-stream", frame)),
    );
    all.extend(http().messages);
    let cheap = all[0].clone();
    Corpus::new(Speech::Http, all, cheap)
}

/// Requests that any HTTP server reads, and some that none should.
pub(crate) fn http() -> Corpus {
    let plain: [&[u8]; 9] = [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /metrics HTTP/1.0\r\n\r\n",
        b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nffffffff\r\nhello",
        b"GET /%2e%2e/%00?a=%zz&b=%ff HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x04\x08\x00\x00\x00\x00\x00\x7f\xff\x00\x00",
    ];
    let mut all: Vec<_> = plain.iter().map(|message| message.to_vec()).collect();
    all.push(
        [
            b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec(),
            vec![b'x'; 100_000],
            b"\r\n\r\n".to_vec(),
        ]
        .concat(),
    );
    all.push(
        [
            b"GET / HTTP/1.1\r\n".to_vec(),
            b"A: b\r\n".repeat(5_000),
            b"\r\n".to_vec(),
        ]
        .concat(),
    );
    let cheap = all[0].clone();
    Corpus::new(Speech::Http, all, cheap)
}
