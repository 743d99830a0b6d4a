//! `tars.tarsregistry.Registry`.

use std::net::IpAddr;
use std::sync::Arc;

use tars::Context;
use tars::protocol::{
    GetMetricsAdaptersReq, KeepAliveReq, MetricsAdapterInfo, OnPrestopReq, OnStartupReq, RegisterMetricsReq,
    Tarsregistry,
};

use crate::domain::Life;
use crate::domain::worker::WorkerWish;
use crate::registry::{BeatAnswer, Registry};
use crate::store::Store;

/// Key of an answer's context that advises its caller.
const HINT: &str = "tars-registry-hint";

/// Key of the word by which an instance tells its process from another one of the same name.
const LEASE: &str = "tars-registry-lease";

/// Key of the worker id: in the context of `onStartup` the number that was held before, or nothing, asks for one; in the
/// answer's context stands the one that was given.
const WORKER_ID: &str = "tars-worker-id";

/// Serves the interface `tarsregistry`.
#[derive(Debug)]
pub(crate) struct RegistrationServant<S>(pub(crate) Arc<Registry<S>>);

fn caller(cx: &Context) -> Option<IpAddr> {
    cx.peer_address().map(|address| address.ip())
}

fn life(cx: &Context) -> Option<Life> {
    Life::from_request(cx.context_str(LEASE))
}

impl<S: Store> Tarsregistry for RegistrationServant<S> {
    async fn on_startup(&self, cx: &mut Context, req: OnStartupReq) -> tars::Result<()> {
        let worker = WorkerWish::from_request(cx.context_str(WORKER_ID));
        let startup = self.0.on_startup(caller(cx), &req, worker, life(cx));
        if let Some(number) = self.0.counted("onStartup", startup).await? {
            cx.set_response_context(WORKER_ID, number.to_string());
        }
        Ok(())
    }

    async fn on_prestop(&self, cx: &mut Context, req: OnPrestopReq) -> tars::Result<()> {
        let end = self.0.on_prestop(caller(cx), &req, life(cx));
        self.0.counted("onPrestop", end).await
    }

    async fn keep_alive(&self, cx: &mut Context, req: KeepAliveReq) -> tars::Result<()> {
        let beat = self.0.keep_alive(caller(cx), &req, life(cx));
        let answer = self.0.counted("keepAlive", beat).await?;
        if answer == BeatAnswer::Reregister {
            cx.set_response_context(HINT, "reregister");
        }
        Ok(())
    }

    async fn register_metrics(&self, cx: &mut Context, req: RegisterMetricsReq) -> tars::Result<()> {
        self.0
            .counted("registerMetrics", self.0.register_metrics(caller(cx), &req))
            .await
    }

    async fn get_metrics_adapters(
        &self,
        _cx: &mut Context,
        req: GetMetricsAdaptersReq,
    ) -> tars::Result<Vec<MetricsAdapterInfo>> {
        self.0
            .counted("getMetricsAdapters", self.0.get_metrics_adapters(&req))
            .await
    }
}
