//! The supervisor's loop: waits for what happens, tells the machine, and does what it says. Nothing here blocks.

use std::{collections::VecDeque, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{
    effects::{Done, Effects},
    machine::{Action, Event, Machine},
};
use crate::{
    cli,
    control::{self, Listening, Order, Phase, Taken},
    files::{self, PUBLIC},
    generate::{self, Generated},
    layout::Layout,
    leaving::mark,
    process::{Exit, Processes, Signal, Signals},
    state::State,
};

/// Time between two looks at what tells nobody by itself, and two signs of life.
const TICK: Duration = Duration::from_secs(1);

/// How long those who asked at the socket may take to get their answers, at the end.
const ANSWERS: Duration = Duration::from_millis(200);

/// Orders that may wait.
const ORDERS: usize = 16;

/// Runs a Tars server until it has ended for good. The folder is this supervisor's. -> the code to end with
pub(super) async fn run(args: &cli::Supervisor, layout: &Layout, signals: Signals) -> anyhow::Result<u8> {
    let processes = Processes::start()?;
    forget_earlier_life(layout);
    let Some((signals, generated)) = generated(args, signals).await? else {
        return Ok(0);
    };
    for warning in &generated.warnings {
        tracing::warn!("{warning}");
    }
    Supervisor::new(args, layout, (signals, processes), generated)?
        .run()
        .await
}

/// Writes the configuration, which takes seconds where host names are looked up. `None` when the end is asked for
/// meanwhile: nothing runs yet. Other signals have nobody yet that they could reach.
async fn generated(args: &cli::Supervisor, mut signals: Signals) -> anyhow::Result<Option<(Signals, Generated)>> {
    let asked = async { while !matches!(signals.next().await, Signal::TERM | Signal::INT) {} };
    let generated = tokio::select! {
        generated = generate::genconf(&args.genconf, false) => generated?,
        () = asked => return Ok(None),
    };
    Ok(Some((signals, generated)))
}

/// A volume outlives the container. What it says of an earlier life must not be taken for this one's: until the socket is
/// there, probes go by the file.
fn forget_earlier_life(layout: &Layout) {
    if let Err(error) = mark::clear(layout) {
        tracing::warn!(%error, "cannot remove `{}`", layout.prestop_mark().display());
    }
    if let Err(error) = files::write(&layout.check_status(), State::Activating.as_str(), PUBLIC) {
        tracing::warn!("{error:#}");
    }
}

struct Supervisor<'a> {
    layout: &'a Layout,
    signals: Signals,
    machine: Machine,
    effects: Effects<'a>,
    orders: mpsc::Receiver<Order>,
    phases: mpsc::UnboundedReceiver<Phase>,
    registry: watch::Receiver<tars::registration::Status>,
    /// Events to be told to the machine.
    events: VecDeque<Event>,
    /// When the time is told next.
    tick: Instant,
    socket: Option<Listening>,
}

/// Something came in.
enum Happened {
    Signal(Signal),
    Order(Order),
    Ended(Exit),
    Orphan,
    Done(Done),
    Broken(Event),
    Leaving(Phase),
    Registry,
    Time,
}

impl<'a> Supervisor<'a> {
    fn new(
        args: &'a cli::Supervisor,
        layout: &'a Layout,
        (signals, processes): (Signals, Processes),
        generated: Generated,
    ) -> anyhow::Result<Self> {
        let (orders_in, orders) = mpsc::channel(ORDERS);
        let (phases_in, phases) = mpsc::unbounded_channel();
        let machine = Machine::new(super::settings(args), rand::random::<f64>, Instant::now());
        let effects = Effects::new(args, layout, processes, generated, phases_in)?;
        let socket = match control::serve(layout, effects.status(), orders_in) {
            Ok(listening) => Some(listening),
            Err(error) if error.is::<Taken>() => return Err(error),
            Err(error) => {
                tracing::warn!("{error:#}: probes look at files instead");
                None
            }
        };
        Ok(Self {
            layout,
            signals,
            machine,
            registry: effects.registry(),
            effects,
            orders,
            phases,
            events: VecDeque::from([Event::Begun]),
            tick: Instant::now() + TICK,
            socket,
        })
    }

    async fn run(mut self) -> anyhow::Result<u8> {
        loop {
            if let Some(code) = self.settle() {
                self.finish().await;
                tracing::info!("ending with code {code}");
                return Ok(code);
            }
            let happened = self.next().await;
            self.take(happened);
        }
    }

    /// Has the last words, and answers who asked.
    async fn finish(self) {
        let Self {
            machine,
            effects,
            orders,
            socket,
            ..
        } = self;
        // Nobody does any more what is ordered now.
        drop(orders);
        let answers = async {
            if let Some(socket) = socket {
                socket.finish(ANSWERS).await;
            }
        };
        // Side by side: little is left of the grace period.
        tokio::join!(effects.finish(&machine), answers);
    }

    /// Tells the machine all events, does what it says, and says how things are. -> the code when it is over
    fn settle(&mut self) -> Option<u8> {
        while let Some(event) = self.events.pop_front() {
            for action in self.machine.on(event, Instant::now()) {
                if let Action::Exit(code) = action {
                    return Some(code);
                }
                self.events.extend(self.effects.act(action, &self.machine));
            }
        }
        self.effects.publish(&self.machine);
        None
    }

    async fn next(&mut self) -> Happened {
        let time = self.machine.due().map_or(self.tick, |due| due.min(self.tick));
        let Effects {
            server,
            processes,
            tasks,
            ..
        } = &mut self.effects;
        let is_daemon = server.as_ref().is_some_and(|server| server.is_daemon);
        let process = server.as_mut().filter(|server| !server.is_daemon);
        let ended = async {
            match process {
                Some(server) => server.process.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = self.signals.next() => Happened::Signal(signal),
            exit = ended => Happened::Ended(exit),
            // Time is told when it has come, however much happens; orphans may end without a pause.
            () = sleep_until(time) => Happened::Time,
            Some(done) = tasks.next() => done.map_or_else(Happened::Broken, Happened::Done),
            Some(phase) = self.phases.recv() => Happened::Leaving(phase),
            Some(order) = self.orders.recv() => Happened::Order(order),
            Ok(()) = self.registry.changed() => Happened::Registry,
            () = processes.orphan_ended(), if is_daemon => Happened::Orphan,
        }
    }

    fn take(&mut self, happened: Happened) {
        let event = match happened {
            Happened::Signal(signal @ (Signal::TERM | Signal::INT)) => Some(Event::Asked(signal)),
            Happened::Signal(signal) => {
                self.effects.pass_on(signal);
                None
            }
            Happened::Ended(exit) => Some(self.effects.ended(exit)),
            Happened::Orphan => self.effects.orphan_ended(),
            Happened::Done(done) => self.effects.done(done),
            Happened::Broken(instead) => Some(self.effects.broken(instead)),
            Happened::Leaving(phase) => Some(Event::Leaving(phase)),
            Happened::Order(Order::Prestop) => Some(Event::Prestop),
            Happened::Order(Order::Live(here)) => {
                // Who asked may have gone.
                let _ = here.send(());
                None
            }
            Happened::Registry => self.effects.registry_changed(),
            Happened::Time => Some(self.time()),
        };
        self.events.extend(event);
    }

    fn time(&mut self) -> Event {
        let now = Instant::now();
        if now >= self.tick {
            self.tick = now + TICK;
            self.effects.beat(&self.machine);
        }
        Event::Tick {
            stop_mark: self.machine.is_to_start() && self.layout.stop_mark().exists(),
        }
    }
}
