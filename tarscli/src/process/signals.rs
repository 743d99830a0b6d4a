//! Signals this program gets.

use std::{future::poll_fn, io, task::Poll};

use rustix::{
    process::{Pid, getpgrp},
    termios::{tcgetpgrp, tcsetpgrp},
};
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
    /// Begins to listen. Needs tokio's runtime.
    pub(crate) fn listen() -> io::Result<Self> {
        let listen = |name: Signal| Ok((name, signal(SignalKind::from_raw(name.as_raw()))?));
        LISTENED.into_iter().map(listen).collect::<io::Result<_>>().map(Self)
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
