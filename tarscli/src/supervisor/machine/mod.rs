//! What the supervisor does next. Pure: what happened goes in with the time, what to do comes out.

mod steps;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

use super::{
    checking::Checking,
    restart::{Policy, Restarts},
};
use crate::{
    control::Phase,
    process::{Exit, Signal},
    state::State,
};

/// What was set.
#[derive(Clone, Copy, Debug)]
pub(in crate::supervisor) struct Settings {
    pub(in crate::supervisor) check_interval: Duration,
    /// How long they fail before it is started again. Zero: never.
    pub(in crate::supervisor) watchdog: Duration,
    /// How long a start takes before that is an alarm.
    pub(in crate::supervisor) activating: Duration,
    pub(in crate::supervisor) restarts: Policy,
    /// From the word to end until SIGKILL.
    pub(in crate::supervisor) stop: Duration,
    /// From the request to leave until all is over.
    pub(in crate::supervisor) grace: Duration,
    /// The start waits for the worker number that long. `None`: it is not asked for.
    pub(in crate::supervisor) worker_id: Option<Duration>,
}

/// Something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::supervisor) enum Event {
    /// The supervisor has begun.
    Begun,
    /// The registry has given a worker number.
    WorkerId,
    /// The server's process runs.
    Started,
    /// It ended, or could not be started. Its start command may have left processes.
    Ended { exit: Exit, leaves_processes: bool },
    /// The last of the processes it left has ended.
    DaemonEnded(Exit),
    /// A check has succeeded or failed.
    Checked(bool),
    /// What an ended server left behind is gone, and the server, if it ran still.
    Cleaned(Option<Exit>),
    /// Time has passed.
    Tick { stop_mark: bool },
    /// Someone asks to leave the registry.
    Prestop,
    /// SIGTERM, SIGINT.
    Asked(Signal),
    /// Leaving has come so far.
    Leaving(Phase),
    /// Nothing more is told to the registry.
    Left,
    /// The server has been ended on request, with all it left behind.
    Stopped(Option<Exit>),
}

/// Something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::supervisor) enum Action {
    Start,
    Check,
    /// The running check is of no use any more.
    ForgetCheck,
    /// End what is left of the server, and run the operator's stop command.
    Clean,
    /// What is being ended for a new start has to be gone by then: there will be none.
    CleanUntil(Instant),
    /// Tell the registry, and the status file.
    Tell(State),
    /// Leave the registry; serving on for a while, or not.
    Leave {
        serve_on: bool,
    },
    /// Leave without waiting any longer.
    Hurry,
    /// End the server, by force from then on.
    Stop {
        signal: Signal,
        until: Instant,
    },
    Say(Notice),
    Exit(u8),
}

/// Something an operator may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::supervisor) enum Notice {
    Started,
    Ended(Exit),
    /// It is started again after a pause.
    Again(Duration),
    /// It ended, and is not started again as long as the operator's mark is there.
    Held,
    /// It will not be started again.
    Enough(Exit),
    /// It is not ready after so long.
    Late(Duration),
    Active,
    Inactive,
    /// Its checks fail for so long that it is ended.
    Watchdog(Duration),
    /// That was so too often: it will not be started again.
    EnoughHanging,
    NoWorkerId(Duration),
    /// It leaves, as this signal or, without one, a hook asks for it.
    Leaving(Option<Signal>),
    /// It leaves as a hook asked for it, and now it is asked to end.
    Asked(Signal),
    /// It gets the signal now, and SIGKILL when it does not end in that time.
    Stopping(Signal, Duration),
    /// It has ended as it was told to.
    Stopped(Exit),
}

impl Notice {
    /// Whether it is done because somebody has asked for the end.
    pub(in crate::supervisor) fn is_of_the_end(self) -> bool {
        matches!(
            self,
            Self::Leaving(_) | Self::Asked(_) | Self::Stopping(..) | Self::Stopped(_)
        )
    }
}

/// Where the server's processes are in their life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    /// Not started: the worker number is missing.
    Waiting {
        until: Instant,
    },
    /// Being started, or running.
    Running {
        since: Instant,
        /// What it is now.
        by: By,
    },
    /// It ended; its remains are being ended.
    Cleaning {
        then: Then,
    },
    Pausing {
        until: Instant,
    },
    /// Not started: the operator's mark is there.
    Held,
    /// Being ended on request.
    Stopping,
    Gone,
}

/// Who the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The process that was started.
    Itself,
    /// What the start command left when it ended with 0 before the server was ready.
    Daemon,
    /// The same after the server was ready: when the checks fail, it was no daemon but its remains.
    Doubtful,
}

/// What comes when the remains are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Again(Duration),
    Enough,
}

/// On the way out.
#[derive(Clone, Copy, Debug)]
struct Leaving {
    since: Instant,
    /// The signal the server gets. `None`: nobody asked it to end yet.
    signal: Option<Signal>,
    phase: Phase,
    /// Nothing more is told to the registry.
    left: bool,
    /// A code that counts more than the server's.
    code: Option<u8>,
}

/// The supervisor's state.
#[derive(Debug)]
pub(in crate::supervisor) struct Machine {
    settings: Settings,
    /// A number from 0 to 1.
    chance: fn() -> f64,
    begun: Instant,
    state: State,
    server: Server,
    checking: Checking,
    restarts: Restarts,
    /// It was ready once.
    was_ready: bool,
    is_late: bool,
    last_exit: Option<Exit>,
    leaving: Option<Leaving>,
    actions: Vec<Action>,
}

impl Machine {
    pub(in crate::supervisor) fn new(settings: Settings, chance: fn() -> f64, now: Instant) -> Self {
        Self {
            settings,
            chance,
            begun: now,
            state: State::Activating,
            server: Server::Gone,
            checking: Checking::new(settings.check_interval, now),
            restarts: Restarts::new(settings.restarts),
            was_ready: false,
            is_late: false,
            last_exit: None,
            leaving: None,
            actions: Vec::new(),
        }
    }

    /// Takes note of what happened. -> what to do, in this order
    pub(in crate::supervisor) fn on(&mut self, event: Event, now: Instant) -> Vec<Action> {
        match event {
            Event::Begun => self.begin(now),
            Event::WorkerId => self.start_when_waiting(now),
            Event::Started => self.act(Action::Say(Notice::Started)),
            Event::Ended { exit, leaves_processes } => self.ended(exit, leaves_processes, now),
            Event::DaemonEnded(exit) => self.over(exit, now),
            Event::Checked(is_ready) => self.checked(is_ready, now),
            Event::Cleaned(exit) => self.cleaned(exit, now),
            Event::Tick { stop_mark } => self.tick(stop_mark, now),
            Event::Prestop => self.leave(None, now),
            Event::Asked(signal) => self.leave(Some(signal), now),
            Event::Leaving(phase) => self.leaving_at(phase, now),
            Event::Left => self.left(now),
            Event::Stopped(exit) => {
                if let Some(exit) = exit {
                    self.act(Action::Say(Notice::Stopped(exit)));
                }
                self.last_exit = exit.or(self.last_exit);
                self.server = Server::Gone;
            }
        }
        self.exit_when_over();
        std::mem::take(&mut self.actions)
    }

    /// When time has to be told at the latest.
    pub(in crate::supervisor) fn due(&self) -> Option<Instant> {
        match self.server {
            Server::Waiting { until } | Server::Pausing { until } => Some(until),
            Server::Running { .. } if self.leaving.is_none() => self.checking.due(),
            _ => None,
        }
    }

    pub(in crate::supervisor) fn state(&self) -> State {
        self.state
    }

    /// Whether it will be started as soon as nothing is against it.
    pub(in crate::supervisor) fn is_to_start(&self) -> bool {
        matches!(self.server, Server::Pausing { .. } | Server::Held)
    }

    /// Whether the server's last check succeeded.
    pub(in crate::supervisor) fn is_ready(&self) -> bool {
        matches!(self.server, Server::Running { .. }) && self.checking.is_ready()
    }

    pub(in crate::supervisor) fn was_ready(&self) -> bool {
        self.was_ready
    }

    pub(in crate::supervisor) fn restarts(&self) -> u32 {
        self.restarts.total()
    }

    pub(in crate::supervisor) fn last_exit(&self) -> Option<Exit> {
        self.last_exit
    }

    /// How far its end has come.
    pub(in crate::supervisor) fn phase(&self) -> Option<Phase> {
        self.leaving.map(|leaving| leaving.phase)
    }

    /// Why the server is not running, when it is not meant to be.
    pub(in crate::supervisor) fn idle(&self) -> Option<&'static str> {
        match self.server {
            Server::Waiting { .. } => Some("it waits for its worker number"),
            Server::Cleaning { .. } => Some("it ended; what it left behind is being ended"),
            Server::Pausing { .. } => Some("it ended; it is started again after a pause"),
            Server::Held => Some("it ended; it is not started again as long as data/stop exists"),
            Server::Stopping => Some("it is being ended"),
            Server::Gone => Some("it has ended"),
            Server::Running { .. } => None,
        }
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    fn begin(&mut self, now: Instant) {
        self.act(Action::Tell(State::Activating));
        match self.settings.worker_id {
            Some(wait) => self.server = Server::Waiting { until: now + wait },
            None => self.start(now),
        }
    }

    fn start_when_waiting(&mut self, now: Instant) {
        if matches!(self.server, Server::Waiting { .. }) {
            self.start(now);
        }
    }

    fn start(&mut self, now: Instant) {
        self.server = Server::Running {
            since: now,
            by: By::Itself,
        };
        self.checking.started(now);
        self.act(Action::Start);
    }

    fn tell(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.act(Action::Tell(state));
        }
    }
}
