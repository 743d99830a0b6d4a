//! Worker ids: who has which, and when it is another's.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use prometheus_client::metrics::counter::Counter;

use super::on_both;
use super::world::{MySqlWorld, RULES, World, mysql, startup};
use crate::domain::lease::Overdue;
use crate::domain::worker::{WorkerId, WorkerWish};
use crate::domain::{Registration, State};
use crate::store::{BeatOutcome, CleanScope, Look, MySqlStore, Store};

on_both! {
    an_instance_has_the_smallest_free_number_and_keeps_it
    who_does_not_ask_has_none
    each_application_has_its_own_numbers
    a_wish_is_granted_when_the_number_is_free
    the_number_of_who_ended_rests
    the_number_of_who_does_not_ask_any_more_rests
    the_number_of_who_expired_rests_and_is_its_own_when_it_is_back
    who_lost_its_number_has_to_register_again
    the_number_of_who_was_cleaned_rests_and_is_its_own_when_it_is_back
    who_was_cleaned_and_lost_its_number_has_to_register_again
    who_is_destroyed_has_no_number
    other_instances_of_a_node_keep_their_numbers
    when_all_are_taken_one_registers_without
    forty_at_once_have_forty_numbers
    who_comes_back_and_who_comes_new_never_share
    old_numbers_are_forgotten
}

fn registration(node: &str, worker: WorkerWish) -> Registration {
    Registration {
        worker,
        ..Registration::from_request(&startup(node, "S")).unwrap()
    }
}

/// Registers `App.S` with a wish.
async fn register(world: &impl World, node: &str, worker: WorkerWish) -> WorkerId {
    world.store().register(&registration(node, worker)).await.unwrap()
}

/// Registers `App.S`, asking for any number. -> the number
async fn ask(world: &impl World, node: &str) -> i64 {
    given(register(world, node, WorkerWish::Wanted(None)).await)
}

fn given(worker: WorkerId) -> i64 {
    match worker {
        WorkerId::Given(number) => number,
        other => panic!("no number: {other:?}"),
    }
}

/// Lets what was freed have been freed so many seconds ago.
async fn rest(world: &impl World, seconds: u32) {
    let set = format!("freed_at = {}", world.utc_ago(seconds));
    world
        .exec(&format!(
            "UPDATE tarsregistry_worker SET {set} WHERE freed_at IS NOT NULL"
        ))
        .await;
}

async fn expire(world: &impl World, node: &str) {
    world.silence(node, "S", 121).await;
    let look = Look {
        holder: "a".into(),
        lead: Some(std::time::Duration::from_mins(1)),
    };
    let census = world.store().census(&look).await.unwrap().census.unwrap();
    let seen: Vec<Overdue> = census.overdue;
    assert_eq!(world.store().expire(&seen).await.unwrap().len(), 1);
}

async fn clean(world: &impl World, node: &str) {
    let set = "last_heartbeat = '2001-01-01 00:00:00', present_state = 'inactive'";
    world
        .exec(&format!("UPDATE t_node_info SET {set} WHERE node_name = '{node}'"))
        .await;
    let scope = CleanScope {
        cut_off: "2002-01-01 00:00:00".into(),
        all_nodes: true,
    };
    let cleaned = world.store().clean_batch(&scope, &[node.to_owned()]).await.unwrap();
    assert_eq!(cleaned.nodes, [node]);
}

/// Polls them all until all are ready.
async fn at_once<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    let all = poll_fn(move |cx| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *output = Some(value);
            }
        }
        if outputs.iter().any(Option::is_none) {
            return Poll::Pending;
        }
        Poll::Ready(outputs.drain(..).flatten().collect())
    });
    pin!(all).await
}

async fn an_instance_has_the_smallest_free_number_and_keeps_it(world: impl World) {
    for (node, number) in [("n1", 0), ("n2", 1), ("n3", 2)] {
        assert_eq!(ask(&world, node).await, number);
    }
    assert_eq!(ask(&world, "n2").await, 1);
    let wish = WorkerWish::Wanted(Some(9));
    assert_eq!(given(register(&world, "N1", wish).await), 0, "what it has is its own");
    assert_eq!(world.count("tarsregistry_worker").await, "3");
}

async fn who_does_not_ask_has_none(world: impl World) {
    assert_eq!(register(&world, "n1", WorkerWish::Unwanted).await, WorkerId::None);
    assert_eq!(world.count("tarsregistry_worker").await, "0");
    assert_eq!(world.count("tarsregistry_application").await, "0");
}

async fn each_application_has_its_own_numbers(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    let mut other = startup("n1", "S");
    other.application = "Other".into();
    other.adapters.clear();
    let other = Registration {
        worker: WorkerWish::Wanted(None),
        ..Registration::from_request(&other).unwrap()
    };
    assert_eq!(given(world.store().register(&other).await.unwrap()), 0);
    let mut server = startup("n1", "T");
    server.adapters.clear();
    let server = Registration {
        worker: WorkerWish::Wanted(None),
        ..Registration::from_request(&server).unwrap()
    };
    assert_eq!(given(world.store().register(&server).await.unwrap()), 1);
}

async fn a_wish_is_granted_when_the_number_is_free(world: impl World) {
    let wish = |number| WorkerWish::Wanted(Some(number));
    assert_eq!(given(register(&world, "n1", wish(7)).await), 7);
    assert_eq!(given(register(&world, "n2", wish(7)).await), 0);
    assert_eq!(given(register(&world, "n3", wish(1023)).await), 1023);
}

async fn the_number_of_who_ended_rests(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    world.stop("n1", "S").await;
    assert_eq!(ask(&world, "n2").await, 1);
    assert_eq!(ask(&world, "n1").await, 0, "its own, also while it rests");
    world.stop("n1", "S").await;
    rest(&world, 238).await;
    assert_eq!(ask(&world, "n3").await, 2);
    rest(&world, 241).await;
    assert_eq!(ask(&world, "n4").await, 0, "after two leases");
    assert_eq!(ask(&world, "n1").await, 3);
}

async fn the_number_of_who_does_not_ask_any_more_rests(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    assert_eq!(register(&world, "n1", WorkerWish::Unwanted).await, WorkerId::None);
    assert_eq!(ask(&world, "n2").await, 1);
    rest(&world, 241).await;
    assert_eq!(register(&world, "n1", WorkerWish::Unwanted).await, WorkerId::None);
    assert_eq!(ask(&world, "n3").await, 0, "asking for none again begins no new rest");
    // Who wants none loses nothing.
    assert_eq!(register(&world, "n1", WorkerWish::Unwanted).await, WorkerId::None);
    expire(&world, "n1").await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Back);
}

async fn the_number_of_who_expired_rests_and_is_its_own_when_it_is_back(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    expire(&world, "n1").await;
    assert_eq!(ask(&world, "n2").await, 1);
    rest(&world, 241).await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Back);
    assert_eq!(ask(&world, "n3").await, 2, "held again");
    assert_eq!(ask(&world, "n1").await, 0);
}

async fn who_lost_its_number_has_to_register_again(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    expire(&world, "n1").await;
    rest(&world, 241).await;
    assert_eq!(ask(&world, "n2").await, 0);
    for _ in 0..2 {
        assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Unknown);
        assert_eq!(world.server_state("n1", "S").await, "inactive");
    }
    assert_eq!(given(register(&world, "n1", WorkerWish::Wanted(Some(0))).await), 1);
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Taken);
}

async fn the_number_of_who_was_cleaned_rests_and_is_its_own_when_it_is_back(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    clean(&world, "n1").await;
    assert_eq!(ask(&world, "n2").await, 1);
    rest(&world, 241).await;
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Recreated);
    assert_eq!(ask(&world, "n3").await, 2, "held again");
    assert_eq!(ask(&world, "n1").await, 0);
}

async fn who_was_cleaned_and_lost_its_number_has_to_register_again(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    clean(&world, "n1").await;
    rest(&world, 241).await;
    assert_eq!(ask(&world, "n2").await, 0);
    assert_eq!(world.beat("n1", "S", State::Active).await, BeatOutcome::Unknown);
    assert_eq!(world.server_state("n1", "S").await, "-");
    assert_eq!(ask(&world, "n1").await, 1);
}

async fn who_is_destroyed_has_no_number(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    world.beat("n1", "S", State::Destroyed).await;
    rest(&world, 241).await;
    assert_eq!(ask(&world, "n2").await, 0);
}

async fn other_instances_of_a_node_keep_their_numbers(world: impl World) {
    assert_eq!(ask(&world, "n1").await, 0);
    let other = Registration {
        worker: WorkerWish::Wanted(None),
        ..Registration::from_request(&startup("n1", "T")).unwrap()
    };
    assert_eq!(given(world.store().register(&other).await.unwrap()), 1);
    expire(&world, "n1").await;
    let freed = "SELECT number FROM tarsregistry_worker WHERE freed_at IS NOT NULL";
    assert_eq!(world.value(freed).await, "0");
}

async fn when_all_are_taken_one_registers_without(world: impl World) {
    let rows: Vec<String> = (0..1024).map(|n| format!("('App', {n}, 'X', 'x{n}')")).collect();
    world
        .exec(&format!(
            "INSERT INTO tarsregistry_worker (application, number, server_name, node_name) VALUES {}",
            rows.join(", ")
        ))
        .await;
    let wish = WorkerWish::Wanted(None);
    assert_eq!(register(&world, "n1", wish).await, WorkerId::Exhausted);
    assert_eq!(world.server_state("n1", "S").await, "active");
    world.exec("DELETE FROM tarsregistry_worker WHERE number = 500").await;
    assert_eq!(ask(&world, "n1").await, 500);
}

async fn forty_at_once_have_forty_numbers(world: impl World) {
    let ask = |n: i32| ask_owned(&world, format!("n{n}"));
    let mut numbers = at_once((0..40).map(ask)).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..40).collect::<Vec<i64>>());
}

async fn ask_owned(world: &impl World, node: String) -> i64 {
    ask(world, &node).await
}

async fn who_comes_back_and_who_comes_new_never_share(world: impl World) {
    for round in 0..20 {
        assert!(ask(&world, "old").await >= 0);
        world.stop("old", "S").await;
        rest(&world, 241).await;
        let new = format!("new{round}");
        let (a, b) = tokio::join!(ask(&world, "old"), ask(&world, &new));
        assert_ne!(a, b, "round {round}");
    }
}

async fn old_numbers_are_forgotten(world: impl World) {
    ask(&world, "n1").await;
    ask(&world, "n2").await;
    world.stop("n1", "S").await;
    assert_eq!(world.store().forget_tombstones().await.unwrap(), 0);
    rest(&world, 8 * 24 * 60 * 60).await;
    assert_eq!(world.store().forget_tombstones().await.unwrap(), 1);
    assert_eq!(world.value("SELECT number FROM tarsregistry_worker").await, "1");
}

#[tokio::test]
async fn two_replicas_give_no_number_twice() {
    let world: MySqlWorld = mysql().await;
    let other = MySqlStore::new(&world.address, 4, RULES, Counter::default()).unwrap();
    let stores = [world.store(), &other];
    let register = |n: usize| async move {
        let registration = registration(&format!("n{n}"), WorkerWish::Wanted(None));
        given(stores[n % 2].register(&registration).await.unwrap())
    };
    let mut numbers = at_once((0..40).map(register)).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..40).collect::<Vec<i64>>());
}
