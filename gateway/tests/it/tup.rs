//! `POST /tup`: packets.

use std::time::Duration;

use axum::http::StatusCode;
use tars::Attributes;
use tars::codec::{self, Limits};
use tars::protocol::{RequestPacket, ResponsePacket};
use tarsgateway::{Answer, BodyFormat};

use crate::common::*;

fn attributes(entries: &[(&str, &str)]) -> Attributes {
    entries.iter().map(|&(key, value)| (key.into(), value.into())).collect()
}

fn request(version: i16, object: &str, function: &str) -> RequestPacket {
    RequestPacket {
        i_version: version,
        i_request_id: 4711,
        s_servant_name: object.to_owned(),
        s_func_name: function.to_owned(),
        s_buffer: vec![0x0c].into(),
        i_timeout: 700,
        ..RequestPacket::default()
    }
}

fn frame<T: codec::Struct>(packet: &T) -> Vec<u8> {
    let fields = codec::encode(packet).unwrap();
    let length = u32::try_from(fields.len() + 4).unwrap();
    [&length.to_be_bytes()[..], &fields].concat()
}

/// A call in a frame.
pub(crate) fn packet(version: i16, object: &str, function: &str) -> Vec<u8> {
    frame(&request(version, object, function))
}

fn opened<T: codec::Struct>(read: &Read) -> T {
    assert_eq!(
        (read.status, read.header("content-type")),
        (StatusCode::OK, "application/octet-stream")
    );
    let length = u32::from_be_bytes(read.body[..4].try_into().unwrap());
    assert_eq!(length as usize, read.body.len());
    codec::decode(&read.body[4..], &Limits::default()).unwrap()
}

fn answer() -> Answer {
    Answer {
        body: vec![1, 2, 3].into(),
        context: attributes(&[("app", "x"), ("REMOTE_IP", "10.0.0.1"), ("X-Verify-UID", "a")]),
        status: attributes(&[("more", "y"), ("STATUS_TRACE_KEY", "1|2"), ("traceparent", "00-1-2-00")]),
    }
}

#[tokio::test]
async fn a_tars_packet_is_answered_by_one() {
    let fake = Fake::answering(Ok(answer()));
    let routes = routes(&config(&[]), &fake);
    for path in ["/tup", "/tup/"] {
        let packet: ResponsePacket = opened(&ask(&routes, post(path, packet(1, OBJECT, "f"))).await);
        let expected = ResponsePacket {
            i_version: 1,
            i_request_id: 4711,
            s_buffer: vec![1, 2, 3].into(),
            status: attributes(&[("more", "y")]),
            context: attributes(&[("app", "x")]),
            ..ResponsePacket::default()
        };
        assert_eq!(packet, expected);
    }
    let call = fake.calls.lock().unwrap()[0].clone();
    assert_eq!(
        (call.format, call.timeout, &call.body[..]),
        (BodyFormat::Tars, Duration::from_millis(700), &[0x0c][..])
    );
}

#[tokio::test]
async fn a_tup_packet_is_answered_in_a_requests_shape() {
    for (version, format) in [(2, BodyFormat::TupComplex), (3, BodyFormat::Tup)] {
        let fake = Fake::answering(Ok(answer()));
        let routes = routes(&config(&[]), &fake);
        let packet: RequestPacket = opened(&ask(&routes, post("/tup", packet(version, OBJECT, "f"))).await);
        let expected = RequestPacket {
            i_version: version,
            i_request_id: 4711,
            s_servant_name: OBJECT.to_owned(),
            s_func_name: "f".to_owned(),
            s_buffer: vec![1, 2, 3].into(),
            status: attributes(&[("more", "y")]),
            context: attributes(&[("app", "x")]),
            ..RequestPacket::default()
        };
        assert_eq!(packet, expected);
        assert_eq!(fake.call().format, format);
    }
}

#[tokio::test]
async fn a_servants_error_comes_back_in_a_packet() {
    let fake = Fake::answering(Err(answered(1001, "at 10.1.2.3")));
    for (arguments, text) in [
        (&[][..], "the call failed with return code 1001"),
        (&["--expose-error-text"], "at 10.1.2.3"),
    ] {
        let routes = routes(&config(arguments), &fake);
        let tars: ResponsePacket = opened(&ask(&routes, post("/tup", packet(1, OBJECT, "f"))).await);
        assert_eq!((tars.i_ret, tars.i_request_id, tars.s_buffer.len()), (1001, 4711, 0));
        assert_eq!(tars.s_result_desc, text);
        for version in [2, 3] {
            let tup: RequestPacket = opened(&ask(&routes, post("/tup", packet(version, OBJECT, "f"))).await);
            assert_eq!(
                tup.status,
                attributes(&[("STATUS_RESULT_CODE", "1001"), ("STATUS_RESULT_DESC", text)])
            );
            assert_eq!((tup.i_request_id, &tup.s_buffer[..]), (4711, &[0x08, 0x0c][..]));
        }
    }
}

#[tokio::test]
async fn a_call_that_reached_no_servant_is_a_problem() {
    for (code, status) in [(-10, 404), (-7, 504), (-8, 502)] {
        let routes = routes(&config(&[]), &Fake::answering(Err(unanswered(code, ""))));
        let read = ask(&routes, post("/tup", packet(1, OBJECT, "f"))).await;
        assert_eq!(
            (read.status.as_u16(), read.problem()["code"].as_i64()),
            (status, Some(code.into()))
        );
    }
}

#[tokio::test]
async fn a_caller_that_wants_no_answer_gets_an_empty_one() {
    let fake = Fake::answering(Ok(Answer::default()));
    let routes = routes(&config(&[]), &fake);
    let one_way = RequestPacket {
        c_packet_type: 1,
        ..request(1, OBJECT, "f")
    };
    let read = ask(&routes, post("/tup", frame(&one_way))).await;
    assert_eq!((read.status, read.body.len()), (StatusCode::NO_CONTENT, 0));
    assert!(fake.call().one_way);
}

#[tokio::test]
async fn what_the_framework_says_is_not_taken_from_a_packet() {
    let fake = Fake::answering(Ok(Answer::default()));
    let routes = routes(&config(&["--config", "tests/it/context.toml"]), &fake);
    let forged = RequestPacket {
        i_message_type: 0x104,
        context: attributes(&[
            ("user", "7"),
            ("REMOTE_IP", "6.6.6.6"),
            ("X-GUID", "forged"),
            ("node_name", "n"),
        ]),
        status: attributes(&[("STATUS_TRACE_KEY", "f.9999-1|2"), ("STATUS_DYED_KEY", "x")]),
        ..request(1, OBJECT, "f")
    };
    ask(&routes, with(post("/tup", frame(&forged)), &[("x-request-id", "id-1")])).await;
    let expected = [
        ("REMOTE_IP", "192.0.2.1"),
        ("X-Forwarded-For-Host", "192.0.2.1:5000"),
        ("X-GUID", "id-1"),
        ("user", "7"),
    ];
    assert_eq!(fake.call().context, attributes(&expected));
}

#[tokio::test]
async fn broken_packets_are_refused() {
    let fake = Fake::echo();
    let routes = routes(&config(&[]), &fake);
    let good = packet(1, OBJECT, "f");
    let mut short = good.clone();
    short[3] -= 1;
    let mut long = good.clone();
    long.push(0);
    let mut huge = good.clone();
    huge[0] = 0xff;
    // A map that claims two thousand million entries.
    let bomb = [&[0, 0, 0, 10][..], &[0x98, 0x02, 0x7f, 0xff, 0xff, 0xff]].concat();
    for (body, text) in [
        (vec![], "a length of 4 bytes"),
        (vec![0, 0, 4], "a length of 4 bytes"),
        (vec![0, 0, 0, 4], "holds no RequestPacket"),
        (vec![0, 0, 0, 0], "say 0 bytes, and it has 4"),
        (short, "bytes, and it has"),
        (long, "bytes, and it has"),
        (huge, "bytes, and it has"),
        (bomb, "holds no RequestPacket"),
        (good[..20].to_vec(), "and it has 20"),
        (packet(5, OBJECT, "f"), "`iVersion` is 5"),
        (packet(4, OBJECT, "f"), "`iVersion` is 4"),
        (packet(0, OBJECT, "f"), "`iVersion` is 0"),
        (b"{\"obj\":\"A.B.C\"}".to_vec(), "and it has 15"),
    ] {
        let read = ask(&routes, post("/tup", body.clone())).await;
        assert_eq!(read.status, StatusCode::BAD_REQUEST, "{body:?}");
        assert!(read.detail().contains(text), "{text}: {}", read.detail());
    }
    assert_eq!(fake.count(), 0);
}
