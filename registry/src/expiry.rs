//! Takes out instances that stopped beating.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::domain::InstanceKey;
use crate::domain::lease::{Census, Change, Guard, Overdue, Verdict};
use crate::registry::{CALL_LIMIT, Registry};
use crate::store::{Look, NODES, Store, StoreError};

/// Time between two looks at most.
const PERIOD: Duration = Duration::from_millis(1500);

/// The lead is lost after so many looks that did not happen, but not within a second.
const LOOKS_OF_A_LEAD: u32 = 3;
const SHORTEST_LEAD: Duration = Duration::from_secs(1);

/// What one sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Whether this replica had the lead, and could know who lives.
    pub(crate) looked: bool,
    /// Whether nobody expired because too many would have.
    pub(crate) protected: bool,
    /// Who expired.
    pub(crate) expired: Vec<InstanceKey>,
    /// Nodes that became inactive.
    pub(crate) nodes: Vec<String>,
}

/// Looks at the leases now and then.
#[derive(Debug)]
pub(crate) struct Sweeper {
    guard: Guard,
    holder: String,
    lease: Duration,
    is_protecting: bool,
    is_away: bool,
}

impl Sweeper {
    pub(crate) fn new(config: &Config) -> Self {
        let lease = Duration::from_secs(config.lease_seconds.into());
        Self {
            guard: Guard::new(lease, config.protection),
            holder: format!("{:016x}", rand::random::<u64>()),
            lease,
            is_protecting: false,
            is_away: false,
        }
    }

    /// Time between two looks: a fraction of the lease, so that nobody outlives it by much.
    pub(crate) fn period(&self) -> Duration {
        PERIOD.min(self.lease / 8)
    }

    /// Sweeps now and then, for ever; leaves the lead to another replica when `stop` is ready.
    pub(crate) async fn run<S: Store>(mut self, registry: &Registry<S>, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(self.period()) => {}
            }
            if registry.readiness.is_ready() {
                self.sweep(registry, Instant::now()).await;
            }
        }
        if registry.readiness.is_ready() {
            // Not heard of, the lead ends by itself.
            let _ = tokio::time::timeout(CALL_LIMIT, registry.store.resign(&self.holder)).await;
        }
    }

    /// One sweep at `now`.
    pub(crate) async fn sweep<S: Store>(&mut self, registry: &Registry<S>, now: Instant) -> Swept {
        let mut swept = Swept::default();
        let outcome = match self.look(registry, now).await {
            Ok(Some(census)) => {
                swept.looked = true;
                self.act(registry, now, census, &mut swept).await
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        registry.metrics.leads_expiry.set(i64::from(swept.looked));
        self.report(outcome.err());
        swept
    }

    /// The leases, if this replica is to do something about them.
    async fn look<S: Store>(&mut self, registry: &Registry<S>, now: Instant) -> Result<Option<Census>, StoreError> {
        let lead = (self.period() * LOOKS_OF_A_LEAD).max(SHORTEST_LEAD);
        let look = Look {
            holder: self.holder.clone(),
            lead: self.guard.has_settled(now).then_some(lead),
        };
        // What takes longer than a beat may take is a time in which beats are lost.
        let census = tokio::time::timeout(CALL_LIMIT, registry.store.census(&look)).await;
        let census = census.unwrap_or_else(|_| Err(StoreError::timed_out()))?;
        self.guard.heard(now);
        Ok(census.filter(|_| self.guard.has_settled(now)))
    }

    async fn act<S: Store>(
        &mut self,
        registry: &Registry<S>,
        now: Instant,
        census: Census,
        swept: &mut Swept,
    ) -> Result<(), StoreError> {
        let verdict = self.guard.judge(now, &census);
        self.tell(registry, verdict, &census);
        swept.protected = matches!(verdict, Verdict::Protect(_));
        if swept.protected {
            return Ok(());
        }
        expire(registry, census.overdue, swept).await?;
        expire_nodes(registry, swept).await
    }

    fn tell<S>(&mut self, registry: &Registry<S>, verdict: Verdict, census: &Census) {
        let Census { live, silent, .. } = census;
        match verdict {
            Verdict::Protect(Change::Began) => tracing::warn!(
                live,
                silent,
                "{silent} of {live} instances stopped beating at once: nobody expires for {} s, unless they beat again \
                 (--protection decides)",
                self.lease.as_secs()
            ),
            Verdict::Expire if self.is_protecting => {
                tracing::warn!(live, silent, "instances may expire again");
            }
            _ => {}
        }
        self.is_protecting = matches!(verdict, Verdict::Protect(_));
        registry.metrics.protected.set(i64::from(self.is_protecting));
    }

    /// Says once that sweeping fails, and once that it works again.
    fn report(&mut self, error: Option<StoreError>) {
        match &error {
            Some(error) if !self.is_away => {
                let cause = std::error::Error::source(error).map(tracing::field::display);
                tracing::warn!(cause, "nobody expires: {error}");
            }
            None if self.is_away => tracing::info!("leases are looked at again"),
            _ => {}
        }
        self.is_away = error.is_some();
    }
}

async fn expire<S: Store>(
    registry: &Registry<S>,
    mut overdue: Vec<Overdue>,
    swept: &mut Swept,
) -> Result<(), StoreError> {
    overdue.sort_by(|a, b| a.key.node.cmp(&b.key.node));
    for seen in overdue.chunks(NODES) {
        let expired = registry.store.expire(seen).await?;
        for key in &expired {
            tracing::info!(
                application = key.application,
                server = key.server,
                node = key.node,
                "expired {key}: it stopped beating"
            );
            registry.metrics.expired_instances.inc();
            // Nobody waits for lookups to show it.
            drop(registry.touched(&key.application, &key.server));
        }
        swept.expired.extend(expired);
    }
    Ok(())
}

async fn expire_nodes<S: Store>(registry: &Registry<S>, swept: &mut Swept) -> Result<(), StoreError> {
    let mut after = Some(String::new());
    while let Some(place) = after {
        let page = registry.store.expire_nodes(&place).await?;
        for node in &page.expired {
            tracing::info!(node, "no instance lives on {node} any more");
            registry.metrics.expired_nodes.inc();
        }
        swept.nodes.extend(page.expired);
        after = page.next;
    }
    Ok(())
}
