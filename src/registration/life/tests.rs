//! What is said, in which order.

use super::Outcome::{Accepted, Failed, Forgotten, Refused};
use super::State::{Activating, Active, Deactivating, Inactive};
use super::Step::{Beat, Metrics, Prestop, Startup};
use super::*;

impl Life {
    /// Makes the call that is due. -> the call and the pause after it
    fn call(&mut self, outcome: Outcome) -> (Step, Pause) {
        let step = self.step().unwrap();
        self.sent(step);
        (step, self.ended(step, outcome))
    }

    /// An instance that has registered in a state and told that once.
    fn registered(state: State) -> Self {
        let mut life = Self::new(state, false);
        life.call(Accepted);
        assert_eq!(life.call(Accepted), (Beat(state), Pause::Beat));
        life
    }

    fn be(&mut self, state: State) -> bool {
        self.wish(Wish::to_be(Some(state)))
    }

    fn out(&mut self) -> bool {
        self.wish(Wish { out: true, ..self.wish })
    }
}

/// Plays outcomes and checks the calls they answer and the pauses they cause.
fn play(has_metrics: bool, calls: &[(Step, Outcome, Pause)]) {
    let mut life = Life::new(Active, has_metrics);
    for (index, (step, outcome, pause)) in calls.iter().enumerate() {
        assert_eq!(life.call(*outcome), (*step, *pause), "call {index}");
    }
}

#[test]
fn registers_and_beats() {
    play(
        false,
        &[
            (Startup(Active), Accepted, Pause::None),
            (Beat(Active), Accepted, Pause::Beat),
            (Beat(Active), Accepted, Pause::Beat),
        ],
    );
}

#[test]
fn the_metrics_port_is_told_once_for_each_registration() {
    play(
        true,
        &[
            (Startup(Active), Accepted, Pause::None),
            (Metrics, Accepted, Pause::None),
            (Beat(Active), Accepted, Pause::Beat),
            (Beat(Active), Forgotten, Pause::Forgotten(1)),
            (Startup(Active), Accepted, Pause::None),
            (Metrics, Refused, Pause::None),
            (Beat(Active), Accepted, Pause::Beat),
            (Beat(Active), Accepted, Pause::Beat),
        ],
    );
}

#[test]
fn a_metrics_port_that_failed_never_holds_up_the_beats() {
    let mut life = Life::new(Active, true);
    life.call(Accepted);
    let mut beats = Vec::new();
    for failures in 1..=7 {
        assert_eq!(life.call(Failed), (Metrics, Pause::None));
        assert_eq!((life.metrics_failures(), life.failures()), (failures, 0));
        beats.push(0);
        while life.step() == Some(Beat(Active)) {
            assert_eq!(life.call(Accepted).1, Pause::Beat);
            *beats.last_mut().unwrap() += 1;
        }
    }
    assert_eq!(beats, [1, 2, 4, 8, 16, 16, 16]);
    assert_eq!(life.call(Accepted), (Metrics, Pause::None));
    for _ in 0..100 {
        assert_eq!(life.call(Accepted), (Beat(Active), Pause::Beat));
    }
}

#[test]
fn a_registry_that_goes_on_forgetting_is_asked_ever_more_slowly() {
    let mut life = Life::new(Active, false);
    for round in 1..=100 {
        assert_eq!(life.call(Accepted), (Startup(Active), Pause::None));
        assert_eq!(life.call(Forgotten), (Beat(Active), Pause::Forgotten(round)));
    }
    life.call(Accepted);
    assert_eq!(life.call(Accepted).1, Pause::Beat);
    assert_eq!(
        life.call(Forgotten).1,
        Pause::Forgotten(1),
        "an accepted beat ends the row"
    );
    let beat = Duration::from_mins(1);
    for (count, most) in [(1, 1000), (2, 2000), (3, 4000), (6, 30_000), (u32::MAX, 30_000)] {
        let longest = (0..100).map(|_| Pause::Forgotten(count).time(beat).as_millis()).max();
        assert!(longest.is_some_and(|time| time <= most && time > most / 2), "{count}");
    }
}

#[test]
fn failures_are_repeated_ever_more_slowly_and_refusals_slowly() {
    play(
        false,
        &[
            (Startup(Active), Failed, Pause::Failures(1)),
            (Startup(Active), Failed, Pause::Failures(2)),
            (Startup(Active), Refused, Pause::Refusal),
            (Startup(Active), Accepted, Pause::None),
            (Beat(Active), Failed, Pause::Failures(1)),
            (Beat(Active), Refused, Pause::RefusedBeat),
            (Beat(Active), Failed, Pause::Failures(2)),
            (Beat(Active), Refused, Pause::RefusedBeat),
            (Beat(Active), Accepted, Pause::Beat),
            (Beat(Active), Failed, Pause::Failures(1)),
        ],
    );
}

#[test]
fn a_change_of_state_is_told_at_once_and_only_once() {
    let mut life = Life::registered(Activating);
    assert!(!life.be(Activating), "nothing new");
    assert!(life.be(Active));
    assert_eq!(life.call(Accepted), (Beat(Active), Pause::Beat));
    assert!(!life.be(Active));
    assert!(
        life.be(Inactive) && !life.be(Active),
        "it changed back before it was told"
    );
    assert_eq!(life.call(Accepted), (Beat(Active), Pause::Beat));
}

#[test]
fn a_state_that_changes_during_a_call_is_told_after_it() {
    let mut life = Life::new(Activating, false);
    let step = life.step().unwrap();
    life.sent(step);
    life.ended(step, Accepted);
    assert!(life.be(Active));
    let step = life.step().unwrap();
    life.sent(step);
    assert_eq!(life.ended(step, Accepted), Pause::Beat);
    // The beat that ended said `active`.
    assert!(life.be(Inactive));
    assert_eq!(life.step(), Some(Beat(Inactive)));
}

#[test]
fn who_registers_says_the_present_state_whatever_it_was() {
    let mut life = Life::new(Activating, false);
    assert_eq!(life.call(Failed), (Startup(Activating), Pause::Failures(1)));
    assert!(!life.be(Active), "a registry in trouble is not asked sooner");
    assert_eq!(life.call(Accepted), (Startup(Active), Pause::None));
    assert_eq!(life.call(Forgotten), (Beat(Active), Pause::Forgotten(1)));
    assert!(!life.be(Inactive), "nor one that has lost its data");
    assert_eq!(life.call(Accepted), (Startup(Inactive), Pause::None));
}

#[test]
fn failing_beats_carry_the_present_state() {
    let mut life = Life::registered(Active);
    assert_eq!(life.call(Failed), (Beat(Active), Pause::Failures(1)));
    assert!(!life.be(Inactive));
    assert_eq!(life.call(Refused), (Beat(Inactive), Pause::RefusedBeat));
    assert_eq!(life.call(Accepted), (Beat(Inactive), Pause::Beat));
}

#[test]
fn who_leaves_says_so_at_once_and_then_goes() {
    let mut life = Life::registered(Active);
    assert!(life.be(Deactivating));
    assert_eq!(life.call(Failed), (Beat(Deactivating), Pause::Farewell(1)));
    assert!(!life.be(Deactivating));
    assert_eq!(life.call(Accepted).0, Beat(Deactivating));
    assert_eq!((life.deactivation(), life.step()), (Farewell::Told, None));
    assert!(life.out());
    assert_eq!(life.call(Failed), (Prestop, Pause::Farewell(1)));
    assert_eq!(life.removal(), Farewell::Due(1));
    assert_eq!(life.call(Accepted).0, Prestop);
    assert_eq!((life.removal(), life.step()), (Farewell::Told, None));
}

#[test]
fn who_leaves_does_not_register_again() {
    let mut life = Life::registered(Active);
    life.be(Deactivating);
    assert_eq!(life.call(Forgotten).0, Beat(Deactivating));
    assert_eq!((life.deactivation(), life.step()), (Farewell::Told, None));
    let mut life = Life::registered(Active);
    assert_eq!(life.call(Forgotten), (Beat(Active), Pause::Forgotten(1)));
    assert!(life.be(Deactivating), "before it did");
    assert_eq!(life.step(), Some(Beat(Deactivating)));
}

#[test]
fn who_may_have_been_registered_is_taken_out_and_who_cannot_needs_no_word() {
    let mut life = Life::new(Activating, false);
    life.call(Failed);
    assert!(life.be(Deactivating));
    assert_eq!(life.call(Failed).0, Beat(Deactivating));
    assert!(life.out());
    assert_eq!(life.call(Accepted).0, Prestop);

    let mut life = Life::new(Activating, false);
    life.be(Deactivating);
    assert_eq!((life.deactivation(), life.step()), (Farewell::Needless, None));
    life.out();
    assert_eq!((life.removal(), life.step()), (Farewell::Needless, None));
}

#[test]
fn a_farewell_ends_when_it_is_refused_or_was_tried_often_enough() {
    let mut life = Life::registered(Active);
    let wish = Wish {
        state: Some(Deactivating),
        out: false,
        tries: 2,
    };
    life.wish(wish);
    life.call(Failed);
    assert_eq!(life.deactivation(), Farewell::Due(1));
    life.call(Failed);
    assert_eq!((life.deactivation(), life.step()), (Farewell::GivenUp, None));
    life.out();
    life.call(Refused);
    assert_eq!((life.removal(), life.step()), (Farewell::GivenUp, None));
}

#[test]
fn who_was_registered_by_another_is_silent_until_asked() {
    let mut life = Life::resumed(false);
    assert_eq!(life.step(), None);
    assert!(life.be(Inactive));
    assert_eq!(life.call(Accepted), (Beat(Inactive), Pause::Beat));
    let mut life = Life::resumed(false);
    assert!(life.be(Deactivating));
    assert_eq!(life.call(Accepted).0, Beat(Deactivating));
    let mut life = Life::resumed(false);
    assert!(life.out());
    assert_eq!(life.call(Accepted).0, Prestop);
}

/// 300 instances whose registry was away for long are back within one window, evenly.
#[test]
fn no_herd_comes_when_the_registry_is_back() {
    let beat = Duration::from_secs(15);
    let back = Duration::from_mins(5);
    let mut seconds = [0_u32; 15];
    for _ in 0..300 {
        let mut life = Life::registered(Active);
        let mut now = Duration::ZERO;
        while now < back {
            now += life.call(Failed).1.time(beat);
        }
        let after = usize::try_from(now.saturating_sub(back).as_secs()).unwrap();
        seconds[after.min(14)] += 1;
    }
    assert_eq!(seconds.iter().sum::<u32>(), 300);
    assert!(seconds.iter().all(|count| *count < 80), "{seconds:?}");
    assert!(seconds[10..].iter().sum::<u32>() > 10, "{seconds:?}");
}

#[test]
fn pauses_have_bounds() {
    let beat = Duration::from_secs(10);
    for count in 0..40 {
        assert!(Pause::Failures(count).time(beat) <= beat);
        assert!(Pause::Failures(count).time(beat * 10) <= Pause::MOST);
        assert!(Pause::Failures(1).time(beat) <= Pause::FIRST);
    }
    assert!((9_000..=11_000).contains(&Pause::Beat.time(beat).as_millis()));
    assert!(Pause::Refusal.time(beat) > Duration::from_secs(50));
    assert!(
        Pause::RefusedBeat.time(beat) <= Duration::from_secs(11),
        "a beat is due then"
    );
    assert!(Pause::RefusedBeat.time(beat * 100) <= Duration::from_secs(66));
    assert_eq!(Pause::None.time(beat), Duration::ZERO);
    for count in 0..40 {
        let pause = Pause::Farewell(count).time(beat);
        assert!((100..=1000).contains(&pause.as_millis()), "{pause:?}");
    }
}
