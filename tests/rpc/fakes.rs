//! Registries that do what a test says: one that is asked for endpoints, one that servers register with.
#![allow(unreachable_pub, reason = "said once, in the files that use it")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tars::protocol::{
    EndpointF, GetMasterSlaveLock, GetMetricsAdaptersReq, KeepAliveReq, MetricsAdapterInfo, OnPrestopReq, OnStartupReq,
    QueryF, QueryFFindObjectById4AllOutput, QueryFFindObjectById4AnyOutput, QueryFFindObjectByIdInSameGroupOutput,
    QueryFFindObjectByIdInSameSetOutput, QueryFFindObjectByIdInSameStationOutput, QueryFFindObjectNodeNameOutput,
    QueryFServer, RegisterMetricsReq, Tarsregistry, TarsregistryServer,
};
use tars::{Communicator, CommunicatorBuilder, Context, Endpoint, Error, Result, Server, code};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::common::{ANYWHERE, Gate, Place, TestServer};

const QUERY: &str = "tars.tarsregistry.QueryObj";
const REGISTRY: &str = "tars.tarsregistry.Registry";

/// What every lookup is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    Lists(Vec<EndpointF>, Vec<EndpointF>),
    Ret(i32),
    Error(i32),
}

/// An active list.
pub fn active(endpoints: &[&Endpoint]) -> Answer {
    Answer::Lists(endpoints.iter().map(|endpoint| wire(endpoint)).collect(), Vec::new())
}

/// An endpoint as the registry says it.
pub fn wire(endpoint: &Endpoint) -> EndpointF {
    EndpointF {
        host: endpoint.host.clone(),
        port: endpoint.port.into(),
        timeout: 60_000,
        istcp: endpoint.protocol.to_istcp(),
        ..EndpointF::default()
    }
}

/// A lookup as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    pub object: String,
    pub set: Option<String>,
    pub node_name: Option<String>,
    pub remaining: Option<Duration>,
}

/// Answers lookups.
#[derive(Clone)]
pub struct Query {
    answer: Arc<Mutex<Answer>>,
    lookups: watch::Sender<Vec<Lookup>>,
    gate: Option<Gate>,
}

impl Query {
    async fn answer(&self, cx: &Context, object: String, set: Option<String>) -> Result<Lists> {
        let lookup = Lookup {
            object,
            set,
            node_name: cx.context_str("node_name").map(str::to_owned),
            remaining: cx.remaining(),
        };
        self.lookups.send_modify(|lookups| lookups.push(lookup));
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        match self.answer.lock().unwrap().clone() {
            Answer::Lists(active, inactive) => Ok(Lists {
                ret: 0,
                active,
                inactive,
            }),
            Answer::Ret(ret) => Ok(Lists {
                ret,
                active: Vec::new(),
                inactive: Vec::new(),
            }),
            Answer::Error(code) => Err(Error::new(code, "not now")),
        }
    }
}

struct Lists {
    ret: i32,
    active: Vec<EndpointF>,
    inactive: Vec<EndpointF>,
}

fn unused<T>() -> Result<T> {
    Err(Error::new(code::SERVER_NO_FUNC, "not asked by a client"))
}

impl QueryF for Query {
    async fn find_object_by_id(&self, _: &mut Context, _: String) -> Result<Vec<EndpointF>> {
        unused()
    }

    async fn find_object_by_id4_any(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectById4AnyOutput> {
        unused()
    }

    async fn find_object_by_id4_all(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectById4AllOutput> {
        unused()
    }

    async fn find_object_by_id_in_same_group(
        &self,
        cx: &mut Context,
        id: String,
    ) -> Result<QueryFFindObjectByIdInSameGroupOutput> {
        let lists = self.answer(cx, id, None).await?;
        Ok(QueryFFindObjectByIdInSameGroupOutput {
            ret: lists.ret,
            active_ep: lists.active,
            inactive_ep: lists.inactive,
        })
    }

    async fn find_object_by_id_in_same_station(
        &self,
        _: &mut Context,
        _: String,
        _: String,
    ) -> Result<QueryFFindObjectByIdInSameStationOutput> {
        unused()
    }

    async fn find_object_by_id_in_same_set(
        &self,
        cx: &mut Context,
        id: String,
        set: String,
    ) -> Result<QueryFFindObjectByIdInSameSetOutput> {
        let lists = self.answer(cx, id, Some(set)).await?;
        Ok(QueryFFindObjectByIdInSameSetOutput {
            ret: lists.ret,
            active_ep: lists.active,
            inactive_ep: lists.inactive,
        })
    }

    async fn find_object_node_name(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectNodeNameOutput> {
        unused()
    }

    async fn register_change(&self, _: &mut Context, _: BTreeMap<String, String>, _: String) -> Result<i32> {
        unused()
    }

    async fn register_query(&self, _: &mut Context, _: String, _: String) -> Result<i32> {
        unused()
    }

    async fn get_locker(&self, _: &mut Context, _: GetMasterSlaveLock) -> Result<i32> {
        unused()
    }
}

/// A registry that is asked for endpoints.
pub struct QueryRegistry {
    pub server: TestServer,
    query: Query,
}

impl QueryRegistry {
    pub async fn start(answer: Answer) -> Self {
        Self::with(answer, None, ANYWHERE).await
    }

    pub async fn at(place: &Place, answer: Answer) -> Self {
        Self::with(answer, None, &place.endpoint().to_string()).await
    }

    /// One whose answers wait for `gate`.
    pub async fn gated(answer: Answer, gate: &Gate) -> Self {
        Self::with(answer, Some(gate.clone()), ANYWHERE).await
    }

    async fn with(answer: Answer, gate: Option<Gate>, endpoint: &str) -> Self {
        let query = Query {
            answer: Arc::new(Mutex::new(answer)),
            lookups: watch::Sender::new(Vec::new()),
            gate,
        };
        let servant = QueryFServer::new(query.clone());
        let server = TestServer::of(Server::builder().adapter(endpoint, QUERY, servant)).await;
        Self { server, query }
    }

    pub fn endpoint(&self) -> &Endpoint {
        &self.server.endpoints[0]
    }

    /// The locator to give a communicator.
    pub fn locator(&self) -> String {
        locator(&[self.endpoint()])
    }

    pub fn builder(&self) -> CommunicatorBuilder {
        Communicator::builder().locator(&self.locator()).unwrap()
    }

    pub fn set(&self, answer: Answer) {
        *self.query.answer.lock().unwrap() = answer;
    }

    pub fn lookups(&self) -> Vec<Lookup> {
        self.query.lookups.borrow().clone()
    }

    /// Waits until there were `count` lookups.
    pub async fn looked_up(&self, count: usize) {
        let mut lookups = self.query.lookups.subscribe();
        lookups.wait_for(|lookups| lookups.len() >= count).await.unwrap();
    }
}

/// A locator at these endpoints.
pub fn locator(endpoints: &[&Endpoint]) -> String {
    let endpoints: Vec<_> = endpoints.iter().map(ToString::to_string).collect();
    format!("{QUERY}@{}", endpoints.join(":"))
}

/// What a server told its registry.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Startup(OnStartupReq),
    /// The node and the port.
    Metrics(String, i32),
    /// The state.
    Beat(String),
    Prestop(String),
}

impl Told {
    /// In one word.
    pub fn word(&self) -> &str {
        match self {
            Self::Startup(_) => "startup",
            Self::Metrics(..) => "metrics",
            Self::Beat(state) => state,
            Self::Prestop(_) => "prestop",
        }
    }
}

/// What a registry does with everything it is told.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    Accepts,
    /// Of a beat: the server is not known.
    Forgets,
    /// The same of the next beat, then it accepts.
    ForgetsOnce,
    Fails(i32),
    /// Never answers.
    Hangs,
    /// Accepts after so many milliseconds.
    Slow(u64),
}

/// Listens to servers.
#[derive(Clone)]
pub struct Ear {
    mood: Arc<Mutex<Mood>>,
    told: watch::Sender<Vec<Told>>,
    /// When each of that was told.
    times: Arc<Mutex<Vec<Instant>>>,
    /// The worker ids that registrations asked for, and the one that is given.
    asked: Arc<Mutex<Vec<Option<String>>>>,
    worker_id: Arc<Mutex<Option<u32>>>,
}

impl Ear {
    async fn hear(&self, cx: &mut Context, told: Told) -> Result<()> {
        let is_beat = matches!(told, Told::Beat(_));
        if matches!(told, Told::Startup(_)) {
            cx.set_response_context("tars-registry-lease", "lease-7");
            let asked = cx.context_str("tars-worker-id").map(ToOwned::to_owned);
            self.asked.lock().unwrap().push(asked);
            if let Some(number) = *self.worker_id.lock().unwrap() {
                cx.set_response_context("tars-worker-id", number.to_string());
            }
        }
        self.times.lock().unwrap().push(Instant::now());
        self.told.send_modify(|all| all.push(told));
        let gave_lease = !self.asked.lock().unwrap().is_empty();
        if is_beat && gave_lease && cx.context_str("tars-registry-lease") != Some("lease-7") {
            return Err(Error::new(1, "the lease is missing"));
        }
        let mood = {
            let mut mood = self.mood.lock().unwrap();
            match *mood {
                Mood::ForgetsOnce if is_beat => std::mem::replace(&mut *mood, Mood::Accepts),
                now => now,
            }
        };
        match mood {
            Mood::Forgets | Mood::ForgetsOnce if is_beat => cx.set_response_context("tars-registry-hint", "reregister"),
            Mood::Accepts | Mood::Forgets | Mood::ForgetsOnce => {}
            Mood::Fails(code) => return Err(Error::new(code, "in no mood")),
            Mood::Hangs => std::future::pending().await,
            Mood::Slow(millis) => sleep(Duration::from_millis(millis)).await,
        }
        Ok(())
    }
}

impl Tarsregistry for Ear {
    async fn on_startup(&self, cx: &mut Context, req: OnStartupReq) -> Result<()> {
        self.hear(cx, Told::Startup(req)).await
    }

    async fn on_prestop(&self, cx: &mut Context, req: OnPrestopReq) -> Result<()> {
        self.hear(cx, Told::Prestop(req.node_name)).await
    }

    async fn keep_alive(&self, cx: &mut Context, req: KeepAliveReq) -> Result<()> {
        self.hear(cx, Told::Beat(req.state)).await
    }

    async fn register_metrics(&self, cx: &mut Context, req: RegisterMetricsReq) -> Result<()> {
        self.hear(cx, Told::Metrics(req.node_name, req.metrics_port)).await
    }

    async fn get_metrics_adapters(&self, _: &mut Context, _: GetMetricsAdaptersReq) -> Result<Vec<MetricsAdapterInfo>> {
        unused()
    }
}

/// A registry that servers register with.
pub struct EarRegistry {
    pub server: TestServer,
    ear: Ear,
}

impl EarRegistry {
    pub async fn start(mood: Mood) -> Self {
        Self::with(ANYWHERE, mood).await
    }

    pub async fn at(place: &Place, mood: Mood) -> Self {
        Self::with(&place.endpoint().to_string(), mood).await
    }

    async fn with(endpoint: &str, mood: Mood) -> Self {
        let ear = Ear {
            mood: Arc::new(Mutex::new(mood)),
            told: watch::Sender::new(Vec::new()),
            times: Arc::default(),
            asked: Arc::default(),
            worker_id: Arc::default(),
        };
        let servant = TarsregistryServer::new(ear.clone());
        let server = TestServer::of(Server::builder().adapter(endpoint, REGISTRY, servant)).await;
        Self { server, ear }
    }

    /// The object to register with.
    pub fn object(&self) -> String {
        registry(&self.server.endpoints[0])
    }

    pub fn set(&self, mood: Mood) {
        *self.ear.mood.lock().unwrap() = mood;
    }

    pub fn told(&self) -> Vec<Told> {
        self.ear.told.borrow().clone()
    }

    /// What it was told, each in one word.
    pub fn words(&self) -> Vec<String> {
        self.told().iter().map(|told| told.word().to_owned()).collect()
    }

    /// When it was told them.
    pub fn times(&self) -> Vec<Instant> {
        self.ear.times.lock().unwrap().clone()
    }

    /// The worker ids that registrations asked for.
    pub fn asked(&self) -> Vec<Option<String>> {
        self.ear.asked.lock().unwrap().clone()
    }

    /// Gives this worker id from now on.
    pub fn give_worker_id(&self, number: Option<u32>) {
        *self.ear.worker_id.lock().unwrap() = number;
    }

    /// Waits until it was told `count` things.
    pub async fn heard(&self, count: usize) {
        let mut told = self.ear.told.subscribe();
        told.wait_for(|told| told.len() >= count).await.unwrap();
    }
}

/// The registry's object at an endpoint.
pub fn registry(endpoint: &Endpoint) -> String {
    format!("{REGISTRY}@{endpoint}")
}
