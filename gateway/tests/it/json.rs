//! `POST /json/OBJECT/FUNCTION` and `POST /json`, and what every request has in common.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::json;
use tars::code;
use tarsgateway::BodyFormat;

use crate::common::*;

const PATH: &str = "/json/Test.Server.Obj/f";

#[tokio::test]
async fn bodies_pass_byte_for_byte() {
    let answer = " {\"c\":3,\n \"tars_ret\":0, \"s\":\"\\u00e4/\\/\" }\n";
    let fake = Fake::answering(Ok(body(answer)));
    let routes = routes(&config(&[]), &fake);
    let sent = "\t{ \"b\": 2, \"a\" : 1, \"a\": 9007199254740993, \"x\": 1e400 }  ";
    let read = ask(&routes, post(PATH, sent)).await;
    assert_eq!((read.status, read.text()), (StatusCode::OK, answer));
    assert_eq!(read.header("content-type"), "application/json");
    let call = fake.call();
    assert_eq!((call.object.as_str(), call.function.as_str()), (OBJECT, "f"));
    assert_eq!((&call.body[..], call.format), (sent.as_bytes(), BodyFormat::Json));
    assert_eq!((call.timeout, call.one_way), (Duration::from_secs(3), false));
}

#[tokio::test]
async fn no_body_means_no_parameters() {
    let fake = Fake::echo();
    let routes = routes(&config(&[]), &fake);
    for path in [PATH, "/json/Test.Server.Obj/f/", "/json/Test.Server.Obj/f?x=1&y"] {
        let read = ask(&routes, post(path, "")).await;
        assert_eq!((read.status, read.text()), (StatusCode::OK, "{}"), "{path}");
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let fake = Fake::echo();
    let routes = routes(&config(&[]), &fake);
    let deep = format!("{{\"a\":{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 9] = [
        b"[1]",
        b"null",
        b"1",
        b"{",
        b"{\"a\":1}x",
        b"{\"a\":1}{}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let read = ask(&routes, post(PATH, body.to_vec())).await;
        assert_eq!(read.status, StatusCode::BAD_REQUEST);
        read.problem();
    }
    assert_eq!(fake.count(), 0);
    let deep = deep + "}";
    assert_eq!(
        ask(&routes, post(PATH, deep)).await.status,
        StatusCode::OK,
        "depth is the servant's business"
    );
}

#[tokio::test]
async fn a_body_may_name_what_it_calls() {
    let fake = Fake::answering(Ok(body("{\"tars_ret\": \"ä\\n\"}")));
    let routes = routes(&config(&["--config", "tests/it/context.toml"]), &fake);
    let call = json!({
        "obj": OBJECT, "func": "f", "data": "{\"a\": 1}", "reqid": 4_294_967_296_i64, "timeout": 250,
        "context": {"user": "7", "REMOTE_IP": "6.6.6.6", "X-Verify-UID": "root", "other": "x"},
        "msgtype": 256, "status": {"STATUS_TRACE_KEY": "f-1|2", "STATUS_DYED_KEY": "x"}, "more": [1],
    });
    for path in ["/json", "/json/"] {
        let read = ask(&routes, post(path, call.to_string())).await;
        assert_eq!(read.status, StatusCode::OK);
        assert_eq!(read.text(), r#"{"data":"{\"tars_ret\": \"ä\\n\"}","reqid":4294967296}"#);
    }
    let sent = fake.calls.lock().unwrap()[0].clone();
    assert_eq!((&sent.body[..], sent.format), (&b"{\"a\": 1}"[..], BodyFormat::Json));
    assert_eq!(sent.timeout, Duration::from_millis(250));
    let context: Vec<_> = sent
        .context
        .iter()
        .map(|(key, value)| format!("{key:?}={value:?}"))
        .collect();
    let find = |text: &str| context.iter().any(|entry| entry.contains(text));
    assert!(
        find("\"user\"=\"7\"") && find("\"REMOTE_IP\"=\"192.0.2.1\""),
        "{context:?}"
    );
    assert!(
        !find("6.6.6.6") && !find("root") && !find("other") && !find("STATUS"),
        "{context:?}"
    );
}

#[tokio::test]
async fn a_wrong_body_says_what_is_wrong() {
    let fake = Fake::echo();
    let routes = routes(&config(&[]), &fake);
    for (body, text) in [
        ("", "the body: EOF"),
        ("[]", "must be a JSON object"),
        ("{}", "missing field `obj`"),
        (r#"{"obj":"A.B.C","func":"f","data":"{}"}"#, "missing field `reqid`"),
        (r#"{"obj":"A.B.C","func":"f","data":{},"reqid":1}"#, "expected a string"),
        (r#"{"obj":"A.B.C","func":"f","data":"","reqid":1}"#, "`data`"),
        (
            r#"{"obj":"A.B.C","func":"f","data":"[]","reqid":1}"#,
            "`data` must be a JSON object",
        ),
        (r#"{"obj":"A.B.C","func":"f","data":"{}","reqid":"1"}"#, "expected i64"),
        (
            r#"{"obj":"A.B.C","func":"f","data":"{}","reqid":1,"timeout":-1}"#,
            "expected u32",
        ),
        (
            r#"{"obj":"A.B.C","func":"f","data":"{}","reqid":1,"context":{"a":1}}"#,
            "expected a string",
        ),
        (
            r#"{"obj":"A.B.C@tcp -h 10.0.0.5 -p 22","func":"f","data":"{}","reqid":1}"#,
            "an endpoint cannot be given",
        ),
        (
            r#"{"obj":"A.B.C","func":"f g","data":"{}","reqid":1}"#,
            "a function's name",
        ),
        (
            r#"{"obj":"A.B.C","obj":"D.E.F","func":"f","data":"{}","reqid":1}"#,
            "duplicate field",
        ),
    ] {
        let read = ask(&routes, post("/json", body)).await;
        assert_eq!(read.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(read.detail().contains(text), "{body}: {}", read.detail());
    }
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn a_failed_call_is_a_problem_that_names_no_address() {
    let text = "connect to tcp -h 10.1.2.3 -p 4711 <b>failed</b>";
    for (failure, status, detail) in [
        (
            answered(-3, text),
            502,
            "the call failed: no such function (return code -3)",
        ),
        (answered(1001, text), 502, "the call failed with return code 1001"),
        (
            answered(-99, text),
            502,
            "the call failed: server error (return code -99)",
        ),
        (
            answered(-10, text),
            502,
            "the call failed: no endpoint (return code -10)",
        ),
        (
            unanswered(-10, text),
            404,
            "the call failed: no endpoint (return code -10)",
        ),
        (
            unanswered(-8, text),
            502,
            "the call failed: no connection (return code -8)",
        ),
        (
            unanswered(-13, text),
            502,
            "the call failed: request not sent (return code -13)",
        ),
        (
            answered(-6, text),
            504,
            "the call failed: deadline passed before the call began (return code -6)",
        ),
        (unanswered(-7, text), 504, "the call failed: timeout (return code -7)"),
    ] {
        let fake = Fake::answering(Err(failure.clone()));
        let read = ask(&routes(&config(&[]), &fake), post(PATH, "")).await;
        assert_eq!((read.status.as_u16(), read.detail()), (status, detail.to_owned()));
        assert_eq!(read.problem()["code"], failure.code);
        assert!(!read.text().contains("10.1.2.3"));

        let open = routes(&config(&["--expose-error-text"]), &fake);
        let read = ask(&open, post(PATH, "")).await;
        assert_eq!((read.status.as_u16(), read.detail()), (status, text.to_owned()));
    }
}

#[tokio::test]
async fn an_answer_that_is_no_json_object_is_a_problem() {
    for answer in [&b""[..], b"{", b"[1]", b"{} {}", b"{\"a\": \"\xff\"}", b"<html>"] {
        let fake = Fake::answering(Ok(body(answer)));
        let routes = routes(&config(&[]), &fake);
        let in_body = json!({"obj": OBJECT, "func": "f", "data": "{}", "reqid": 1}).to_string();
        for request in [post(PATH, ""), post("/json", in_body)] {
            let read = ask(&routes, request).await;
            assert_eq!(read.status, StatusCode::BAD_GATEWAY);
            assert_eq!(read.detail(), "the servant's answer is not a JSON object");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_servant_is_a_problem() {
    let fake = Fake::silent();
    let routes = routes(&config(&["--max-timeout-ms", "10000"]), &fake);
    for (headers, seconds) in [
        (&[][..], 3),
        (&[("x-tars-timeout-ms", "200")], 0),
        (&[("x-tars-timeout-ms", "7000")], 7),
        (&[("x-tars-timeout-ms", "99999999")], 10),
    ] {
        let begun = tokio::time::Instant::now();
        let read = ask(&routes, with(post(PATH, ""), headers)).await;
        assert_eq!(
            (read.status, read.problem()["code"].as_i64()),
            (StatusCode::GATEWAY_TIMEOUT, Some(code::INVOKE_TIMEOUT.into()))
        );
        assert_eq!(begun.elapsed().as_secs(), seconds, "{headers:?}");
    }
    for wrong in ["0", "-1", "1.5", "", "x"] {
        let read = ask(&routes, with(post(PATH, ""), &[("x-tars-timeout-ms", wrong)])).await;
        assert_eq!(read.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn a_panic_is_that_requests_problem_only() {
    let fake = Fake::new(|call| {
        assert_ne!(&call.body[..], b"{\"a\":1}", "as the test wants it");
        Box::pin(async move {
            assert_ne!(&call.body[..], b"{\"a\":2}", "as the test wants it");
            Ok(body("{}"))
        })
    });
    let routes = routes(&config(&[]), &fake);
    for panics in ["{\"a\":1}", "{\"a\":2}"] {
        let read = ask(&routes, post(PATH, panics)).await;
        assert_eq!(read.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(read.detail(), "an error inside the gateway; its log says more");
    }
    assert_eq!(ask(&routes, post(PATH, "")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let fake = Fake::echo();
    let routes = routes(&config(&[]), &fake);
    for path in [
        "/",
        "/json/A",
        "/json/A.B.C/f/g",
        "/jsonx",
        "/json//",
        "/tup/x",
        "/metrics",
        "/json/A.B.C/f//",
        "//json",
    ] {
        let read = ask(&routes, post(path, "{}")).await;
        assert!(matches!(read.status.as_u16(), 404 | 400), "{path}: {}", read.status);
        read.problem();
    }
    for path in [PATH, "/json", "/tup"] {
        for method in [
            Method::GET,
            Method::PUT,
            Method::DELETE,
            Method::OPTIONS,
            Method::PATCH,
            Method::TRACE,
        ] {
            let mut request = post(path, "{}");
            *request.method_mut() = method;
            let read = ask(&routes, request).await;
            assert_eq!(
                (read.status, read.header("allow")),
                (StatusCode::METHOD_NOT_ALLOWED, "POST")
            );
        }
    }
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn only_what_clearly_is_something_else_is_an_unsupported_type() {
    let routes = routes(&config(&[]), &Fake::echo());
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/octet-stream",
        "application/vnd.api+json",
    ] {
        let read = ask(&routes, with(post(PATH, "{}"), &[("content-type", kind)])).await;
        assert_eq!(read.status, StatusCode::OK, "{kind}");
    }
    for kind in [
        "multipart/form-data; boundary=x",
        "Image/png",
        "text/html",
        "application/grpc+proto",
    ] {
        let read = ask(&routes, with(post(PATH, "{}"), &[("content-type", kind)])).await;
        assert_eq!(read.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        assert_eq!(read.header("accept"), "application/json");
    }
    let read = ask(&routes, with(post(PATH, "{}"), &[("content-encoding", "gzip")])).await;
    assert_eq!(read.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let read = ask(&routes, with(post(PATH, "{}"), &[("content-encoding", "identity")])).await;
    assert_eq!(read.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_has_a_name() {
    let fake = Fake::echo();
    let routes = routes(&config(&[]), &fake);
    let read = ask(&routes, with(post(PATH, ""), &[("x-request-id", "mine-1")])).await;
    assert_eq!(read.header("x-request-id"), "mine-1");
    let guid = &fake.call().context[&b"X-GUID"[..]];
    assert_eq!(guid, &"mine-1");
    let read = ask(&routes, with(post("/nowhere", ""), &[("x-request-id", "</script>")])).await;
    assert_eq!(read.header("x-request-id").len(), 32);
    assert!(!read.text().contains("script"));
}

#[tokio::test]
async fn call_chains_follow_the_settings_and_not_the_caller() {
    const ID: &str = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{ID}-b7ad6b7169203331-01");
    let headers = [("traceparent", parent.as_str()), ("tracestate", "tars=f.10240")];
    let off = Fake::echo();
    let read = ask(&routes(&config(&[]), &off), with(post(PATH, ""), &headers)).await;
    assert!(off.call().trace.is_none() && read.header("traceparent").is_empty());

    let on = Fake::echo();
    let read = ask(
        &routes(&config(&["--trace-sample=probability:1"]), &on),
        with(post(PATH, ""), &headers),
    )
    .await;
    let trace = on.call().trace.unwrap();
    assert_eq!((trace.id(), trace.flags().bits(), trace.max_len_kb()), (ID, 0, 1));
    assert!(read.header("traceparent").contains(ID));

    let trusting = "[routes]\n\"A.B.C\" = \"tcp -h 127.0.0.1 -p 1\"\n[access]\nallow = [\"Test.*\"]\n\
                    [trace]\ntrusted = [\"192.0.2.0/24\"]\n";
    let trusted = Fake::echo();
    ask(
        &routes(&config_file(trusting), &trusted),
        with(post(PATH, ""), &headers),
    )
    .await;
    let trace = trusted.call().trace.unwrap();
    assert_eq!((trace.id(), trace.flags().bits(), trace.max_len_kb()), (ID, 15, 10_240));
}
