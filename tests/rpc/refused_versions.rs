//! Versions of the protocol that a server does not serve.

use tars::protocol::{RequestPacket, ResponsePacket};
use tars::{Version, code};
use tokio::sync::Notify;

use crate::common::{Gate, OBJECT, RawServer, Servant, TestServer, echo, echo_response, framed};
use crate::versions::{send, server, versioned};

#[tokio::test]
async fn other_versions_are_refused_by_name() {
    let server = server().await;
    let mut raw = server.raw().await;
    for (version, name) in [(0, "0"), (4, "4"), (6, "6"), (257, "257"), (-1, "-1")] {
        raw.send(&framed(&versioned(version, 1, "add", vec![]))).await;
        let answer = raw.response().await.unwrap();
        let expected = format!("protocol version {name} is not supported, only 1 (TARS), 3 (TUP) and 5 (JSON)");
        assert_eq!((answer.i_version, answer.i_ret), (version, code::SERVER_DECODE_ERR));
        assert_eq!(answer.s_result_desc, *expected);
    }
    // Who calls in version 2 reads the answer as it reads those of version 3.
    raw.send(&framed(&versioned(2, 9, "add", vec![]))).await;
    let answer = raw.request().await.unwrap();
    assert_eq!((answer.i_version, answer.i_request_id), (2, 9));
    assert_eq!((&*answer.s_servant_name, &*answer.s_func_name), (OBJECT, "add"));
    assert_eq!(answer.status[&b"STATUS_RESULT_CODE"[..]], "-1");
    let text = &answer.status[&b"STATUS_RESULT_DESC"[..]];
    assert_eq!(
        text,
        "protocol version 2 (TUP with types) is not supported, only 1 (TARS), 3 (TUP) and 5 (JSON)"
    );
}

/// Servers that do not serve a version answer it in the shape of either packet. Neither harms the other calls of the
/// connection.
#[tokio::test]
async fn a_version_that_is_refused_harms_no_other_call() {
    let server = RawServer::start().await;
    let proxy = server.proxy();
    let arrived = Notify::new();
    let refuse = async {
        let mut raw = server.accept().await;
        let waiting = raw.request().await.unwrap();
        arrived.notify_one();
        for round in 0..4 {
            let refused = raw.request().await.unwrap();
            let (version, id) = (refused.i_version, refused.i_request_id);
            assert_eq!(version, 2 + round % 2);
            let frame = if round < 2 {
                framed(&ResponsePacket {
                    i_version: version,
                    i_request_id: id,
                    i_ret: -1,
                    s_result_desc: "not served".into(),
                    ..ResponsePacket::default()
                })
            } else {
                framed(&RequestPacket {
                    i_version: version,
                    i_request_id: id,
                    status: [("STATUS_RESULT_CODE", "-1"), ("STATUS_RESULT_DESC", "not served")]
                        .map(|(key, value)| (key.into(), value.into()))
                        .into(),
                    ..RequestPacket::default()
                })
            };
            raw.send(&frame).await;
        }
        raw.send(&framed(&echo_response(waiting.i_request_id, "alive"))).await;
        raw
    };
    let calls = async {
        arrived.notified().await;
        for version in [Version::TUP_COMPLEX, Version::TUP, Version::TUP_COMPLEX, Version::TUP] {
            let error = send(&proxy, version, "any", vec![]).await.unwrap_err();
            assert_eq!(
                (error.code(), error.message(), error.is_answer()),
                (-1, "not served", true)
            );
        }
    };
    let (_raw, (), waiting) = tokio::join!(refuse, calls, echo(&proxy, "x").into_future());
    assert_eq!(waiting.unwrap(), "alive");
}

#[tokio::test]
async fn a_call_beside_a_refused_version_is_answered() {
    let gate = Gate::new();
    let server = TestServer::start(Servant::gated(&gate)).await;
    let proxy = server.proxy();
    let waiting = tokio::spawn(echo(&proxy, "x").into_future());
    gate.entered(1).await;
    let error = send(&proxy, Version::TUP_COMPLEX, "echo", vec![]).await.unwrap_err();
    assert_eq!(
        (error.code(), error.is_answer()),
        (code::SERVER_DECODE_ERR, true),
        "{error}"
    );
    gate.release(1);
    assert_eq!(waiting.await.unwrap().unwrap(), "x");
}
