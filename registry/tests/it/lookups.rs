//! Lookups over the wire: what clients of a registry are told, and when.

use std::collections::BTreeMap;

use crate::common::{Running, migrated, startup};
use tars::protocol::{AdapterConf, EndpointF, GetMasterSlaveLock, KeepAliveReq, OnPrestopReq, OnStartupReq};

const OBJECT: &str = "App.S.Obj";

/// Hosts of the active list, and of the inactive one.
fn hosts(active: &[EndpointF], inactive: &[EndpointF]) -> String {
    let list = |list: &[EndpointF]| {
        let hosts: Vec<&str> = list.iter().map(|endpoint| endpoint.host.as_str()).collect();
        hosts.join(" ")
    };
    format!("{} | {}", list(active), list(inactive))
}

async fn group(running: &Running, id: &str, node: &str) -> String {
    let found = running
        .query
        .find_object_by_id_in_same_group(id)
        .context("node_name", node)
        .await
        .unwrap();
    assert_eq!(found.ret, 0);
    hosts(&found.active_ep, &found.inactive_ep)
}

async fn set(running: &Running, id: &str, set: &str) -> (i32, String) {
    let found = running.query.find_object_by_id_in_same_set(id, set).await.unwrap();
    (found.ret, hosts(&found.active_ep, &found.inactive_ep))
}

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

/// Whoever changed something sees it from here on: nothing waits for a look at the database.
async fn every_change_is_shown_at_once(running: Running) {
    running.ready().await;
    let seen = async || group(&running, OBJECT, "").await;
    assert_eq!(seen().await, " | ", "an unknown servant is not an error");
    for node in ["10.0.0.8", "10.0.0.7"] {
        running.registry.on_startup(&startup(node)).await.unwrap();
    }
    assert_eq!(seen().await, "10.0.0.7 10.0.0.8 | ");
    running
        .registry
        .keep_alive(&beat("10.0.0.7", "inactive"))
        .await
        .unwrap();
    assert_eq!(seen().await, "10.0.0.8 | 10.0.0.7");
    running.registry.keep_alive(&beat("10.0.0.7", "active")).await.unwrap();
    assert_eq!(seen().await, "10.0.0.7 10.0.0.8 | ");
    let moved = OnStartupReq {
        adapters: vec![AdapterConf {
            servant: OBJECT.into(),
            endpoint: "tcp -h 10.0.0.9 -p 10000".into(),
            ..AdapterConf::default()
        }],
        ..startup("10.0.0.7")
    };
    running.registry.on_startup(&moved).await.unwrap();
    assert_eq!(seen().await, "10.0.0.8 10.0.0.9 | 10.0.0.7");
    running.registry.on_prestop(&end("10.0.0.8")).await.unwrap();
    assert_eq!(seen().await, "10.0.0.9 | 10.0.0.7 10.0.0.8", "who left is not cut off");
    let without_flow = OnStartupReq {
        disable_flow: true,
        ..moved
    };
    running.registry.on_startup(&without_flow).await.unwrap();
    assert_eq!(seen().await, " | 10.0.0.7 10.0.0.8 10.0.0.9");
    assert_eq!(running.metric("registry_late_changes_total").await.to_string(), "0");
    assert_eq!(running.metric("registry_reload_failures_total").await.to_string(), "0");
    running.end().await;
}

#[tokio::test]
async fn every_change_is_shown_at_once_on_sqlite() {
    every_change_is_shown_at_once(Running::sqlite(&[]).await).await;
}

#[tokio::test]
async fn every_change_is_shown_at_once_on_mysql() {
    let database = migrated().await;
    every_change_is_shown_at_once(Running::mysql(database.url()).await).await;
}

#[tokio::test]
async fn node_wide_calls_and_cleans_are_shown() {
    let running = Running::sqlite(&["--allow-node-wide"]).await;
    running.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
    let whole = KeepAliveReq {
        node_name: "10.0.0.7".into(),
        state: "inactive".into(),
        ..KeepAliveReq::default()
    };
    running.registry.keep_alive(&whole).await.unwrap();
    assert_eq!(group(&running, OBJECT, "").await, " | 10.0.0.7");
    running
        .sql("UPDATE t_node_info SET present_state = 'inactive', last_heartbeat = '2001-01-01 00:00:00'")
        .await;
    running.admin.notify("clean n").await.unwrap();
    let alive = "registry_endpoints{state=\"inactive\"}";
    assert_eq!(running.metric(alive).await.to_string(), "1", "it has left");
    running.registry.keep_alive(&beat("10.0.0.7", "active")).await.unwrap();
    assert_eq!(group(&running, OBJECT, "").await, "10.0.0.7 | ");
}

/// A registry with a server in two sets and two groups.
async fn divided() -> Running {
    let running = Running::sqlite(&[]).await;
    for (node, set) in [("10.0.0.1", "x.sz.1"), ("10.0.0.2", "x.sz.*"), ("10.0.1.1", "")] {
        let req = OnStartupReq {
            set_id: set.into(),
            ..startup(node)
        };
        running.registry.on_startup(&req).await.unwrap();
    }
    running
        .sql(
            "UPDATE t_server_conf SET enable_group = 'Y'; \
             INSERT INTO t_server_group_rule (group_id, allow_ip_rule, group_name) VALUES (1, '10.0.0.*', 'a'), \
             (2, '10.0.1.1|other', 'b'); \
             INSERT INTO t_group_priority (group_list, station) VALUES ('2', 'st')",
        )
        .await;
    while group(&running, OBJECT, "other").await != "10.0.1.1 | " {
        tokio::task::yield_now().await; // until the next look
    }
    running
}

#[tokio::test]
async fn every_method_has_its_own_answer() {
    let running = divided().await;
    let query = &running.query;
    let all = "10.0.0.1 10.0.0.2 10.0.1.1 | ";
    let any = query.find_object_by_id4_any(OBJECT).await.unwrap();
    assert_eq!((any.ret, hosts(&any.active_ep, &any.inactive_ep).as_str()), (0, all));
    assert_eq!(hosts(&query.find_object_by_id(OBJECT).await.unwrap(), &[]), all);
    let four = query.find_object_by_id4_all(OBJECT).context("node_name", "10.0.0.77");
    let four = four.await.unwrap();
    assert_eq!(hosts(&four.active_ep, &four.inactive_ep), "10.0.0.1 10.0.0.2 | ");
    assert_eq!(
        group(&running, OBJECT, "").await,
        all,
        "a loopback address is of no group"
    );
    let station = async |station: &str| query.find_object_by_id_in_same_station(OBJECT, station).await.unwrap();
    assert_eq!(hosts(&station("st").await.active_ep, &[]), "10.0.1.1 | ");
    assert_eq!((station("st").await.ret, station("no").await.ret), (0, -1));
    assert_eq!(set(&running, OBJECT, "x.sz.1").await, (0, "10.0.0.1 | ".into()));
    assert_eq!(set(&running, OBJECT, "x.sz.7").await, (0, "10.0.0.2 | ".into()));
    assert_eq!(set(&running, OBJECT, "x.bj.1").await, (-1, " | ".into()));
    assert_eq!(set(&running, OBJECT, "x.sz").await, (-1, " | ".into()));
    let nodes = query.find_object_node_name(OBJECT).await.unwrap();
    assert_eq!(
        (nodes.ret, nodes.node_name.join(" ")),
        (0, "10.0.0.1 10.0.0.2 10.0.1.1".into())
    );
    let told = &any.active_ep[0];
    assert_eq!((told.port, told.timeout, told.istcp), (10000, 3000, 1));
    assert_eq!((told.set_id.as_str(), told.node_name.as_str()), ("x.sz.1", "10.0.0.1"));
    assert_eq!((told.grouprealid, told.groupworkid), (1, 1));
    let counted = r#"registry_requests_total{method="findObjectById4Any",code="0"}"#;
    assert_eq!(running.metric(counted).await.to_string(), "1");
}

#[tokio::test]
async fn what_is_not_offered_is_said_to_be_so() {
    let running = Running::sqlite(&[]).await;
    let query = &running.query;
    for error in [
        query.get_locker(&GetMasterSlaveLock::default()).await.unwrap_err(),
        query.register_query(OBJECT, "n").await.unwrap_err(),
        query.register_change(&BTreeMap::new(), "n").await.unwrap_err(),
    ] {
        assert_eq!(error.code(), -3);
        assert!(error.message().contains("is not offered"), "{error}");
    }
    let counted = r#"registry_requests_total{method="getLocker",code="-3"}"#;
    assert_eq!(running.metric(counted).await.to_string(), "1");
}

#[tokio::test]
async fn the_registry_knows_itself_and_others_of_its_kind() {
    let anywhere = ["--query-endpoint", "tcp -p 0", "--registry-endpoint", "tcp -p 0"];
    let running = Running::sqlite_anywhere(&anywhere).await;
    // Whoever may register does not get the calls that are for registries.
    let mut impostor = startup("127.0.0.1");
    (impostor.application, impostor.server) = ("tars".into(), "tarsregistry".into());
    impostor.adapters[0].servant = "tars.tarsregistry.QueryObj".into();
    let error = running.registry.on_startup(&impostor).await.unwrap_err();
    assert_eq!(error.code(), 2, "{error}");
    running.registry.on_startup(&startup("127.0.0.1")).await.unwrap();
    let disguise = "UPDATE t_server_conf SET application = 'tars', server_name = 'tarsregistry'; \
                    UPDATE t_adapter_conf SET application = 'tars', server_name = 'tarsregistry', \
                    endpoint = 'tcp -h 10.0.0.66 -p 1', servant =";
    for id in ["tars.tarsregistry.QueryObj", "tars.tarsregistry.Registry"] {
        running.sql(&format!("{disguise} '{id}'")).await;
        assert_eq!(
            group(&running, id, "").await,
            "127.0.0.1 | ",
            "the address the caller reached"
        );
        let insert = "INSERT INTO t_registry_info (locator_id, servant, endpoint, present_state) VALUES";
        running
            .sql(&format!(
                "{insert} ('a', '{id}', 'tcp -h 10.0.0.1 -p 17890', 'active'), \
                 ('b', '{id}', 'tcp -h 10.0.0.2 -p 17890', 'inactive')"
            ))
            .await;
        while group(&running, id, "").await != "10.0.0.1 127.0.0.1 | 10.0.0.2" {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(group(&running, "tars.tarsregistry.AdminObj", "").await, " | ");

    let mut named = anywhere.to_vec();
    named.extend(["--advertise", "tars-registry"]);
    let running = Running::sqlite_anywhere(&named).await;
    let found = running
        .query
        .find_object_by_id("tars.tarsregistry.QueryObj")
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].host, "tars-registry");
    assert!(found[0].port > 0 && found[0].timeout > 0 && found[0].istcp == 1);
}

#[tokio::test]
async fn what_others_write_is_heard_of() {
    let running = Running::sqlite(&[]).await;
    running.registry.on_startup(&startup("10.0.0.7")).await.unwrap();
    running.sql("UPDATE t_server_conf SET flow_state = 'inactive'").await;
    while group(&running, OBJECT, "").await != " | 10.0.0.7" {
        tokio::task::yield_now().await;
    }
    running
        .sql("UPDATE t_adapter_conf SET endpoint = 'tcp -h nowhere'")
        .await;
    while running.metric("registry_skipped_rows").await < 1.0 {
        tokio::task::yield_now().await;
    }
    assert!(running.metric("registry_snapshot_age_seconds").await < 10.0);
    assert_eq!(running.metric("registry_servants").await.to_string(), "1");
}
