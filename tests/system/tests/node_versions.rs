//! A client that we did not write, in TUP and in JSON, and a generated servant.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tars::protocol::{
    EndpointF, GetMasterSlaveLock, QueryF, QueryFFindObjectById4AllOutput, QueryFFindObjectById4AnyOutput,
    QueryFFindObjectByIdInSameGroupOutput, QueryFFindObjectByIdInSameSetOutput,
    QueryFFindObjectByIdInSameStationOutput, QueryFFindObjectNodeNameOutput, QueryFServer,
};
use tars::{Context, Error, Result, Server};
use tars_test_support::node;

const OBJECT: &str = "tars.tarsregistry.QueryObj";

/// Knows one object.
struct Query;

fn known() -> EndpointF {
    EndpointF {
        host: "10.0.0.7".to_owned(),
        port: 18015,
        timeout: 60_000,
        istcp: 1,
        node_name: "节点".to_owned(),
        ..EndpointF::default()
    }
}

fn unused<T>() -> Result<T> {
    Err(Error::new(9, "nobody calls this"))
}

impl QueryF for Query {
    async fn find_object_by_id(&self, cx: &mut Context, id: String) -> Result<Vec<EndpointF>> {
        match id.as_str() {
            "TestApp.HelloServer.HelloObj" => Ok(vec![known(), known()]),
            "nothing" => Ok(Vec::new()),
            _ => Err(Error::new(7, format!("no `{id}` in version {}", cx.version()))),
        }
    }

    async fn find_object_by_id4_any(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectById4AnyOutput> {
        unused()
    }

    async fn find_object_by_id4_all(&self, cx: &mut Context, _: String) -> Result<QueryFFindObjectById4AllOutput> {
        let asked = cx.context_str("asked").unwrap_or("otherwise").to_owned();
        Ok(QueryFFindObjectById4AllOutput {
            ret: 300,
            active_ep: vec![known()],
            inactive_ep: vec![EndpointF { host: asked, ..known() }],
        })
    }

    async fn find_object_by_id_in_same_group(
        &self,
        _: &mut Context,
        _: String,
    ) -> Result<QueryFFindObjectByIdInSameGroupOutput> {
        unused()
    }

    async fn find_object_by_id_in_same_station(
        &self,
        _: &mut Context,
        _: String,
        _: String,
    ) -> Result<QueryFFindObjectByIdInSameStationOutput> {
        unused()
    }

    async fn find_object_by_id_in_same_set(
        &self,
        _: &mut Context,
        _: String,
        _: String,
    ) -> Result<QueryFFindObjectByIdInSameSetOutput> {
        unused()
    }

    async fn find_object_node_name(&self, _: &mut Context, _: String) -> Result<QueryFFindObjectNodeNameOutput> {
        unused()
    }

    async fn register_change(&self, _: &mut Context, _: BTreeMap<String, String>, _: String) -> Result<i32> {
        unused()
    }

    async fn register_query(&self, _: &mut Context, _: String, _: String) -> Result<i32> {
        unused()
    }

    async fn get_locker(&self, _: &mut Context, _: GetMasterSlaveLock) -> Result<i32> {
        unused()
    }
}

/// What Node prints of a call.
async fn call(version: &str, operation: &str, id: &str) -> Value {
    let server = Server::builder()
        .adapter("tcp -h 127.0.0.1 -p 0", OBJECT, QueryFServer::new(Query))
        .bind()
        .await
        .unwrap();
    let object = format!("{OBJECT}@{}", server.local_endpoints()[0]);
    let serving = tokio::spawn(server.serve());
    let (code, output) = node::start("query-call.js", &[version, &object, operation, id])
        .wait()
        .await;
    serving.abort();
    assert_eq!(code, 0, "{output}");
    let line = output
        .lines()
        .find(|line| line.starts_with('{'))
        .unwrap_or_else(|| panic!("no answer in:\n{output}"));
    serde_json::from_str(line).unwrap()
}

/// What the Node program knows of an endpoint.
fn endpoint(host: &str) -> Value {
    json!({
        "host": host, "port": 18015, "timeout": 60_000, "istcp": 1, "grid": 0, "setId": "", "nodeName": "节点",
    })
}

#[tokio::test]
async fn a_node_client_calls_in_tup() {
    let both = json!([endpoint("10.0.0.7"), endpoint("10.0.0.7")]);
    let found = call("tup", "findObjectById", "TestApp.HelloServer.HelloObj").await;
    assert_eq!(found, json!({"ok": {"": both, "tars_ret": both}}));
    let found = call("tup", "findObjectById", "nothing").await;
    assert_eq!(found, json!({"ok": {"": [], "tars_ret": []}}));
    let all = call("tup", "findObjectById4All", "any").await;
    let expected = json!({"": 300, "activeEp": [endpoint("10.0.0.7")], "inactiveEp": [endpoint("in TUP")]});
    assert_eq!(all, json!({ "ok": expected }));
    let refused = call("tup", "findObjectById", "missing").await;
    assert_eq!(refused["error"]["code"], 7, "{refused}");
}

#[tokio::test]
async fn a_node_client_calls_in_json() {
    let found = call("json", "findObjectById", "TestApp.HelloServer.HelloObj").await;
    let endpoints = found["ok"]["tars_ret"].as_array().unwrap();
    assert_eq!(endpoints.len(), 2);
    for (member, value) in endpoint("10.0.0.7").as_object().unwrap() {
        assert_eq!(&endpoints[0][member], value, "{member}");
    }
    let all = call("json", "findObjectById4All", "any").await;
    assert_eq!(
        (&all["ok"]["tars_ret"], &all["ok"]["inactiveEp"][0]["host"]),
        (&json!(300), &json!("otherwise"))
    );
    let refused = call("json", "findObjectById", "missing").await;
    let error = json!({"code": 7, "message": "no `missing` in version 5 (JSON)"});
    assert_eq!(refused, json!({ "error": error }));
    let refused = call("json", "findObjectByNothing", "x").await;
    assert_eq!(refused["error"]["code"], -3, "{refused}");
}
