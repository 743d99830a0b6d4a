//! What each event means.

use std::time::Duration;

use tokio::time::Instant;

use super::{Action, By, Leaving, Machine, Notice, Server, Then};
use crate::{
    control::Phase,
    process::{Exit, Signal},
    state::State,
    supervisor::checking::Meaning,
};

/// Time at the end of the grace period in which nothing is begun any more; of a short one a ninth, as all its parts shrink.
const RESERVE: Duration = Duration::from_secs(1);

/// The code of a supervisor that got no worker number.
const NO_WORKER_ID: u8 = 1;

impl Machine {
    /// The start command, or the server, ended.
    pub(super) fn ended(&mut self, exit: Exit, leaves_processes: bool, now: Instant) {
        let Server::Running { since, by: By::Itself } = self.server else {
            return;
        };
        if exit != Exit::Code(0) || !leaves_processes {
            return self.over(exit, now);
        }
        let by = if self.checking.is_ready() {
            self.checking.hurry(now);
            By::Doubtful
        } else {
            By::Daemon
        };
        self.server = Server::Running { since, by };
    }

    /// The server is no more.
    pub(super) fn over(&mut self, exit: Exit, now: Instant) {
        let Server::Running { since, .. } = self.server else {
            return;
        };
        self.last_exit = Some(exit);
        self.act(Action::Say(Notice::Ended(exit)));
        self.no_server();
        if self.leaving.is_some() {
            // There is nothing to serve on.
            self.renew_grace(now);
            self.server = Server::Stopping;
            self.act(Action::Hurry);
            self.stop_remains(now);
            return;
        }
        let pause = self.restarts.ended(now - since, (self.chance)());
        if pause.is_none() {
            self.act(Action::Say(Notice::Enough(exit)));
        }
        self.clean(pause.map_or(Then::Enough, Then::Again));
    }

    /// Nothing is ready any more.
    fn no_server(&mut self) {
        self.checking.ended();
        self.act(Action::ForgetCheck);
        if self.state == State::Active {
            self.tell(State::Inactive);
        }
    }

    fn clean(&mut self, then: Then) {
        self.server = Server::Cleaning { then };
        self.act(Action::Clean);
    }

    pub(super) fn cleaned(&mut self, exit: Option<Exit>, now: Instant) {
        self.last_exit = exit.or(self.last_exit);
        let Server::Cleaning { then } = self.server else {
            return;
        };
        match then {
            _ if self.leaving.is_some() => self.server = Server::Gone,
            Then::Again(pause) => {
                self.act(Action::Say(Notice::Again(pause)));
                self.server = Server::Pausing { until: now + pause };
            }
            Then::Enough => {
                self.server = Server::Gone;
                let code = self.last_exit.map(Exit::code);
                self.give_up(code, now);
            }
        }
    }

    /// Leaves because there is no server any more.
    fn give_up(&mut self, code: Option<u8>, now: Instant) {
        self.leaving = Some(Leaving {
            since: now,
            signal: None,
            phase: Phase::Deactivating,
            left: false,
            code,
        });
        self.tell(State::Deactivating);
        self.act(Action::Leave { serve_on: false });
    }

    pub(super) fn checked(&mut self, succeeded: bool, now: Instant) {
        let Server::Running { by, .. } = self.server else {
            return;
        };
        let meaning = self.checking.checked(succeeded, now);
        if self.leaving.is_some() {
            return;
        }
        match meaning {
            Meaning::Nothing => {}
            Meaning::Ready => {
                self.was_ready = true;
                self.tell(State::Active);
                self.act(Action::Say(Notice::Active));
            }
            Meaning::NotReady => {
                self.tell(State::Inactive);
                self.act(Action::Say(Notice::Inactive));
            }
        }
        if meaning == Meaning::NotReady && by == By::Doubtful {
            self.over(Exit::Code(0), now);
        }
    }

    pub(super) fn tick(&mut self, stop_mark: bool, now: Instant) {
        if self.leaving.is_some() {
            return;
        }
        self.alarm_when_late(now);
        match self.server {
            Server::Waiting { until } if until <= now => {
                self.server = Server::Gone;
                let wait = self.settings.worker_id.unwrap_or_default();
                self.act(Action::Say(Notice::NoWorkerId(wait)));
                self.give_up(Some(NO_WORKER_ID), now);
            }
            Server::Pausing { until } if until <= now && stop_mark => {
                self.server = Server::Held;
                self.act(Action::Say(Notice::Held));
            }
            Server::Pausing { until } if until <= now => self.start(now),
            Server::Held if !stop_mark => self.start(now),
            Server::Running { since, .. } => self.look(since, now),
            _ => {}
        }
    }

    fn look(&mut self, since: Instant, now: Instant) {
        let watchdog = self.settings.watchdog;
        let failing = self.checking.failing(now).filter(|_| !watchdog.is_zero());
        if let Some(failing) = failing.filter(|failing| *failing >= watchdog) {
            self.act(Action::Say(Notice::Watchdog(failing)));
            self.no_server();
            let pause = self.restarts.ended(now - since, (self.chance)());
            if pause.is_none() {
                self.act(Action::Say(Notice::EnoughHanging));
            }
            return self.clean(pause.map_or(Then::Enough, Then::Again));
        }
        if self.checking.begins(now) {
            self.act(Action::Check);
        }
    }

    fn alarm_when_late(&mut self, now: Instant) {
        let waited = now - self.begun;
        if !self.was_ready && !self.is_late && waited >= self.settings.activating {
            self.is_late = true;
            self.act(Action::Say(Notice::Late(waited)));
        }
    }

    /// Someone wants an end: without a signal only that of calls, with one that of the server too.
    pub(super) fn leave(&mut self, signal: Option<Signal>, now: Instant) {
        self.renew_grace(now);
        if let Some(leaving) = &mut self.leaving {
            let was_asked = leaving.signal.is_some();
            leaving.signal = leaving.signal.or(signal);
            let phase = leaving.phase;
            if let Some(signal) = signal.filter(|_| !was_asked) {
                self.act(Action::Say(Notice::Asked(signal)));
            }
            if phase >= Phase::Gone {
                self.stop_when_asked(now);
            } else if was_asked && signal.is_some() {
                self.act(Action::Hurry);
            }
            return;
        }
        self.leaving = Some(Leaving {
            since: now,
            signal,
            phase: Phase::Deactivating,
            left: false,
            code: None,
        });
        self.act(Action::Say(Notice::Leaving(signal)));
        self.act(Action::ForgetCheck);
        self.tell(State::Deactivating);
        // Clients know of a server only once it is active.
        let serve_on = self.was_ready && matches!(self.server, Server::Running { .. });
        if matches!(
            self.server,
            Server::Waiting { .. } | Server::Pausing { .. } | Server::Held
        ) {
            self.server = Server::Gone;
        }
        if matches!(self.server, Server::Cleaning { .. }) {
            let until = self.stop_until(now, now);
            self.act(Action::CleanUntil(until));
        }
        self.act(Action::Leave { serve_on });
    }

    pub(super) fn leaving_at(&mut self, phase: Phase, now: Instant) {
        if let Some(leaving) = &mut self.leaving {
            leaving.phase = leaving.phase.max(phase);
        }
        if phase >= Phase::Gone {
            self.stop_when_asked(now);
        }
    }

    /// Nothing more is told to the registry.
    pub(super) fn left(&mut self, now: Instant) {
        if let Some(leaving) = &mut self.leaving {
            leaving.left = true;
        }
        self.leaving_at(Phase::Gone, now);
    }

    fn stop_when_asked(&mut self, now: Instant) {
        let Some(signal) = self.leaving.and_then(|leaving| leaving.signal) else {
            return;
        };
        if let Server::Running { by, .. } = self.server {
            if by != By::Itself {
                // How a daemon ends cannot be seen; how an earlier server ended says nothing of it.
                self.last_exit = None;
            }
            let time = self.stop(signal, now);
            self.act(Action::Say(Notice::Stopping(signal, time)));
        }
    }

    /// Ends what an ended server left behind.
    fn stop_remains(&mut self, now: Instant) {
        let _ = self.stop(Signal::TERM, now);
    }

    /// -> the time until it is ended by force
    fn stop(&mut self, signal: Signal, now: Instant) -> Duration {
        let Some(leaving) = &mut self.leaving else {
            return Duration::ZERO;
        };
        if leaving.phase >= Phase::Gone {
            leaving.phase = Phase::Stopping;
        }
        let since = leaving.since;
        let until = self.stop_until(since, now);
        self.server = Server::Stopping;
        self.act(Action::Stop { signal, until });
        until - now
    }

    /// When what is to end is ended by force: after its time, and in the grace period that began at `since`.
    fn stop_until(&self, since: Instant, now: Instant) -> Instant {
        let end = since + self.useful_grace();
        (now + self.settings.stop).min(end).max(now)
    }

    /// A hook's grace period that is over bounds nothing any more: an operator may have called it long ago. Who asks for
    /// the end then gives another one.
    fn renew_grace(&mut self, now: Instant) {
        let grace = self.useful_grace();
        if let Some(leaving) = &mut self.leaving
            && leaving.signal.is_none()
            && now >= leaving.since + grace
        {
            leaving.since = now;
        }
    }

    /// The grace period without its reserve.
    fn useful_grace(&self) -> Duration {
        let grace = self.settings.grace;
        grace.saturating_sub(RESERVE.min(grace / 9))
    }

    /// All is over when the server is, and the registry has been told. A server that runs and only left the registry
    /// waits for a signal.
    pub(super) fn exit_when_over(&mut self) {
        let Some(leaving) = self.leaving.filter(|leaving| leaving.left) else {
            return;
        };
        if self.server == Server::Gone {
            let code = leaving.code.unwrap_or_else(|| self.exit_code(leaving.signal));
            self.act(Action::Exit(code));
        }
    }

    /// A server that ended by the signal it was sent, or well, did what was asked.
    fn exit_code(&self, sent: Option<Signal>) -> u8 {
        let code = self.last_exit.map_or(0, Exit::code);
        let asked = sent.and_then(|signal| u8::try_from(128 + signal.as_raw()).ok());
        if Some(code) == asked { 0 } else { code }
    }
}
