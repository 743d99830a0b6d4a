use std::path::Path;

use tokio::{
    net::UnixStream,
    sync::{mpsc, watch},
};

use super::*;
use crate::{
    control::{Checks, Listening, Order, Phase, Registry, serve},
    state::State,
};

const LONG: Duration = Duration::from_secs(30);

/// A supervisor without a server.
struct Supervisor {
    layout: Layout,
    status: watch::Sender<Status>,
    orders: mpsc::Receiver<Order>,
    listening: Listening,
    _folder: tempfile::TempDir,
}

fn supervisor() -> Supervisor {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path());
    let (status, watched) = watch::channel(status());
    let (sender, orders) = mpsc::channel(4);
    Supervisor {
        listening: serve(&layout, watched, sender).unwrap(),
        layout,
        status,
        orders,
        _folder: folder,
    }
}

fn status() -> Status {
    Status {
        server: "App.Server".to_owned(),
        node: "10.0.0.7".to_owned(),
        state: State::Active,
        ready: true,
        started: true,
        reason: None,
        supervisor_uptime_seconds: 7,
        pid: Some(42),
        server_uptime_seconds: Some(6),
        restarts: 0,
        last_exit: None,
        checks: Checks::default(),
        registry: Registry::default(),
        worker_id: None,
        leaving: None,
        left: None,
    }
}

fn left(told: bool, error: Option<&str>) -> Left {
    Left {
        told,
        error: error.map(str::to_owned),
    }
}

/// What the socket says to bytes.
async fn say(path: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(path).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut text = String::new();
    timeout(LONG, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    text
}

#[tokio::test]
async fn the_state_is_told() {
    let it = supervisor();
    assert_eq!(ask_state(&it.layout, LONG).await.unwrap(), status());
    it.status.send_modify(|status| status.state = State::Inactive);
    assert_eq!(ask_state(&it.layout, LONG).await.unwrap().state, State::Inactive);

    // As a script asks, without a line end.
    let mut stream = UnixStream::connect(it.layout.socket()).await.unwrap();
    stream.write_all(br#"{"ask":"state"}"#).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(
        text.starts_with(r#"{"answer":"state","server":"App.Server""#) && text.ends_with("}\n"),
        "{text}"
    );
}

#[tokio::test]
async fn prestop_is_ordered_and_its_end_waited_for() {
    let mut it = supervisor();
    let layout = it.layout.clone();
    let first = tokio::spawn(async move { ask_prestop(&layout, LONG).await });
    assert!(matches!(it.orders.recv().await, Some(Order::Prestop)));
    it.status.send_modify(|status| status.leaving = Some(Phase::Draining));

    let layout = it.layout.clone();
    let second = tokio::spawn(async move { ask_prestop(&layout, LONG).await });
    it.status.send_modify(|status| status.leaving = Some(Phase::Gone));
    let told = left(false, Some("away"));
    it.status.send_modify(|status| status.left = Some(told.clone()));
    assert_eq!(first.await.unwrap().unwrap(), told);
    assert_eq!(second.await.unwrap().unwrap(), told);
    assert_eq!(ask_prestop(&it.layout, LONG).await.unwrap(), told, "afterwards");
    assert!(it.orders.try_recv().is_err(), "one order is enough");
}

#[tokio::test]
async fn a_loop_that_does_not_turn_is_late_and_a_client_that_goes_leaves_nothing() {
    let mut it = supervisor();
    let short = Duration::from_millis(50);
    let error = ask_live(&it.layout, short).await.unwrap_err();
    assert!(matches!(error, AskError::Late(_)), "{error}");
    assert!(matches!(it.orders.recv().await, Some(Order::Live(_))));

    // The order stays, who gave it does not.
    let error = ask_prestop(&it.layout, short).await.unwrap_err();
    assert!(matches!(error, AskError::Late(_)), "{error}");
    assert!(matches!(it.orders.recv().await, Some(Order::Prestop)));

    let layout = it.layout.clone();
    let asked = tokio::spawn(async move { ask_live(&layout, LONG).await });
    let Some(Order::Live(alive)) = it.orders.recv().await else {
        panic!("no order");
    };
    alive.send(()).unwrap();
    asked.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_supervisor_that_ends_says_so() {
    let mut it = supervisor();
    it.orders.close();
    let error = ask_prestop(&it.layout, LONG).await.unwrap_err();
    assert!(matches!(error, AskError::Refused(_)), "{error}");
    drop(it.listening);
    let error = ask_state(&it.layout, LONG).await.unwrap_err();
    assert!(matches!(error, AskError::NoSupervisor(_)), "{error}");
}

#[tokio::test]
async fn who_waits_for_the_end_is_answered_before_the_socket_closes() {
    let mut it = supervisor();
    let layout = it.layout.clone();
    let hook = tokio::spawn(async move { ask_prestop(&layout, LONG).await });
    assert!(matches!(it.orders.recv().await, Some(Order::Prestop)));
    let layout = it.layout.clone();
    let probe = tokio::spawn(async move { ask_live(&layout, LONG).await });
    let unheard = it.orders.recv().await;
    it.status.send_modify(|status| status.left = Some(Left::TOLD));
    drop((unheard, it.orders, it.status));
    it.listening.finish(LONG).await;
    assert_eq!(hook.await.unwrap().unwrap(), Left::TOLD);
    let error = probe.await.unwrap().unwrap_err();
    assert!(matches!(error, AskError::Refused(_)), "{error}");
    assert!(!it.layout.socket().exists());
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_hold_up_the_end() {
    let it = supervisor();
    let _silent = UnixStream::connect(it.layout.socket()).await.unwrap();
    assert!(ask_state(&it.layout, LONG).await.is_ok());
    timeout(LONG, it.listening.finish(Duration::from_millis(1)))
        .await
        .unwrap();
    assert!(!it.layout.socket().exists());
}

#[tokio::test]
async fn what_is_no_question_is_refused() {
    let it = supervisor();
    let path = it.layout.socket();
    for bytes in [
        &b"\n"[..],
        b"{}\n",
        b"GET / HTTP/1.1\r\n",
        b"{\"ask\":\"money\"}\n",
        &[0xff, b'\n'],
    ] {
        let text = say(&path, bytes).await;
        assert!(text.starts_with(r#"{"answer":"refused","error":"expected"#), "{text}");
    }
    let text = say(&path, &[b' '; LONGEST_QUESTION_SENT]).await;
    assert!(text.contains("at most 4096 bytes"), "{text}");
    let silent = say(&path, b"{").await;
    assert!(silent.contains("within a second"), "{silent}");
    assert!(ask_state(&it.layout, LONG).await.is_ok());
}

const LONGEST_QUESTION_SENT: usize = 4096;

#[tokio::test]
async fn clients_have_places_and_leave_them() {
    let mut it = supervisor();
    let mut held = Vec::new();
    for _ in 0..16 {
        let mut stream = UnixStream::connect(it.layout.socket()).await.unwrap();
        stream.write_all(b"{\"ask\":\"prestop\"}\n").await.unwrap();
        held.push(stream);
        it.orders.recv().await.unwrap();
    }
    let error = ask_state(&it.layout, LONG).await.unwrap_err();
    assert!(matches!(error, AskError::Refused(_)), "{error}");
    held.clear();
    timeout(LONG, async { while ask_state(&it.layout, LONG).await.is_err() {} })
        .await
        .unwrap();
}
