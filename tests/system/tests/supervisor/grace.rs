//! The end of a pod whose `terminationGracePeriodSeconds` is 30: whatever goes wrong, all is over within 29 s and the rows are gone.
//!
//! The cases are played side by side, each with a registry of its own behind a proxy, because each takes that long.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tars_test_support::{
    pod::{Outcome, Pod},
    proxy::{Front, Manner},
    registry::{Backend, Registry},
};
use tokio::{task::JoinHandle, time::sleep};

use crate::rows::{Rows, until};

/// From the begin of the hook, or the signal without one, to the end of the supervisor.
const LIMIT: Duration = Duration::from_secs(29);

/// So long of it the server is served on.
const DRAIN: Duration = Duration::from_secs(20);

/// How long a registry is away.
const AWAY: Duration = Duration::from_secs(20);

/// What a supervisor ends with when its server ended as it was asked to, and when it had to be killed: 128 and the signal.
const ENDED: i32 = 0;
const KILLED: i32 = 137;

/// A pod that is active, and its registry.
struct Scene {
    registry: Registry,
    front: Front,
    pod: Pod,
}

/// How a pod ended.
struct End {
    hook: Option<Outcome>,
    code: i32,
    took: Duration,
}

impl Scene {
    /// `number` tells the scenes apart.
    async fn set(number: u8) -> Self {
        Self::set_with(number, &[]).await
    }

    async fn set_with(number: u8, settings: &[(&str, &str)]) -> Self {
        let host = format!("127.4.1.{number}");
        let registry = Registry::start_with(Backend::sqlite(), &["--advertise", &host]).await;
        registry.process.wait_for("ready").await;
        let front = Front::of(&registry, &host).await;
        let pod = Pod::new(&format!("127.4.0.{number}"), front.locator());
        let mut pod = settings
            .iter()
            .fold(pod, |pod, (variable, value)| pod.with(variable, value));
        pod.order("ready", "");
        pod.start();
        until(&pod, registry.backend(), "active").await;
        Self { registry, front, pod }
    }

    /// What a kubelet does: the hook, and the signal when that has ended.
    async fn deleted(&mut self) -> End {
        let begun = Instant::now();
        let hook = self.pod.run(&["prestop"]).await;
        self.pod.signal("TERM").await;
        let (code, _) = self.pod.ended().await;
        End {
            hook: Some(hook),
            code,
            took: begun.elapsed(),
        }
    }

    /// The same without a hook.
    async fn terminated(&mut self) -> End {
        let begun = Instant::now();
        self.pod.signal("TERM").await;
        let (code, _) = self.pod.ended().await;
        End {
            hook: None,
            code,
            took: begun.elapsed(),
        }
    }

    /// It left as it should, and its supervisor ended with this code.
    async fn is_over(&self, case: &str, code: i32, end: &End) {
        let hook = end.hook.as_ref();
        println!("{case}: {:?}, hook {:?}", end.took, hook.map(|hook| hook.took));
        let story = self.pod.story();
        assert!(end.took < LIMIT, "{case}: {:?}\n{story}", end.took);
        assert_eq!(end.code, code, "{case}\n{story}");
        assert!(
            hook.is_none_or(|hook| hook.code == Some(0)),
            "{case}: {hook:?}\n{story}"
        );
        assert!(!self.pod.has_processes(), "{case}\n{story}");
        self.is_gone(case).await;
    }

    async fn is_gone(&self, case: &str) {
        let rows = Rows::of(self.registry.backend(), self.pod.node()).await;
        assert!(rows.are_gone(), "{case}: {rows:?}\n{}", self.pod.story());
    }
}

async fn hook_and_signal() {
    let mut scene = Scene::set(1).await;
    let end = scene.deleted().await;
    scene.is_over("hook and signal", ENDED, &end).await;
    assert!(end.took > DRAIN, "{:?}", end.took);
    assert_eq!(scene.pod.noted("notified"), ["prestop"]);
}

async fn signal_alone() {
    let mut scene = Scene::set(2).await;
    let end = scene.terminated().await;
    scene.is_over("signal alone", ENDED, &end).await;
    assert!(end.took > DRAIN, "{:?}", end.took);
    assert_eq!(scene.pod.noted("notified"), ["prestop"]);
}

/// Slower than a call may take in a quiet hour.
async fn slow_registry() {
    let mut scene = Scene::set(3).await;
    scene.front.be(Manner::Slow(Duration::from_millis(1500)));
    let end = scene.deleted().await;
    scene.is_over("slow registry", ENDED, &end).await;
}

/// The registry is there again after so long.
fn returns(scene: &Scene, away: Duration) -> JoinHandle<()> {
    let manners = scene.front.manners();
    tokio::spawn(async move {
        // Not a wait for something: this is how long it is away.
        sleep(away).await;
        for manner in manners {
            manner.send_replace(Manner::Passing);
        }
    })
}

/// And the server does not hear the signal.
async fn registry_is_away() {
    let mut scene = Scene::set(4).await;
    scene.pod.order("deaf", "");
    scene.front.be(Manner::Away);
    let back = returns(&scene, AWAY);
    let end = scene.deleted().await;
    back.await.unwrap();
    scene.is_over("registry away, deaf server", KILLED, &end).await;
}

async fn registry_is_silent() {
    let mut scene = Scene::set(5).await;
    scene.front.be(Manner::Silent);
    let back = returns(&scene, AWAY);
    let end = scene.terminated().await;
    back.await.unwrap();
    scene.is_over("registry silent, signal alone", ENDED, &end).await;
}

/// The hook is over by then: the supervisor tells the registry while it ends its server.
async fn registry_is_away_longer() {
    let mut scene = Scene::set(12).await;
    scene.front.be(Manner::Away);
    let back = returns(&scene, AWAY + Duration::from_secs(5));
    let mut end = scene.deleted().await;
    back.await.unwrap();
    let hook = end.hook.take().unwrap();
    scene.is_over("registry away longer", ENDED, &end).await;
    assert_eq!(hook.code, Some(1), "it could not be told yet: {hook:?}");
    assert!(hook.took < AWAY + Duration::from_secs(5), "{hook:?}");
}

/// Nothing can be told to anybody, and still nobody waits for ever.
async fn registry_never_returns() {
    // The supervisor goes on to the last second but one of its time, which begins when it hears of it.
    let mut scene = Scene::set_with(13, &[("TARS_GRACE_PERIOD", "25s")]).await;
    scene.front.be(Manner::Silent);
    let end = scene.deleted().await;
    println!("registry never returns: {:?}, hook {:?}", end.took, end.hook);
    assert!(end.took < LIMIT, "{:?}\n{}", end.took, scene.pod.story());
    assert!(!scene.pod.has_processes(), "{}", scene.pod.story());
    let rows = Rows::of(scene.registry.backend(), scene.pod.node()).await;
    assert!(!rows.are_gone(), "{rows:?}");
}

async fn server_hangs() {
    let mut scene = Scene::set(6).await;
    scene.pod.signal_server(Signal::STOP);
    let end = scene.deleted().await;
    scene.is_over("server hangs", KILLED, &end).await;
}

async fn two_hooks_and_a_third() {
    let mut scene = Scene::set(7).await;
    let begun = Instant::now();
    let second = async {
        sleep(Duration::from_secs(3)).await;
        let hook = scene.pod.run(&["prestop"]).await;
        assert!(begun.elapsed() >= DRAIN, "it waits for the same end: {hook:?}");
        hook
    };
    let (first, second) = tokio::join!(scene.pod.run(&["prestop"]), second);
    for hook in [&first, &second] {
        assert_eq!(hook.code, Some(0), "{hook:?}");
        assert!(hook.took < LIMIT, "{hook:?}");
    }
    let third = scene.pod.run(&["prestop"]).await;
    assert_eq!(third.code, Some(0), "{third:?}");
    assert!(third.took < Duration::from_secs(5), "{third:?}");
    assert_eq!(scene.pod.noted("notified"), ["prestop"]);
    let mut end = scene.terminated().await;
    end.took = begun.elapsed();
    scene.is_over("two hooks and a third", ENDED, &end).await;
}

/// The hook and the signal at almost the same time.
async fn signal_while_the_hook_runs() {
    let mut scene = Scene::set(8).await;
    let begun = Instant::now();
    let (hook, ()) = tokio::join!(scene.pod.run(&["prestop"]), async {
        scene
            .pod
            .until("leaving", |status| status["state"] == "deactivating")
            .await;
        scene.pod.signal("TERM").await;
    });
    let (code, _) = scene.pod.ended().await;
    let end = End {
        hook: Some(hook),
        code,
        took: begun.elapsed(),
    };
    scene.is_over("signal while the hook runs", ENDED, &end).await;
    assert!(
        end.took > DRAIN,
        "one signal does not cut the wait short: {:?}",
        end.took
    );
}

async fn supervisor_was_killed() {
    let mut scene = Scene::set(9).await;
    scene.pod.kill_supervisor().await;
    let hook = scene.pod.run(&["prestop"]).await;
    println!("without a supervisor: hook {:?}", hook.took);
    assert_eq!(hook.code, Some(0), "{hook:?}");
    assert!(hook.took < LIMIT, "{hook:?}");
    scene.is_gone("without a supervisor").await;
    assert_eq!(scene.pod.noted("notified"), ["prestop"]);
}

async fn second_signal() {
    let mut scene = Scene::set(10).await;
    let begun = Instant::now();
    scene.pod.signal("TERM").await;
    until(&scene.pod, scene.registry.backend(), "deactivating").await;
    scene.pod.signal("TERM").await;
    let (code, _) = scene.pod.ended().await;
    let end = End {
        hook: None,
        code,
        took: begun.elapsed(),
    };
    scene.is_over("two signals", ENDED, &end).await;
    assert!(end.took < DRAIN, "the second one ends the wait: {:?}", end.took);
}

/// A wait that is set decides how long it takes.
async fn wait_of_two_seconds() {
    let mut scene = Scene::set_with(11, &[("TARS_PRESTOP_WAITTIME", "2s")]).await;
    scene.pod.signal_server(Signal::STOP);
    let end = scene.deleted().await;
    scene.is_over("wait of two seconds, server hangs", KILLED, &end).await;
    assert!(end.took < Duration::from_secs(11), "{:?}", end.took);
}

#[tokio::test]
async fn all_is_over_in_time() {
    tokio::join!(
        hook_and_signal(),
        signal_alone(),
        slow_registry(),
        registry_is_away(),
        registry_is_away_longer(),
        registry_is_silent(),
        registry_never_returns(),
        server_hangs(),
        two_hooks_and_a_third(),
        signal_while_the_hook_runs(),
        supervisor_was_killed(),
        second_signal(),
        wait_of_two_seconds(),
    );
}
