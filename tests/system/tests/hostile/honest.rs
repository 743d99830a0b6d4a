//! Clients that do as they should, one at each port, all the time: every call must be answered rightly and in time.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tars::{
    Communicator, code,
    protocol::{AdminFClient, GetMetricsAdaptersReq, KeepAliveReq, QueryFClient, TarsregistryClient},
};
use tars_system_tests::peers::{NamedClient, Parcel};
use tars_test_support::http::Http;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::scene::{INSTANCE, NAME, NAMED, Scene, TARGET};

/// Between two calls of a client.
const PAUSE: Duration = Duration::from_millis(2);

/// After so many calls a client connects anew.
const CONNECTION: u64 = 25;

/// How long the clients may take for the calls a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// The clients.
pub(crate) struct Honest {
    clients: JoinSet<Calls>,
    counts: Vec<(&'static str, watch::Receiver<u64>)>,
    stop: CancellationToken,
}

/// What one client saw.
struct Calls {
    name: &'static str,
    count: u64,
    slowest: Duration,
}

/// What all of them saw.
pub(crate) struct Report(Vec<Calls>);

impl Honest {
    pub(crate) fn start(scene: &Scene) -> Self {
        let mut honest = Self {
            clients: JoinSet::new(),
            counts: Vec::new(),
            stop: CancellationToken::new(),
        };
        honest.keep("registry", scene.registry().object().to_owned(), instance_is_known);
        honest.keep("admin", admin_object(scene), process_is_told);
        honest.keep("registry http", scene.registry().http().to_owned(), health_is_told);
        honest.keep("query", scene.registry().query().to_owned(), servers_are_found);
        honest.keep("gateway", scene.gateway().address().to_owned(), gateway_answers);
        honest.keep("gateway admin", scene.gateway().admin().to_owned(), health_is_told);
        honest.keep("server", scene.named().to_owned(), server_answers);
        honest
    }

    /// Calls until told to stop; `calls` makes the few calls of one connection to the place it is given.
    fn keep<F>(&mut self, name: &'static str, place: String, calls: fn(Arc<str>, Beat) -> F)
    where
        F: Future<Output = Result<Beat, String>> + Send + 'static,
    {
        let (sender, count) = watch::channel(0);
        self.counts.push((name, count));
        let stop = self.stop.clone();
        let place: Arc<str> = place.into();
        self.clients.spawn(async move {
            let mut beat = Beat {
                sender,
                slowest: Duration::ZERO,
                last: Instant::now(),
            };
            while !stop.is_cancelled() {
                let before = *beat.sender.borrow();
                beat = calls(Arc::clone(&place), beat)
                    .await
                    .unwrap_or_else(|error| panic!("{name}, after {before} calls and more: {error}"));
            }
            Calls {
                name,
                count: *beat.sender.borrow(),
                slowest: beat.slowest,
            }
        });
    }

    /// Waits until every client has made `more` calls from now on.
    pub(crate) async fn all_have_called(&self, more: u64) {
        for (name, count) in &self.counts {
            let mut count = count.clone();
            let goal = *count.borrow() + more;
            timeout(PATIENCE, count.wait_for(|now| *now >= goal))
                .await
                .unwrap_or_else(|_| panic!("the honest client of {name} made no {more} calls in {PATIENCE:?}"))
                .unwrap_or_else(|_| panic!("the honest client of {name} stopped: its panic is above"));
        }
    }

    /// Ends the clients: what they saw.
    pub(crate) async fn stop(self) -> Report {
        self.stop.cancel();
        let mut calls = self.clients.join_all().await;
        calls.sort_by_key(|calls| calls.name);
        Report(calls)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Calls { name, count, slowest } in &self.0 {
            writeln!(f, "{name}: {count} honest calls, the slowest {slowest:?}")?;
        }
        Ok(())
    }
}

/// Counts the calls of a client and measures them.
struct Beat {
    sender: watch::Sender<u64>,
    slowest: Duration,
    last: Instant,
}

impl Beat {
    /// After each call that was answered as it should be.
    async fn answered(&mut self) {
        self.slowest = self.slowest.max(self.last.elapsed());
        self.sender.send_modify(|count| *count += 1);
        sleep(PAUSE).await;
        self.last = Instant::now();
    }
}

fn check(is_right: bool, what: impl fmt::Debug) -> Result<(), String> {
    if is_right {
        Ok(())
    } else {
        Err(format!("a wrong answer: {what:?}"))
    }
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Calls as long as the answer says to try again: hostile connections may hold all places of costly calls.
/// [`PATIENCE`] is the limit of all calls together.
async fn again<T, F: Future<Output = tars::Result<T>>>(call: impl Fn() -> F) -> Result<T, String> {
    loop {
        match call().await {
            Err(error) if error.code() == code::SERVER_OVERLOAD => sleep(PAUSE).await,
            answer => return answer.map_err(text),
        }
    }
}

async fn instance_is_known(object: Arc<str>, mut beat: Beat) -> Result<Beat, String> {
    let client: TarsregistryClient = Communicator::new().client(&object).map_err(text)?;
    let alive = KeepAliveReq {
        node_name: INSTANCE.node.into(),
        state: "active".into(),
        application: INSTANCE.application.into(),
        server: INSTANCE.server.into(),
    };
    for _ in 0..CONNECTION {
        let reply = again(|| client.keep_alive(&alive).with_reply().into_future()).await?;
        check(reply.context.is_empty(), &reply.context)?;
        beat.answered().await;
        let all = GetMetricsAdaptersReq::default();
        let adapters = again(|| client.get_metrics_adapters(&all).into_future()).await?;
        let ours = adapters.iter().any(|adapter| adapter.targets == [TARGET]);
        check(ours, &adapters)?;
        beat.answered().await;
    }
    Ok(beat)
}

fn admin_object(scene: &Scene) -> String {
    format!("AdminObj@{}", scene.registry().admin())
}

async fn process_is_told(object: Arc<str>, mut beat: Beat) -> Result<Beat, String> {
    let client: AdminFClient = Communicator::new().client(&object).map_err(text)?;
    for _ in 0..CONNECTION {
        let pid = client.get_pid().await.map_err(text)?;
        check(pid > 0, pid)?;
        beat.answered().await;
    }
    Ok(beat)
}

/// Each request on a connection of its own: the registry takes no more on one. From an address of its own, because it
/// bounds the connections of an address, and the hostile ones use theirs up.
async fn health_is_told(address: Arc<str>, mut beat: Beat) -> Result<Beat, String> {
    const PROBES: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7));
    for path in ["/healthz", "/readyz"].iter().cycle().take(10) {
        let answer = Http::connect_from(PROBES, &address).await?.get(path).await?;
        check(answer.status == 200, &answer)?;
        beat.answered().await;
    }
    let metrics = Http::connect_from(PROBES, &address).await?.get("/metrics").await?;
    check(
        metrics.status == 200 && metrics.body.ends_with(b"# EOF\n"),
        metrics.status,
    )?;
    beat.answered().await;
    Ok(beat)
}

async fn server_answers(object: Arc<str>, mut beat: Beat) -> Result<Beat, String> {
    let client: NamedClient = Communicator::new().client(&object).map_err(text)?;
    let parcel = Parcel {
        label: "honest".into(),
        content: Bytes::from(vec![7; 10_000]),
        stamps: BTreeMap::from([("stamp".into(), 1)]),
        inside: vec![Parcel::default()],
    };
    for number in 0..8 {
        let name = client.who().await.map_err(text)?;
        check(name == NAME, name)?;
        beat.answered().await;
        let sum = client.add(number, 1).await.map_err(text)?;
        check(sum.c == number + 1, sum.c)?;
        beat.answered().await;
        let carried = client.carry(&parcel).await.map_err(text)?;
        check(carried.ret == parcel && carried.by == NAME, carried.by)?;
        beat.answered().await;
    }
    Ok(beat)
}

async fn servers_are_found(object: Arc<str>, mut beat: Beat) -> Result<Beat, String> {
    let client: QueryFClient = Communicator::new().client(&object).map_err(text)?;
    for _ in 0..CONNECTION {
        let found = client.find_object_by_id4_any(NAMED).await.map_err(text)?;
        check(found.ret == 0 && found.active_ep.len() == 1, &found)?;
        beat.answered().await;
        let found = client.find_object_by_id(NAMED).await.map_err(text)?;
        check(found.len() == 1, &found)?;
        beat.answered().await;
    }
    Ok(beat)
}

async fn gateway_answers(address: Arc<str>, mut beat: Beat) -> Result<Beat, String> {
    let mut http = Http::connect(&address).await?;
    let path = format!("/json/{NAMED}/Add");
    for number in 0..CONNECTION {
        let body = format!("{{\"a\":{number},\"b\":1}}");
        let answer = http.post(&path, &[("content-type", "application/json")], body).await?;
        check(answer.status == 200, &answer)?;
        check(answer.json()["c"] == number + 1, &answer)?;
        beat.answered().await;
    }
    Ok(beat)
}
