//! `tarscli notify`: where the command goes and what comes back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Admin, Folder};

#[tokio::test]
async fn the_servers_own_admin_object_is_found_in_its_folder() {
    let (folder, admin) = (Folder::new(), Admin::start().await);
    folder.describe("none", &admin.endpoint.to_string(), &[]);
    let run = folder.run(&["notify", "tars.setloglevel", "DEBUG"]).await;
    assert_eq!(
        (run.code, run.out.as_str(), run.err.as_str()),
        (0, "notify succ:did \"tars.setloglevel DEBUG\"\n", "")
    );
    let run = folder.run(&["notify", "--json", "clean", "n", "-x"]).await;
    assert_eq!(
        run.json(),
        serde_json::json!({"command": "clean n -x", "answer": "did \"clean n -x\""})
    );
    assert_eq!(*admin.heard.borrow(), ["tars.setloglevel DEBUG", "clean n -x"]);
}

#[tokio::test]
async fn what_is_typed_goes_over_the_file() {
    let (folder, admin) = (Folder::new(), Admin::start().await);
    folder.write("server_info.yaml", "conf: [");
    let endpoint = admin.endpoint.to_string();
    let run = folder.run(&["notify", "--admin", &endpoint, "prestop"]).await;
    assert_eq!(run.code, 0, "{run:?}");

    let run = folder.run(&["notify", "prestop"]).await;
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(
        run.err.contains("server_info.yaml") && run.err.contains("line 1"),
        "{run:?}"
    );
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_named_in_time() {
    let folder = Folder::new();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    folder.describe("none", &format!("tcp -h 127.0.0.1 -p {port}"), &[]);
    let run = folder.run(&["notify", "--timeout", "200ms", "clean", "n"]).await;
    assert_eq!(run.code, 1);
    assert!(
        run.err.contains("notify `clean n`") && run.err.contains(&port.to_string()),
        "{run:?}"
    );

    folder.describe("none", "udp -h 127.0.0.1 -p 1", &[]);
    let run = folder.run(&["notify", "clean"]).await;
    assert!(
        run.code == 1 && run.err.contains("`local` of data/server_info.yaml"),
        "{run:?}"
    );
}
