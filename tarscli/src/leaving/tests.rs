use std::{
    cell::RefCell,
    sync::{Arc, Mutex},
};

use tars::{
    Context, Server,
    protocol::{AdminF, AdminFServer},
};
use tokio::time::sleep;

use super::*;
use crate::{cli::Grace, leaving::Budget};

/// A registry as a server sees it: away until a time, then slow.
#[derive(Clone)]
struct Registry {
    start: Instant,
    back: Duration,
    slow: Duration,
    heard: Arc<Mutex<Vec<(&'static str, u128)>>>,
}

const NEVER: Duration = Duration::from_hours(1);

impl Registry {
    fn new(back: Duration, slow: Duration) -> Self {
        Self {
            start: Instant::now(),
            back,
            slow,
            heard: Arc::default(),
        }
    }

    /// As a session does: again after a short pause.
    async fn hear(&self, what: &'static str, until: Instant) -> tars::Result<()> {
        loop {
            if self.start.elapsed() >= self.back {
                sleep(self.slow).await;
                self.heard
                    .lock()
                    .unwrap()
                    .push((what, self.start.elapsed().as_millis()));
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(tars::Error::new(tars::code::PROXY_CONNECT_ERR, "nobody listens"));
            }
            sleep(Duration::from_millis(500).min(until - Instant::now())).await;
        }
    }

    fn heard(&self) -> Vec<(&'static str, u128)> {
        self.heard.lock().unwrap().clone()
    }
}

impl Registered for Registry {
    async fn deactivate(&self, until: Instant) -> tars::Result<()> {
        self.hear("deactivating", until).await
    }

    async fn deregister(self, until: Instant) -> tars::Result<()> {
        self.hear("onPrestop", until).await
    }

    fn known(&self) -> watch::Receiver<Status> {
        watch::Sender::default().subscribe()
    }
}

fn grace(period: u64, wait: Option<u64>) -> Grace {
    Grace {
        grace_period: Duration::from_millis(period),
        prestop_waittime: wait.map(Duration::from_millis),
    }
}

/// What a way out looked like from the outside.
struct Way {
    outcome: Outcome,
    phases: Vec<(Phase, u128)>,
    milliseconds: u128,
}

async fn way(registry: &Registry, grace: &Grace, hurry: CancellationToken) -> Way {
    let phases = RefCell::new(Vec::new());
    let progress = |phase| phases.borrow_mut().push((phase, registry.start.elapsed().as_millis()));
    let times = Budget::new(grace).from(registry.start);
    let outcome = leave(registry.clone(), None, times, hurry, progress).await;
    Way {
        outcome,
        milliseconds: registry.start.elapsed().as_millis(),
        phases: phases.into_inner(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_there_is_told_at_once_and_after_the_wait() {
    let registry = Registry::new(Duration::ZERO, Duration::ZERO);
    let way = way(&registry, &grace(29_000, None), CancellationToken::new()).await;
    assert_eq!(registry.heard(), [("deactivating", 0), ("onPrestop", 20_000)]);
    let expected = [
        (Phase::Deactivating, 0),
        (Phase::Draining, 0),
        (Phase::Deregistering, 20_000),
        (Phase::Gone, 20_000),
    ];
    assert_eq!(way.phases, expected);
    assert!(way.outcome.left.told && way.outcome.rest.is_none());
    assert_eq!(way.milliseconds, 20_000);
}

#[tokio::test(start_paused = true)]
async fn a_slow_registry_has_time_behind_the_wait() {
    let registry = Registry::new(Duration::ZERO, Duration::from_millis(2500));
    let way = way(&registry, &grace(29_000, None), CancellationToken::new()).await;
    assert_eq!(registry.heard(), [("deactivating", 2500), ("onPrestop", 22_500)]);
    assert!(way.outcome.left.told);
}

#[tokio::test(start_paused = true)]
async fn a_very_slow_registry_is_told_while_the_server_is_ended() {
    let registry = Registry::new(Duration::ZERO, Duration::from_secs(6));
    let way = way(&registry, &grace(29_000, None), CancellationToken::new()).await;
    assert_eq!((way.milliseconds, way.outcome.left.told), (23_000, false));
    way.outcome.rest.unwrap().await.unwrap().unwrap();
    assert_eq!(registry.heard(), [("deactivating", 6000), ("onPrestop", 26_000)]);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_away_for_twenty_seconds_hears_the_end() {
    let registry = Registry::new(Duration::from_secs(20), Duration::from_millis(10));
    let way = way(&registry, &grace(29_000, None), CancellationToken::new()).await;
    assert!(way.outcome.left.told, "{:?}", way.outcome.left);
    assert_eq!(registry.heard().last(), Some(&("onPrestop", 20_010)));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_away_for_ever_holds_nothing_up() {
    for (period, hook, tell) in [(29_000, 23_000, 28_000), (3000, 1000, 2666), (0, 0, 0)] {
        let registry = Registry::new(NEVER, Duration::ZERO);
        let way = way(&registry, &grace(period, None), CancellationToken::new()).await;
        let late = way.milliseconds - hook;
        assert!(late <= 1, "{period}: {late} ms late");
        assert!(!way.outcome.left.told && way.outcome.left.error.is_some());
        assert_eq!(way.phases.last().map(|(phase, _)| *phase), Some(Phase::Gone));
        if let Some(rest) = way.outcome.rest {
            assert!(rest.await.unwrap().is_err());
        }
        assert!(registry.start.elapsed().as_millis() <= tell + 1, "{period}");
        assert_eq!(registry.heard(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_wait_only_the_end_is_told() {
    for grace in [grace(29_000, Some(0)), grace(5000, None)] {
        let registry = Registry::new(Duration::ZERO, Duration::from_millis(100));
        let way = way(&registry, &grace, CancellationToken::new()).await;
        assert_eq!(registry.heard(), [("onPrestop", 100)]);
        assert!(way.outcome.left.told);
        assert_eq!(way.phases.first(), Some(&(Phase::Deregistering, 0)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_request_leaves_out_the_wait_and_not_the_end() {
    let registry = Registry::new(Duration::ZERO, Duration::from_millis(10));
    let hurry = CancellationToken::new();
    let later = hurry.clone();
    tokio::spawn(async move {
        sleep(Duration::from_secs(5)).await;
        later.cancel();
    });
    let way = way(&registry, &grace(29_000, None), hurry).await;
    assert_eq!(registry.heard(), [("deactivating", 10), ("onPrestop", 5010)]);
    assert!(way.outcome.left.told);
}

#[tokio::test(start_paused = true)]
async fn a_second_request_without_a_registry_takes_no_longer_than_the_end_alone() {
    let registry = Registry::new(NEVER, Duration::ZERO);
    let hurry = CancellationToken::new();
    hurry.cancel();
    let way = way(&registry, &grace(29_000, None), hurry).await;
    assert_eq!((way.milliseconds, way.outcome.left.told), (3000, false));
}

/// A server that takes its time to hear a command.
#[derive(Clone, Default)]
struct SlowAdmin(Arc<Mutex<Vec<String>>>);

impl AdminF for SlowAdmin {
    async fn shutdown(&self, _cx: &mut Context) -> tars::Result<()> {
        Ok(())
    }

    async fn notify(&self, _cx: &mut Context, command: String) -> tars::Result<String> {
        sleep(Duration::from_millis(100)).await;
        self.0.lock().unwrap().push(command);
        Ok(String::new())
    }

    async fn get_pid(&self, _cx: &mut Context) -> tars::Result<i64> {
        Ok(0)
    }
}

#[tokio::test]
async fn without_a_wait_the_server_still_hears_its_command() {
    let admin = SlowAdmin::default();
    let server = Server::builder()
        .adapter("tcp -h 127.0.0.1 -p 0", "AdminObj", AdminFServer::new(admin.clone()))
        .bind()
        .await
        .unwrap();
    let endpoint = server.local_endpoints()[0].clone();
    let _serving = AbortOnDropHandle::new(tokio::spawn(server.serve()));
    let registry = Registry::new(Duration::ZERO, Duration::ZERO);
    let times = Budget::new(&grace(29_000, Some(0))).from(registry.start);
    let outcome = leave(registry, Some(endpoint), times, CancellationToken::new(), |_| {}).await;
    assert!(outcome.left.told);
    assert_eq!(*admin.0.lock().unwrap(), ["prestop"]);
}
