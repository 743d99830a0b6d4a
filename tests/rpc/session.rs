//! Instances that somebody else registers, as a supervisor does. Time is paused: what waits, waits for what is told.

use std::time::Duration;

use tars::registration::{Adapter, Instance, Session, State, Status};
use tars::{Registration, code};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::common::{OBJECT, Place};
use crate::fakes::{EarRegistry, Mood, Told, registry};

fn instance() -> Instance {
    let endpoint = "tcp -h 127.0.0.1 -p 18015".parse().unwrap();
    Instance::new("TestApp", "EchoServer").adapter(Adapter::new(OBJECT, endpoint))
}

fn registration(registry: &EarRegistry) -> Registration {
    Registration::at(&registry.object()).unwrap()
}

/// An instance that registers while it is starting.
fn start(registry: &EarRegistry) -> Session {
    registration(registry).start(instance(), State::Activating).unwrap()
}

/// An instance that is registered and active.
async fn active(registry: &EarRegistry) -> Session {
    let session = start(registry);
    known(&session, |status| status.registered).await;
    session.report(State::Active);
    registry.heard(3).await;
    session
}

async fn known(session: &Session, what: impl Fn(&Status) -> bool) -> Status {
    session.status().wait_for(|status| what(status)).await.unwrap().clone()
}

fn within(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// The state of each registration that the registry was asked for.
fn registered_as(registry: &EarRegistry) -> Vec<String> {
    let told = registry.told();
    let states = told.iter().filter_map(|told| match told {
        Told::Startup(request) => Some(request.state.clone()),
        _ => None,
    });
    states.collect()
}

#[tokio::test(start_paused = true)]
async fn a_state_is_told_when_it_changes_and_with_each_beat() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = start(&registry);
    known(&session, |status| status.registered).await;
    assert_eq!(registry.words(), ["startup", "activating"]);
    assert_eq!(registered_as(&registry), ["activating"]);
    for state in [State::Active, State::Inactive] {
        let (begun, heard) = (Instant::now(), registry.words().len());
        session.report(state);
        registry.heard(heard + 1).await;
        assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
        session.report(state);
        sleep(Duration::from_secs(40)).await;
        let words = registry.words().split_off(heard);
        assert!((3..=4).contains(&words.len()), "{words:?}");
        assert!(words.iter().all(|word| word == state.as_str()), "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_forgotten_registers_in_the_state_it_has() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = active(&registry).await;
    session.report(State::Inactive);
    registry.set(Mood::ForgetsOnce);
    known(&session, |status| !status.registered).await;
    known(&session, |status| status.registered).await;
    assert_eq!(registered_as(&registry), ["activating", "inactive"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_during_a_registration_that_hangs_is_in_the_next_one() {
    let registry = EarRegistry::start(Mood::Hangs).await;
    let session = start(&registry);
    registry.heard(1).await;
    session.report(State::Active);
    registry.set(Mood::Accepts);
    known(&session, |status| status.registered).await;
    assert_eq!(registered_as(&registry), ["activating", "active"]);
    assert_eq!(registry.words()[2..], ["active"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_during_a_registration_that_succeeds_is_told_after_it() {
    let registry = EarRegistry::start(Mood::Slow(500)).await;
    let session = start(&registry);
    registry.heard(1).await;
    session.report(State::Active);
    registry.heard(2).await;
    assert_eq!(registry.words(), ["startup", "active"]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_the_registry_is_away_does_not_register_when_it_is_back() {
    let place = Place::new();
    let away = Registration::at(&registry(&place.endpoint())).unwrap();
    let session = away.start(instance(), State::Activating).unwrap();
    let status = known(&session, |status| status.failures > 2).await;
    assert!(!status.registered && status.last_accepted.is_none());
    assert!(status.error.is_some_and(|error| error.contains("connect")));

    let begun = Instant::now();
    let error = session.deactivate(within(3)).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 3);
    let text = error.message();
    assert!(
        text.starts_with("the registry was not told that the server leaves (deactivating): "),
        "{text}"
    );

    let registry = EarRegistry::at(&place, Mood::Accepts).await;
    registry.heard(1).await;
    session.report(State::Active);
    sleep(Duration::from_mins(2)).await;
    assert_eq!(
        registry.words(),
        ["deactivating"],
        "an earlier call may have been carried out"
    );
    session.deregister(within(1)).await.unwrap();
    assert_eq!(registry.words(), ["deactivating", "prestop"]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_does_not_follow_the_hint() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = active(&registry).await;
    let told = registry.words().len();
    registry.set(Mood::Forgets);
    session.deactivate(within(5)).await.unwrap();
    sleep(Duration::from_mins(5)).await;
    session.deregister(within(5)).await.unwrap();
    assert_eq!(registry.words()[told..], ["deactivating", "prestop"]);
}

#[tokio::test(start_paused = true)]
async fn who_never_registered_needs_no_word() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = start(&registry);
    session.deactivate(within(5)).await.unwrap();
    session.deregister(within(5)).await.unwrap();
    assert!(registry.words().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_registry_is_given_time_by_who_leaves() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = active(&registry).await;
    registry.set(Mood::Slow(3000));
    let begun = Instant::now();
    session.deactivate(within(8)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 3);
    session.deregister(within(8)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_farewell_that_hangs_is_repeated_and_ends_in_time() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = active(&registry).await;
    registry.set(Mood::Hangs);
    let begun = Instant::now();
    let error = session.deregister(within(8)).await.unwrap_err();
    assert_eq!(begun.elapsed().as_secs(), 8);
    assert!(error.message().contains("(onPrestop)"), "{error}");
    let tries = registry.words().iter().filter(|word| *word == "prestop").count();
    assert!((2..=4).contains(&tries), "{tries}");
    sleep(Duration::from_mins(1)).await;
    assert_eq!(registry.words().iter().filter(|word| *word == "prestop").count(), tries);
}

#[tokio::test(start_paused = true)]
async fn what_takes_it_out_does_not_wait_for_deactivating() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = active(&registry).await;
    registry.set(Mood::Hangs);
    let told = registry.words().len();
    session.deactivate(within(1)).await.unwrap_err();
    registry.set(Mood::Accepts);
    let begun = Instant::now();
    session.deregister(within(9)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    assert_eq!(registry.words()[told..], ["deactivating", "prestop"]);
}

#[tokio::test(start_paused = true)]
async fn a_farewell_that_is_refused_ends_at_once() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = active(&registry).await;
    registry.set(Mood::Fails(2));
    let begun = Instant::now();
    assert_eq!(session.deactivate(within(20)).await.unwrap_err().code(), 2);
    let error = session.deregister(within(20)).await.unwrap_err();
    assert!(error.message().ends_with("(onPrestop): in no mood"), "{error}");
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_was_registered_by_another_is_silent_until_it_leaves() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    let session = registration(&registry).resume(instance()).unwrap();
    sleep(Duration::from_mins(10)).await;
    assert!(registry.words().is_empty());
    assert!(session.status().borrow().registered, "on trust");
    session.deregister(within(5)).await.unwrap();
    assert_eq!(registry.words(), ["prestop"]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_id_is_asked_for_kept_and_asked_for_again() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    registry.give_worker_id(Some(7));
    let settings = registration(&registry).worker_id(true);
    let session = settings.start(instance(), State::Activating).unwrap();
    let status = known(&session, |status| status.worker_id.is_some()).await;
    assert_eq!(status.worker_id, Some(7));
    registry.set(Mood::ForgetsOnce);
    known(&session, |status| status.worker_id == Some(7) && !status.registered).await;
    registry.give_worker_id(Some(8));
    known(&session, |status| status.worker_id == Some(8)).await;
    registry.give_worker_id(None);
    registry.set(Mood::ForgetsOnce);
    known(&session, |status| status.worker_id.is_none()).await;
    assert_eq!(
        registry.asked(),
        [Some(String::new()), Some("7".into()), Some("8".into())]
    );
}

#[tokio::test(start_paused = true)]
async fn no_worker_id_is_asked_for_by_itself() {
    let registry = EarRegistry::start(Mood::Accepts).await;
    registry.give_worker_id(Some(7));
    let session = active(&registry).await;
    assert_eq!(session.status().borrow().worker_id, None);
    assert_eq!(registry.asked(), [None]);
}

#[tokio::test(start_paused = true)]
async fn the_status_tells_how_it_goes() {
    let registry = EarRegistry::start(Mood::Fails(2)).await;
    let session = start(&registry);
    let status = known(&session, |status| status.failures > 0).await;
    assert_eq!((status.failures, status.registered), (1, false));
    assert_eq!(status.error.as_deref(), Some("in no mood (code 2)"));
    registry.set(Mood::Accepts);
    let status = known(&session, |status| status.registered).await;
    assert_eq!((status.failures, status.error), (0, None));
    assert_eq!(status.last_accepted, Some(Instant::now()));
    let seen: watch::Receiver<Status> = session.status();
    session.deregister(within(5)).await.unwrap();
    assert!(!seen.borrow().registered);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_registry_come_one_after_the_other() {
    const SESSIONS: usize = 100;
    let place = Place::new();
    let object = registry(&place.endpoint());
    let begin = |_| {
        Registration::at(&object)
            .unwrap()
            .start(instance(), State::Activating)
            .unwrap()
    };
    let sessions: Vec<_> = (0..SESSIONS).map(begin).collect();
    sleep(Duration::from_mins(3)).await;
    let back = Instant::now();
    let registry = EarRegistry::at(&place, Mood::Accepts).await;
    for session in &sessions {
        known(session, |status| status.registered).await;
    }
    let mut seconds = [0_usize; 16];
    for (told, at) in registry.told().iter().zip(registry.times()) {
        if matches!(told, Told::Startup(_)) {
            seconds[usize::try_from((at - back).as_secs()).unwrap()] += 1;
        }
    }
    assert_eq!(seconds.iter().sum::<usize>(), SESSIONS, "each once: {seconds:?}");
    assert!(seconds.iter().all(|count| *count < SESSIONS / 3), "{seconds:?}");
    assert!(seconds[8..].iter().sum::<usize>() > SESSIONS / 20, "{seconds:?}");
}

#[test]
fn it_takes_a_runtime() {
    let at = "tars.tarsregistry.Registry@tcp -h 127.0.0.1 -p 1";
    let error = Registration::at(at).unwrap().resume(instance()).unwrap_err();
    assert_eq!(error.code(), code::UNKNOWN);
    assert!(error.message().starts_with("cannot register the server: "), "{error}");
}
