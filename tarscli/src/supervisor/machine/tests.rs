use super::*;

const SETTINGS: Settings = Settings {
    check_interval: Duration::from_secs(10),
    watchdog: Duration::ZERO,
    activating: Duration::from_mins(5),
    restarts: Policy {
        limit: 2,
        first: Duration::from_secs(1),
        most: Duration::from_mins(1),
        reset: Duration::from_mins(5),
    },
    stop: Duration::from_secs(5),
    grace: Duration::from_secs(29),
    worker_id: None,
};

const CRASH: Exit = Exit::Code(7);
const TERMED: Exit = Exit::Signal {
    number: 15,
    core: false,
};

/// A machine and its clock, which only moves when it is told to.
struct Play {
    machine: Machine,
    now: Instant,
}

impl Play {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        Self {
            machine: Machine::new(settings, || 1.0, now),
            now,
        }
    }

    /// One that has begun.
    fn begun(settings: Settings) -> Self {
        let mut play = Self::new(settings);
        assert_eq!(play.on(Event::Begun), [Action::Tell(State::Activating), Action::Start]);
        play.on(Event::Started);
        play
    }

    /// One whose server is ready.
    fn active(settings: Settings) -> Self {
        let mut play = Self::begun(settings);
        play.check(true);
        assert_eq!(play.machine.state(), State::Active);
        play
    }

    fn on(&mut self, event: Event) -> Vec<Action> {
        self.machine.on(event, self.now)
    }

    /// What there is to say.
    fn says(&mut self, event: Event) -> Vec<Notice> {
        let actions = self.on(event).into_iter();
        let said = actions.filter_map(|action| match action {
            Action::Say(notice) => Some(notice),
            _ => None,
        });
        said.collect()
    }

    /// What there is to do, without what is only said.
    fn does(&mut self, event: Event) -> Vec<Action> {
        let mut actions = self.on(event);
        actions.retain(|action| !matches!(action, Action::Say(_) | Action::ForgetCheck));
        actions
    }

    fn tick(&mut self) -> Vec<Action> {
        self.does(Event::Tick { stop_mark: false })
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Waits for the next check, and lets it end so.
    fn check(&mut self, succeeds: bool) -> Vec<Action> {
        self.now = self.machine.due().unwrap();
        assert_eq!(self.tick(), [Action::Check]);
        self.does(Event::Checked(succeeds))
    }

    fn crash(&mut self) -> Vec<Action> {
        self.does(Event::Ended {
            exit: CRASH,
            leaves_processes: false,
        })
    }

    fn stop(&self, signal: Signal, seconds: u64) -> Action {
        let until = self.now + Duration::from_secs(seconds);
        Action::Stop { signal, until }
    }
}

fn ended(exit: Exit) -> Event {
    Event::Ended {
        exit,
        leaves_processes: false,
    }
}

#[test]
fn the_words_of_a_life() {
    let mut play = Play::begun(SETTINGS);
    assert_eq!(play.check(false), []);
    assert_eq!(play.check(true), [Action::Tell(State::Active)]);
    assert!(play.machine.is_ready() && play.machine.was_ready());
    assert_eq!(play.check(true), []);
    assert_eq!(
        play.crash(),
        [Action::Tell(State::Inactive), Action::Clean],
        "inactive at once"
    );
    assert!(!play.machine.is_ready() && play.machine.was_ready());
    assert_eq!(play.does(Event::Cleaned(None)), []);
    assert_eq!(play.tick(), [], "a pause first");
    play.wait(1);
    assert_eq!(play.tick(), [Action::Start]);
    assert_eq!(play.machine.state(), State::Inactive, "until it is ready again");
    assert_eq!(play.check(true), [Action::Tell(State::Active)]);
    assert_eq!(play.machine.restarts(), 1);
}

#[test]
fn a_server_that_was_never_ready_stays_activating() {
    let mut play = Play::begun(SETTINGS);
    assert_eq!(play.crash(), [Action::Clean]);
    assert_eq!(play.machine.state(), State::Activating);
    assert_eq!(play.machine.last_exit(), Some(CRASH));
}

#[test]
fn a_check_that_fails_makes_it_inactive() {
    let mut play = Play::active(SETTINGS);
    assert_eq!(play.check(false), [Action::Tell(State::Inactive)]);
    assert_eq!(play.check(true), [Action::Tell(State::Active)]);
}

#[test]
fn after_too_many_restarts_it_leaves_and_ends_with_the_servers_code() {
    let mut play = Play::active(SETTINGS);
    for _ in 0..2 {
        play.crash();
        play.does(Event::Cleaned(None));
        play.wait(60);
        assert_eq!(play.tick(), [Action::Start]);
    }
    let said = play.on(ended(CRASH));
    assert!(said.contains(&Action::Say(Notice::Enough(CRASH))), "{said:?}");
    assert_eq!(
        play.does(Event::Cleaned(None)),
        [Action::Tell(State::Deactivating), Action::Leave { serve_on: false }]
    );
    assert_eq!(play.does(Event::Leaving(Phase::Gone)), []);
    assert_eq!(play.does(Event::Left), [Action::Exit(7)]);
}

#[test]
fn a_signal_drains_then_stops_then_exits() {
    for (exit, code) in [
        (Exit::Code(0), 0),
        (TERMED, 0),
        (Exit::Code(143), 0),
        (Exit::Code(3), 3),
        (Exit::Signal { number: 9, core: false }, 137),
    ] {
        let mut play = Play::active(SETTINGS);
        assert_eq!(
            play.does(Event::Asked(Signal::TERM)),
            [Action::Tell(State::Deactivating), Action::Leave { serve_on: true }]
        );
        play.wait(20);
        assert_eq!(play.does(Event::Leaving(Phase::Draining)), []);
        assert_eq!(play.tick(), [], "no check any more");
        let stop = play.stop(Signal::TERM, 5);
        assert_eq!(play.does(Event::Leaving(Phase::Gone)), [stop]);
        assert_eq!(play.machine.phase(), Some(Phase::Stopping));
        assert_eq!(play.does(Event::Left), []);
        assert_eq!(play.does(Event::Stopped(Some(exit))), [Action::Exit(code)], "{exit}");
    }
}

#[test]
fn each_step_of_the_end_is_told_once() {
    let time = SETTINGS.stop;
    let mut play = Play::active(SETTINGS);
    assert_eq!(
        play.says(Event::Asked(Signal::TERM)),
        [Notice::Leaving(Some(Signal::TERM))]
    );
    assert_eq!(play.says(Event::Asked(Signal::TERM)), []);
    assert_eq!(
        play.says(Event::Leaving(Phase::Gone)),
        [Notice::Stopping(Signal::TERM, time)]
    );
    assert_eq!(play.says(Event::Left), []);
    assert_eq!(play.says(Event::Stopped(Some(TERMED))), [Notice::Stopped(TERMED)]);

    let mut play = Play::active(SETTINGS);
    assert_eq!(play.says(Event::Prestop), [Notice::Leaving(None)]);
    assert_eq!(play.says(Event::Prestop), []);
    assert_eq!(play.says(Event::Left), []);
    assert_eq!(
        play.says(Event::Asked(Signal::INT)),
        [Notice::Asked(Signal::INT), Notice::Stopping(Signal::INT, time)]
    );

    let mut play = Play::active(SETTINGS);
    play.on(Event::Asked(Signal::TERM));
    assert_eq!(play.says(ended(CRASH)), [Notice::Ended(CRASH)]);
    assert_eq!(play.says(Event::Stopped(None)), [], "it was told when it ended");
}

#[test]
fn an_interrupt_is_passed_on_as_one() {
    let mut play = Play::active(SETTINGS);
    play.on(Event::Asked(Signal::INT));
    let stop = play.stop(Signal::INT, 5);
    assert_eq!(play.does(Event::Left), [stop]);
    let interrupted = Exit::Signal { number: 2, core: false };
    assert_eq!(play.does(Event::Stopped(Some(interrupted))), [Action::Exit(0)]);
}

#[test]
fn the_end_of_the_grace_period_cuts_the_time_to_stop() {
    let mut play = Play::active(SETTINGS);
    play.on(Event::Asked(Signal::TERM));
    play.wait(26);
    let stop = play.stop(Signal::TERM, 2);
    assert_eq!(play.does(Event::Leaving(Phase::Gone)), [stop]);
    let mut play = Play::active(SETTINGS);
    play.on(Event::Asked(Signal::TERM));
    play.wait(40);
    let stop = play.stop(Signal::TERM, 0);
    assert_eq!(play.does(Event::Leaving(Phase::Gone)), [stop]);
}

#[test]
fn in_a_short_grace_period_too_the_server_has_time_to_stop() {
    // A third of it is the registry's, which is away; a ninth is for the end itself.
    for grace in [100, 900, 1500, 2000, 9000].map(Duration::from_millis) {
        let mut play = Play::active(Settings { grace, ..SETTINGS });
        play.on(Event::Asked(Signal::TERM));
        let end = play.now + grace.saturating_sub(grace / 9);
        play.now += grace / 3;
        let (signal, until) = (Signal::TERM, end.min(play.now + SETTINGS.stop));
        assert_eq!(
            play.does(Event::Leaving(Phase::Gone)),
            [Action::Stop { signal, until }],
            "{grace:?}"
        );
    }
}

#[test]
fn a_hook_leaves_the_server_running_until_the_signal() {
    let mut play = Play::active(SETTINGS);
    assert_eq!(
        play.does(Event::Prestop),
        [Action::Tell(State::Deactivating), Action::Leave { serve_on: true }]
    );
    assert_eq!(play.does(Event::Prestop), [], "the same end");
    assert_eq!(play.does(Event::Leaving(Phase::Gone)), []);
    assert_eq!(play.does(Event::Left), []);
    play.wait(5);
    let stop = play.stop(Signal::TERM, 5);
    assert_eq!(play.does(Event::Asked(Signal::TERM)), [stop]);
    assert_eq!(play.does(Event::Asked(Signal::TERM)), [], "it is being ended");
    assert_eq!(play.does(Event::Stopped(Some(TERMED))), [Action::Exit(0)]);
}

#[test]
fn a_signal_goes_on_where_the_hook_is_and_a_second_one_hurries() {
    let mut play = Play::active(SETTINGS);
    play.on(Event::Prestop);
    assert_eq!(play.does(Event::Asked(Signal::TERM)), []);
    assert_eq!(play.does(Event::Asked(Signal::TERM)), [Action::Hurry]);
    let stop = play.stop(Signal::TERM, 5);
    assert_eq!(play.does(Event::Leaving(Phase::Gone)), [stop]);
}

#[test]
fn a_server_that_ends_while_it_leaves_is_not_started_again() {
    let mut play = Play::active(SETTINGS);
    play.on(Event::Asked(Signal::TERM));
    let stop = play.stop(Signal::TERM, 5);
    assert_eq!(play.crash(), [Action::Hurry, stop]);
    assert_eq!(play.does(Event::Stopped(None)), []);
    assert_eq!(play.does(Event::Left), [Action::Exit(7)]);
}

#[test]
fn a_signal_in_a_pause_has_nothing_to_serve_on() {
    let mut play = Play::active(SETTINGS);
    play.crash();
    play.on(Event::Cleaned(None));
    assert_eq!(
        play.does(Event::Asked(Signal::TERM)),
        [Action::Tell(State::Deactivating), Action::Leave { serve_on: false }]
    );
    play.wait(60);
    assert_eq!(play.tick(), [], "it is not started again");
    assert_eq!(play.does(Event::Left), [Action::Exit(7)]);
}

#[test]
fn a_signal_while_remains_are_ended_waits_for_that() {
    let mut play = Play::active(SETTINGS);
    play.crash();
    play.on(Event::Asked(Signal::TERM));
    assert_eq!(play.does(Event::Left), []);
    assert_eq!(play.does(Event::Cleaned(None)), [Action::Exit(7)]);
}

#[test]
fn a_signal_bounds_the_time_in_which_remains_are_ended() {
    for (grace, milliseconds) in [(29_000, 5000), (5400, 4800), (900, 800), (0, 0)] {
        let grace = Duration::from_millis(grace);
        let mut play = Play::active(Settings { grace, ..SETTINGS });
        play.crash();
        let until = play.now + Duration::from_millis(milliseconds);
        assert_eq!(
            play.does(Event::Asked(Signal::TERM)),
            [
                Action::Tell(State::Deactivating),
                Action::CleanUntil(until),
                Action::Leave { serve_on: false }
            ]
        );
    }
}

#[test]
fn a_hook_of_long_ago_leaves_the_server_its_time_to_stop() {
    let mut play = Play::active(SETTINGS);
    play.on(Event::Prestop);
    play.on(Event::Left);
    play.wait(27);
    assert_eq!(play.does(Event::Tick { stop_mark: false }), []);
    play.wait(3600);
    let stop = play.stop(Signal::TERM, 5);
    assert_eq!(play.does(Event::Asked(Signal::TERM)), [stop]);

    let mut play = Play::active(SETTINGS);
    play.on(Event::Prestop);
    play.on(Event::Left);
    play.wait(27);
    let stop = play.stop(Signal::TERM, 1);
    assert_eq!(play.does(Event::Asked(Signal::TERM)), [stop], "the hook's own signal");

    let mut play = Play::active(SETTINGS);
    play.on(Event::Prestop);
    play.on(Event::Left);
    play.wait(3600);
    let stop = play.stop(Signal::TERM, 5);
    assert_eq!(play.crash(), [Action::Hurry, stop], "what it left behind, too");
}

#[test]
fn what_a_start_command_leaves_is_the_server() {
    let left = Event::Ended {
        exit: Exit::Code(0),
        leaves_processes: true,
    };
    let mut play = Play::begun(SETTINGS);
    assert_eq!(play.does(left), []);
    assert_eq!(play.check(true), [Action::Tell(State::Active)]);
    assert_eq!(
        play.does(Event::DaemonEnded(CRASH)),
        [Action::Tell(State::Inactive), Action::Clean]
    );

    let mut play = Play::begun(SETTINGS);
    let failed = Event::Ended {
        exit: CRASH,
        leaves_processes: true,
    };
    assert_eq!(play.does(failed), [Action::Clean], "a start command that failed");
}

#[test]
fn what_is_left_after_the_server_was_ready_is_the_server_only_when_its_checks_say_so() {
    let left = Event::Ended {
        exit: Exit::Code(0),
        leaves_processes: true,
    };
    let mut play = Play::active(SETTINGS);
    assert_eq!(play.does(left), []);
    assert_eq!(play.check(false), [Action::Tell(State::Inactive), Action::Clean]);

    let mut play = Play::active(SETTINGS);
    play.on(left);
    for _ in 0..5 {
        assert_eq!(play.check(true), []);
    }
    assert_eq!(play.machine.state(), State::Active);
}

#[test]
fn an_operators_mark_holds_the_server_until_it_goes() {
    let mut play = Play::active(SETTINGS);
    play.crash();
    play.on(Event::Cleaned(None));
    play.wait(60);
    assert_eq!(play.on(Event::Tick { stop_mark: true }), [Action::Say(Notice::Held)]);
    play.wait(3600);
    assert_eq!(play.does(Event::Tick { stop_mark: true }), []);
    assert!(play.machine.idle().is_some());
    assert_eq!(play.tick(), [Action::Start]);
}

#[test]
fn a_watchdog_starts_a_hanging_server_again() {
    let watchdog = Duration::from_secs(30);
    let mut play = Play::active(Settings { watchdog, ..SETTINGS });
    while play.machine.state() == State::Active {
        play.check(false);
    }
    play.wait(30);
    assert_eq!(play.tick(), [Action::Clean]);
    assert_eq!(play.does(Event::Cleaned(None)), []);
    play.wait(1);
    assert_eq!(play.tick(), [Action::Start]);
    play.wait(31);
    assert_eq!(play.tick(), [Action::Clean], "a start that takes too long, too");
}

#[test]
fn a_watchdog_that_gives_up_says_so() {
    let watchdog = Duration::from_secs(30);
    let restarts = Policy {
        limit: 0,
        ..SETTINGS.restarts
    };
    let mut play = Play::begun(Settings {
        watchdog,
        restarts,
        ..SETTINGS
    });
    play.wait(30);
    let said = play.on(Event::Tick { stop_mark: false });
    assert!(said.contains(&Action::Say(Notice::EnoughHanging)), "{said:?}");
    assert_eq!(
        play.does(Event::Cleaned(Some(TERMED))),
        [Action::Tell(State::Deactivating), Action::Leave { serve_on: false }]
    );
    assert_eq!(play.does(Event::Left), [Action::Exit(143)]);
}

#[test]
fn a_late_start_is_told_once() {
    let mut play = Play::begun(SETTINGS);
    play.wait(300);
    let tick = Event::Tick { stop_mark: false };
    assert!(
        play.on(tick)
            .contains(&Action::Say(Notice::Late(Duration::from_mins(5))))
    );
    play.wait(300);
    assert!(!play.on(tick).iter().any(|action| matches!(action, Action::Say(_))));
}

#[test]
fn the_start_waits_for_a_worker_number() {
    let worker_id = Some(Duration::from_mins(1));
    let mut play = Play::new(Settings { worker_id, ..SETTINGS });
    assert_eq!(play.on(Event::Begun), [Action::Tell(State::Activating)]);
    play.wait(59);
    assert_eq!(play.tick(), []);
    assert_eq!(play.on(Event::WorkerId), [Action::Start]);
    assert_eq!(play.on(Event::WorkerId), [], "once");

    let mut play = Play::new(Settings { worker_id, ..SETTINGS });
    play.on(Event::Begun);
    play.wait(60);
    assert_eq!(
        play.tick(),
        [Action::Tell(State::Deactivating), Action::Leave { serve_on: false }]
    );
    assert_eq!(play.does(Event::Left), [Action::Exit(1)]);
}

#[test]
fn nobody_knows_a_server_that_was_never_ready() {
    let mut play = Play::begun(SETTINGS);
    assert_eq!(
        play.does(Event::Asked(Signal::TERM)),
        [Action::Tell(State::Deactivating), Action::Leave { serve_on: false }]
    );
    let stop = play.stop(Signal::TERM, 5);
    assert_eq!(play.does(Event::Left), [stop]);
}
