//! A Tars server, whose registry is away.

use std::{fs, os::unix::net::UnixStream, time::Instant};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process},
};

use crate::common::{Mood, Registry};
use crate::harness::{Init, PLACES, Place, Server, changed, processes_with, until, unusual_time};

/// Time for a server that hears the signal, on a slow and busy machine; the registry that is away takes a third of it.
const LONG_GRACE: (&str, &str) = ("TARS_GRACE_PERIOD", "9s");

#[tokio::test]
async fn the_words_of_a_life_with_the_registry_away() {
    for place in PLACES {
        let server = Server::new(
            place,
            "echo run; trap 'echo got-TERM; exit 0' TERM; while :; do sleep 0.05; done",
        );
        let init = server.start(&[("TARS_MAX_RESTARTS", "5"), LONG_GRACE]);
        init.wait_for("run", 1).await;
        server.is("activating").await;
        let ports = server.ready();
        server.is("active").await;
        drop(ports);
        server.is("inactive").await;
        let _ports = server.ready();
        server.is("active").await;
        init.signal(Signal::TERM);
        server.is("deactivating").await;
        let (code, text) = init.wait().await;
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("got-TERM"), "{text}");
        for step in [
            "server started, pid ",
            "SIGTERM: the server leaves",
            "SIGTERM to the server; SIGKILL after",
            "server ended, exit code 0",
            "ending with code 0",
        ] {
            assert_eq!(text.matches(step).count(), 1, "{step}: {text}");
        }
        assert!(!text.contains("out of the registry"), "it never was in: {text}");
        assert!(!server.path("data/supervisor.sock").exists());
    }
}

#[tokio::test]
async fn after_a_hook_that_could_not_reach_the_supervisor_nothing_is_waited_for() {
    let server = Server::new(
        Place::Namespace,
        "echo run; trap 'echo got-TERM; exit 0' TERM; while :; do sleep 0.05; done",
    );
    // Longer than anything here is waited for: the wait is all of it but nine seconds.
    let init = server.start(&[("TARS_GRACE_PERIOD", "1h")]);
    init.wait_for("run", 1).await;
    let _ports = server.ready();
    server.is("active").await;
    fs::write(server.path("data/prestop"), "done").unwrap();
    init.signal(Signal::TERM);
    init.wait_for("got-TERM", 1).await;
}

#[tokio::test]
async fn signals_reach_the_server_and_the_interrupt_stops_it() {
    let script = "for s in HUP QUIT USR1 USR2 WINCH; do trap \"echo got-$s\" $s; done
                  trap 'echo got-INT; exit 0' INT; echo the-server-runs; while :; do sleep 0.05; done";
    for place in PLACES {
        let server = Server::new(place, script);
        let init = server.start(&[LONG_GRACE]);
        init.wait_for("the-server-runs", 1).await;
        for (signal, name) in [
            (Signal::HUP, "HUP"),
            (Signal::QUIT, "QUIT"),
            (Signal::USR1, "USR1"),
            (Signal::USR2, "USR2"),
            (Signal::WINCH, "WINCH"),
        ] {
            init.signal(signal);
            init.wait_for(&format!("got-{name}"), 1).await;
        }
        init.signal(Signal::INT);
        let (code, text) = init.wait().await;
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("got-INT"), "{text}");
    }
}

#[tokio::test]
async fn after_too_many_restarts_it_ends_with_the_servers_code() {
    for place in PLACES {
        let server = Server::new(place, "echo run; exit 3");
        let init = server.start(&[("TARS_MAX_RESTARTS", "3")]);
        let (code, text) = init.wait().await;
        assert_eq!(code, 3, "{text}");
        assert_eq!(server.read("log/start.log"), "run\n".repeat(4));
        assert!(text.contains("giving up"), "{text}");
        let last: serde_json::Value = serde_json::from_str(&server.read("data/last_exit.json")).unwrap();
        assert_eq!((&last["exit"]["code"], &last["code"]), (&3.into(), &3.into()));
    }
}

#[tokio::test]
async fn a_server_that_ignores_the_signal_is_killed_in_time_with_what_left_its_group() {
    for place in PLACES {
        let time = unusual_time();
        let script = format!(
            "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo the-server-runs; sleep {time}; sleep {time}' & while :; do sleep 0.05; done"
        );
        let server = Server::new(place, &script);
        let init = server.start(&[("TARS_STOP_TIMEOUT", "300ms")]);
        init.wait_for("the-server-runs", 1).await;
        let begin = Instant::now();
        init.signal(Signal::TERM);
        let (code, text) = init.wait().await;
        assert_eq!(code, 137, "{text}");
        for step in ["SIGKILL to what", "server ended, signal 9", "ending with code 137"] {
            assert_eq!(text.matches(step).count(), 1, "{step}: {text}");
        }
        assert!(begin.elapsed().as_secs() < 10);
        assert!(processes_with(&time).is_empty(), "{place:?}");
    }
}

#[tokio::test]
async fn a_stop_command_that_hangs_does_not_outlast_the_grace_period() {
    let time = unusual_time();
    let script =
        format!("setsid sh -c 'trap \"\" TERM; echo the-server-runs; sleep {time}; sleep {time}' & sleep 0.2; exit 3");
    let server = Server::new(Place::Namespace, &script);
    let hangs = format!("sleep {time}");
    let init = server.start(&[("TARS_STOP_PATH", &hangs), ("TARS_STOP_TIMEOUT", "10m")]);
    init.wait_for("the-server-runs", 1).await;
    init.wait_for("server down", 1).await;
    init.signal(Signal::TERM);
    let (code, text) = init.wait().await;
    assert_eq!(code, 3, "{text}");
    assert!(processes_with(&time).is_empty());
}

#[tokio::test]
async fn nothing_of_the_old_server_is_left_at_a_restart() {
    for place in PLACES {
        let time = unusual_time();
        let script = format!(
            "echo left $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'slee[p] {time}')
             setsid sleep {time} & sleep {time} & exit 3"
        );
        let server = Server::new(place, &script);
        let stop = format!("echo stopping; echo once >> {}", server.path("stops").display());
        let init = server.start(&[("TARS_MAX_RESTARTS", "2"), ("TARS_STOP_PATH", &stop)]);
        let (code, text) = init.wait().await;
        assert_eq!(code, 3, "{text}");
        assert_eq!(server.read("log/start.log"), "left 0\n".repeat(3), "{place:?}");
        assert_eq!(
            server.read("stops"),
            "once\n".repeat(3),
            "before each start, and at the end"
        );
        assert!(processes_with(&time).is_empty(), "{place:?}");
    }
}

#[tokio::test]
async fn what_a_start_script_leaves_in_the_background_is_the_server() {
    for place in PLACES {
        let time = unusual_time();
        let script = format!("setsid sleep {time} & echo run; exit 0");
        let server = Server::new(place, &script);
        let ports = server.ready();
        let init = server.start(&[("TARS_MAX_RESTARTS", "1")]);
        server.is("active").await;
        init.wait_for("taken as the server", 1).await;
        // The start script has no number any more when it is known to have ended.
        until("its end is known", || {
            let status = server.status();
            (status["source"] == "supervisor" && status["pid"].is_null()).then_some(())
        })
        .await;
        // It is a copy of the shell before it is what the shell starts.
        let daemon = until("the daemon sleeps", || match *processes_with(&time) {
            [daemon] => Pid::from_raw(daemon),
            _ => None,
        })
        .await;
        kill_process(daemon, Signal::KILL).unwrap();
        init.wait_for("run", 2).await;
        server.is("active").await;
        let last: serde_json::Value = serde_json::from_str(&server.read("data/last_exit.json")).unwrap();
        assert_eq!(last["code"], 137, "the daemon's own");
        init.signal(Signal::TERM);
        let (code, text) = init.wait().await;
        assert_eq!(code, 0, "{text}");
        assert!(processes_with(&time).is_empty(), "{place:?}");
        drop(ports);
    }
}

#[tokio::test]
async fn what_a_script_of_a_check_left_is_not_the_server() {
    for place in PLACES {
        let time = unusual_time();
        let server = Server::new(
            place,
            "echo run; while [ ! -e $TARS_PATH/end ]; do sleep 0.05; done; echo ended; exit 0",
        );
        let leaves = format!(
            "cd {}; [ -e left ] || {{ touch left; setsid sleep {time} & }}",
            server.path("").display()
        );
        let init = server.start(&[("TARS_BEFORE_CHECK_SCRIPT", &leaves), ("TARS_MAX_RESTARTS", "0")]);
        until("it is left behind", || {
            (!processes_with(&time).is_empty()).then_some(())
        })
        .await;
        fs::write(server.path("end"), "").unwrap();
        let (code, text) = init.wait().await;
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("server down, exit code 0"), "{text}");
        assert!(!text.contains("taken as the server"), "{text}");
        assert!(processes_with(&time).is_empty(), "{place:?}");
    }
}

#[tokio::test]
async fn a_second_supervisor_in_a_folder_ends_and_touches_nothing() {
    let files = [
        "data/server_info.yaml",
        "conf/InitServer.conf",
        "log/start.log",
        "log/supervisor.log",
    ];
    for place in PLACES {
        let script = "echo run; trap 'exit 0' TERM; while :; do sleep 0.05; done";
        let server = Server::new(place, script);
        let init = server.start(&[LONG_GRACE]);
        init.wait_for("run", 1).await;
        let _ports = server.ready();
        server.is("active").await;
        init.wait_for("server is active", 1).await;
        let before = files.map(|file| server.read(file));
        let (code, text) = server.start(&[]).wait().await;
        assert_eq!(code, 1, "{text}");
        let folder = server.path("").display().to_string();
        let names = text.contains(folder.trim_end_matches('/')) && text.contains("TARS_PATH");
        assert!(text.contains("another supervisor looks after") && names, "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert_eq!(files.map(|file| server.read(file)), before);
        assert!(!server.path("data/prestop").exists());
        let status = server.status();
        assert_eq!(
            (&status["source"], &status["ready"]),
            (&"supervisor".into(), &true.into())
        );
        init.signal(Signal::TERM);
        assert_eq!(init.wait().await.0, 0);
    }
}

#[tokio::test]
async fn the_folder_of_a_supervisor_that_was_killed_is_taken_over() {
    let place = Place::Namespace;
    let server = Server::new(place, "echo run; trap 'exit 0' TERM; while :; do sleep 0.05; done");
    let init = server.start(&[LONG_GRACE]);
    init.wait_for("run", 1).await;
    let _ports = server.ready();
    server.is("active").await;
    // With all in its namespace, which takes a moment.
    drop(init);
    let socket = server.path("data/supervisor.sock");
    until("nobody listens", || UnixStream::connect(&socket).is_err().then_some(())).await;
    assert!(socket.exists());
    let init = server.start(&[LONG_GRACE]);
    init.wait_for("server is active", 1).await;
    assert_eq!(server.status()["source"], "supervisor");
    init.signal(Signal::TERM);
    assert_eq!(init.wait().await.0, 0);
}

#[tokio::test]
async fn an_earlier_lifes_state_is_not_that_of_a_start() {
    let server = Server::new(Place::Ordinary, "echo run");
    fs::create_dir(server.path("data")).unwrap();
    for file in ["data/check_status", "data/prestop"] {
        fs::write(server.path(file), "active").unwrap();
    }
    // The start takes as long as this is not written.
    let merged = server.path("slow.conf");
    mknodat(CWD, &merged, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let init = server.start(&[("TARS_MERGE_CONF", merged.to_str().unwrap())]);
    server.is("activating").await;
    assert!(!server.path("data/prestop").exists());
    let status = server.status();
    assert_eq!(
        (&status["source"], &status["state"]),
        (&"file".into(), &"activating".into())
    );
    assert_eq!(status["problem"], "not active:activating");
    fs::write(&merged, "<tars>\n").unwrap();
    let (code, text) = init.wait().await;
    assert_eq!(code, 1, "{text}");
    assert_eq!(server.read("data/check_status"), "activating");
}

#[tokio::test]
async fn an_operators_mark_keeps_an_ended_server_down() {
    let server = Server::new(Place::Namespace, "echo run; exit 3");
    fs::create_dir(server.path("data")).unwrap();
    fs::write(server.path("data/stop"), "").unwrap();
    let init = server.start(&[("TARS_MAX_RESTARTS", "1")]);
    init.wait_for("as long as data/stop exists", 1).await;
    let before = changed(&server.path("data/check_status")).unwrap();
    until("the supervisor lives on", || {
        changed(&server.path("data/check_status")).filter(|now| *now > before)
    })
    .await;
    assert_eq!(server.read("log/start.log"), "run\n");
    fs::remove_file(server.path("data/stop")).unwrap();
    init.wait_for("run", 2).await;
    assert_eq!(init.wait().await.0, 3);
}

#[tokio::test]
async fn a_watchdog_starts_a_server_again_that_is_not_ready_for_long() {
    let server = Server::new(Place::Namespace, "echo run; while :; do sleep 0.05; done");
    let init = server.start(&[
        // Longer than the start takes on a slow and busy machine: each life prints its line first.
        ("TARS_WATCHDOG", "2s"),
        ("TARS_STOP_TIMEOUT", "30s"),
        ("TARS_MAX_RESTARTS", "2"),
    ]);
    init.wait_for("run", 2).await;
    let (code, text) = init.wait().await;
    assert_eq!(code, 143, "{text}");
    assert_eq!(server.read("log/start.log"), "run\n".repeat(3));
}

#[tokio::test]
async fn without_the_worker_number_it_was_to_have_a_server_is_not_started() {
    let server = Server::new(Place::Namespace, "echo run");
    let init = server.start(&[("TARS_WORKER_ID_ENABLE", "y"), ("TARS_WORKER_ID_TIMEOUT", "300ms")]);
    let (code, text) = init.wait().await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("worker number") && !text.contains("run\n"), "{text}");
}

#[tokio::test]
async fn a_worker_number_that_is_lost_is_not_used_again() {
    let registry = Registry::start(Mood::Accepts).await;
    registry.give(7);
    let server = Server::new(
        Place::Ordinary,
        "echo run $TARS_WORKER_ID; while [ ! -e $TARS_PATH/crash ]; do sleep 0.05; done; exit 3",
    );
    let ports = server.ready();
    let init = server.start(&[
        ("TARS_WORKER_ID_ENABLE", "y"),
        ("TARS_LOCATOR", &registry.locator),
        ("TARS_MAX_RESTARTS", "2"),
        ("RUST_LOG", "info"),
    ]);
    init.wait_for("run 7", 1).await;
    let mut told = registry.told.clone();
    // It is forgotten, registers again, gets no number, and is told of by a beat.
    let is_back = |told: &Vec<String>| {
        let again = told.iter().rposition(|what| what == "onStartup");
        again.is_some_and(|again| again > 0 && told[again..].iter().any(|what| what == "active"))
    };
    tokio::time::timeout(crate::harness::LIMIT, told.wait_for(is_back))
        .await
        .unwrap()
        .unwrap();
    fs::write(server.path("crash"), "").unwrap();
    let (code, text) = init.wait().await;
    drop(ports);
    assert_eq!(code, 1, "{text}");
    assert_eq!(server.read("log/start.log"), "run 7\n");
    assert!(text.contains("no worker number"), "{text}");
}

#[tokio::test]
async fn a_command_takes_the_place_of_the_start_script() {
    let server = Server::new(Place::Namespace, "echo script; exit 1");
    let mut command = server.command(&[("TARS_MAX_RESTARTS", "0"), ("GOMAXPROCS", "7")]);
    command.args(["--", "sh", "-c", "echo command $TARS_PATH $GOMAXPROCS; exit 4"]);
    let (code, text) = Init::start(Place::Namespace, command).wait().await;
    assert_eq!(code, 4, "{text}");
    assert!(
        text.contains("TARS_MAX_RESTARTS is 0") && !text.contains("too often"),
        "{text}"
    );
    let expected = format!(
        "command {} 7\n",
        server.path("").display().to_string().trim_end_matches('/')
    );
    assert_eq!(server.read("log/start.log"), expected);
}

#[tokio::test]
async fn a_start_script_that_is_missing_is_an_end_like_others() {
    let server = Server::new(Place::Namespace, "");
    fs::remove_file(server.path("bin/start.sh")).unwrap();
    let (code, text) = server.start(&[("TARS_MAX_RESTARTS", "1")]).wait().await;
    assert_eq!(code, 127, "{text}");
    assert!(text.contains("start.sh"), "{text}");
}

#[tokio::test]
async fn signals_are_heard_before_the_configuration_is_there() {
    for place in PLACES {
        let server = Server::new(place, "echo the-server-runs; sleep 600");
        // As slow as a name server that does not answer: the write to it succeeds when it is being read.
        let slow = server.path("slow.conf");
        mknodat(CWD, &slow, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let init = server.start(&[("TARS_MERGE_CONF", slow.to_str().unwrap())]);
        let _writer = tokio::task::spawn_blocking(move || fs::File::options().write(true).open(slow))
            .await
            .unwrap();
        init.signal(Signal::HUP);
        init.signal(Signal::TERM);
        let (code, text) = init.wait().await;
        assert_eq!(code, 0, "{text}");
        assert!(!text.contains("the-server-runs"), "{text}");
    }
}
