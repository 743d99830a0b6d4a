//! Servers that register themselves. Time is paused: what waits, waits for what is told.

use std::time::Duration;

use tars::{Communicator, Registration, Server, ServerBuilder, code};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::common::{ANYWHERE, Gate, OBJECT, Place, Servant, TestServer, echo};
use crate::fakes::{EarRegistry, Mood, QueryRegistry, Told, active, registry};

fn builder(registration: Registration) -> ServerBuilder {
    Server::builder()
        .adapter(ANYWHERE, OBJECT, Servant::echo())
        .adapter(ANYWHERE, "AdminObj", Servant::echo())
        .register(registration)
}

/// A server that registers with `registry`.
async fn serve(registry: &EarRegistry) -> TestServer {
    TestServer::of(builder(Registration::at(&registry.object()).unwrap())).await
}

#[tokio::test(start_paused = true)]
async fn a_server_says_what_it_is_then_that_it_lives() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let registration = Registration::at(&registry.object())
        .unwrap()
        .version("v1.2")
        .set_division("gray.sz.1")
        .unwrap()
        .metrics_port(9100);
    let server = builder(registration).bind().await.unwrap();
    let endpoint = server.local_endpoints()[0].to_string();
    let registered = server.registered();
    let _serving = Serving::of(server);
    registered.await.unwrap();
    let told = registry.told();
    let Told::Startup(request) = &told[0] else {
        panic!("{told:?}")
    };
    assert_eq!(
        (request.application.as_str(), request.server.as_str()),
        ("TestApp", "EchoServer")
    );
    assert_eq!(
        (request.node_name.as_str(), request.state.as_str()),
        ("127.0.0.1", "active")
    );
    assert_eq!(
        (request.version.as_str(), request.set_id.as_str()),
        ("v1.2", "gray.sz.1")
    );
    let adapters: Vec<_> = request
        .adapters
        .iter()
        .map(|a| (a.servant.as_str(), a.endpoint.as_str()))
        .collect();
    assert_eq!(adapters, [(OBJECT, endpoint.as_str())]);
    assert_eq!(
        told[1..],
        [Told::Metrics("127.0.0.1".into(), 9100), Told::Beat("active".into())]
    );

    sleep(Duration::from_secs(66)).await;
    let words = registry.words();
    assert!((6..=8).contains(&words.len()), "{words:?}");
    assert!(words[2..].iter().all(|word| word == "active"), "{words:?}");
}

/// A server that serves, and ends with this.
struct Serving {
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<tars::Result<()>>,
}

impl Serving {
    fn of(server: Server) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.serve_with_shutdown(async { drop(stopped.await) }));
        Self { stop: Some(stop), task }
    }

    async fn stopped(mut self) {
        drop(self.stop.take());
        (&mut self.task).await.unwrap().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_forgotten_registers_again() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let _server = serve(&registry).await;
    registry.heard(3).await;
    registry.set(Mood::ForgetsOnce);
    registry.heard(9).await;
    let words = registry.words();
    let expected = ["startup", "active", "active", "active", "startup", "active", "active"];
    assert_eq!(words[..7], expected);
    assert_eq!(words.iter().filter(|word| *word == "startup").count(), 2, "{words:?}");
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_never_knows_what_it_registers_is_not_hammered() {
    let registry = EarRegistry::start(Mood::Forgets).await;
    let _server = serve(&registry).await;
    // Each pause is any time up to 15 s: so many that chance, some 16 rounds, cannot reach the limits.
    sleep(Duration::from_mins(100)).await;
    let rounds = registry.words().iter().filter(|word| *word == "startup").count();
    assert!((600..1000).contains(&rounds), "{rounds} rounds in 100 minutes");
    registry.set(Mood::Accepts);
    sleep(Duration::from_mins(2)).await;
    let words = registry.words();
    assert!(words.iter().rev().take(4).all(|word| word == "active"), "{words:?}");
}

#[tokio::test(start_paused = true)]
async fn every_address_is_told_as_the_one_the_registry_sees() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let registration = Registration::at(&registry.object()).unwrap();
    let builder = Server::builder()
        .adapter("tcp -h 0.0.0.0 -p 0 -t 60000", OBJECT, Servant::echo())
        .register(registration);
    let server = TestServer::of(builder).await;
    registry.heard(1).await;
    let Told::Startup(request) = registry.told().remove(0) else {
        panic!("not registered")
    };
    assert_eq!(request.node_name, "127.0.0.1");
    let port = server.endpoints[0].port;
    assert_eq!(
        request.adapters[0].endpoint,
        format!("tcp -h 127.0.0.1 -p {port} -t 60000")
    );
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_away_disturbs_nothing_and_is_found_when_it_is_back() {
    let dead = Place::new();
    let builder = builder(Registration::at(&registry(&dead.endpoint())).unwrap());
    let server = builder.bind().await.unwrap();
    let object = format!("{OBJECT}@{}", server.local_endpoints()[0]);
    let registered = server.registered();
    let _serving = Serving::of(server);
    let proxy = Communicator::new().proxy(&object).unwrap();
    for _ in 0..10 {
        sleep(Duration::from_secs(20)).await;
        assert_eq!(echo(&proxy, "x").await.unwrap(), "x");
    }
    let begun = Instant::now();
    let registry = EarRegistry::at(&dead, Mood::Accepts).await;
    registered.await.unwrap();
    assert!(begun.elapsed() <= Duration::from_secs(31), "{:?}", begun.elapsed());
    assert_eq!(registry.words(), ["startup", "active"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_registry_refuses_is_repeated_slowly_and_what_fails_soon() {
    for (code, range) in [(1, 2..=2), (2, 2..=2), (-9, 6..=60), (-99, 6..=60)] {
        let registry = EarRegistry::start(Mood::Fails(code)).await;
        let _server = serve(&registry).await;
        sleep(Duration::from_secs(100)).await;
        let tries = registry.words().len();
        assert!(range.contains(&tries), "{tries} tries in 100 s for {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_beats_are_repeated_before_the_registry_forgets() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let _server = serve(&registry).await;
    registry.heard(2).await;
    registry.set(Mood::Fails(1));
    sleep(Duration::from_secs(100)).await;
    let beats = registry.words().len() - 2;
    assert!((5..=8).contains(&beats), "{beats} beats in 100 s");
}

#[tokio::test(start_paused = true)]
async fn a_beat_that_hangs_is_given_up_and_repeated() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let _server = serve(&registry).await;
    registry.heard(2).await;
    registry.set(Mood::Hangs);
    registry.heard(5).await;
    registry.set(Mood::Accepts);
    registry.heard(6).await;
    assert!(registry.words()[1..].iter().all(|word| word == "active"));
}

#[tokio::test(start_paused = true)]
async fn a_server_takes_itself_out_and_serves_on_while_it_drains() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let registration = Registration::at(&registry.object())
        .unwrap()
        .drain(Duration::from_secs(70));
    let mut server = TestServer::of(builder(registration)).await;
    let proxy = server.proxy();
    registry.heard(2).await;
    server.signal();
    registry.heard(3).await;
    sleep(Duration::from_secs(65)).await;
    assert_eq!(echo(&proxy, "still there").await.unwrap(), "still there");
    assert_eq!(registry.words(), ["startup", "active", "deactivating"]);
    server.stopped().await;
    assert_eq!(registry.words(), ["startup", "active", "deactivating", "prestop"]);
    assert_eq!(echo(&proxy, "gone").await.unwrap_err().code(), code::PROXY_CONNECT_ERR);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_never_waits_long_for_a_registry() {
    for mood in [Mood::Hangs, Mood::Fails(-9)] {
        let registry = EarRegistry::start(Mood::Accepts).await;
        let server = serve(&registry).await;
        registry.heard(2).await;
        registry.set(mood);
        let begun = Instant::now();
        server.stopped().await;
        assert!(begun.elapsed() <= Duration::from_secs(6), "{:?}", begun.elapsed());
        let words = registry.words();
        assert_eq!(
            words[2..],
            ["deactivating", "deactivating", "prestop", "prestop"],
            "each once more"
        );
    }
    let dead = Place::new();
    let server = builder(Registration::at(&registry(&dead.endpoint())).unwrap())
        .bind()
        .await
        .unwrap();
    let registered = server.registered();
    let serving = Serving::of(server);
    sleep(Duration::from_secs(5)).await;
    timeout(Duration::from_secs(6), serving.stopped()).await.unwrap();
    assert_eq!(registered.await.unwrap_err().code(), code::PROXY_CONNECT_ERR);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_at_the_signal_ends_before_the_server_leaves() {
    let registry = EarRegistry::start(Mood::Hangs).await;
    let server = serve(&registry).await;
    registry.heard(1).await;
    registry.set(Mood::Accepts);
    // `onStartup` is on its way: what takes the server out must not overtake it.
    server.stopped().await;
    assert_eq!(registry.words()[0], "startup");
    assert_eq!(registry.words().last().unwrap(), "prestop");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_dropped_says_nothing() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let server = serve(&registry).await;
    registry.heard(2).await;
    drop(server);
    sleep(Duration::from_mins(5)).await;
    assert_eq!(registry.words(), ["startup", "active"]);
}

#[tokio::test(start_paused = true)]
async fn the_registry_may_be_looked_up() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let query = QueryRegistry::start(active(&[&registry.server.endpoints[0]])).await;
    let comm = query.builder().build();
    let server = TestServer::of(builder(Registration::with(&comm).node_name("pod-7"))).await;
    registry.heard(2).await;
    assert_eq!(query.lookups()[0].object, "tars.tarsregistry.Registry");
    server.stopped().await;
    assert_eq!(registry.told().last(), Some(&Told::Prestop("pod-7".into())));
}

#[tokio::test]
async fn a_server_without_registration_has_nothing_to_wait_for() {
    let gate = Gate::new();
    let builder = Server::builder().adapter(ANYWHERE, OBJECT, Servant::gated(&gate));
    builder.bind().await.unwrap().registered().await.unwrap();
}

#[tokio::test]
async fn mistakes_are_found_before_anything_is_served() {
    let at = || Registration::at("tars.tarsregistry.Registry@tcp -h 127.0.0.1 -p 1").unwrap();
    let cases = [
        (
            builder(Registration::with(&Communicator::new())),
            "give the communicator a locator",
        ),
        (
            builder(at()).adapter(ANYWHERE, "TestApp.OtherServer.OtherObj", Servant::echo()),
            "`TestApp.OtherServer.OtherObj` is not an object of TestApp.EchoServer",
        ),
        (
            builder(at()).adapter("tcp -h 127.0.0.1 -p 0 -b 127.0.0.1", OBJECT, Servant::echo()),
            "has two endpoints",
        ),
        (
            Server::builder()
                .adapter(ANYWHERE, "AdminObj", Servant::echo())
                .register(at()),
            "no adapter's object is of the form `Application.Server.Object`",
        ),
        (
            builder(Registration::at("tars.tarsregistry.Registry@tcp -h 127.0.0.1 -p 1:tcp -h 10.0.0.9 -p 1").unwrap()),
            "`TestApp.EchoServer.EchoObj` listens on loopback (`127.0.0.1`)",
        ),
    ];
    for (builder, text) in cases {
        let error = builder.bind().await.unwrap_err();
        assert!(error.message().starts_with("cannot register the server: "), "{error}");
        assert!(error.message().contains(text), "{error}");
    }
    for (text, reason) in [
        ("tars.tarsregistry.Registry", "names no endpoint"),
        ("tars.tarsregistry.Registry@tcp", "option `-h` (host) is missing"),
        ("tars.tarsregistry.Registry@ssl -h a -p 1", "only tcp is supported"),
    ] {
        let error = Registration::at(text).unwrap_err();
        assert!(error.message().contains(reason), "{error}");
    }
}
