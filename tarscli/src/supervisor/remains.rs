//! The end of a server, with all it left behind.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::running::{Ended, Running};
use crate::process::{self, Exit, Processes, Signal};

/// How long the last of a server's output may take to be read.
const OUTPUT: Duration = Duration::from_millis(500);

/// Makes place for a new start: the operator's command first, as he knows best, then a word and SIGKILL at the limit, or
/// as soon as the time in `cut` has come. -> how the server ended, if nobody knows it yet
pub(super) async fn clean(
    processes: &Processes,
    mut server: Option<Running>,
    (script, limit): (Option<&str>, Duration),
    cut: watch::Receiver<Option<Instant>>,
) -> Option<Ended> {
    tokio::select! {
        ended = clean_in_turn(processes, server.as_mut(), script, limit) => ended,
        () = reached(cut) => end(processes, server.as_mut(), Signal::KILL, Instant::now()).await,
    }
}

async fn clean_in_turn(
    processes: &Processes,
    server: Option<&mut Running>,
    script: Option<&str>,
    limit: Duration,
) -> Option<Ended> {
    if let Some(text) = script.filter(|text| !text.is_empty()) {
        match process::shell(processes, text, limit).await {
            Ok(Exit::Code(0)) => {}
            Ok(exit) => tracing::warn!(%exit, "the stop command failed"),
            Err(error) => tracing::warn!(%error, "the stop command failed"),
        }
    }
    end(processes, server, Signal::TERM, Instant::now() + limit).await
}

/// Until the time that may be said meanwhile.
async fn reached(mut cut: watch::Receiver<Option<Instant>>) {
    let said = cut.wait_for(Option::is_some).await.ok().and_then(|cut| *cut);
    match said {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Ends the server: `signal` now, SIGKILL at `until`. -> how it ended, if nobody knows it yet
pub(super) async fn end(
    processes: &Processes,
    server: Option<&mut Running>,
    signal: Signal,
    until: Instant,
) -> Option<Ended> {
    let Some(server) = server else {
        process::end(processes, None, signal, until).await;
        return None;
    };
    let exit = process::end(processes, Some(&mut server.process), signal, until).await;
    let ended = exit.filter(|_| !server.is_told).map(|exit| server.ended(exit));
    server.capture.ended(OUTPUT).await;
    ended
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tokio::time::timeout;

    use super::*;
    use crate::{output::Output, process::Origin};

    const LONG: Duration = Duration::from_secs(30);

    /// Starts a server and waits until it has said something.
    async fn start(processes: &Processes, text: &str) -> (Running, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", text]);
        let output = Output::to(folder.path().join("start.log"));
        let capture = output.capture(&mut command).unwrap();
        let process = processes.spawn(&mut command).unwrap();
        while output.last(1).is_empty() {
            tokio::task::yield_now().await;
        }
        (Running::new(process, capture, Origin::new()), folder)
    }

    #[tokio::test]
    async fn an_end_that_the_loop_has_not_seen_is_told() {
        for is_told in [false, true] {
            let processes = Processes::start().unwrap();
            let (mut server, _folder) = start(&processes, "echo up; exit 7").await;
            server.process.ended().await;
            server.is_told = is_told;
            let until = Instant::now() + LONG;
            let ended = end(&processes, Some(&mut server), Signal::TERM, until).await;
            let exit = ended.map(|ended| ended.exit);
            assert_eq!(exit, (!is_told).then_some(Exit::Code(7)));
        }
    }

    #[tokio::test]
    async fn a_stop_command_and_a_server_that_hang_are_cut_when_that_is_said() {
        for script in [None, Some("sleep 600")] {
            let processes = Processes::start().unwrap();
            let (server, _folder) = start(&processes, "trap '' TERM; echo up; while :; do sleep 1; done").await;
            let (cut, is_cut) = watch::channel(None);
            let cleaning = clean(&processes, Some(server), (script, 20 * LONG), is_cut);
            cut.send_replace(Some(Instant::now() + Duration::from_millis(100)));
            let ended = timeout(LONG, cleaning).await.unwrap();
            let killed = Exit::Signal { number: 9, core: false };
            assert_eq!(ended.map(|ended| ended.exit), Some(killed));
            assert_eq!(processes.leftovers(), []);
        }
    }
}
