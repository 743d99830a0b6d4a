//! Signals this program gets.

use std::{future::poll_fn, io, task::Poll};

use nix::sys::signal::SigSet;
use rustix::{
    process::{Pid, getpgrp},
    termios::{tcgetpgrp, tcsetpgrp},
};
use rustix_libc_wrappers::process::SignalExt as _;
use tokio::signal::unix::{self, SignalKind, signal};

use super::{Process, Signal};

/// Those that are listened to: what an init forwards. Not the faults of this very process, not what stops it for reading
/// or writing at a terminal, and not what nobody can catch.
const LISTENED: [Signal; 16] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::USR1,
    Signal::USR2,
    Signal::ALARM,
    Signal::TERM,
    Signal::CONT,
    Signal::TSTP,
    Signal::URG,
    Signal::XCPU,
    Signal::VTALARM,
    Signal::PROF,
    Signal::WINCH,
    Signal::IO,
    Signal::POWER,
];

/// The signals this program gets, one after the other. They do nothing by themselves from then on.
#[derive(Debug)]
pub(crate) struct Signals(Vec<(Signal, unix::Signal)>);

impl Signals {
    /// Begins to listen, to the realtime signals too. Needs tokio's runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let listen = |name: Signal| Ok((name, signal(SignalKind::from_raw(name.as_raw()))?));
        let realtime = (0..).map_while(Signal::rt);
        let signals = LISTENED.into_iter().chain(realtime).map(listen);
        let signals = Self(signals.collect::<io::Result<_>>()?);
        // Whoever started this program may have blocked some: they would not be heard, by its children neither. This comes
        // last, as those that wait already are heard then. Threads, and children, take it from this thread.
        SigSet::empty().thread_set_mask()?;
        Ok(signals)
    }

    /// Waits for the next one. Two of the same kind at once may come as one, as always with signals.
    pub(crate) async fn next(&mut self) -> Signal {
        poll_fn(|cx| {
            for (name, stream) in &mut self.0 {
                if let Poll::Ready(Some(())) = stream.poll_recv(cx) {
                    return Poll::Ready(*name);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Gives the terminal at standard input, if it is ours, to the process: its group is not ours, and only one group may read
/// a terminal and gets its Ctrl-C.
pub(crate) fn take_terminal(process: &Process) {
    let stdin = io::stdin();
    // Who is in the background would be stopped for asking.
    let is_ours = tcgetpgrp(&stdin).is_ok_and(|group| group == getpgrp());
    let Some(group) = Pid::from_raw(process.pid()).filter(|_| is_ours) else {
        return;
    };
    if tcsetpgrp(&stdin, group).is_ok() {
        // It may have read before it was allowed to, and have been stopped for that.
        process.signal_group(Signal::CONT);
    }
}
