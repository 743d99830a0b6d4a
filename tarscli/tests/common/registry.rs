//! A registry that does what a test says and remembers what it was told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tars::{
    Context, Error, Result, Server, code,
    protocol::{
        GetMetricsAdaptersReq, KeepAliveReq, MetricsAdapterInfo, OnPrestopReq, OnStartupReq, RegisterMetricsReq,
        Tarsregistry, TarsregistryServer,
    },
};
use tars_test_support::guide;
use tokio::{sync::watch, time::sleep};

use super::serve;

/// What it does with a call.
#[derive(Clone, Copy, Debug)]
pub enum Mood {
    Accepts,
    /// Accepts after a time.
    Slow(Duration),
    Fails,
    Hangs,
}

/// It listens on two ports: one is asked for objects, one is told.
pub struct Registry {
    pub locator: String,
    pub told: watch::Receiver<Vec<String>>,
    mood: Arc<Mutex<Mood>>,
    numbers: Arc<Mutex<Vec<String>>>,
}

impl Registry {
    pub async fn start(mood: Mood) -> Self {
        let (ear, told) = watch::channel(Vec::new());
        let mood = Arc::new(Mutex::new(mood));
        let numbers = Arc::new(Mutex::new(Vec::new()));
        let listener = Listener {
            ear,
            numbers: Arc::clone(&numbers),
            mood: Arc::clone(&mood),
        };
        let servant = TarsregistryServer::new(listener);
        let registry = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", "tars.tarsregistry.Registry", servant);
        let known = serve(registry).await.remove(0);
        let locator = guide::serve([("tars.tarsregistry.Registry".to_owned(), known)]).await;
        Self {
            locator,
            told,
            mood,
            numbers,
        }
    }

    /// Who registers gets this worker number, and is forgotten with its first beat as `active`; then there is none any more.
    pub fn give(&self, number: u32) {
        self.numbers.lock().unwrap().push(number.to_string());
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub fn told(&self) -> Vec<String> {
        self.told.borrow().clone()
    }
}

struct Listener {
    numbers: Arc<Mutex<Vec<String>>>,
    ear: watch::Sender<Vec<String>>,
    mood: Arc<Mutex<Mood>>,
}

impl Listener {
    async fn hear(&self, what: String) -> Result<()> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Accepts => {}
            Mood::Slow(time) => sleep(time).await,
            Mood::Fails => return Err(Error::new(code::UNKNOWN, "no database")),
            Mood::Hangs => std::future::pending().await,
        }
        self.ear.send_modify(|told| told.push(what));
        Ok(())
    }
}

impl Tarsregistry for Listener {
    async fn on_startup(&self, cx: &mut Context, _: OnStartupReq) -> Result<()> {
        if let Some(number) = self.numbers.lock().unwrap().last() {
            cx.set_response_context("tars-worker-id", number.clone());
        }
        self.hear("onStartup".to_owned()).await
    }

    async fn on_prestop(&self, _: &mut Context, req: OnPrestopReq) -> Result<()> {
        self.hear(format!(
            "onPrestop {}.{}.{}",
            req.node_name, req.application, req.server
        ))
        .await
    }

    async fn keep_alive(&self, cx: &mut Context, req: KeepAliveReq) -> Result<()> {
        if req.state == "active" && self.numbers.lock().unwrap().pop().is_some() {
            cx.set_response_context("tars-registry-hint", "reregister");
        }
        self.hear(req.state).await
    }

    async fn register_metrics(&self, _: &mut Context, _: RegisterMetricsReq) -> Result<()> {
        self.hear("registerMetrics".to_owned()).await
    }

    async fn get_metrics_adapters(&self, _: &mut Context, _: GetMetricsAdaptersReq) -> Result<Vec<MetricsAdapterInfo>> {
        unused()
    }
}

fn unused<T>() -> Result<T> {
    Err(Error::new(code::SERVER_NO_FUNC, "not asked by this program"))
}
