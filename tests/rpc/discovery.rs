//! Clients that ask a registry where their object is.

use std::time::Duration;

use futures_util::future::join_all;
use tars::{Communicator, Endpoint, Proxy, code};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{advance, pause, resume, timeout};

use crate::common::{Echo, Gate, OBJECT, Place, RawServer, Servant, TestServer, echo};
use crate::fakes::{Answer, QueryRegistry, active, locator, wire};

/// Longer than anything takes that works.
const SOON: Duration = Duration::from_secs(10);

/// Shorter than the time after which servers close idle connections.
const INTERVAL: Duration = Duration::from_secs(20);

/// Lets the time between two lookups pass.
async fn interval_ends() {
    pass(Duration::from_secs(25)).await;
}

async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// A server that answers its name.
async fn named(name: &'static str) -> TestServer {
    TestServer::start(says(name)).await
}

fn says(name: &'static str) -> Servant {
    Servant::new(move |cx, _| async move { cx.respond::<Echo>(name.to_owned()) })
}

fn endpoint(server: &TestServer) -> &Endpoint {
    &server.endpoints[0]
}

async fn ask(proxy: &Proxy) -> String {
    timeout(SOON, echo(proxy, "").into_future()).await.unwrap().unwrap()
}

/// Waits until calls go to an endpoint.
async fn until_known(proxy: &Proxy, endpoint: &Endpoint) {
    let known = async {
        while !format!("{proxy:?}").contains(&endpoint.to_string()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, known).await.unwrap();
}

/// Calls until `name` answers.
async fn until_answered_by(proxy: &Proxy, name: &str) {
    timeout(SOON, async { while ask(proxy).await != name {} })
        .await
        .unwrap();
}

#[tokio::test]
async fn many_first_calls_share_one_lookup() {
    let server = named("one").await;
    let gate = Gate::new();
    let registry = QueryRegistry::gated(active(&[endpoint(&server)]), &gate).await;
    let comm = registry.builder().node_name("10.0.0.7").build();
    let proxies = [comm.proxy(OBJECT).unwrap(), comm.proxy(OBJECT).unwrap()];
    let calls = (0..100).map(|call| ask(&proxies[call % 2]));
    let (answers, ()) = tokio::join!(join_all(calls), async {
        gate.entered(1).await;
        gate.release(1);
    });
    assert!(answers.iter().all(|answer| answer == "one"));
    let lookups = registry.lookups();
    assert_eq!(lookups.len(), 1);
    assert_eq!(lookups[0].object, OBJECT);
    assert_eq!(
        (lookups[0].set.as_deref(), lookups[0].node_name.as_deref()),
        (None, Some("10.0.0.7"))
    );
}

#[tokio::test]
async fn calls_go_to_all_endpoints_in_turn() {
    let (one, two) = (named("one").await, named("two").await);
    let registry = QueryRegistry::start(active(&[endpoint(&one), endpoint(&two)])).await;
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    let mut answers = Vec::new();
    for _ in 0..10 {
        answers.push(ask(&proxy).await);
    }
    assert_eq!(
        answers.iter().filter(|answer| *answer == "one").count(),
        5,
        "{answers:?}"
    );
    let text = format!("{proxy:?}");
    for part in [
        OBJECT,
        &endpoint(&one).to_string(),
        &endpoint(&two).to_string(),
        "the registry at 127.0.0.1",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_change_is_seen_at_the_next_lookup() {
    let (one, two) = (named("one").await, named("two").await);
    let registry = QueryRegistry::start(active(&[endpoint(&one)])).await;
    let proxy = registry
        .builder()
        .refresh_interval(INTERVAL)
        .build()
        .proxy(OBJECT)
        .unwrap();
    assert_eq!(ask(&proxy).await, "one");
    registry.set(active(&[endpoint(&two)]));
    interval_ends().await;
    until_answered_by(&proxy, "two").await;
    assert_eq!(registry.lookups().len(), 2);
}

#[tokio::test]
async fn answers_without_endpoints_keep_the_known_ones() {
    let (one, two) = (named("one").await, named("two").await);
    let registry = QueryRegistry::start(active(&[endpoint(&one)])).await;
    let proxy = registry
        .builder()
        .refresh_interval(INTERVAL)
        .build()
        .proxy(OBJECT)
        .unwrap();
    assert_eq!(ask(&proxy).await, "one");
    let bad = [
        Answer::Lists(Vec::new(), Vec::new()),
        Answer::Lists(Vec::new(), vec![wire(endpoint(&one))]),
        Answer::Ret(-1),
        Answer::Error(code::SERVER_OVERLOAD),
        active(&[&"udp -h 127.0.0.1 -p 1".parse().unwrap()]),
    ];
    for answer in bad {
        let before = registry.lookups().len();
        registry.set(answer.clone());
        interval_ends().await;
        registry.looked_up(before + 1).await;
        for _ in 0..4 {
            assert_eq!(ask(&proxy).await, "one", "{answer:?}");
        }
    }
    registry.set(active(&[endpoint(&two)]));
    pass(Duration::from_secs(11)).await; // such answers are followed up sooner
    until_answered_by(&proxy, "two").await;
}

#[tokio::test]
async fn a_set_division_asks_for_the_set() {
    let server = named("one").await;
    let registry = QueryRegistry::start(active(&[endpoint(&server)])).await;
    let comm = registry.builder().set_division("gray.sz.*").unwrap().build();
    assert_eq!(ask(&comm.proxy(OBJECT).unwrap()).await, "one");
    assert_eq!(registry.lookups()[0].set.as_deref(), Some("gray.sz.*"));
    Communicator::builder().set_division("gray.sz").unwrap_err();
}

#[tokio::test]
async fn a_lookup_inherits_nothing_from_the_call_that_happened_to_cause_it() {
    let server = named("one").await;
    let registry = QueryRegistry::start(active(&[endpoint(&server)])).await;
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    let front = TestServer::start(Servant::new(move |cx, text| {
        let call = echo(&proxy, &text);
        async move { cx.respond::<Echo>(call.await?) }
    }))
    .await;
    let answer = echo(&front.proxy(), "").timeout(Duration::from_secs(1)).await.unwrap();
    assert_eq!(answer, "one");
    let remaining = registry.lookups()[0].remaining.unwrap();
    assert!(remaining > Duration::from_secs(1), "{remaining:?}");
}

#[tokio::test]
async fn what_is_not_found_is_a_clear_error() {
    let away: Endpoint = "tcp -h 127.0.0.1 -p 9".parse().unwrap();
    let ssl: Endpoint = "ssl -h 127.0.0.1 -p 9".parse().unwrap();
    let cases = [
        (
            Answer::Lists(Vec::new(), Vec::new()),
            code::ADAPTER_NULL,
            "does not know the object",
        ),
        (
            Answer::Lists(Vec::new(), vec![wire(&away)]),
            code::PROXY_CONNECT_ERR,
            "none of which is active",
        ),
        (Answer::Ret(-1), code::ADAPTER_NULL, "it answers -1"),
        (active(&[&ssl]), code::ADAPTER_NULL, "ssl is not supported"),
        (Answer::Error(code::SERVER_OVERLOAD), code::SERVER_OVERLOAD, "not now"),
    ];
    for (answer, code, text) in cases {
        let registry = QueryRegistry::start(answer).await;
        let proxy = registry.builder().build().proxy(OBJECT).unwrap();
        for _ in 0..2 {
            let error = echo(&proxy, "").await.unwrap_err();
            assert_eq!((error.code(), error.is_answer()), (code, false), "{error}");
            let begin = format!("{OBJECT}.echo: the registry at {}", registry.endpoint().address());
            assert!(error.message().starts_with(&begin), "{error}");
            assert!(error.message().contains(text), "{error}");
        }
        let lookups = registry.lookups().len();
        assert!(
            lookups <= 2,
            "{lookups} lookups: calls must not flood a registry that cannot help"
        );
    }
}

#[tokio::test]
async fn locators_that_cannot_be_asked_are_clear_errors() {
    let cases = [
        ("tars.tarsregistry.QueryObj", "names no endpoint"),
        ("tars.tarsregistry.QueryObj@udp -h a -p 1", "only tcp is supported"),
        ("tars.tarsregistry.QueryObj@tcp -h a", "it has no port"),
        ("tars.tarsregistry.QueryObj@tcp", "option `-h` (host) is missing"),
    ];
    for (text, reason) in cases {
        let error = Communicator::builder().locator(text).unwrap_err();
        assert!(error.message().starts_with("locator "), "{error}");
        assert!(error.message().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn a_registry_that_comes_up_late_is_found() {
    let server = named("one").await;
    let place = Place::new();
    let locator = locator(&[&place.endpoint()]);
    let comm = Communicator::builder().locator(&locator).unwrap().build();
    let proxy = comm.proxy(OBJECT).unwrap();
    let error = echo(&proxy, "").await.unwrap_err();
    assert_eq!(error.code(), code::PROXY_CONNECT_ERR);
    assert!(error.message().contains("cannot connect to"), "{error}");
    let _registry = QueryRegistry::at(&place, active(&[endpoint(&server)])).await;
    pass(Duration::from_secs(6)).await;
    until_answered_by(&proxy, "one").await;
}

#[tokio::test]
async fn another_endpoint_of_the_registry_is_asked_when_one_fails() {
    let server = named("one").await;
    let good = QueryRegistry::start(active(&[endpoint(&server)])).await;
    let starting = QueryRegistry::start(Answer::Error(code::SERVER_OVERLOAD)).await;
    let dead = Place::new();
    let locator = locator(&[&dead.endpoint(), starting.endpoint(), good.endpoint()]);
    for _ in 0..6 {
        let comm = Communicator::builder().locator(&locator).unwrap().build();
        assert_eq!(ask(&comm.proxy(OBJECT).unwrap()).await, "one");
    }
    assert_eq!(good.lookups().len(), 6);
}

#[tokio::test]
async fn a_registry_that_is_silent_costs_a_call_no_more_than_its_time() {
    let gate = Gate::new();
    let registry = QueryRegistry::gated(Answer::Ret(0), &gate).await;
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    let call = echo(&proxy, "").timeout(Duration::from_millis(50));
    let error = timeout(SOON, call.into_future()).await.unwrap().unwrap_err();
    assert_eq!(error.code(), code::INVOKE_TIMEOUT);
    assert!(
        error.message().ends_with("has not told the endpoints within 50 ms"),
        "{error}"
    );
}

#[tokio::test]
async fn a_call_in_flight_outlives_its_endpoint_in_the_list() {
    let gate = Gate::new();
    let (old, new) = (TestServer::start(Servant::gated(&gate)).await, named("new").await);
    let registry = QueryRegistry::start(active(&[endpoint(&old)])).await;
    let comm = registry.builder().refresh_interval(INTERVAL).build();
    let proxy = comm.proxy(OBJECT).unwrap();
    let call = tokio::spawn(echo(&proxy, "slow").timeout(Duration::from_hours(1)).into_future());
    gate.entered(1).await;
    registry.set(active(&[endpoint(&new)]));
    interval_ends().await;
    until_known(&proxy, endpoint(&new)).await;
    assert_eq!(ask(&proxy).await, "new");
    assert_eq!(gate.count(), 1, "nothing new goes there");
    gate.release(1);
    assert_eq!(call.await.unwrap().unwrap(), "slow");
}

#[tokio::test]
async fn endpoints_that_stay_keep_their_connection() {
    let (first, second) = (RawServer::start().await, named("two").await);
    let registry = QueryRegistry::start(active(&[&first.endpoint()])).await;
    let comm = registry.builder().refresh_interval(INTERVAL).build();
    let proxy = comm.proxy(OBJECT).unwrap();
    let (_, mut raw) = tokio::join!(echo(&proxy, "").one_way(), first.accept());
    raw.request().await.unwrap();
    let mut changed = wire(&first.endpoint());
    (changed.timeout, changed.weight, changed.weight_type) = (1, 50, 1);
    registry.set(Answer::Lists(vec![changed, wire(endpoint(&second))], Vec::new()));
    interval_ends().await;
    registry.looked_up(2).await;
    until_known(&proxy, endpoint(&second)).await;
    // One of two calls in a row goes there, over the same connection.
    echo(&proxy, "").one_way().await.unwrap();
    echo(&proxy, "").one_way().await.unwrap();
    timeout(SOON, raw.request()).await.unwrap().unwrap();
}

#[tokio::test]
async fn lookups_end_with_the_last_proxy() {
    let server = named("one").await;
    let registry = QueryRegistry::start(active(&[endpoint(&server)])).await;
    let comm = registry.builder().refresh_interval(INTERVAL).build();
    let proxy = comm.proxy(OBJECT).unwrap();
    assert_eq!(ask(&proxy).await, "one");
    let clone = proxy.clone();
    drop(proxy);
    interval_ends().await;
    registry.looked_up(2).await;
    drop(clone);
    for _ in 0..3 {
        interval_ends().await;
    }
    assert_eq!(ask(&comm.proxy(OBJECT).unwrap()).await, "one");
    assert_eq!(registry.lookups().len(), 3, "only the one of the new proxy came since");
}

#[tokio::test]
async fn when_nothing_can_be_reached_the_registry_is_asked_sooner() {
    let place = Place::new();
    let (one, two) = (TestServer::at(&place, says("one")).await, named("two").await);
    let registry = QueryRegistry::start(active(&[endpoint(&one)])).await;
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    assert_eq!(ask(&proxy).await, "one");
    one.stopped().await;
    registry.set(active(&[endpoint(&two)]));
    pass(Duration::from_secs(3)).await;
    let moved = async { while echo(&proxy, "").await.is_err() {} };
    timeout(SOON, moved).await.unwrap();
    until_answered_by(&proxy, "two").await;
}

#[tokio::test]
async fn calls_that_fail_together_cause_one_lookup() {
    let place = Place::new();
    let (one, two) = (TestServer::at(&place, says("one")).await, named("two").await);
    let registry = QueryRegistry::start(active(&[endpoint(&one)])).await;
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    assert_eq!(ask(&proxy).await, "one");
    one.stopped().await;
    registry.set(active(&[endpoint(&two)]));
    pass(Duration::from_secs(3)).await;
    let answers = join_all((0..10).map(|_| echo(&proxy, "").into_future())).await;
    assert!(answers.iter().all(Result::is_err));
    until_known(&proxy, endpoint(&two)).await;
    for _ in 0..50 {
        assert_eq!(ask(&proxy).await, "two");
    }
    assert_eq!(registry.lookups().len(), 2);
}

#[tokio::test]
async fn what_was_never_found_is_asked_for_only_when_a_call_needs_it() {
    let server = named("one").await;
    for nothing in [
        Answer::Lists(Vec::new(), Vec::new()),
        Answer::Error(code::SERVER_OVERLOAD),
    ] {
        let registry = QueryRegistry::start(nothing).await;
        let comm = registry.builder().refresh_interval(INTERVAL).build();
        let proxy = comm.proxy(OBJECT).unwrap();
        let direct = Communicator::new().proxy(&registry.locator()).unwrap();
        echo(&proxy, "").await.unwrap_err();
        let lookups = registry.lookups().len();
        for _ in 0..5 {
            interval_ends().await;
            direct.ping().await.unwrap(); // time enough for a lookup
        }
        assert_eq!(registry.lookups().len(), lookups);
        registry.set(active(&[endpoint(&server)]));
        assert_eq!(ask(&proxy).await, "one");
        interval_ends().await;
        registry.looked_up(lookups + 2).await; // from now on it is looked after
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn serving() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

#[test]
fn lookups_outlive_the_runtime_that_made_them() {
    let serving = serving();
    let (one, two) = serving.block_on(async { (named("one").await, named("two").await) });
    let registry = serving.block_on(QueryRegistry::start(active(&[endpoint(&one)])));
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    assert_eq!(runtime().block_on(ask(&proxy)), "one");
    registry.set(active(&[endpoint(&two)]));
    // Nobody has looked after the list since that runtime ended; this one does at once.
    runtime().block_on(until_answered_by(&proxy, "two"));
}

#[test]
fn a_first_lookup_outlives_the_runtime_that_began_it() {
    let serving = serving();
    let server = serving.block_on(named("one"));
    let gate = Gate::new();
    let registry = serving.block_on(QueryRegistry::gated(active(&[endpoint(&server)]), &gate));
    let proxy = registry.builder().build().proxy(OBJECT).unwrap();
    let first = runtime();
    let waiting = {
        let lost = first.spawn(echo(&proxy, "").into_future());
        first.block_on(gate.entered(1));
        // Waits for the lookup of the first runtime, then for its own.
        let waiting = serving.spawn(echo(&proxy, "").timeout(SOON).into_future());
        first.block_on(tokio::task::yield_now());
        drop(lost);
        waiting
    };
    drop(first);
    gate.release(2);
    assert_eq!(serving.block_on(waiting).unwrap().unwrap(), "one");
}

#[tokio::test]
async fn objects_with_endpoints_of_their_own_are_not_looked_up() {
    let server = named("one").await;
    let registry = QueryRegistry::start(Answer::Ret(-1)).await;
    let comm = registry.builder().build();
    assert_eq!(ask(&comm.proxy(&server.object()).unwrap()).await, "one");
    assert_eq!(registry.lookups(), []);
}
