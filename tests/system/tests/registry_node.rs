//! The five methods called by the Node implementation of Tars, on both databases, with the rows read back by SQL.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};
use tars_test_support::{
    node,
    registry::{Backend, Registry},
};

const NODE: &str = "127.0.0.1";

/// The registry's database is slow.
const TRY_AGAIN: i64 = -9;

/// A registry on a fresh database, and the Node client that calls it.
struct Scene {
    registry: Registry,
}

impl Scene {
    async fn new(backend: Backend) -> Self {
        let registry = Registry::start(backend).await;
        registry.process.wait_for("ready").await;
        Self { registry }
    }

    /// Calls `operation` from Node, and again while the answer asks for it: the reply, or the error as `(code, text)`.
    async fn call(&self, operation: &str, request: Value) -> Result<Value, (i64, String)> {
        loop {
            let outcome = self.call_once(operation, &request).await;
            if !outcome.as_ref().is_err_and(|(code, _)| *code == TRY_AGAIN) {
                return outcome;
            }
        }
    }

    async fn call_once(&self, operation: &str, request: &Value) -> Result<Value, (i64, String)> {
        let (code, output) = node::start(
            "registry-call.js",
            &[self.registry.object(), operation, &request.to_string()],
        )
        .wait()
        .await;
        assert_eq!(code, 0, "{output}");
        let line = output
            .lines()
            .find(|line| line.starts_with('{'))
            .unwrap_or_else(|| panic!("no answer in:\n{output}"));
        let mut outcome: Value = serde_json::from_str(line).unwrap();
        match outcome.get("error") {
            None => Ok(outcome["ok"].take()),
            Some(error) => Err((
                error["code"].as_i64().unwrap(),
                error["message"].as_str().unwrap().to_owned(),
            )),
        }
    }

    /// The named columns of all rows of a table, as text, ordered by the first column.
    async fn rows(&self, table: &str, columns: &str) -> Vec<Vec<String>> {
        self.registry.backend().rows(table, columns).await
    }

    /// Asserts that the columns of a table hold a time within the last minute, by the database's own clock.
    async fn assert_recent(&self, table: &str, columns: &[&str]) {
        for column in columns {
            let ages = self.registry.backend().ages(table, column).await;
            assert!(
                !ages.is_empty() && ages.iter().all(|age| (0..60).contains(age)),
                "{table}.{column}: ages {ages:?}"
            );
        }
    }
}

fn startup() -> Value {
    json!({
        "nodeName": NODE,
        "application": "TestApp",
        "server": "HelloServer",
        "setID": "gray.sz.1",
        "adapters": [
            {
                "servant": "TestApp.HelloServer.HelloObj", "endpoint": "tcp -h 127.0.0.1 -p 18015 -t 60000", "protocol": "tars",
                "maxConns": 1000, "threadNum": 5, "queueCap": 10000, "queueTimeout": 60000
            },
            { "servant": "TestApp.HelloServer.RawObj", "endpoint": "tcp -h 127.0.0.1 -p 18016", "maxConns": 7 }
        ],
        "State": "activating",
        "Version": "v1.2.3",
        "templateName": "tars.cpp",
        "serverType": "tars_rust"
    })
}

const SERVER: &str = "application, server_name, node_name, patch_version, present_state, setting_state, enable_set, set_name, set_area, \
                      set_group, template_name, server_type, grid_flag, flow_state, metrics_port";
const ADAPTER: &str = "adapter_name, application, server_name, node_name, servant, thread_num, endpoint, protocol, max_connections, \
                       queuecap, queuetimeout";
const NODE_ROW: &str = "node_name, node_obj, endpoint_ip, endpoint_port, setting_state, present_state";

fn texts(row: &[&str]) -> Vec<String> {
    row.iter().map(|&text| text.to_owned()).collect()
}

fn server(state: &str, metrics_port: &str) -> Vec<String> {
    let row = [
        "TestApp",
        "HelloServer",
        NODE,
        "v1.2.3",
        state,
        "active",
        "Y",
        "gray",
        "sz",
        "1",
        "tars.cpp",
        "tars_cpp",
        "NORMAL",
    ];
    texts(&[&row[..], &["active", metrics_port]].concat())
}

fn node_row(state: &str) -> Vec<String> {
    texts(&[
        NODE,
        "tars.tarsnode.NodeObj@tcp -h 127.0.0.1 -p 0",
        NODE,
        "0",
        "active",
        state,
    ])
}

fn adapters() -> Vec<Vec<String>> {
    let hello = [
        "TestApp.HelloServer.HelloObjAdapter",
        "TestApp",
        "HelloServer",
        NODE,
        "TestApp.HelloServer.HelloObj",
        "5",
    ];
    let raw = [
        "TestApp.HelloServer.RawObjAdapter",
        "TestApp",
        "HelloServer",
        NODE,
        "TestApp.HelloServer.RawObj",
        "0",
    ];
    vec![
        texts(
            &[
                &hello[..],
                &["tcp -h 127.0.0.1 -p 18015 -t 60000", "tars", "1000", "10000", "60000"],
            ]
            .concat(),
        ),
        texts(&[&raw[..], &["tcp -h 127.0.0.1 -p 18016", "tars", "7", "0", "0"]].concat()),
    ]
}

/// One instance from its start to its end, as a container lives it.
async fn life_of_an_instance(backend: Backend) {
    let scene = Scene::new(backend).await;

    scene.call("onStartup", startup()).await.unwrap();
    assert_eq!(
        scene.rows("t_node_info", NODE_ROW).await,
        [node_row("active")],
        "a node that registers is there"
    );
    assert_eq!(scene.rows("t_server_conf", SERVER).await, [server("activating", "0")]);
    assert_eq!(scene.rows("t_adapter_conf", ADAPTER).await, adapters());
    scene
        .assert_recent("t_node_info", &["last_reg_time", "last_heartbeat"])
        .await;
    scene
        .assert_recent("t_server_conf", &["registry_timestamp", "patch_time", "posttime"])
        .await;

    let beat =
        |state: &str| json!({"nodeName": NODE, "state": state, "application": "TestApp", "server": "HelloServer"});
    let reply = scene.call("keepAlive", beat("active")).await.unwrap();
    assert_eq!(reply["context"], json!({}), "a known instance gets no hint");
    assert_eq!(scene.rows("t_node_info", NODE_ROW).await, [node_row("active")]);
    assert_eq!(scene.rows("t_server_conf", SERVER).await, [server("active", "0")]);

    let metrics = json!({"nodeName": NODE, "application": "TestApp", "server": "HelloServer", "metricsPort": 9000});
    scene.call("registerMetrics", metrics).await.unwrap();
    assert_eq!(scene.rows("t_server_conf", SERVER).await, [server("active", "9000")]);

    let reply = scene.call("getMetricsAdapters", json!({})).await.unwrap();
    let labels = json!({"application": "TestApp", "server": "HelloServer", "set": "gray.sz.1"});
    assert_eq!(reply["rsp"], json!([{"targets": ["127.0.0.1:9000"], "labels": labels}]));

    scene.call("keepAlive", beat("deactivating")).await.unwrap();
    assert_eq!(
        scene.rows("t_server_conf", SERVER).await,
        [server("deactivating", "9000")]
    );
    assert_eq!(scene.rows("t_node_info", NODE_ROW).await, [node_row("inactive")]);

    let end = json!({"nodeName": NODE, "application": "TestApp", "server": "HelloServer"});
    scene.call("onPrestop", end).await.unwrap();
    assert_eq!(scene.rows("t_server_conf", SERVER).await, Vec::<Vec<String>>::new());
    assert_eq!(scene.rows("t_adapter_conf", ADAPTER).await, Vec::<Vec<String>>::new());
    assert_eq!(
        scene.rows("t_node_info", NODE_ROW).await.len(),
        1,
        "the node's row stays until a clean"
    );

    scene.call("keepAlive", beat("active")).await.unwrap();
    assert_eq!(
        scene.rows("t_server_conf", SERVER).await,
        Vec::<Vec<String>>::new(),
        "a late beat brings nothing back"
    );
}

/// What is refused: with a code, a text that names the field, and no row written.
async fn refusals(backend: Backend) {
    let scene = Scene::new(backend).await;
    let with = |field: &str, value: Value| {
        let mut request = startup();
        request[field] = value;
        request
    };
    let with_adapter = |field: &str, value: &str| {
        let mut request = startup();
        request["adapters"][0][field] = json!(value);
        request
    };
    let cases = [
        (with("nodeName", json!("")), 1, "nodeName"),
        (with("application", json!("")), 1, "application"),
        (with("server", json!("x".repeat(129))), 1, "server"),
        (with("application", json!("a".repeat(51))), 1, "application"),
        (with("State", json!("sleeping")), 1, "State"),
        (with("setID", json!("only.two")), 1, "setID"),
        (with("serverType", json!("tars_cobol")), 1, "serverType"),
        (with_adapter("servant", "Other.Server.Obj"), 1, "servant"),
        (with_adapter("endpoint", "tcp -p ninety"), 1, "endpoint"),
    ];
    for (request, code, field) in cases {
        let (got, text) = scene.call("onStartup", request.clone()).await.expect_err(field);
        assert_eq!(got, code, "{text}");
        assert!(text.contains(field), "`{text}` does not name `{field}`");
        assert!(!text.to_lowercase().contains("insert"), "`{text}` shows SQL");
    }
    let (code, text) = scene
        .call(
            "keepAlive",
            json!({"nodeName": NODE, "state": "happy", "application": "A", "server": "S"}),
        )
        .await
        .unwrap_err();
    assert_eq!((code, text.contains("state")), (1, true), "{text}");
    for table in ["t_node_info", "t_server_conf", "t_adapter_conf"] {
        assert_eq!(
            scene.rows(table, "id").await,
            Vec::<Vec<String>>::new(),
            "{table} has rows"
        );
    }

    let beat = json!({"nodeName": NODE, "state": "active", "application": "No", "server": "Such"});
    let reply = scene.call("keepAlive", beat).await.unwrap();
    assert_eq!(
        reply["context"]["tars-registry-hint"], "reregister",
        "an unknown instance is told apart"
    );
}

#[tokio::test]
async fn life_of_an_instance_on_mysql() {
    life_of_an_instance(Backend::mysql().await).await;
}

#[tokio::test]
async fn life_of_an_instance_on_sqlite() {
    life_of_an_instance(Backend::sqlite()).await;
}

#[tokio::test]
async fn refusals_on_mysql() {
    refusals(Backend::mysql().await).await;
}

#[tokio::test]
async fn refusals_on_sqlite() {
    refusals(Backend::sqlite()).await;
}
