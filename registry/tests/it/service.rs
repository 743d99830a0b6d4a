//! The registry as its clients see it: over the wire, by the generated clients.

use std::collections::BTreeMap;

use crate::common::{Running, startup};
use tars::protocol::{
    AdapterConf, GetMetricsAdaptersReq, KeepAliveReq, OnPrestopReq, OnStartupReq, RegisterMetricsReq,
};

fn beat(node: &str, state: &str) -> KeepAliveReq {
    KeepAliveReq {
        node_name: node.into(),
        state: state.into(),
        application: "App".into(),
        server: "S".into(),
    }
}

fn end(node: &str) -> OnPrestopReq {
    OnPrestopReq {
        node_name: node.into(),
        application: "App".into(),
        server: "S".into(),
    }
}

fn metrics(node: &str, port: i32) -> RegisterMetricsReq {
    RegisterMetricsReq {
        node_name: node.into(),
        application: "App".into(),
        server: "S".into(),
        metrics_port: port,
    }
}

/// Code and text of a refusal.
fn refused<T>(answer: tars::Result<T>) -> (i32, String) {
    let error = answer.err().expect("the call is refused");
    (error.code(), error.message().to_owned())
}

#[tokio::test]
async fn a_life_from_start_to_end() {
    let running = Running::sqlite(&[]).await;
    let client = &running.registry;
    client
        .on_startup(&OnStartupReq {
            state: "activating".into(),
            ..startup("10.0.0.7")
        })
        .await
        .unwrap();
    client.keep_alive(&beat("10.0.0.7", "active")).await.unwrap();
    let state = "SELECT present_state, setting_state FROM t_server_conf";
    assert_eq!(running.sql(state).await, ["active active"]);

    client.register_metrics(&metrics("10.0.0.7", 0)).await.unwrap();
    let all = GetMetricsAdaptersReq::default();
    let groups = client.get_metrics_adapters(&all).await.unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].targets, ["10.0.0.7:9325"]);
    let labels = [("application", "App"), ("server", "S"), ("set", "")];
    assert_eq!(
        groups[0].labels,
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    );
    let other = GetMetricsAdaptersReq {
        filter: BTreeMap::from([("server".into(), "T".into())]),
    };
    assert_eq!(client.get_metrics_adapters(&other).await.unwrap(), []);

    client.keep_alive(&beat("10.0.0.7", "deactivating")).await.unwrap();
    client.keep_alive(&beat("10.0.0.7", "active")).await.unwrap();
    assert_eq!(running.sql(state).await, ["deactivating active"]);
    client.on_prestop(&end("10.0.0.7")).await.unwrap();
    client.on_prestop(&end("10.0.0.7")).await.unwrap();
    assert_eq!(running.sql(state).await, Vec::<String>::new());
    let late = client
        .keep_alive(&beat("10.0.0.7", "active"))
        .with_reply()
        .await
        .unwrap();
    assert!(
        late.context.is_empty(),
        "an instance that ended is not asked to come back"
    );
    assert_eq!(running.sql(state).await, Vec::<String>::new());
    running.end().await;
}

#[tokio::test]
async fn an_unknown_heartbeat_is_acknowledged_counted_and_answered_with_a_hint() {
    let running = Running::sqlite(&[]).await;
    let reply = running
        .registry
        .keep_alive(&beat("10.0.0.7", "active"))
        .with_reply()
        .await
        .unwrap();
    let hint = reply
        .context
        .get(b"tars-registry-hint".as_slice())
        .map(|value| value.to_string_lossy().into_owned());
    assert_eq!(hint.as_deref(), Some("reregister"));
    assert_eq!(
        running.metric("registry_unknown_keepalive_total").await.to_string(),
        "1"
    );
    running.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
    let reply = running
        .registry
        .keep_alive(&beat("10.0.0.7", "active"))
        .with_reply()
        .await
        .unwrap();
    assert!(reply.context.is_empty());
    let (code, text) = refused(running.registry.register_metrics(&metrics("10.0.0.8", 1)).await);
    assert_eq!(
        (code, text.as_str()),
        (
            1,
            "`server` is of App.S on 10.0.0.8, which is not registered; call onStartup first"
        )
    );
}

/// A change that spoils a registration, and what its refusal says.
type Case = (fn(&mut OnStartupReq), &'static str);

const BAD_SERVERS: &[Case] = &[
    (|r| r.node_name.clear(), "`nodeName` is empty"),
    (|r| r.node_name.push(' '), "`nodeName` contains white space"),
    (
        |r| r.node_name = "n".repeat(51),
        "`nodeName` has 51 characters, 50 are allowed",
    ),
    (
        |r| r.node_name = "pöd".into(),
        "`nodeName` contains `ö`, only ASCII characters are allowed",
    ),
    (
        |r| r.application = "Äpp".into(),
        "`application` contains `Ä`, only ASCII",
    ),
    (|r| r.server = "服".into(), "`server` contains `服`, only ASCII"),
    (|r| r.application.clear(), "`application` is empty"),
    (|r| r.application = "A".repeat(51), "`application` has 51 characters"),
    (|r| r.application = "A.B".into(), "`application` contains a dot"),
    (|r| r.server = "S\0".into(), "`server` contains a control character"),
    (|r| r.server = "S".repeat(129), "`server` has 129 characters"),
    (
        |r| r.state = "ready".into(),
        "`State` is `ready`, expected one of `active`",
    ),
    (
        |r| r.set_id = "a.b".into(),
        "`setID` is `a.b`, expected `name.area.group`",
    ),
    (|r| r.set_id = "a..c".into(), "`setID (area)` is empty"),
    (|r| r.set_id = "*.b.c".into(), "`setID` may have `*` only as its group"),
    (
        |r| r.set_id = format!("a.b.{}", "c".repeat(65)),
        "`setID (group)` has 65 characters",
    ),
    (|r| r.version = "v".repeat(129), "`Version` has 129 characters"),
    (
        |r| r.template_name = "t".repeat(129),
        "`templateName` has 129 characters",
    ),
    (
        |r| r.server_type = "tars_perl".into(),
        "`serverType` is `tars_perl`, expected one of `tars_cpp`",
    ),
];

const BAD_ADAPTERS: &[Case] = &[
    (
        |r| r.adapters = vec![AdapterConf::default(); 65],
        "`adapters` has 65 entries, 64 are allowed",
    ),
    (
        |r| r.adapters.push(r.adapters[0].clone()),
        "`adapters[1].servant` `App.S.Obj` is there twice",
    ),
    (
        |r| r.adapters[0].servant = "Other.S.Obj".into(),
        "`adapters[0].servant` is `Other.S.Obj`, expected `App.S.` and",
    ),
    (
        |r| r.adapters[0].servant = "App.S.Öbj".into(),
        "`adapters[0].servant` contains `Ö`, only ASCII",
    ),
    (
        |r| r.adapters[0].servant = "App.S.".into(),
        "`adapters[0].servant` is `App.S.`",
    ),
    (
        |r| r.adapters[0].servant = "App.S.X.Obj".into(),
        "`adapters[0].servant` is `App.S.X.Obj`",
    ),
    (
        |r| r.adapters[0].servant = format!("App.S.{}", "O".repeat(90)),
        "has 103 characters, 100 are allowed",
    ),
    (
        |r| r.adapters[0].endpoint.clear(),
        "`adapters[0].endpoint` cannot be read",
    ),
    (
        |r| r.adapters[0].endpoint = "tcp -h h -p http".into(),
        "`adapters[0].endpoint` cannot be read",
    ),
    (
        |r| r.adapters[0].endpoint = "tcp -h h -p 0".into(),
        "expected a port from 1 to 65535",
    ),
    (
        |r| r.adapters[0].endpoint = format!("tcp -h {} -p 1", "h".repeat(128)),
        "`adapters[0].endpoint` has 140 characters",
    ),
    (
        |r| r.adapters[0].protocol = "p".repeat(65),
        "`adapters[0].protocol` has 65 characters",
    ),
];

#[tokio::test]
async fn what_is_not_valid_is_refused_and_leaves_nothing() {
    let running = Running::sqlite(&[]).await;
    for (spoil, expected) in BAD_SERVERS.iter().chain(BAD_ADAPTERS) {
        let mut req = startup("10.0.0.7");
        spoil(&mut req);
        let (code, text) = refused(running.registry.on_startup(&req).await);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(expected), "{text}, expected {expected}");
    }
    let (code, text) = refused(
        running
            .registry
            .keep_alive(&beat("10.0.0.7", "'; DROP TABLE t_node_info"))
            .await,
    );
    assert!(code == 1 && text.starts_with("`state` is `"), "{text}");
    let half = KeepAliveReq {
        server: String::new(),
        ..beat("10.0.0.7", "active")
    };
    assert_eq!(
        refused(running.registry.keep_alive(&half).await),
        (1, "`server` is empty".into())
    );
    let half = OnPrestopReq {
        application: String::new(),
        ..end("10.0.0.7")
    };
    assert_eq!(
        refused(running.registry.on_prestop(&half).await),
        (1, "`application` is empty".into())
    );
    let (code, text) = refused(running.registry.register_metrics(&metrics("10.0.0.7", 70_000)).await);
    assert_eq!(
        (code, text.as_str()),
        (1, "`metricsPort` is 70000, expected 0 (9325) to 65535")
    );
    assert_eq!(running.rows().await, "0");
}

/// Changes that fill a field with a megabyte.
const LONG: &[fn(&mut OnStartupReq, String)] = &[
    |r, long| r.node_name = long,
    |r, long| r.application = long,
    |r, long| r.server = long,
    |r, long| r.set_id = long,
    |r, long| r.state = long,
    |r, long| r.server_type = long,
    |r, long| r.template_name = long,
    |r, long| r.version = long,
    |r, long| r.adapters[0].servant = long,
    |r, long| r.adapters[0].endpoint = long,
    |r, long| r.adapters[0].protocol = long,
];

#[tokio::test]
async fn refusals_do_not_repeat_long_fields() {
    let running = Running::sqlite(&[]).await;
    for spoil in LONG {
        for long in ["x".repeat(1 << 20), ".".repeat(1 << 20), "\u{7}".repeat(1 << 20)] {
            let mut req = startup("10.0.0.7");
            spoil(&mut req, long);
            let (code, text) = refused(running.registry.on_startup(&req).await);
            assert!(code == 1 && text.len() < 700, "{text:.800}");
        }
    }
    let long = "x".repeat(1 << 20);
    let (_, text) = refused(running.registry.keep_alive(&beat("10.0.0.7", &long)).await);
    assert!(text.len() < 700, "{text:.800}");
    let filter = BTreeMap::from([(long.clone(), String::new())]);
    let (_, text) = refused(
        running
            .registry
            .get_metrics_adapters(&GetMetricsAdaptersReq { filter })
            .await,
    );
    assert!(text.len() < 700, "{text:.800}");
    let text = running.admin.notify(&long).await.unwrap();
    assert!(text.len() < 1500, "{text:.1600}");
}

#[tokio::test]
async fn what_a_request_leaves_out_has_its_documented_default() {
    let running = Running::sqlite(&[]).await;
    let req = OnStartupReq {
        state: String::new(),
        server_type: "tars_rust".into(),
        ..startup("10.0.0.7")
    };
    running.registry.on_startup(&req).await.unwrap();
    let columns = "present_state, server_type, enable_set, grid_flag, flow_state, patch_version";
    assert_eq!(
        running.sql(&format!("SELECT {columns} FROM t_server_conf")).await,
        ["active tars_cpp N NORMAL active "]
    );
    assert_eq!(
        running.sql("SELECT protocol, thread_num FROM t_adapter_conf").await,
        ["tars 0"]
    );
}

#[tokio::test]
async fn a_node_is_its_callers_address() {
    let running = Running::sqlite_anywhere(&["--registry-endpoint", "tcp -p 0"]).await;
    for (code, text) in [
        refused(running.registry.on_startup(&startup("10.0.0.7")).await),
        refused(running.registry.keep_alive(&beat("10.0.0.7", "active")).await),
        refused(running.registry.on_prestop(&end("10.0.0.7")).await),
        refused(running.registry.register_metrics(&metrics("10.0.0.7", 1)).await),
    ] {
        assert_eq!(code, 2);
        assert!(
            text.contains("`10.0.0.7`") && text.contains("127.0.0.1") && text.contains("--node-identity"),
            "{text}"
        );
    }
    assert_eq!(running.rows().await, "0");
    running.registry.on_startup(&startup("127.0.0.1")).await.unwrap();
    running.registry.keep_alive(&beat("127.0.0.1", "active")).await.unwrap();
    for exception in [
        ["--trusted-cidr", "127.0.0.0/8"],
        ["--node-identity", "warn"],
        ["--node-identity", "off"],
    ] {
        let mut arguments = vec!["--registry-endpoint", "tcp -p 0"];
        arguments.extend(exception);
        let running = Running::sqlite_anywhere(&arguments).await;
        running.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
        let counted = if exception[1] == "warn" { "1" } else { "0" };
        assert_eq!(
            running.metric("registry_identity_mismatches_total").await.to_string(),
            counted
        );
    }
}

#[tokio::test]
async fn a_whole_node_only_when_allowed() {
    let whole = KeepAliveReq {
        application: String::new(),
        server: String::new(),
        ..beat("127.0.0.1", "inactive")
    };
    let gone = OnPrestopReq {
        node_name: "127.0.0.1".into(),
        ..OnPrestopReq::default()
    };
    let running = Running::sqlite(&[]).await;
    running.registry.on_startup(&startup("127.0.0.1")).await.unwrap();
    for (code, text) in [
        refused(running.registry.keep_alive(&whole).await),
        refused(running.registry.on_prestop(&gone).await),
    ] {
        assert!(code == 2 && text.contains("--allow-node-wide"), "{text}");
    }
    let running = Running::sqlite_anywhere(&[
        "--registry-endpoint",
        "tcp -p 0",
        "--allow-node-wide",
        "--node-identity",
        "off",
    ])
    .await;
    running.registry.on_startup(&startup("127.0.0.1")).await.unwrap();
    running.registry.keep_alive(&whole).await.unwrap();
    let state = "SELECT present_state, setting_state FROM t_server_conf";
    assert_eq!(running.sql(state).await, ["inactive active"]);
    let (code, text) = refused(
        running
            .registry
            .on_prestop(&OnPrestopReq {
                node_name: "10.0.0.7".into(),
                ..gone.clone()
            })
            .await,
    );
    assert!(code == 2 && text.contains("127.0.0.1"), "{text}");
    running.registry.on_prestop(&gone).await.unwrap();
    assert_eq!(running.sql(state).await, ["destroyed inactive"]);
}

#[tokio::test]
async fn an_operator_cleans() {
    let running = Running::sqlite(&[]).await;
    for node in ["10.0.0.7", "10.0.0.8", "10.0.0.9"] {
        running.registry.on_startup(&startup(node)).await.unwrap();
    }
    running
        .sql("UPDATE t_node_info SET endpoint_port = 19385 WHERE node_name = '10.0.0.9'")
        .await;
    let age = "present_state = 'inactive', last_heartbeat = strftime('%Y-%m-%d %H:%M:%S', 'now', '-2 hours')";
    running
        .sql(&format!("UPDATE t_node_info SET {age} WHERE node_name <> '10.0.0.8'"))
        .await;

    let command = async |line: &str| running.admin.notify(line).await.unwrap();
    assert!(
        command("clean").await.starts_with("\nDry run. 0 servers, 0 nodes"),
        "two hours are less than a day"
    );
    assert!(command("clean n").await.starts_with("\nDeleted. 0 servers"));
    let listed = command("clean 1h").await;
    assert!(
        listed.starts_with("\n10.0.0.7.App.S\n10.0.0.7\nDry run. 1 servers, 1 nodes"),
        "{listed}"
    );
    assert!(
        command("clean n 2001-01-01 00:00:00")
            .await
            .starts_with("\nDeleted. 0 servers")
    );
    let deleted = command("clean n 1h").await;
    assert_eq!(deleted.replace("Deleted", "Dry run")[..30], listed[..30]);
    let nodes = "SELECT node_name FROM t_node_info ORDER BY id";
    assert_eq!(running.sql(nodes).await, ["10.0.0.8", "10.0.0.9"]);
    assert!(
        command("clean n 1h --all")
            .await
            .contains("\n10.0.0.9\nDeleted. 1 servers, 1 nodes")
    );
    assert_eq!(running.sql(nodes).await, ["10.0.0.8"]);

    let usage = command("clean n soon").await;
    assert!(usage.starts_with("usage: clean [n] [CUT-OFF] [--all]"), "{usage}");
    assert!(command("reload").await.starts_with("command `reload` is not known"));
    running.registry.keep_alive(&beat("10.0.0.7", "active")).await.unwrap();
    assert_eq!(
        running.sql(nodes).await,
        ["10.0.0.8", "10.0.0.7"],
        "a living instance is back at its first beat"
    );
    assert_eq!(
        running.metric("registry_recreated_instances_total").await.to_string(),
        "1"
    );
}

#[tokio::test]
async fn an_operator_ends_it() {
    let mut running = Running::sqlite(&[]).await;
    assert_eq!(running.admin.get_pid().await.unwrap(), i64::from(std::process::id()));
    running.admin.shutdown().await.unwrap();
    running.ended().await.unwrap();
}

#[tokio::test]
async fn it_says_that_it_ends_before_it_does() {
    let mut running = Running::sqlite(&["--drain-delay", "60"]).await;
    running.admin.shutdown().await.unwrap();
    while running.get("/readyz").await != (503, "ending\n".into()) {
        tokio::task::yield_now().await;
    }
    // Who does not know yet is served as before.
    running.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
    let found = running.query.find_object_by_id("App.S.Obj").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(running.metric("registry_late_changes_total").await.to_string(), "0");
    // Nothing is left but to wait: the clock moves by itself.
    tokio::time::pause();
    running.ended().await.unwrap();
}

#[tokio::test]
async fn health_and_metrics() {
    let running = Running::sqlite(&[]).await;
    assert_eq!(running.get("/healthz").await, (200, "ok\n".into()));
    assert_eq!(running.get("/readyz").await, (200, "ready\ndatabase: ok\n".into()));
    assert_eq!(running.get("/nothing").await.0, 404);
    running.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
    refused(running.registry.keep_alive(&beat("", "active")).await);
    assert_eq!(
        running
            .metric(r#"registry_requests_total{method="onStartup",code="0"}"#)
            .await
            .to_string(),
        "1"
    );
    assert_eq!(
        running
            .metric(r#"registry_requests_total{method="keepAlive",code="1"}"#)
            .await
            .to_string(),
        "1"
    );
    assert_eq!(running.metric("registry_ready").await.to_string(), "1");
    assert_eq!(running.metric("registry_database_up").await.to_string(), "1");
    assert!(running.get("/metrics").await.1.ends_with("# EOF\n"));
}
