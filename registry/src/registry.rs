//! What the registry does with a call: check, decide, store, count.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tars::protocol::{
    GetMetricsAdaptersReq, KeepAliveReq, MetricsAdapterInfo, OnPrestopReq, OnStartupReq, RegisterMetricsReq,
};
use tokio_util::sync::CancellationToken;

use crate::clean;
use crate::domain::clean::Clean;
use crate::domain::{Beat, Filter, MetricsPort, Refusal, Registration, Scope, group_targets};
use crate::failure::Failure;
use crate::identity::{Identity, Verdict};
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::store::{BeatOutcome, Store, StoreError};

/// Clients of K8STARS give up after a second and try again: the answer must be there before.
const STORE_LIMIT: Duration = Duration::from_millis(900);

/// The registry over a store. Shared by all its listeners.
#[derive(Debug)]
pub(crate) struct Registry<S> {
    pub(crate) store: S,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) readiness: Readiness,
    /// Cancelled to end the process.
    pub(crate) stop: CancellationToken,
    pub(crate) identity: Identity,
    pub(crate) allow_node_wide: bool,
    /// Held while a clean runs.
    pub(crate) cleaning: tokio::sync::Mutex<()>,
}

/// What a heartbeat's caller should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BeatAnswer {
    /// Fine.
    Known,
    /// Register again: nobody knows the instance.
    Reregister,
}

impl<S: Store> Registry<S> {
    /// Measures a call and counts its return code.
    pub(crate) async fn counted<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> tars::Result<T> {
        let begun = Instant::now();
        let result = call.await;
        let code = result.as_ref().map_or_else(Failure::code, |_| 0);
        self.metrics.answered(method, code, begun.elapsed());
        if let Err(failure) = &result {
            log(method, failure);
        }
        Ok(result?)
    }

    pub(crate) async fn on_startup(&self, caller: Option<IpAddr>, req: &OnStartupReq) -> Result<(), Failure> {
        let registration = Registration::from_request(req)?;
        let key = &registration.key;
        self.identify(caller, &key.node).await?;
        self.within_limit(self.store.register(&registration)).await?;
        tracing::info!(
            application = key.application,
            server = key.server,
            node = key.node,
            state = registration.state.as_str(),
            adapters = registration.adapters.len(),
            caller = caller.map(tracing::field::display),
            "registered {key}"
        );
        Ok(())
    }

    pub(crate) async fn on_prestop(&self, caller: Option<IpAddr>, req: &OnPrestopReq) -> Result<(), Failure> {
        let scope = Scope::from_request(req)?;
        self.authorise(caller, &scope).await?;
        let existed = self.within_limit(self.store.end(&scope)).await?;
        let caller = caller.map(tracing::field::display);
        match &scope {
            Scope::Instance(key) => tracing::info!(
                application = key.application,
                server = key.server,
                node = key.node,
                existed,
                caller,
                "removed {key}"
            ),
            Scope::Node(node) => tracing::info!(node, existed, caller, "took out every server of {node}"),
        }
        Ok(())
    }

    pub(crate) async fn keep_alive(&self, caller: Option<IpAddr>, req: &KeepAliveReq) -> Result<BeatAnswer, Failure> {
        let beat = Beat::from_request(req)?;
        self.authorise(caller, &beat.scope).await?;
        let outcome = self.within_limit(self.store.beat(&beat)).await?;
        match outcome {
            BeatOutcome::Taken | BeatOutcome::Late | BeatOutcome::Gone => Ok(BeatAnswer::Known),
            BeatOutcome::Recreated => {
                self.metrics.recreated_instances.inc();
                let node = beat.scope.node();
                tracing::warn!(
                    node,
                    "{}.{} on {node} is alive after a clean: registered again",
                    req.application,
                    req.server
                );
                Ok(BeatAnswer::Known)
            }
            BeatOutcome::Unknown => {
                self.metrics.unknown_keepalives.inc();
                tracing::debug!(
                    node = req.node_name,
                    application = req.application,
                    server = req.server,
                    "unknown heartbeat"
                );
                Ok(BeatAnswer::Reregister)
            }
        }
    }

    pub(crate) async fn register_metrics(
        &self,
        caller: Option<IpAddr>,
        req: &RegisterMetricsReq,
    ) -> Result<(), Failure> {
        let metrics = MetricsPort::from_request(req)?;
        self.identify(caller, &metrics.key.node).await?;
        if self.within_limit(self.store.set_metrics_port(&metrics)).await? {
            return Ok(());
        }
        // Acknowledging it, as K8STARS' registry does, would lose the port until the next start of the server.
        let reason = format!("is of {}, which is not registered; call onStartup first", metrics.key);
        Err(Refusal::Invalid {
            field: "server".into(),
            reason,
        }
        .into())
    }

    pub(crate) async fn get_metrics_adapters(
        &self,
        req: &GetMetricsAdaptersReq,
    ) -> Result<Vec<MetricsAdapterInfo>, Failure> {
        let filter = Filter::from_request(&req.filter)?;
        let instances = self.within_limit(self.store.metrics_instances()).await?;
        let groups = group_targets(instances, &filter).into_iter();
        Ok(groups
            .map(|group| MetricsAdapterInfo {
                targets: group.targets,
                labels: group.labels,
            })
            .collect())
    }

    /// Runs a clean; one at a time. -> the text for its operator
    pub(crate) async fn clean(&self, command: &Clean) -> Result<String, Failure> {
        if !self.readiness.is_ready() {
            return Err(Failure::Starting);
        }
        let Ok(_running) = self.cleaning.try_lock() else {
            return Err(Refusal::Policy("a clean is under way; wait for it to end".into()).into());
        };
        Ok(clean::run(&self.store, command).await?)
    }

    async fn identify(&self, caller: Option<IpAddr>, node: &str) -> Result<(), Failure> {
        if self.identity.check(caller, node).await? == Verdict::Mismatch {
            self.metrics.identity_mismatches.inc();
            tracing::warn!(
                node,
                caller = caller.map(tracing::field::display),
                "nodeName is not the caller's address"
            );
        }
        Ok(())
    }

    async fn authorise(&self, caller: Option<IpAddr>, scope: &Scope) -> Result<(), Failure> {
        let Scope::Node(node) = scope else {
            return self.identify(caller, scope.node()).await;
        };
        if !self.allow_node_wide {
            let text = "a request without application and server is about every server of the node, which this registry \
                        does not accept; --allow-node-wide decides";
            return Err(Refusal::Policy(text.into()).into());
        }
        if !self.identity.is_node_itself(caller, node).await {
            let caller = caller.map_or_else(|| "unknown".to_owned(), |address| address.to_canonical().to_string());
            let text =
                format!("a request about every server of the node `{node}` comes from {caller}, not from the node");
            return Err(Refusal::Policy(text).into());
        }
        Ok(())
    }

    async fn within_limit<T>(&self, operation: impl Future<Output = Result<T, StoreError>>) -> Result<T, Failure> {
        if !self.readiness.is_ready() {
            return Err(Failure::Starting);
        }
        match tokio::time::timeout(STORE_LIMIT, operation).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Failure::Late),
        }
    }
}

/// Says once what a failed call met; what the caller may not read is in here.
fn log(method: &'static str, failure: &Failure) {
    match failure {
        Failure::Refused(refusal) => tracing::info!(method, "refused: {refusal}"),
        Failure::Starting | Failure::Late => tracing::warn!(method, "{failure}"),
        Failure::Store(error) => {
            let cause = std::error::Error::source(error).map(tracing::field::display);
            tracing::error!(method, cause, "{error}");
        }
    }
}
