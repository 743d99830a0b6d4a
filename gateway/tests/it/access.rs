//! What an attacker tries: objects that are not allowed, endpoints, context that others believe, guessed tokens.

use axum::http::StatusCode;
use serde_json::json;

use crate::common::*;
use crate::tup::packet;

#[tokio::test]
async fn nothing_is_allowed_unless_a_rule_says_so() {
    let fake = Fake::echo();
    let file = "[routes]\n\"Test.Server.Obj\" = \"tcp -h 127.0.0.1 -p 1\"";
    let read = ask(
        &routes(&config_file(file), &fake),
        post("/json/Test.Server.Obj/f", "{}"),
    )
    .await;
    assert_eq!(read.status, StatusCode::FORBIDDEN);
    assert_eq!(
        read.detail(),
        "this object or function may not be called through this gateway"
    );
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn one_rule_holds_on_every_route() {
    let fake = Fake::echo();
    let settings = config(&[
        "--allow=Test.*,Shop.OrderServer.OrderObj:find",
        "--deny=Test.Server.Secret,Test.*:reset",
    ]);
    let routes = routes(&settings, &fake);
    for (object, function, allowed) in [
        ("Test.Server.Obj", "f", true),
        ("Test.Server.Secret", "f", false),
        ("Test.Server.secret", "f", false),
        ("test.Server.Obj", "f", false),
        ("Test.Server.Obj", "reset", false),
        ("Test.Server.Obj", "RESET", false),
        ("Shop.OrderServer.OrderObj", "find", true),
        ("Shop.OrderServer.OrderObj", "drop", false),
        ("tars.tarsregistry.QueryObj", "findObjectById", false),
    ] {
        let in_body = json!({"obj": object, "func": function, "data": "{}", "reqid": 1}).to_string();
        let requests = [
            post(&format!("/json/{object}/{function}"), ""),
            post("/json", in_body),
            post("/tup", packet(1, object, function)),
        ];
        for request in requests {
            let before = fake.count();
            let path = request.uri().to_string();
            let read = ask(&routes, request).await;
            let expected = if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(read.status, expected, "{path} {object}:{function}");
            assert_eq!(fake.count() - before, usize::from(allowed));
        }
    }
}

#[tokio::test]
async fn a_client_cannot_name_an_endpoint() {
    let fake = Fake::echo();
    let routes = routes(&config(&["--allow=A.*,A.B.*,A.B.C"]), &fake);
    for object in [
        "A.B.C@tcp -h 10.0.0.5 -p 22",
        "A.B.C@",
        "A.B.C#1",
        "A.B.C@tcp",
        "@tcp -h 10.0.0.5 -p 22",
        "A.B.C:f",
        "A.B.C\u{0}",
        "A.B.C\t",
        "A.B.C ",
        "A.B",
        "A.B.C.D",
        "A.*",
        "",
    ] {
        let in_body = json!({"obj": object, "func": "f", "data": "{}", "reqid": 1}).to_string();
        let encoded = object
            .bytes()
            .map(|byte| format!("%{byte:02X}"))
            .collect::<Vec<_>>()
            .concat();
        for request in [
            post(&format!("/json/{encoded}/f"), ""),
            post("/json", in_body),
            post("/tup", packet(1, object, "f")),
        ] {
            let path = request.uri().to_string();
            let read = ask(&routes, request).await;
            assert!(
                matches!(read.status.as_u16(), 400 | 404),
                "{path} {object:?}: {}",
                read.status
            );
        }
    }
    for path in [
        "/json/A.B.C/%66%40",
        "/json/A.B.C/%ff",
        "/json/A.B.%ff/f",
        "/json/A.B.C/..%2f..%2f",
        "/json/A.B.C/%00",
    ] {
        let read = ask(&routes, post(path, "")).await;
        assert_eq!(read.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(fake.count(), 0);
    let read = ask(&routes, post("/json/%41.B.%43/%66", "")).await;
    assert_eq!(
        read.status,
        StatusCode::OK,
        "another spelling of the same name is the same name"
    );
    assert_eq!(fake.call().object.as_str(), "A.B.C");
}

#[tokio::test]
async fn errors_repeat_nothing_of_the_request() {
    let routes = routes(&config(&[]), &Fake::echo());
    for path in ["/json/%3Cscript%3E/f", "/json/A.B.C/%3Cscript%3E", "/%3Cscript%3E"] {
        let read = ask(&routes, post(path, "")).await;
        assert!(!read.text().contains("script"), "{}", read.text());
    }
}

#[tokio::test]
async fn the_context_is_the_gateways_word() {
    let fake = Fake::echo();
    let routes = routes(&config(&["--config", "tests/it/context.toml"]), &fake);
    let headers = [
        ("x-xua", "phone"),
        ("x-guid", "forged"),
        ("remote_ip", "6.6.6.6"),
        ("x-verify-uid", "root"),
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-for-host", "6.6.6.6:1"),
        ("authorization", "Bearer secret"),
        ("x-request-id", "id-1"),
    ];
    ask(&routes, with(post("/json/Test.Server.Obj/f", ""), &headers)).await;
    let context: Vec<_> = fake
        .call()
        .context
        .into_iter()
        .map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .collect();
    let expected = [
        ("REMOTE_IP", "192.0.2.1"),
        ("X-Forwarded-For-Host", "192.0.2.1:5000"),
        ("X-GUID", "id-1"),
        ("X-XUA", "phone"),
    ];
    assert_eq!(context, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
}

#[tokio::test]
async fn a_client_behind_a_trusted_proxy_is_known_by_its_address() {
    for (trusted, forwarded, client) in [
        ("198.51.100.0/24", "10.9.8.7", "192.0.2.1"),
        ("192.0.2.0/24", "10.9.8.7", "10.9.8.7"),
        ("192.0.2.0/24", "127.0.0.1, 10.9.8.7", "10.9.8.7"),
        ("192.0.2.0/24", "127.0.0.1, 10.9.8.7, 192.0.2.9", "10.9.8.7"),
    ] {
        let fake = Fake::echo();
        let routes = routes(&config(&["--trusted-proxy", trusted]), &fake);
        ask(
            &routes,
            with(post("/json/Test.Server.Obj/f", ""), &[("x-forwarded-for", forwarded)]),
        )
        .await;
        assert_eq!(fake.call().context[&b"REMOTE_IP"[..]], client, "{trusted} {forwarded}");
    }
}

#[tokio::test]
async fn tokens_are_asked_for_when_there_are_some() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "alice 0123456789abcdef\nbob fedcba9876543210\n").unwrap();
    let fake = Fake::echo();
    let routes = routes(&config(&["--token-file", file.path().to_str().unwrap()]), &fake);
    let path = "/json/Test.Server.Obj/f";
    let read = ask(&routes, post(path, "")).await;
    assert_eq!(
        (read.status, read.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    for wrong in [
        "Bearer 0123456789abcdee",
        "Bearer alice",
        "Basic 0123456789abcdef",
        "Bearer",
    ] {
        let read = ask(&routes, with(post(path, ""), &[("authorization", wrong)])).await;
        assert_eq!(read.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(read.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        assert!(!read.text().contains("0123456789"));
    }
    assert_eq!(fake.count(), 0);
    let read = ask(
        &routes,
        with(post(path, ""), &[("authorization", "Bearer fedcba9876543210")]),
    )
    .await;
    assert_eq!(read.status, StatusCode::OK);
    assert_eq!(fake.call().context[&b"X-Verify-UID"[..]], "bob");
}

#[tokio::test]
async fn a_denial_more_opens_nothing() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text =
        "[routes]\n\"A.B.C\" = \"tcp -h 127.0.0.1 -p 1\"\n[access]\nallow = [\"Test.*\"]\ndeny = [\"Test.*:reset\"]\n";
    std::fs::write(file.path(), text).unwrap();
    let arguments = [
        "tarsgateway",
        "--config",
        file.path().to_str().unwrap(),
        "--deny=Test.*:drop",
    ];
    let command = tarsgateway::Command::read(arguments.map(Into::into), |_| None).unwrap();
    let routes = routes(command.config(), &Fake::echo());
    for (function, status) in [("reset", 403), ("drop", 403), ("add", 200)] {
        let read = ask(&routes, post(&format!("/json/Test.Server.Obj/{function}"), "")).await;
        assert_eq!(read.status.as_u16(), status, "{function}");
    }
}
