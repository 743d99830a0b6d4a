//! `tarscli notify clean`: what an operator types, as far as the rows.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use tars::protocol::{AdapterConf, OnStartupReq, TarsregistryClient};
use tars_test_support::{
    patient,
    process::{Process, binary},
    registry::{Backend, Registry},
};
use tokio::process::Command;

/// Runs `tarscli notify` with these words and returns its exit code and output.
async fn notify(registry: &Registry, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(binary("tarscli"));
    command.args(["notify", "--admin", registry.admin()]).args(words);
    Process::start(command).wait().await
}

async fn register(client: &TarsregistryClient, node: &str) {
    let servant = "TestApp.HelloServer.HelloObj";
    let endpoint = format!("tcp -h {node} -p 18015");
    let request = OnStartupReq {
        node_name: node.into(),
        application: "TestApp".into(),
        server: "HelloServer".into(),
        adapters: vec![AdapterConf {
            servant: servant.into(),
            endpoint,
            ..AdapterConf::default()
        }],
        ..OnStartupReq::default()
    };
    client.on_startup(&request).await.unwrap();
}

async fn clean_lists_then_deletes(backend: Backend) {
    let registry = Registry::start(backend).await;
    registry.process.wait_for("ready").await;
    let client: TarsregistryClient = patient::client(registry.object());
    register(&client, "10.0.0.1").await;
    register(&client, "10.0.0.2").await;
    let rows = registry.backend();
    rows.abandon_node("10.0.0.1").await;

    let (code, listed) = notify(&registry, &["clean"]).await;
    assert_eq!(code, 0, "{listed}");
    assert!(listed.starts_with("notify succ:"), "{listed}");
    assert!(
        listed.contains("10.0.0.1.TestApp.HelloServer") && !listed.contains("10.0.0.2"),
        "{listed}"
    );
    assert_eq!(
        rows.rows("t_server_conf", "node_name").await.len(),
        2,
        "a dry run deletes nothing"
    );

    let (code, deleted) = notify(&registry, &["clean", "n"]).await;
    assert_eq!(code, 0, "{deleted}");
    assert!(
        deleted.contains("10.0.0.1.TestApp.HelloServer") && !deleted.contains("10.0.0.2"),
        "{deleted}"
    );
    for table in ["t_node_info", "t_server_conf", "t_adapter_conf"] {
        assert_eq!(
            rows.rows(table, "node_name").await,
            [["10.0.0.2".to_owned()]],
            "{table}"
        );
    }

    let (code, all) = notify(&registry, &["clean", "n", "2021-11-25", "10:00:00"]).await;
    assert_eq!((code, all.contains("10.0.0")), (0, false), "nothing is that old: {all}");
}

#[tokio::test]
async fn clean_lists_then_deletes_on_mysql() {
    clean_lists_then_deletes(Backend::mysql().await).await;
}

#[tokio::test]
async fn clean_lists_then_deletes_on_sqlite() {
    clean_lists_then_deletes(Backend::sqlite()).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_that_says_where() {
    let mut command = Command::new(binary("tarscli"));
    command.args(["notify", "--admin", "tcp -h 127.0.0.1 -p 1", "clean"]);
    let (code, output) = Process::start(command).wait().await;
    assert_eq!(code, 1, "{output}");
    assert!(output.contains("127.0.0.1") && output.contains("clean"), "{output}");
}
