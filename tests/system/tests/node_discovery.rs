//! Discovery by a client that we did not write: Node finds servers that registered themselves through our registry, and follows
//! what becomes of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tars_test_support::{
    lookup::Lookup,
    named::{Named, OBJECT},
    node,
    process::Process,
    registry::{Backend, Registry},
};

/// So many calls of Node, at 10 ms from one to the next, see every server of a round robin and several refreshes.
const MANY: usize = 100;

/// Milliseconds of a call that may fail.
const HASTY: &str = "2000";

/// Milliseconds of a call that no slow machine is to let fail.
const PATIENT: &str = "60000";

async fn registry() -> Registry {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    registry
}

/// A server that registers itself, and serves for a while after it took itself out: long enough for Node to leave it.
async fn server(registry: &Registry, name: &str, host: &str, set: Option<&str>) -> Named {
    let mut arguments = vec!["--registry", registry.object(), "--drain", "15"];
    arguments.extend(set.iter().flat_map(|set| ["--set", set]));
    Named::start(name, host, &arguments).await
}

/// Waits until the registry tells the servers of these hosts.
async fn found_at(registry: &Registry, hosts: &[&str]) {
    Lookup::at(registry.query()).finds(OBJECT, hosts, &[]).await;
}

/// A Node client that calls all the time, of a set or of none. It gives a call up after so many milliseconds.
fn client(registry: &Registry, timeout: &str, set: Option<&str>) -> Process {
    let mut arguments = vec![registry.query(), timeout];
    arguments.extend(set);
    node::start("named-client.js", &arguments)
}

/// Who answered the last [`MANY`] calls. `None` when one of them failed, or there were fewer since line `since`.
fn answered(lines: &[String], since: usize) -> Option<BTreeMap<&str, usize>> {
    let calls = lines.get(since..)?;
    let mut names = BTreeMap::new();
    for line in &calls[calls.len().checked_sub(MANY)?..] {
        *names.entry(line.strip_prefix("answer ")?).or_default() += 1;
    }
    Some(names)
}

/// Waits until the calls made from now on are answered by these servers, each of them, and nobody else.
async fn answered_by(client: &Process, servers: &[&str]) {
    let since = client.printed();
    let what = format!("{MANY} calls answered by {servers:?}");
    client
        .wait_until(&what, |lines| {
            answered(lines, since).is_some_and(|names| names.keys().eq(servers))
        })
        .await;
}

fn failures(client: &Process) -> Vec<String> {
    let output = client.output();
    output
        .lines()
        .filter(|line| line.starts_with("failure"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn node_calls_both_servers_of_an_object_and_none_that_has_gone() {
    let registry = registry().await;
    let one = server(&registry, "one", "127.0.0.2", None).await;
    let _two = server(&registry, "two", "127.0.0.3", None).await;
    found_at(&registry, &["127.0.0.2", "127.0.0.3"]).await;
    let client = client(&registry, PATIENT, None);
    answered_by(&client, &["one", "two"]).await;

    one.process.terminate().await;
    answered_by(&client, &["two"]).await;
    one.process.wait_for("ended").await;
    answered_by(&client, &["two"]).await;
    assert_eq!(
        failures(&client),
        Vec::<String>::new(),
        "the server served until nobody called it"
    );

    let _one = server(&registry, "one again", "127.0.0.2", None).await;
    answered_by(&client, &["one again", "two"]).await;
    assert_eq!(failures(&client), Vec::<String>::new());
}

#[tokio::test]
async fn node_keeps_the_last_servers_when_the_registry_has_none_and_finds_the_next() {
    let registry = registry().await;
    let last = server(&registry, "last", "127.0.0.2", None).await;
    found_at(&registry, &["127.0.0.2"]).await;
    let client = client(&registry, HASTY, None);
    answered_by(&client, &["last"]).await;

    last.process.terminate().await;
    client
        .wait_until("an empty answer", |lines| {
            lines.iter().any(|line| line.contains("activeEps is empty"))
        })
        .await;
    last.process.wait_for("ended").await;
    let _next = server(&registry, "next", "127.0.0.3", None).await;
    answered_by(&client, &["next"]).await;
}

#[tokio::test]
async fn node_clients_of_a_set_reach_servers_of_their_set() {
    let registry = registry().await;
    let _servers = [
        server(&registry, "exact", "127.0.0.2", Some("app.sz.1")).await,
        server(&registry, "wildcard", "127.0.0.3", Some("app.sz.*")).await,
        server(&registry, "other area", "127.0.0.4", Some("app.gz.1")).await,
        server(&registry, "other set", "127.0.0.5", Some("gray.sz.1")).await,
        server(&registry, "no set", "127.0.0.6", None).await,
    ];
    found_at(
        &registry,
        &["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5", "127.0.0.6"],
    )
    .await;
    let cases: [(Option<&str>, &[&str]); 5] = [
        (Some("app.sz.1"), &["exact"]),
        // No server is of group 2: those of every group serve.
        (Some("app.sz.2"), &["wildcard"]),
        (Some("app.sz.*"), &["exact", "wildcard"]),
        (Some("gray.sz.1"), &["other set"]),
        (None, &["exact", "no set", "other area", "other set", "wildcard"]),
    ];
    for (set, servers) in cases {
        answered_by(&client(&registry, HASTY, set), servers).await;
    }

    // Neither the group nor a wildcard group: the lookup is refused, and Node has nobody to call.
    let stranger = client(&registry, HASTY, Some("gray.sz.2"));
    stranger
        .wait_until("a refusal", |lines| {
            lines.iter().any(|line| line.contains("return: -1"))
        })
        .await;
    stranger
        .wait_until("a failed call", |lines| {
            lines.iter().any(|line| line.starts_with("failure"))
        })
        .await;
    assert!(!stranger.output().contains("answer"), "{}", stranger.output());
}

#[tokio::test]
async fn an_object_is_found_as_php_asks_for_it() {
    let registry = registry().await;
    let one = server(&registry, "one", "127.0.0.2", None).await;
    found_at(&registry, &["127.0.0.2"]).await;

    let found = find(&registry, OBJECT).await;
    let endpoint: tars::Endpoint = one.endpoint().parse().unwrap();
    assert_eq!(
        (&found["version"], &found["code"], &found["servant"]),
        (&json!(3), &json!(0), &json!("tars.tarsregistry.QueryObj")),
        "{found}"
    );
    assert_eq!(found["found"].as_array().map(Vec::len), Some(1), "{found}");
    let first = &found["found"][0];
    assert_eq!(
        (&first["host"], &first["port"], &first["istcp"]),
        (&json!("127.0.0.2"), &json!(endpoint.port), &json!(1))
    );
    assert_eq!(found["again"], found["found"], "both names hold the list");

    let nothing = find(&registry, "No.Such.Obj").await;
    assert_eq!(
        (&nothing["code"], &nothing["found"]),
        (&json!(0), &json!([])),
        "{nothing}"
    );
}

/// `findObjectById` from Node, with a body of names.
async fn find(registry: &Registry, object: &str) -> Value {
    let (code, output) = node::start("find-object.js", &[registry.query(), object]).wait().await;
    assert_eq!(code, 0, "{output}");
    let line = output
        .lines()
        .find(|line| line.starts_with('{'))
        .unwrap_or_else(|| panic!("{output}"));
    serde_json::from_str(line).unwrap()
}
