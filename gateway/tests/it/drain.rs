//! How the gateway ends.

use tokio::io::AsyncWriteExt;

use crate::common::*;

#[tokio::test]
async fn what_is_under_way_is_answered_and_new_callers_go_elsewhere() {
    let (fake, came, go) = Fake::held();
    let mut gateway = Running::start(&config(&["--drain-delay-ms=3600000"]), &fake).await;
    let mut running = gateway.connect().await;
    running.write_all(raw("{\"n\":1}", "").as_bytes()).await.unwrap();
    came.notified().await;

    gateway.stop.cancel();
    while gateway.admin("/readyz").await != (503, "ending\n".to_owned()) {
        tokio::task::yield_now().await;
    }
    assert_eq!(gateway.admin("/healthz").await.0, 200);
    let mut late = gateway.connect().await;
    late.write_all(raw("{\"n\":2}", "").as_bytes()).await.unwrap();
    came.notified().await;
    go.notify_one();
    go.notify_one();
    assert_eq!(
        read_one(&mut late).await,
        (200, "{\"n\":2}".to_owned()),
        "still served while others learn of it"
    );
    drop((late, running));
    gateway.hurry.cancel();
    (&mut gateway.serving).await.unwrap();
}

#[tokio::test]
async fn a_running_call_holds_up_the_end() {
    let (fake, came, go) = Fake::held();
    let mut gateway = Running::start(&config(&[]), &fake).await;
    let mut running = gateway.connect().await;
    let mut idle = gateway.connect().await;
    running.write_all(raw("{\"n\":1}", "").as_bytes()).await.unwrap();
    came.notified().await;
    gateway.stop.cancel();
    assert_eq!(read_all(&mut idle).await, "");
    assert!(!gateway.serving.is_finished());
    assert_eq!(gateway.admin("/readyz").await.0, 503);
    go.notify_one();
    let answer = read_all(&mut running).await;
    assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    assert_eq!(parse(&answer), (200, "{\"n\":1}".to_owned()));
    (&mut gateway.serving).await.unwrap();
}

#[tokio::test]
async fn a_silent_servant_does_not_hold_up_the_end_for_ever() {
    let (fake, came, _go) = Fake::held();
    let mut gateway = Running::start(&config(&["--drain-grace-ms=50", "--timeout-ms=60000"]), &fake).await;
    let mut stream = gateway.connect().await;
    stream.write_all(raw("{}", "").as_bytes()).await.unwrap();
    came.notified().await;
    gateway.stop.cancel();
    (&mut gateway.serving).await.unwrap();
    assert_eq!(read_all(&mut stream).await, "");
}
