//! A command that is no Tars server: this program is an init for it and nothing else. Nothing is written anywhere, and
//! the command has this program's own input and output.

use std::process::Command;

use tokio::time::{Instant, sleep_until};

use super::{
    command,
    restart::{Policy, Restarts},
};
use crate::{
    cli,
    layout::Layout,
    process::{self, Exit, Process, Processes, Signal, Signals, take_terminal},
};

/// Whether nothing tells of a Tars server.
pub(super) fn is_meant(args: &cli::Supervisor, layout: &Layout) -> bool {
    let is_said = |name: &Option<String>| name.as_ref().is_some_and(|name| !name.is_empty());
    let is_named = is_said(&args.genconf.application) || is_said(&args.genconf.server);
    !args.server_command.is_empty() && !is_named && !layout.meta().exists()
}

/// Runs the command until it has ended, with all it left behind. -> its code
pub(super) async fn run(args: &cli::Supervisor, layout: &Layout, signals: Signals) -> anyhow::Result<u8> {
    let mut init = Init {
        args,
        signals,
        processes: Processes::start()?,
        end: None,
    };
    let limit = args.max_restarts.unwrap_or(0);
    let mut restarts = Restarts::new(Policy {
        limit,
        ..super::policy(args)
    });
    loop {
        let begin = Instant::now();
        let exit = init.life(&mut command::of(args, layout)).await;
        if init.end.is_some() {
            return Ok(exit.code());
        }
        let Some(pause) = restarts.ended(begin.elapsed(), rand::random()) else {
            return Ok(exit.code());
        };
        tracing::warn!(%exit, ?pause, "the command ended; it is started again after a pause");
        if !init.pause(Instant::now() + pause).await {
            return Ok(exit.code());
        }
    }
}

struct Init<'a> {
    args: &'a cli::Supervisor,
    signals: Signals,
    processes: Processes,
    /// When everything has to be over, once an end was asked for.
    end: Option<Instant>,
}

impl Init<'_> {
    /// One run of the command.
    async fn life(&mut self, command: &mut Command) -> Exit {
        let exit = match command::run(command, |command| self.processes.spawn(command)) {
            Ok(process) => {
                take_terminal(&process);
                self.watch(process).await
            }
            Err(error) => {
                let program = command.get_program().display();
                tracing::error!("cannot start `{program}`: {error}");
                command::exit_of(&error)
            }
        };
        self.end_remains().await;
        exit
    }

    /// Ends what the command left behind: in its own time, and in the grace period when SIGTERM comes meanwhile.
    async fn end_remains(&mut self) {
        let own = Instant::now() + self.args.stop_timeout;
        loop {
            let until = self.end.map_or(own, |end| own.min(end));
            tokio::select! {
                _ = process::end(&self.processes, None, Signal::TERM, until) => return,
                signal = self.signals.next() => self.note(signal),
            }
        }
    }

    /// From SIGTERM on, time runs.
    fn note(&mut self, signal: Signal) {
        if signal == Signal::TERM && self.end.is_none() {
            self.end = Some(Instant::now() + self.args.grace.grace_period);
        }
    }

    /// Passes every signal on. A command that does not heed SIGTERM is killed when the grace period is over.
    async fn watch(&mut self, mut process: Process) -> Exit {
        loop {
            let end = self.end;
            let is_over = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                exit = process.ended() => return exit,
                signal = self.signals.next() => {
                    process.signal(signal);
                    self.note(signal);
                }
                () = is_over => {
                    process.signal_group(Signal::KILL);
                    return process.ended().await;
                }
            }
        }
    }

    /// Waits, unless a signal asks for the end. -> whether the time has come
    async fn pause(&mut self, until: Instant) -> bool {
        loop {
            tokio::select! {
                () = sleep_until(until) => return true,
                signal = self.signals.next() => if matches!(signal, Signal::TERM | Signal::INT) {
                    return false;
                },
            }
        }
    }
}
