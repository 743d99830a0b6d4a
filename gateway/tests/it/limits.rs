//! How much and how often.

use std::pin::pin;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use futures_util::stream;

use crate::common::*;

const PATH: &str = "/json/Test.Server.Obj/f";

fn json_of(size: usize) -> String {
    format!("{{\"a\":\"{}\"}}", "x".repeat(size - 8))
}

/// A body that does not say how long it is.
fn streamed(text: &str) -> Body {
    let pieces: Vec<_> = text
        .as_bytes()
        .chunks(700)
        .map(|piece| Ok::<_, std::io::Error>(Bytes::copy_from_slice(piece)))
        .collect();
    Body::from_stream(stream::iter(pieces))
}

#[tokio::test]
async fn bodies_have_a_size() {
    let fake = Fake::echo();
    let routes = routes(&config(&["--body-bytes", "2000"]), &fake);
    assert_eq!(ask(&routes, post(PATH, json_of(2000))).await.status, StatusCode::OK);
    assert_eq!(
        ask(&routes, post(PATH, streamed(&json_of(2000)))).await.status,
        StatusCode::OK
    );
    for body in [
        Body::from(json_of(2001)),
        streamed(&json_of(2001)),
        streamed(&json_of(1_000_000)),
    ] {
        let read = ask(&routes, post(PATH, body)).await;
        assert_eq!(
            (read.status, read.header("connection")),
            (StatusCode::PAYLOAD_TOO_LARGE, "close")
        );
        assert_eq!(read.detail(), "the body has more than 2000 bytes");
    }
    assert_eq!(fake.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn bodies_have_a_time() {
    let routes = routes(&config(&[]), &Fake::echo());
    let begun = tokio::time::Instant::now();
    let read = ask(
        &routes,
        post(
            PATH,
            Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>()),
        ),
    )
    .await;
    assert_eq!(
        (read.status, read.header("connection")),
        (StatusCode::REQUEST_TIMEOUT, "close")
    );
    assert_eq!(begun.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_call() {
    let fake = Fake::echo();
    let routes = routes(&config(&[]), &fake);
    let pieces = [Ok(Bytes::from("{}")), Err(std::io::Error::other("gone"))];
    let read = ask(&routes, post(PATH, Body::from_stream(stream::iter(pieces)))).await;
    assert_eq!((read.status, fake.count()), (StatusCode::BAD_REQUEST, 0));
}

#[tokio::test]
async fn all_bodies_together_have_a_size() {
    let file = "[routes]\n\"A.B.C\" = \"tcp -h 127.0.0.1 -p 1\"\n[access]\nallow = [\"Test.*\"]\n\
                [limits]\nbody_bytes = 40000\nbuffered_bytes = 60000\n";
    let (fake, came, go) = Fake::held();
    let routes = routes(&config_file(file), &fake);
    let mut first = pin!(ask(&routes, post(PATH, json_of(40_000))));
    tokio::select! {
        _ = &mut first => panic!("it is held"),
        () = came.notified() => {}
    }
    let read = ask(&routes, post(PATH, json_of(40_000))).await;
    assert_eq!(
        (read.status, read.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "1")
    );
    go.notify_one();
    assert_eq!(first.await.status, StatusCode::OK);
    go.notify_one();
    assert_eq!(
        ask(&routes, post(PATH, json_of(40_000))).await.status,
        StatusCode::OK,
        "room again"
    );
}

#[tokio::test]
async fn calls_at_once_are_bounded() {
    let (fake, came, go) = Fake::held();
    let routes = routes(&config(&["--concurrent-calls", "1"]), &fake);
    let mut first = pin!(ask(&routes, post(PATH, "")));
    tokio::select! {
        _ = &mut first => panic!("it is held"),
        () = came.notified() => {}
    }
    let read = ask(&routes, post(PATH, "")).await;
    assert_eq!(
        (read.status, read.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "1")
    );
    assert_eq!(read.detail(), "too many calls at once; try again");
    go.notify_one();
    assert_eq!(first.await.status, StatusCode::OK);
    // A caller that goes away gives its place back.
    {
        let mut gone = pin!(ask(&routes, post(PATH, "")));
        tokio::select! {
            _ = &mut gone => panic!("it is held"),
            () = came.notified() => {}
        }
    }
    go.notify_one();
    assert_eq!(ask(&routes, post(PATH, "")).await.status, StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn clients_and_objects_have_a_rate() {
    let rate = |whose: &str| {
        format!(
            "[routes]\n\"A.B.C\" = \"tcp -h 127.0.0.1 -p 1\"\n[access]\nallow = [\"Test.*\"]\n\
             [rate_limit.{whose}]\nper_second = 1\nburst = 2\n"
        )
    };
    let by_client = routes(&config_file(&rate("client")), &Fake::echo());
    let by_object = routes(&config_file(&rate("object")), &Fake::echo());
    for routes in [&by_client, &by_object] {
        for status in [200, 200, 429] {
            let read = ask(routes, post(PATH, "")).await;
            assert_eq!(read.status.as_u16(), status);
            assert!(status == 200 || read.header("retry-after") == "1");
        }
    }
    assert_eq!(
        ask(&by_object, post("/json/Test.Server.Other/f", "")).await.status,
        StatusCode::OK
    );
    let mut other = post(PATH, "");
    other
        .extensions_mut()
        .insert(tarsgateway::Peer("192.0.2.2:1".parse().unwrap()));
    assert_eq!(ask(&by_client, other).await.status, StatusCode::OK);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(ask(&by_client, post(PATH, "")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_object_that_hangs_leaves_places_for_others() {
    let (fake, came, _go) = Fake::held();
    let slow = move |call: tarsgateway::Outgoing| match call.object.as_str() {
        OBJECT => tarsgateway::Upstream::call(&fake, call),
        _ => Box::pin(async { Ok(body("{}")) }) as tars::BoxFuture<_>,
    };
    let routes = routes(
        &config(&["--concurrent-calls", "8", "--allow", "Test.Server.*"]),
        &Fake::new(slow),
    );
    let running: Vec<_> = (0..2)
        .map(|_| tokio::spawn(tower::ServiceExt::oneshot(routes.clone(), post(PATH, ""))))
        .collect();
    for _ in 0..2 {
        came.notified().await;
    }
    let read = ask(&routes, post(PATH, "")).await;
    assert_eq!(
        (read.status, read.header("retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "1")
    );
    assert_eq!(read.detail(), "too many calls of this object at once; try again");
    let other = ask(&routes, post("/json/Test.Server.Other/f", "")).await;
    assert_eq!(other.status, StatusCode::OK);
    for running in running {
        running.abort();
        let _ = running.await;
    }
}

#[tokio::test]
async fn answers_that_nobody_takes_are_bounded() {
    let file = "[routes]\n\"A.B.C\" = \"tcp -h 127.0.0.1 -p 1\"\n[access]\nallow = [\"Test.*\"]\n\
                [limits]\nbody_bytes = 1000\nbuffered_bytes = 1000\nanswer_bytes = 60000\n";
    let sizes = |call: tarsgateway::Outgoing| {
        let size = if call.function.as_str() == "f" { 50_000 } else { 10_000 };
        Box::pin(async move { Ok(body(json_of(size))) }) as tars::BoxFuture<_>
    };
    let fake = Fake::new(sizes);
    let routes = routes(&config_file(file), &fake);
    let untaken = tower::ServiceExt::oneshot(routes.clone(), post(PATH, ""))
        .await
        .unwrap();
    assert_eq!(untaken.status(), StatusCode::OK);
    // The call was made: nothing may invite to make it again.
    let read = ask(&routes, post(PATH, "")).await;
    assert_eq!(read.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!((read.header("retry-after"), read.header("connection")), ("", ""));
    assert_eq!(read.problem()["code"], 0);
    assert!(read.detail().starts_with("the call was carried out"));
    assert_eq!(fake.count(), 2);
    // What is small passes, and requests have a budget of their own.
    let small = ask(&routes, post("/json/Test.Server.Obj/small", "{}")).await;
    assert_eq!(small.status, StatusCode::OK);
    drop(untaken);
    assert_eq!(ask(&routes, post(PATH, "")).await.status, StatusCode::OK);
}
