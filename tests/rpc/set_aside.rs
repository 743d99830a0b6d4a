//! Endpoints that take calls and do not answer them.

use std::sync::Arc;
use std::time::Duration;

use tars::{Communicator, Endpoint, Error, Proxy, code};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tower::timeout::TimeoutLayer;

use crate::common::{OBJECT, RawServer, Servant, TestServer, echo, echo_response, framed};
use crate::fakes::{QueryRegistry, active};

/// What became of a request to a [`Sloth`].
#[derive(Clone, Debug, Default)]
struct Seen {
    calls: usize,
    pings: usize,
}

/// A server that accepts everything and answers only when it is awake.
struct Sloth {
    endpoint: Endpoint,
    awake: Arc<watch::Sender<bool>>,
    seen: watch::Sender<Seen>,
}

impl Sloth {
    async fn start() -> Self {
        let server = RawServer::start().await;
        let sloth = Self {
            endpoint: server.endpoint(),
            awake: Arc::new(watch::Sender::new(false)),
            seen: watch::Sender::new(Seen::default()),
        };
        let (awake, seen) = (Arc::clone(&sloth.awake), sloth.seen.clone());
        tokio::spawn(async move {
            loop {
                let mut raw = server.accept().await;
                let (awake, seen) = (Arc::clone(&awake), seen.clone());
                tokio::spawn(async move {
                    while let Some(request) = raw.request().await {
                        let is_ping = request.s_func_name == "tars_ping";
                        seen.send_modify(|seen| *(if is_ping { &mut seen.pings } else { &mut seen.calls }) += 1);
                        if *awake.borrow() {
                            raw.send(&framed(&echo_response(request.i_request_id, "awake"))).await;
                        }
                    }
                });
            }
        });
        sloth
    }

    fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }
}

/// A call that gives up soon.
async fn hasty(proxy: &Proxy) -> Result<String, Error> {
    echo(proxy, "well").timeout(Duration::from_millis(400)).await
}

/// Calls until the sloth is called no more, then checks that it stays so. Time is paused.
async fn is_set_aside(proxy: &Proxy, sloth: &Sloth) {
    let begun = Instant::now();
    for _ in 0..10 {
        match hasty(proxy).await {
            Ok(answer) => assert_eq!(answer, "well"),
            Err(error) => assert_eq!(error.code(), code::INVOKE_TIMEOUT, "{error}"),
        }
    }
    assert_eq!(sloth.seen().calls, 5, "five in a row are enough");
    assert!(begun.elapsed() < Duration::from_secs(3));
    for _ in 0..20 {
        assert_eq!(hasty(proxy).await.unwrap(), "well");
    }
    assert_eq!(sloth.seen().calls, 5);
}

/// A probe goes unanswered, another one is answered: never has a caller waited for them.
async fn comes_back(proxy: &Proxy, sloth: &Sloth) {
    assert_eq!(sloth.seen().pings, 0, "left alone first");
    for probe in 1..=2 {
        sleep(Duration::from_secs(6)).await;
        assert_eq!(hasty(proxy).await.unwrap(), "well");
        assert_eq!(hasty(proxy).await.unwrap(), "well");
        let mut seen = sloth.seen.subscribe();
        seen.wait_for(|seen| seen.pings == probe).await.unwrap();
        sleep(Duration::from_secs(2)).await; // longer than a probe waits
    }
    sloth.awake.send_replace(true);
    sleep(Duration::from_secs(6)).await;
    let mut answers = Vec::new();
    while !answers.contains(&"awake".to_owned()) {
        answers.push(hasty(proxy).await.unwrap());
        assert!(answers.len() < 100, "{answers:?}");
    }
    assert_eq!(sloth.seen().calls, 6);
}

#[tokio::test(start_paused = true)]
async fn a_silent_endpoint_of_a_direct_list_is_set_aside_and_probed() {
    let (sloth, server) = (Sloth::start().await, TestServer::start(Servant::echo()).await);
    let object = format!("{OBJECT}@{}:{}", sloth.endpoint, server.endpoints[0]);
    let proxy = Communicator::new().proxy(&object).unwrap();
    is_set_aside(&proxy, &sloth).await;
    comes_back(&proxy, &sloth).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_endpoint_of_a_registrys_list_is_set_aside_and_probed() {
    let (sloth, server) = (Sloth::start().await, TestServer::start(Servant::echo()).await);
    let registry = QueryRegistry::start(active(&[&sloth.endpoint, &server.endpoints[0]])).await;
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    is_set_aside(&proxy, &sloth).await;
    comes_back(&proxy, &sloth).await;
}

#[tokio::test(start_paused = true)]
async fn callers_who_give_up_set_a_silent_endpoint_aside() {
    let (sloth, server) = (Sloth::start().await, TestServer::start(Servant::echo()).await);
    let object = format!("{OBJECT}@{}:{}", sloth.endpoint, server.endpoints[0]);
    let proxy = Communicator::new().proxy(&object).unwrap();
    let hasty = proxy.layer(TimeoutLayer::new(Duration::from_millis(300)));
    for _ in 0..30 {
        let answer = echo(&hasty, "well").await;
        assert!(answer.is_err() || answer.unwrap() == "well");
    }
    assert_eq!(sloth.seen().calls, 5);
}

#[tokio::test(start_paused = true)]
async fn callers_without_patience_set_nobody_aside() {
    let (sloth, server) = (Sloth::start().await, TestServer::start(Servant::echo()).await);
    let object = format!("{OBJECT}@{}:{}", sloth.endpoint, server.endpoints[0]);
    let proxy = Communicator::new().proxy(&object).unwrap();
    let layered = proxy.clone().layer(TimeoutLayer::new(Duration::from_millis(20)));
    hasty(&proxy).await.unwrap_err(); // connects
    for _ in 0..25 {
        // One of two calls in a row meets the sloth.
        for proxy in [&proxy, &layered] {
            let brief = || echo(proxy, "x").timeout(Duration::from_millis(50));
            let answers = [brief().await, brief().await];
            assert!(answers.iter().any(Result::is_err));
        }
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(sloth.seen().calls, 51);
}

#[tokio::test(start_paused = true)]
async fn when_all_are_set_aside_all_are_called() {
    let sloths = [Sloth::start().await, Sloth::start().await];
    let object = format!("{OBJECT}@{}:{}", sloths[0].endpoint, sloths[1].endpoint);
    let proxy = Communicator::new().proxy(&object).unwrap();
    for _ in 0..20 {
        hasty(&proxy).await.unwrap_err();
    }
    for sloth in &sloths {
        assert_eq!(sloth.seen().calls, 10);
    }
}

#[tokio::test(start_paused = true)]
async fn the_only_endpoint_is_never_set_aside() {
    let sloth = Sloth::start().await;
    let proxy = Communicator::new()
        .proxy(&format!("{OBJECT}@{}", sloth.endpoint))
        .unwrap();
    for _ in 0..20 {
        hasty(&proxy).await.unwrap_err();
    }
    sloth.awake.send_replace(true);
    assert_eq!(hasty(&proxy).await.unwrap(), "awake");
    assert_eq!((sloth.seen().calls, sloth.seen().pings), (21, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_servant_is_an_answer() {
    let refusing = TestServer::start(Servant::new(|_, _| async { Err(Error::new(7, "no")) })).await;
    let server = TestServer::start(Servant::echo()).await;
    let object = format!("{OBJECT}@{}:{}", refusing.endpoints[0], server.endpoints[0]);
    let proxy = Communicator::new().proxy(&object).unwrap();
    for _ in 0..100 {
        assert_eq!(hasty(&proxy).await.unwrap_err().code(), 7);
        assert_eq!(hasty(&proxy).await.unwrap(), "well");
        sleep(Duration::from_secs(1)).await;
    }
}
