//! A command that is no Tars server.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Instant};

use nix::sys::signal::SigSet;
use rustix::process::Signal;
use rustix_libc_wrappers::process::SignalExt as _;
use tokio::process::Command;

use crate::harness::{Init, PLACES, Place, TARSCLI, processes_with, until, unusual_time};

/// `tini`, which some find by name and some call a subreaper.
fn tini(place: Place, words: &[&str]) -> Command {
    let found =
        std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|p| p.join("tini").exists()));
    assert!(found, "tini is missing: run scripts/install-test-tools");
    let mut command = place.command("tini");
    // Not as PID 1 it asks for the orphans, as ours does.
    command
        .args((place == Place::Ordinary).then_some("-s"))
        .arg("--")
        .args(words);
    command
}

#[tokio::test]
async fn ends_as_tini_does() {
    let folder = tempfile::tempdir().unwrap();
    let not_executable = folder.path().join("text");
    fs::write(&not_executable, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&not_executable, fs::Permissions::from_mode(0o644)).unwrap();
    let no_first_line = folder.path().join("script");
    fs::write(&no_first_line, "exit $1\n").unwrap();
    fs::set_permissions(&no_first_line, fs::Permissions::from_mode(0o755)).unwrap();
    let cases: [(&[&str], i32); 9] = [
        (&["true"], 0),
        (&["sh", "-c", "exit 0"], 0),
        (&["sh", "-c", "exit 7"], 7),
        (&["sh", "-c", "exit 255"], 255),
        (&["sh", "-c", "kill -TERM $$; sleep 60"], 143),
        (&["sh", "-c", "kill -KILL $$; sleep 60"], 137),
        (&["no-such-program-anywhere"], 127),
        (&[not_executable.to_str().unwrap()], 126),
        (&[no_first_line.to_str().unwrap(), "9"], 9),
    ];
    for place in PLACES {
        for (words, expected) in cases {
            let (ours, text) = Init::start(place, place.plain(&[], words)).wait().await;
            let (theirs, _) = Init::start(place, tini(place, words)).wait().await;
            assert_eq!((ours, theirs), (expected, expected), "{place:?} {words:?}: {text}");
        }
    }
}

#[tokio::test]
async fn prints_what_the_command_prints_and_nothing_else() {
    let words = ["sh", "-c", "echo $$ $PPID; cat; echo err >&2"];
    for (place, first) in [(Place::Namespace, "2 1"), (Place::Ordinary, "")] {
        let (code, text) = Init::start(place, place.plain(&[], &words)).wait().await;
        assert_eq!(code, 0);
        assert!(text.contains(first) && text.lines().count() == 2, "{place:?}: {text}");
    }
}

#[tokio::test]
async fn signals_reach_the_command() {
    let realtime = Signal::rt(3).unwrap();
    let number = realtime.as_raw().to_string();
    let script = "for s in HUP INT QUIT USR1 USR2 WINCH CONT NUMBER; do trap \"echo got-$s\" $s; done
                  trap 'echo got-TERM; exit 5' TERM
                  echo up; while :; do sleep 0.05; done";
    let script = script.replace("NUMBER", &number);
    for place in PLACES {
        let init = Init::start(place, place.plain(&[], &["sh", "-c", &script]));
        init.wait_for("up", 1).await;
        for (signal, name) in [
            (Signal::HUP, "HUP"),
            (Signal::INT, "INT"),
            (Signal::QUIT, "QUIT"),
            (Signal::USR1, "USR1"),
            (Signal::USR2, "USR2"),
            (Signal::WINCH, "WINCH"),
            (Signal::CONT, "CONT"),
            (realtime, &number),
        ] {
            init.signal(signal);
            init.wait_for(&format!("got-{name}"), 1).await;
        }
        init.signal(Signal::TERM);
        let (code, text) = init.wait().await;
        assert_eq!(code, 5, "{text}");
        assert!(text.ends_with("got-TERM"), "{text}");
    }
}

#[tokio::test]
async fn signals_that_whoever_started_it_has_blocked_are_heard() {
    let script =
        "grep SigBlk /proc/self/status; trap 'echo got-TERM; exit 5' TERM; echo up; while :; do sleep 0.05; done";
    for place in PLACES {
        // A child takes the mask of the thread that makes it.
        SigSet::all().thread_block().unwrap();
        let init = Init::start(place, place.plain(&[], &["sh", "-c", script]));
        SigSet::all().thread_unblock().unwrap();
        init.wait_for("up", 1).await;
        init.signal(Signal::TERM);
        let (code, text) = init.wait().await;
        assert_eq!(code, 5, "{text}");
        assert!(text.starts_with("SigBlk:\t0000000000000000\n"), "{text}");
    }
}

#[tokio::test]
async fn only_the_command_itself_gets_them_as_with_tini() {
    let script = "trap 'echo the command; exit 0' HUP
                  sh -c 'trap \"echo the group\" HUP; echo up; while :; do sleep 0.05; done' &
                  while :; do sleep 0.05; done";
    let place = Place::Namespace;
    let init = Init::start(place, place.plain(&[], &["sh", "-c", script]));
    init.wait_for("up", 1).await;
    init.signal(Signal::HUP);
    let (code, text) = init.wait().await;
    assert_eq!((code, text.as_str()), (0, "up\nthe command"));
}

#[tokio::test]
async fn a_command_that_ignores_the_signal_is_killed_in_time() {
    let script = "trap '' TERM; echo up; while :; do sleep 0.05; done";
    for place in PLACES {
        let command = place.plain(&["--grace-period", "1s"], &["sh", "-c", script]);
        let init = Init::start(place, command);
        init.wait_for("up", 1).await;
        let begin = Instant::now();
        init.signal(Signal::TERM);
        let (code, text) = init.wait().await;
        assert_eq!(code, 137, "{text}");
        let took = begin.elapsed().as_millis();
        assert!((900..10_000).contains(&took), "{took} ms");
    }
}

#[tokio::test]
async fn what_left_the_group_is_not_left_behind() {
    for place in PLACES {
        for text in [
            "setsid sh -c 'trap \"\" TERM; sleep TIME; sleep TIME' & exit 4",
            "setsid sleep TIME & exit 4",
        ] {
            let time = unusual_time();
            let text = text.replace("TIME", &time);
            let command = place.plain(&["--stop-timeout", "300ms"], &["sh", "-c", &text]);
            let (code, text) = Init::start(place, command).wait().await;
            assert_eq!(code, 4, "{text}");
            assert!(processes_with(&time).is_empty(), "{place:?}");
        }
    }
}

#[tokio::test]
async fn two_hundred_orphans_are_reaped() {
    // Each subshell ends before its child, which is an orphan from then on.
    let script = "i=0; while [ $i -lt 200 ]; do (sleep 0.2 & echo orphan); i=$((i+1)); done
                  while ps_count=$(cat /proc/[0-9]*/stat 2>/dev/null | grep -c '(sleep)'); [ $ps_count -gt 0 ]; do
                      sleep 0.05
                  done
                  echo zombies $(cat /proc/[0-9]*/stat | grep -c ') Z ')
                  exit 9";
    let place = Place::Namespace;
    let (code, text) = Init::start(place, place.plain(&[], &["sh", "-c", script])).wait().await;
    assert_eq!(text.lines().filter(|line| *line == "orphan").count(), 200);
    assert!(text.ends_with("zombies 0"), "{text}");
    assert_eq!(code, 9);
}

#[tokio::test]
async fn a_command_is_started_again_only_when_that_is_asked_for() {
    let place = Place::Ordinary;
    let words = ["sh", "-c", "echo run; exit 3"];
    let (code, text) = Init::start(place, place.plain(&[], &words)).wait().await;
    assert_eq!((code, text.as_str()), (3, "run"));
    let options = ["--max-restarts", "2", "--restart-delay", "10ms"];
    let (code, text) = Init::start(place, place.plain(&options, &words)).wait().await;
    assert_eq!(code, 3);
    assert_eq!(text.lines().filter(|line| *line == "run").count(), 3, "{text}");
}

#[tokio::test]
async fn a_pause_ends_with_a_signal() {
    let place = Place::Namespace;
    let options = [
        "--max-restarts",
        "9",
        "--restart-delay",
        "1h",
        "--restart-delay-max",
        "1h",
    ];
    let init = Init::start(place, place.plain(&options, &["sh", "-c", "exit 3"]));
    init.wait_for("started again after a pause", 1).await;
    init.signal(Signal::TERM);
    let (code, text) = init.wait().await;
    assert_eq!(code, 3, "{text}");
}

#[tokio::test]
async fn children_that_were_there_before_are_left_alone() {
    let time = unusual_time();
    let text = format!("sleep {time} & exec {TARSCLI} supervisor --stop-timeout 100ms -- sh -c 'exit 6'");
    let mut command = Place::Ordinary.command("sh");
    command.args(["-c", &text]).stdout(std::process::Stdio::null());
    let status = command.status().await.unwrap();
    assert_eq!(status.code(), Some(6));
    let left = until("it is found", || {
        Some(processes_with(&time)).filter(|left| !left.is_empty())
    })
    .await;
    for pid in left {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }
}

#[tokio::test]
async fn a_signal_bounds_the_time_that_what_was_left_behind_gets() {
    let script = "setsid sh -c 'trap \"echo told\" TERM; touch UP; while :; do sleep 0.05; done' &
                  while [ ! -e UP ]; do sleep 0.05; done; exit 3";
    for place in PLACES {
        let folder = tempfile::tempdir().unwrap();
        let script = script.replace("UP", folder.path().join("up").to_str().unwrap());
        let options = ["--stop-timeout", "10m", "--grace-period", "1s"];
        let init = Init::start(place, place.plain(&options, &["sh", "-c", &script]));
        init.wait_for("told", 1).await;
        init.signal(Signal::TERM);
        let (code, text) = init.wait().await;
        assert_eq!(code, 3, "{text}");
    }
}
