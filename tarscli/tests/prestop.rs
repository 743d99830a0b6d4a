//! `tarscli prestop` without a supervisor, and as a client of one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Admin, Folder, Mood, Registry};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixListener,
    task::JoinHandle,
};

/// A wait in which the registry hears of it, on a slow and busy machine too.
const SHORT: &[(&str, &str)] = &[("TARS_PRESTOP_WAITTIME", "3s")];

/// No wait, three seconds for the registry.
const HASTY: &[(&str, &str)] = &[("TARS_PRESTOP_WAITTIME", "0s")];

async fn described(mood: Mood) -> (Folder, Registry, Admin) {
    let (folder, registry, admin) = (Folder::new(), Registry::start(mood).await, Admin::start().await);
    let adapters = [("HelloObj", "tcp -h 127.0.0.1 -p 18015 -t 60000".to_owned())];
    folder.describe(&registry.locator, &admin.endpoint.to_string(), &adapters);
    (folder, registry, admin)
}

const TOLD: [&str; 2] = ["deactivating", "onPrestop 127.0.0.1.App.Server"];

#[tokio::test]
async fn alone_it_tells_the_server_and_the_registry_and_waits() {
    let (folder, registry, admin) = described(Mood::Accepts).await;
    folder.write("check_status", "active");
    let run = folder.run_with(SHORT, &["prestop", "--json"]).await;
    assert_eq!(run.code, 0, "{run:?}");
    let report = run.json();
    assert_eq!((&report["by"], &report["told"]), (&json!("prestop"), &json!(true)));
    assert!(run.took >= Duration::from_secs(3), "{run:?}");
    assert_eq!(registry.told(), TOLD);
    assert_eq!(*admin.heard.borrow(), ["prestop"]);
    assert_eq!(std::fs::read_to_string(folder.data("prestop")).unwrap(), "done");
    assert_eq!(
        std::fs::read_to_string(folder.data("check_status")).unwrap(),
        "deactivating"
    );

    let again = folder.run(&["prestop"]).await;
    assert_eq!((again.code, again.out.as_str(), again.err.as_str()), (0, "", ""));
    assert_eq!(folder.run(&["prestop", "--json"]).await.json()["by"], "earlier");
    assert_eq!(registry.told(), TOLD);
}

#[tokio::test]
async fn a_mark_that_cannot_be_written_is_no_failure() {
    let (folder, registry, _admin) = described(Mood::Accepts).await;
    // Something is in the way. It is old, so that it says nothing of this server.
    let mark = folder.data("prestop");
    std::fs::create_dir(&mark).unwrap();
    let age = std::time::SystemTime::UNIX_EPOCH;
    std::fs::File::open(&mark).unwrap().set_modified(age).unwrap();
    let run = folder.run_with(HASTY, &["prestop", "--json"]).await;
    assert_eq!((run.code, &run.json()["told"]), (0, &json!(true)), "{run:?}");
    assert!(run.err.contains("cannot write"), "{run:?}");
    assert_eq!(registry.told().last().map(String::as_str), Some(TOLD[1]));
}

#[tokio::test]
async fn two_at_a_time_wait_for_the_same_end() {
    let (folder, registry, _admin) = described(Mood::Accepts).await;
    let (one, two) = tokio::join!(
        folder.run_with(SHORT, &["prestop", "--json"]),
        folder.run_with(SHORT, &["prestop", "--json"])
    );
    assert_eq!((one.code, two.code), (0, 0), "{one:?} {two:?}");
    let mut by = [one.json()["by"].clone(), two.json()["by"].clone()].map(|by| by.to_string());
    by.sort();
    assert_eq!(by, ["\"earlier\"", "\"prestop\""]);
    assert_eq!(registry.told(), TOLD);
}

#[tokio::test]
async fn a_slow_registry_is_waited_for() {
    let (folder, registry, _admin) = described(Mood::Slow(Duration::from_millis(1500))).await;
    let run = folder.run_with(SHORT, &["prestop"]).await;
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(registry.told().last().map(String::as_str), Some(TOLD[1]));
}

#[tokio::test]
async fn a_registry_that_cannot_be_told_is_an_error_in_time_and_may_be_tried_again() {
    for (mood, reason) in [(Mood::Hangs, "in time"), (Mood::Fails, "no database")] {
        let (folder, registry, _admin) = described(mood).await;
        let run = folder.run_with(HASTY, &["prestop"]).await;
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{run:?}");
        let says = |word| run.err.contains(word);
        assert!(says("the registry was not told") && says(reason), "{run:?}");
        assert!(run.took < Duration::from_secs(10), "{run:?}");
        assert!(!folder.data("prestop").exists());

        registry.set(Mood::Accepts);
        let run = folder.run_with(HASTY, &["prestop", "--json"]).await;
        assert_eq!((run.code, &run.json()["told"]), (0, &json!(true)), "{run:?}");
        assert_eq!(registry.told().last().map(String::as_str), Some(TOLD[1]));
    }
}

#[tokio::test]
async fn a_folder_without_a_server_is_a_clear_error() {
    let folder = Folder::new();
    let run = folder.run(&["prestop"]).await;
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(
        run.err.contains("server_info.yaml") && run.err.contains("TARS_PATH"),
        "{run:?}"
    );
}

/// A supervisor that answers its questions with these lines, in turn, and gives the questions back.
fn supervisor(folder: &Folder, answers: &[&'static str]) -> JoinHandle<Vec<String>> {
    std::fs::create_dir_all(folder.path().join("data")).unwrap();
    let listener = UnixListener::bind(folder.data("supervisor.sock")).unwrap();
    let answers = answers.to_vec();
    tokio::spawn(async move {
        let mut questions = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = String::new();
            BufReader::new(&mut stream).read_line(&mut question).await.unwrap();
            questions.push(question);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        questions
    })
}

const ALIVE: &str = "{\"answer\":\"live\"}\n";

#[tokio::test]
async fn a_supervisor_does_it_when_there_is_one() {
    let folder = Folder::new();
    let asked = supervisor(
        &folder,
        &[ALIVE, "{\"answer\":\"left\",\"told\":true,\"error\":null}\n"],
    );
    let run = folder.run(&["prestop", "--json"]).await;
    assert_eq!((run.code, &run.json()["by"]), (0, &json!("supervisor")), "{run:?}");
    let questions = asked.await.unwrap();
    assert_eq!(questions, ["{\"ask\":\"live\"}\n", "{\"ask\":\"prestop\"}\n"]);
}

#[tokio::test]
async fn what_the_supervisor_could_not_do_is_told() {
    let folder = Folder::new();
    let left = "{\"answer\":\"left\",\"told\":false,\"error\":\"no database\"}\n";
    let _asked = supervisor(&folder, &[ALIVE, left]);
    let run = folder.run(&["prestop"]).await;
    assert_eq!(run.code, 1);
    assert!(run.err.contains("no database"), "{run:?}");
}

#[tokio::test]
async fn a_supervisor_that_dies_meanwhile_is_replaced() {
    let (folder, registry, _admin) = described(Mood::Accepts).await;
    let _asked = supervisor(&folder, &[ALIVE, ""]);
    let run = folder.run_with(SHORT, &["prestop", "--json"]).await;
    assert_eq!((run.code, &run.json()["by"]), (0, &json!("prestop")), "{run:?}");
    assert_eq!(registry.told(), TOLD);
}
