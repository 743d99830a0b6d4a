//! What a server prints, and who does not read it.

use std::{fs, time::Instant};

use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    process::{Signal, kill_process},
};
use tokio::{io::AsyncReadExt as _, time::timeout};

use crate::harness::{Init, LIMIT, Place, Server, TARSCLI, changed, until};

#[tokio::test]
async fn output_goes_on_as_it_comes_and_into_the_log() {
    let server = Server::new(
        Place::Namespace,
        "echo out; echo err >&2; printf 'half a line'; printf '\\377\\n' >&2; sleep 0.3; exit 5",
    );
    let mut command = server.command(&[("TARS_MAX_RESTARTS", "0")]);
    let output = timeout(LIMIT, command.output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert_eq!(output.stdout, b"out\nhalf a line");
    let errors = output.stderr;
    assert!(errors.windows(4).any(|part| part == b"err\n"), "{errors:?}");
    assert!(errors.windows(2).any(|part| part == b"\xff\n"), "{errors:?}");
    let log = fs::read(server.path("log/start.log")).unwrap();
    assert_eq!(log.len(), "out\nerr\nhalf a line\u{1}\n".len(), "{log:?}");
    let own = server.read("log/supervisor.log");
    assert!(own.contains("server down, exit code 5"), "{own}");
}

#[tokio::test]
async fn a_line_is_seen_while_the_server_runs() {
    let server = Server::new(Place::Ordinary, "printf prompt; exec sleep 600");
    let (mut child, pid) = Init::start_unread(server.command(&[]));
    let mut prompt = [0; 6];
    let stdout = child.stdout.as_mut().unwrap();
    timeout(LIMIT, stdout.read_exact(&mut prompt)).await.unwrap().unwrap();
    assert_eq!(&prompt, b"prompt");
    kill_process(pid, Signal::TERM).unwrap();
    timeout(LIMIT, child.wait()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_server_that_floods_an_output_nobody_reads_stops_nobody_else() {
    // More than every pipe on the way holds, in both streams.
    let script = "i=0; while [ $i -lt 20000 ]; do echo a line that is about forty bytes long; i=$((i+1)); done >&2 &
                  i=0; while [ $i -lt 20000 ]; do echo a line that is about forty bytes long; i=$((i+1)); done &
                  trap 'exit 0' TERM; while :; do sleep 0.05; done";
    let server = Server::new(Place::Ordinary, script);
    let _ports = server.ready();
    // The registry that is away takes a third of it; the rest is the server's.
    let (mut child, pid) = Init::start_unread(server.command(&[("TARS_GRACE_PERIOD", "9s")]));
    server.is("active").await;
    until("the pipes are full", || {
        fs::metadata(server.path("log/start.log"))
            .ok()
            .filter(|log| log.len() > 100_000)
    })
    .await;
    for _ in 0..2 {
        let before = changed(&server.path("data/check_status")).unwrap();
        until("the supervisor lives on", || {
            changed(&server.path("data/check_status")).filter(|now| *now > before)
        })
        .await;
    }
    let begin = Instant::now();
    kill_process(pid, Signal::TERM).unwrap();
    let status = timeout(LIMIT, child.wait()).await.unwrap().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(begin.elapsed().as_secs() < 10);
}

#[tokio::test]
async fn logs_that_cannot_be_written_are_told_once_and_stop_nothing() {
    let server = Server::new(Place::Namespace, "echo run; sleep 0.05; echo run; exit 3");
    fs::write(server.path("log"), "a file where the folder should be").unwrap();
    let (code, text) = server.start(&[("TARS_MAX_RESTARTS", "2")]).wait().await;
    assert_eq!(code, 3, "{text}");
    assert_eq!(text.lines().filter(|line| *line == "run").count(), 6, "{text}");
    assert_eq!(text.matches("cannot write the log").count(), 1, "{text}");
}

#[tokio::test]
async fn status_files_that_cannot_be_written_any_more_stop_nothing() {
    let server = Server::new(
        Place::Namespace,
        "echo run; while [ ! -e \"$TARS_PATH/go\" ]; do sleep 0.05; done; exit 3",
    );
    let init = server.start(&[("TARS_MAX_RESTARTS", "0")]);
    init.wait_for("run", 1).await;
    // Both at once: the supervisor, which makes the folder again when it is missing, never sees it so.
    let file = server.path("file");
    fs::write(&file, "a file where the folder should be").unwrap();
    renameat_with(CWD, &file, CWD, server.path("data"), RenameFlags::EXCHANGE).unwrap();
    init.wait_for("going on without", 1).await;
    fs::write(server.path("go"), "").unwrap();
    let (code, text) = init.wait().await;
    assert_eq!(code, 3, "{text}");
    assert_eq!(text.matches("going on without").count(), 1, "{text}");
}

/// Runs the supervisor so, which is `"$0" supervisor`. -> what the script prints
///
/// It has a `/dev` of its own, with the file in it that a kubelet mounts there. `$1` is the server's folder.
async fn with_a_termination_log(server: &Server, variables: &[(&str, &str)], script: &str) -> String {
    let script = format!(
        "mkdir \"$1/dev\" && mount --bind /dev \"$1/dev\" && mount -t tmpfs none /dev
         touch /dev/null /dev/termination-log && mount --bind \"$1/dev/null\" /dev/null
         {script}"
    );
    let mut command = server.command(variables);
    let supervisor = command.as_std_mut();
    let mut unshare = std::process::Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.arg("-Ur");
    }
    unshare.args(["-m", "sh", "-c", &script, TARSCLI]).arg(server.path(""));
    for (name, value) in supervisor.get_envs() {
        unshare.env(name, value.unwrap_or_default());
    }
    let output = timeout(LIMIT, tokio::process::Command::from(unshare).output()).await;
    String::from_utf8(output.unwrap().unwrap().stdout).unwrap()
}

#[tokio::test]
async fn the_last_words_are_where_kubernetes_looks_for_them() {
    let server = Server::new(
        Place::Ordinary,
        "i=0; while [ $i -lt 200 ]; do echo a line that is about forty bytes long $i; i=$((i+1)); done; exit 5",
    );
    let script = "\"$0\" supervisor >\"$1/all\" 2>&1; echo code $?; cat /dev/termination-log";
    let text = with_a_termination_log(&server, &[("TARS_MAX_RESTARTS", "0")], script).await;
    let words = text.strip_prefix("code 5\n").unwrap();
    assert!(words.starts_with("a line that is about forty bytes long 1"), "{text}");
    assert!(words.ends_with("a line that is about forty bytes long 199\n"), "{text}");
    assert!((4000..=4096).contains(&words.len()), "{}", words.len());
}

#[tokio::test]
async fn a_supervisor_that_is_killed_before_the_new_start_leaves_all_the_last_words() {
    // The last of them come when the server's end is known already.
    let server = Server::new(
        Place::Ordinary,
        "(trap 'echo the last words; exit' TERM; touch \"$TARS_PATH/up\"; while :; do sleep 0.05; done) &
         while [ ! -e \"$TARS_PATH/up\" ]; do sleep 0.05; done; exit 5",
    );
    let script = "\"$0\" supervisor >\"$1/all\" 2>&1 &
                  for _ in $(seq 600); do grep -q 'last words' /dev/termination-log && break; sleep 0.05; done
                  kill -9 $!; cat /dev/termination-log";
    let pause = [
        ("TARS_STOP_TIMEOUT", "30s"),
        ("TARS_RESTART_DELAY", "1h"),
        ("TARS_RESTART_DELAY_MAX", "1h"),
    ];
    let text = with_a_termination_log(&server, &pause, script).await;
    // Its shell may say something, too.
    assert!(text.lines().any(|line| line == "the last words"), "{text}");
}
