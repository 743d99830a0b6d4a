//! `tarscli hzcheck`: what a container's probes are answered, with a supervisor, without one, and without anything.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, UdpSocket},
    os::unix::net::UnixListener,
    time::{Duration, SystemTime},
};

use common::Folder;
use serde_json::{Value, json};
use tars_test_support::port::HeldPort;

const PROBES: [&[&str]; 4] = [
    &["hzcheck"],
    &["hzcheck", "--ready"],
    &["hzcheck", "--live"],
    &["hzcheck", "--startup"],
];

/// The codes of all probes, and what each says to people.
async fn probe(folder: &Folder) -> ([i32; 4], [String; 4]) {
    probe_with(folder, &[]).await
}

/// The same with these variables.
async fn probe_with(folder: &Folder, environment: &[(&str, &str)]) -> ([i32; 4], [String; 4]) {
    let (mut codes, mut texts) = ([0; 4], [const { String::new() }; 4]);
    for (index, words) in PROBES.iter().enumerate() {
        let run = folder.run_with(environment, words).await;
        assert_eq!(run.out, "", "{words:?}");
        assert_eq!(run.code == 0, run.err.is_empty(), "{words:?} {run:?}");
        (codes[index], texts[index]) = (run.code, run.err);
    }
    (codes, texts)
}

fn status(state: &str, started: bool) -> Value {
    json!({
        "answer": "state", "server": "App.Server", "node": "10.0.0.7", "state": state, "ready": state == "active",
        "started": started, "reason": (state == "inactive").then_some("adapter `HelloObj`: connection refused"),
        "supervisor_uptime_seconds": 7, "pid": 42, "server_uptime_seconds": 6, "restarts": 1, "last_exit": null,
        "checks": {"succeeded": 1, "failed": 2, "last_seconds_ago": 3},
        "registry": {"registered": true, "last_accepted_seconds_ago": 1, "failures": 0, "error": null},
        "worker_id": 5, "leaving": null, "left": null
    })
}

/// A supervisor in this state, until the next one takes its place. It says that it lives when it `is_alive`, and else
/// nothing. It is waited for as briefly as any, so it has a thread of its own.
fn supervisor(folder: &Folder, status: Value, is_alive: bool) {
    let path = folder.data("supervisor.sock");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(path).unwrap();
    std::thread::spawn(move || {
        let mut silent = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            let mut question = String::new();
            BufReader::new(&mut stream).read_line(&mut question).unwrap();
            let answer = match question.as_str() {
                "{\"ask\":\"state\"}\n" => status.to_string(),
                "{\"ask\":\"live\"}\n" if is_alive => json!({"answer": "live"}).to_string(),
                _ => {
                    silent.push(stream);
                    continue;
                }
            };
            // Who has waited long enough is gone.
            let _ = stream.write_all(format!("{answer}\n").as_bytes());
        }
    });
}

#[tokio::test]
async fn the_supervisors_state_is_the_answer() {
    let folder = Folder::new();
    for (state, started, expected, text) in [
        ("activating", false, [1, 1, 0, 1], "not active:activating"),
        ("active", true, [0, 0, 0, 0], ""),
        (
            "inactive",
            true,
            [1, 1, 0, 0],
            "not active:inactive: adapter `HelloObj`: connection refused",
        ),
        ("deactivating", true, [0, 0, 0, 0], ""),
    ] {
        supervisor(&folder, status(state, started), true);
        let (codes, texts) = probe(&folder).await;
        assert_eq!(codes, expected, "{state}");
        assert!(texts[0].contains(text), "{state}: {texts:?}");
    }
}

#[tokio::test]
async fn the_whole_state_is_printed_as_json() {
    let folder = Folder::new();
    supervisor(&folder, status("inactive", true), true);
    let run = folder.run(&["hzcheck", "--json"]).await;
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let printed = run.json();
    let (found, expected) = (printed.as_object().unwrap(), status("inactive", true));
    for (key, value) in expected.as_object().unwrap().iter().filter(|(key, _)| *key != "answer") {
        assert_eq!(&found[key], value, "{key}");
    }
    assert_eq!(
        (&found["source"], &found["probe"]),
        (&json!("supervisor"), &json!("ready"))
    );
    assert!(found["problem"].as_str().unwrap().starts_with("not active:inactive"));
}

#[tokio::test]
async fn a_supervisor_whose_loop_hangs_is_judged_by_its_file() {
    let folder = Folder::new();
    supervisor(&folder, status("active", true), false);
    folder.write("check_status", "active");
    assert_eq!(folder.run(&["hzcheck", "--live"]).await.code, 0, "only slow");
    set_age(&folder, Duration::from_secs(61));
    let run = folder.run(&["hzcheck", "--live"]).await;
    assert!(run.code == 1 && run.err.contains("supervisor not alive"), "{run:?}");
    assert_eq!(folder.run(&["hzcheck", "--ready"]).await.code, 0, "the server is fine");
}

fn set_age(folder: &Folder, age: Duration) {
    let file = File::options().write(true).open(folder.data("check_status")).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

#[tokio::test]
async fn without_a_supervisors_answer_its_file_counts() {
    let folder = Folder::new();
    for (word, expected) in [
        ("activating", [1, 1, 0, 1]),
        ("active", [0, 0, 0, 0]),
        ("active\n", [0, 0, 0, 0]),
        ("inactive", [1, 1, 0, 0]),
        ("deactivating", [0, 0, 0, 0]),
        ("", [1, 1, 0, 1]),
    ] {
        folder.write("check_status", word);
        let (codes, texts) = probe(&folder).await;
        assert_eq!(codes, expected, "{word}");
        assert!(
            codes[0] == 0 || texts[0].contains(&format!("not active:{word}")),
            "{texts:?}"
        );
    }
    folder.write("check_status", "active");
    set_age(&folder, Duration::from_secs(31));
    assert_eq!(probe(&folder).await.0, [0; 4]);
    // Near the border, with an interval that is not over before the last probe has come.
    let long = [("TARS_REPORT_INTERVAL", "10m")];
    set_age(&folder, Duration::from_mins(19));
    assert_eq!(probe_with(&folder, &long).await.0, [0; 4]);
    set_age(&folder, Duration::from_secs(20 * 60 + 1));
    assert_eq!(probe_with(&folder, &long).await.0, [1; 4]);
    set_age(&folder, Duration::from_secs(61));
    let (codes, texts) = probe(&folder).await;
    assert_eq!(codes, [1; 4]);
    assert!(
        texts.iter().all(|text| text.contains("supervisor not alive")),
        "{texts:?}"
    );
    let run = folder
        .run_with(&[("TARS_REPORT_INTERVAL", "60s")], &["hzcheck", "--json"])
        .await;
    assert_eq!((run.code, &run.json()["source"]), (0, &json!("file")), "{run:?}");
}

#[tokio::test]
async fn without_the_file_the_ports_count() {
    let folder = Folder::new();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let admin = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = |address: std::io::Result<std::net::SocketAddr>| address.unwrap().port();
    let adapters = [
        ("OneObj", format!("tcp -h 0.0.0.0 -p {}", port(tcp.local_addr()))),
        ("TwoObj", format!("udp -h 127.0.0.1 -p {}", port(udp.local_addr()))),
        // Names are not looked up: this server's ports are here.
        ("SslObj", format!("ssl -h name.invalid -p {}", port(tcp.local_addr()))),
    ];
    let local = format!("tcp -h 127.0.0.1 -p {}", port(admin.local_addr()));
    folder.describe("none", &local, &adapters);
    assert_eq!(probe(&folder).await.0, [0; 4]);

    // Bound as before, so that nobody else gets them, and deaf: one for all but its peer, one for all.
    udp.connect("127.0.0.1:9").unwrap();
    let deaf = HeldPort::any();
    let local = format!("tcp -h 127.0.0.1 -p {}", deaf.address().port());
    folder.describe("none", &local, &adapters);
    let (codes, texts) = probe(&folder).await;
    assert_eq!(codes, [1; 4]);
    let text = &texts[0];
    assert!(text.contains("not ready: adapter `TwoObj`"), "{text}");
    assert!(text.contains("AdminObj") && !text.contains("OneObj"), "{text}");
    let json = folder.run(&["hzcheck", "--json"]).await.json();
    assert!(json["fault"].as_str().unwrap().contains("TwoObj"), "{json}");
}

#[tokio::test]
async fn without_anything_nothing_is_ready() {
    let folder = Folder::new();
    let (codes, texts) = probe(&folder).await;
    assert_eq!(codes, [1; 4]);
    assert!(
        texts[0].contains("not ready") && texts[0].contains("server_info.yaml"),
        "{texts:?}"
    );
    let run = folder.run(&["hzcheck", "--live", "--ready"]).await;
    assert_eq!(run.code, 2, "{run:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_answer_too() {
    let folder = Folder::new();
    folder.write("server_info.yaml", "conf: [");
    for expected in ["server_info.yaml", "check_status"] {
        let (codes, texts) = probe(&folder).await;
        assert_eq!(codes, [1; 4]);
        assert!(
            texts
                .iter()
                .all(|text| text.contains("not ready") && text.contains(expected)),
            "{texts:?}"
        );
        let run = folder.run(&["hzcheck", "--json"]).await;
        let json = run.json();
        assert_eq!(
            (run.code, &json["source"], &json["probe"]),
            (1, &json!("nothing"), &json!("ready"))
        );
        let (problem, reason) = (json["problem"].as_str().unwrap(), json["reason"].as_str().unwrap());
        assert!(problem.contains(reason) && reason.contains(expected), "{json}");
        std::fs::write(folder.data("check_status"), b"\xff").unwrap();
    }
}
