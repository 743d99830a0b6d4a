//! Takes out instances that stopped beating.

use std::time::{Duration, Instant};

use crate::config::Config;
use crate::domain::InstanceKey;
use crate::domain::lease::{Census, Change, Guard, Overdue, Verdict};
use crate::registry::Registry;
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
    call_limit: Duration,
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
            call_limit: config.call_limit,
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
            let _ = tokio::time::timeout(self.call_limit, registry.store.resign(&self.holder)).await;
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
        registry.metrics.leases.leads_expiry.set(i64::from(swept.looked));
        self.report(outcome.as_ref().err());
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
        let looked = tokio::time::timeout(self.call_limit, registry.store.census(&look)).await;
        let looked = looked.unwrap_or_else(|_| Err(StoreError::timed_out()))?;
        self.guard.heard(now, looked.clock);
        Ok(looked.census.filter(|_| self.guard.has_settled(now)))
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
        registry.metrics.leases.protected.set(i64::from(self.is_protecting));
    }

    /// Says once that sweeping fails, and once that it works again.
    fn report(&mut self, error: Option<&StoreError>) {
        match error {
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
            registry.metrics.leases.expired_instances.inc();
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
            registry.metrics.leases.expired_nodes.inc();
        }
        swept.nodes.extend(page.expired);
        after = page.next;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::State;
    use crate::registry::tests::{beat, config, exec, number, occupy, registration, registry};
    use crate::store::SqliteStore;

    /// A registry and its sweeper, `count` active instances, and moments by seconds since the first sweep.
    struct Scene {
        registry: Registry<SqliteStore>,
        dir: tempfile::TempDir,
        sweeper: Sweeper,
        begin: Instant,
    }

    impl Scene {
        async fn new(arguments: &[&str], count: usize) -> Self {
            let (registry, dir) = registry(arguments).await;
            for n in 0..count {
                registry
                    .store
                    .register(&registration(&format!("n{n:02}")))
                    .await
                    .unwrap();
            }
            let (sweeper, begin) = (Sweeper::new(&config(arguments)), Instant::now());
            Self {
                registry,
                dir,
                sweeper,
                begin,
            }
        }

        async fn sweep(&mut self, second: u64) -> Swept {
            let now = self.begin + Duration::from_secs(second);
            self.sweeper.sweep(&self.registry, now).await
        }

        /// Sweeps every ten seconds. -> the last one
        async fn sweeps(&mut self, seconds: std::ops::RangeInclusive<u64>) -> Swept {
            let mut last = Swept::default();
            for second in seconds.step_by(10) {
                last = self.sweep(second).await;
                assert!(second % 120 == 0 || last.expired.is_empty(), "{second}: {last:?}");
            }
            last
        }

        /// Lets the first nodes' instances have beaten longer than a lease ago.
        async fn silence(&self, count: usize) {
            let before = format!("WHERE node_name < 'n{count:02}'");
            let long_ago = "'2001-01-01 00:00:00'";
            exec(
                &self.dir,
                &format!("UPDATE tarsregistry_instance SET last_beat = {long_ago} {before}"),
            )
            .await;
            exec(
                &self.dir,
                &format!("UPDATE t_node_info SET last_heartbeat = {long_ago} {before}"),
            )
            .await;
        }

        async fn active(&self) -> i64 {
            number(
                &self.dir,
                "SELECT COUNT(*) FROM t_server_conf WHERE present_state = 'active'",
            )
            .await
        }
    }

    #[tokio::test]
    async fn who_lives_says_so_within_a_lease_after_the_start() {
        let mut scene = Scene::new(&[], 3).await;
        scene.silence(3).await;
        let last = scene.sweeps(0..=110).await;
        assert!(!last.looked);
        let back = beat("n00", State::Active);
        scene.registry.take_beat(&back).await.unwrap();
        let swept = scene.sweep(120).await;
        let nodes: Vec<&str> = swept.expired.iter().map(|key| key.node.as_str()).collect();
        assert_eq!(nodes, ["n01", "n02"]);
        assert_eq!(swept.nodes, ["n01", "n02"]);
        assert_eq!(scene.registry.metrics.leases.expired_instances.get(), 2);
        assert_eq!(scene.registry.metrics.leases.expired_nodes.get(), 2);
        assert_eq!(scene.registry.metrics.leases.leads_expiry.get(), 1);
        assert_eq!(scene.sweep(122).await.expired, []);
        scene.registry.take_beat(&beat("n01", State::Active)).await.unwrap();
        assert_eq!(scene.active().await, 2);
    }

    #[tokio::test]
    async fn a_database_that_was_away_costs_nobody_its_lease() {
        let mut scene = Scene::new(&[], 1).await;
        scene.sweeps(0..=120).await;
        scene.silence(1).await;
        let other = occupy(&scene.dir).await;
        // It is late before SQLite gives up waiting.
        tokio::time::pause();
        let swept = scene.sweep(150).await;
        tokio::time::resume();
        assert!(!swept.looked && scene.sweeper.is_away);
        drop(other);
        let swept = scene.sweep(180).await;
        assert!(!swept.looked && !scene.sweeper.is_away);
        assert_eq!(scene.active().await, 1);
        for second in (190..300).step_by(10) {
            assert!(!scene.sweep(second).await.looked, "{second}");
        }
        assert_eq!(scene.sweep(300).await.expired.len(), 1);
    }

    #[tokio::test]
    async fn many_at_once_are_protected_for_a_lease() {
        let mut scene = Scene::new(&[], 30).await;
        scene.sweeps(0..=120).await;
        scene.silence(10).await;
        let swept = scene.sweep(122).await;
        assert!(swept.protected && swept.expired.is_empty() && swept.nodes.is_empty());
        assert_eq!(scene.registry.metrics.leases.protected.get(), 1);
        // One of them is back, and they are few enough.
        scene.registry.take_beat(&beat("n00", State::Active)).await.unwrap();
        let swept = scene.sweep(124).await;
        assert_eq!((swept.protected, swept.expired.len()), (false, 9));
        assert_eq!(scene.registry.metrics.leases.protected.get(), 0);
        assert_eq!(scene.active().await, 21);
    }

    #[tokio::test]
    async fn a_protection_has_an_end() {
        let mut scene = Scene::new(&[], 30).await;
        scene.sweeps(0..=120).await;
        scene.silence(15).await;
        for second in (130..250).step_by(10) {
            assert!(scene.sweep(second).await.protected, "{second}");
        }
        let swept = scene.sweep(250).await;
        assert_eq!(
            (swept.protected, swept.expired.len(), swept.nodes.len()),
            (false, 15, 15)
        );
        assert!(!scene.sweep(252).await.protected);
    }

    #[tokio::test]
    async fn an_operator_decides_what_is_many() {
        let mut scene = Scene::new(&["--protection", "off"], 12).await;
        scene.sweeps(0..=120).await;
        scene.silence(12).await;
        assert_eq!(scene.sweep(122).await.expired.len(), 12);
        let mut scene = Scene::new(&["--protection", "80"], 20).await;
        scene.sweeps(0..=120).await;
        scene.silence(16).await;
        assert_eq!(scene.sweep(122).await.expired.len(), 16);
    }

    #[tokio::test]
    async fn another_replica_that_leads_is_left_to_it() {
        let mut scene = Scene::new(&[], 1).await;
        scene.sweeps(0..=120).await;
        scene.silence(1).await;
        let other = "holder = 'other', held_until = '2999-01-01'";
        exec(&scene.dir, &format!("UPDATE tarsregistry_leader SET {other}")).await;
        assert_eq!(scene.sweep(122).await, Swept::default());
        exec(&scene.dir, "UPDATE tarsregistry_leader SET held_until = '2001-01-01'").await;
        assert_eq!(scene.sweep(124).await.expired.len(), 1);
    }

    #[test]
    fn looks_are_frequent_enough_for_short_leases() {
        let period = |lease| Sweeper::new(&config(&["--lease", lease])).period();
        assert_eq!(period("120"), Duration::from_millis(1500));
        assert_eq!(period("2"), Duration::from_millis(250));
    }

    #[tokio::test]
    async fn the_lead_is_given_away_at_the_end() {
        let (registry, dir) = registry(&["--lease", "1"]).await;
        registry.store.register(&registration("n00")).await.unwrap();
        let mut sweeper = Sweeper::new(&config(&["--lease", "1"]));
        let begin = Instant::now();
        for step in 0..12 {
            sweeper
                .sweep(&registry, begin + Duration::from_millis(100 * step))
                .await;
        }
        let held = "SELECT COUNT(*) FROM tarsregistry_leader WHERE held_until > '2002-01-01'";
        assert_eq!(number(&dir, held).await, 1);
        sweeper.run(&registry, std::future::ready(())).await;
        assert_eq!(number(&dir, held).await, 0);
    }
}
