//! What the machine's actions do.

use std::{io, process::Command, sync::Arc, time::Duration};

use tars::registration::{self, Session};
use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    command, cpu,
    leave::{self, Leaver},
    machine::{Action, Event, Machine, Notice},
    record::Record,
    registry, remains,
    report::{Reporter, words},
    running::{Ended, Running},
    tasks::Tasks,
};
use crate::{
    check::{Checks, Fault},
    cli,
    control::{Left, Phase, Status},
    generate::{Generated, HeldPorts},
    layout::Layout,
    leaving,
    output::Output,
    process::{Exit, Origin, Processes, Signal},
    server::ServerInfo,
    state::State,
};

/// A task has done its work.
pub(super) enum Done {
    /// A check of this number.
    Checked(u64, Result<(), Fault>),
    Cleaned(Option<Ended>),
    Stopped(Option<Ended>),
    /// Out of the registry, or the time for it is over.
    Gone(leaving::Outcome),
    /// Nothing more is told to the registry.
    Told,
}

/// How a start ends for which there is no worker number: as that of the supervisor itself.
const NO_WORKER_ID: Exit = Exit::Code(1);

/// Bytes of a server's last output that Kubernetes shows.
const LAST_WORDS: usize = 4 << 10;

/// Everything outside the machine.
pub(super) struct Effects<'a> {
    pub(super) args: &'a cli::Supervisor,
    pub(super) layout: &'a Layout,
    pub(super) info: ServerInfo,
    pub(super) processes: Processes,
    pub(super) tasks: Tasks<Done>,
    /// The server's process, or where its daemon came from.
    pub(super) server: Option<Running>,
    /// The server's ports, until it is started the first time.
    held: Option<HeldPorts>,
    /// When what is being ended for a new start has to be gone at the latest.
    clean_until: watch::Sender<Option<Instant>>,
    output: Output,
    record: Record,
    checks: Arc<Checks>,
    /// The number of the latest check, and what ends it.
    check: (u64, Option<AbortHandle>),
    session: Option<Session>,
    registry: watch::Receiver<registration::Status>,
    worker_id: Option<u32>,
    reporter: Reporter,
    phases: mpsc::UnboundedSender<Phase>,
    hurry: CancellationToken,
}

impl<'a> Effects<'a> {
    pub(super) fn new(
        args: &'a cli::Supervisor,
        layout: &'a Layout,
        processes: Processes,
        generated: Generated,
        phases: mpsc::UnboundedSender<Phase>,
    ) -> anyhow::Result<Self> {
        let Generated { info, held, .. } = generated;
        let checks = Arc::new(Checks::new(args, &info, processes.clone())?);
        // A server that cannot be registered as it is serves those who know it all the same.
        let session = registry::register(args, &info)
            .inspect_err(|error| tracing::error!("the server is not registered: {}", words(error)));
        let error = session.as_ref().err().map(words);
        let session = session.ok();
        let nobody = || watch::channel(registration::Status::default()).1;
        Ok(Self {
            args,
            layout,
            processes,
            tasks: Tasks::new(),
            server: None,
            held: Some(held),
            clean_until: watch::Sender::new(None),
            output: Output::to(layout.start_log()),
            record: Record::start(layout.clone()),
            checks,
            check: (0, None),
            registry: session.as_ref().map_or_else(nobody, Session::status),
            session,
            worker_id: None,
            reporter: Reporter::new(args, &info, error),
            info,
            phases,
            hurry: CancellationToken::new(),
        })
    }

    pub(super) fn status(&self) -> watch::Receiver<Status> {
        self.reporter.status()
    }

    pub(super) fn registry(&self) -> watch::Receiver<registration::Status> {
        self.registry.clone()
    }

    /// Says how things are, to those who ask.
    pub(super) fn publish(&self, machine: &Machine) {
        self.reporter
            .publish(machine, self.server.as_ref(), &self.registry.borrow());
    }

    pub(super) fn beat(&mut self, machine: &Machine) {
        self.record.beat(machine.state());
    }

    /// Does what the machine says. -> what came of it at once
    pub(super) fn act(&mut self, action: Action, machine: &Machine) -> Option<Event> {
        match action {
            Action::Start => return Some(self.start()),
            Action::Check => self.begin_check(machine.is_ready()),
            Action::ForgetCheck => self.forget_check(),
            Action::Clean => self.clean(),
            Action::CleanUntil(time) => drop(self.clean_until.send_replace(Some(time))),
            Action::Tell(state) => self.tell(state),
            Action::Leave { serve_on } => return self.leave(serve_on),
            Action::Hurry => self.hurry.cancel(),
            Action::Stop { signal, until } => self.stop(signal, until),
            Action::Say(notice) => self.say(notice),
            Action::Exit(_) => {}
        }
        None
    }

    fn start(&mut self) -> Event {
        // Nobody else gets the ports in the time it takes to start a program.
        self.held = None;
        if self.args.worker_id && self.worker_id.is_none() {
            tracing::error!("the server is not started: the registry gives it no worker number any more");
            return self.not_started(NO_WORKER_ID);
        }
        let mut command = command::of(self.args, self.layout);
        match command::run(&mut command, |command| self.spawn(command)) {
            Ok(server) => {
                self.server = Some(server);
                Event::Started
            }
            Err(error) => {
                tracing::error!("cannot start `{}`: {error}", command.get_program().display());
                self.not_started(command::exit_of(&error))
            }
        }
    }

    fn spawn(&self, command: &mut Command) -> io::Result<Running> {
        let processors = std::env::var_os("GOMAXPROCS").is_none().then(cpu::limit).flatten();
        command::surround(command, self.layout, self.worker_id, processors);
        let origin = Origin::new();
        origin.mark(command);
        let capture = self.output.capture(command)?;
        let process = self.processes.spawn(command)?;
        Ok(Running::new(process, capture, origin))
    }

    fn not_started(&mut self, exit: Exit) -> Event {
        self.record.exit(Ended {
            exit,
            pid: None,
            ran: Duration::ZERO,
        });
        Event::Ended {
            exit,
            leaves_processes: false,
        }
    }

    fn begin_check(&mut self, was_ready: bool) {
        let checks = Arc::clone(&self.checks);
        self.check.0 += 1;
        let number = self.check.0;
        let task = self.tasks.spawn(Event::Checked(false), async move {
            let result = if was_ready {
                checks.run_patiently().await
            } else {
                checks.run().await
            };
            Done::Checked(number, result)
        });
        self.check.1 = Some(task);
    }

    fn forget_check(&mut self) {
        self.check.0 += 1;
        if let Some(task) = self.check.1.take() {
            task.abort();
        }
    }

    fn clean(&mut self) {
        let server = self.server.take();
        let (processes, limit) = (self.processes.clone(), self.args.stop_timeout);
        let script = self.args.stop_path.clone();
        self.clean_until.send_replace(None);
        let cut = self.clean_until.subscribe();
        self.tasks.spawn(Event::Cleaned(None), async move {
            let gently = (script.as_deref(), limit);
            Done::Cleaned(remains::clean(&processes, server, gently, cut).await)
        });
    }

    fn stop(&mut self, signal: Signal, until: Instant) {
        let mut server = self.server.take();
        let processes = self.processes.clone();
        self.tasks.spawn(Event::Stopped(None), async move {
            Done::Stopped(remains::end(&processes, server.as_mut(), signal, until).await)
        });
    }

    fn tell(&mut self, state: State) {
        self.record.state(state);
        if let Some(session) = &self.session {
            session.report(registry::told(state));
        }
    }

    fn leave(&mut self, serve_on: bool) -> Option<Event> {
        let Some(session) = self.session.take() else {
            self.reporter.left(Left::TOLD, false);
            return Some(Event::Left);
        };
        let leaver = Leaver {
            session,
            admin: self
                .server
                .is_some()
                .then(|| self.info.conf.local.parse().ok())
                .flatten(),
            times: leave::times(self.args, serve_on),
            hurry: self.hurry.clone(),
            phases: self.phases.clone(),
            record: self.record.clone(),
        };
        self.tasks
            .spawn(Event::Left, async move { Done::Gone(leaver.leave().await) });
        None
    }

    /// Passes a signal on to the server's process; to the first process of a daemon.
    pub(super) fn pass_on(&self, signal: Signal) {
        match &self.server {
            Some(server) if server.is_daemon => {
                self.processes.signal_daemon(&server.process, &server.origin, signal);
            }
            Some(server) => server.process.signal(signal),
            None => {}
        }
    }

    /// The server's process ended.
    pub(super) fn ended(&mut self, exit: Exit) -> Event {
        let left = if exit == Exit::Code(0) { self.daemon() } else { 0 };
        let leaves_processes = left > 0;
        if leaves_processes {
            tracing::info!(
                processes = left,
                "the start command ended with code 0: what it left is taken as the server"
            );
        }
        if let Some(server) = &mut self.server {
            server.is_daemon = leaves_processes;
            server.is_told = true;
        }
        if !leaves_processes {
            self.note_end(exit);
        }
        Event::Ended { exit, leaves_processes }
    }

    /// One of the daemon's processes ended, or an orphan of something else.
    pub(super) fn orphan_ended(&mut self) -> Option<Event> {
        let server = self.server.as_ref()?;
        if self.processes.has_daemon(&server.process, &server.origin) {
            return None;
        }
        let exit = self.processes.last_of_daemon().unwrap_or(Exit::Code(0));
        self.note_end(exit);
        Some(Event::DaemonEnded(exit))
    }

    /// -> how many processes the ended start command has left
    fn daemon(&self) -> usize {
        let server = self.server.as_ref();
        server.map_or(0, |server| self.processes.daemon(&server.process, &server.origin).len())
    }

    fn say(&self, notice: Notice) {
        if matches!(notice, Notice::Ended(_)) {
            // The last of it may still have to be read: that is waited for when what was left behind is ended.
            self.note_last_words();
        }
        let pid = self.server.as_ref().and_then(Running::pid);
        self.reporter.say(notice, pid);
    }

    fn note_last_words(&self) {
        self.record.last_words(self.output.last(LAST_WORDS));
    }

    fn note_end(&mut self, exit: Exit) {
        if let Some(server) = &self.server {
            self.record.exit(server.ended(exit));
        }
    }

    /// The server and all it left behind are gone, and what they printed has been read.
    fn note(&mut self, ended: Option<Ended>) -> Option<Exit> {
        self.note_last_words();
        let ended = ended?;
        self.record.exit(ended);
        Some(ended.exit)
    }

    pub(super) fn done(&mut self, done: Done) -> Option<Event> {
        match done {
            Done::Checked(number, result) => {
                if number != self.check.0 {
                    return None;
                }
                let succeeded = result.is_ok();
                self.reporter.checked(result);
                Some(Event::Checked(succeeded))
            }
            Done::Cleaned(ended) => Some(Event::Cleaned(self.note(ended))),
            Done::Stopped(ended) => Some(Event::Stopped(self.note(ended))),
            Done::Gone(outcome) => Some(self.gone(outcome)),
            Done::Told => Some(Event::Left),
        }
    }

    fn gone(&mut self, outcome: leaving::Outcome) -> Event {
        self.reporter.left(outcome.left, outcome.rest.is_some());
        let Some(rest) = outcome.rest else {
            return Event::Left;
        };
        let record = self.record.clone();
        self.tasks.spawn(Event::Left, async move {
            leave::try_on(rest, record).await;
            Done::Told
        });
        Event::Leaving(Phase::Gone)
    }

    /// A task could not do its work. -> what stands for it
    pub(super) fn broken(&mut self, instead: Event) -> Event {
        if instead == Event::Left {
            // Somebody may wait for this answer.
            let error = Some("the task that tells the registry broke".to_owned());
            self.reporter.left(Left { told: false, error }, false);
        }
        instead
    }

    pub(super) fn registry_changed(&mut self) -> Option<Event> {
        let Some(number) = self.registry.borrow_and_update().worker_id else {
            if let Some(before) = self.worker_id.take() {
                tracing::warn!(
                    before,
                    "the registry gave no worker number this time: others may get the server's, and it is not started again \
                     without one"
                );
            }
            return None;
        };
        if let Some(before) = self.worker_id.filter(|before| *before != number) {
            tracing::warn!(
                before,
                now = number,
                "the registry gave another worker number: the server has the first until it is started again"
            );
        }
        self.worker_id = Some(number);
        Some(Event::WorkerId)
    }

    /// The end: the last words are where they belong, and those who asked have their answers.
    pub(super) async fn finish(mut self, machine: &Machine) {
        self.publish(machine);
        self.tasks.shutdown().await;
        tracing::debug!(orphans = self.processes.orphans(), "ending");
        self.note_last_words();
        tokio::join!(self.record.flush(), self.reporter.finish());
    }
}
