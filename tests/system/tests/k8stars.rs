//! An image made for K8STARS, with every file and every key that it may have: it runs as it is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{fs, os::unix::fs::symlink, path::Path};

use serde_json::{Map, Value};
use tars::{Communicator, config::Config};
use tars_system_tests::peers::NamedClient;
use tars_test_support::{
    lookup::Lookup,
    node,
    pod::Pod,
    process::binary,
    registry::{Backend, Registry},
};

const OBJECT: &str = "Pods.PodServer.NamedObj";

/// Every key of `_server_meta.yaml`, in K8STARS' mix of styles.
const META: &str = "\
version: v1
application: Pods
server: PodServer
set_id: gray.sz.1
locator: tars.tarsregistry.QueryObj@tcp -h tars-registry.${namespace}.svc.cluster.local -p 17890
sample_rate: 1000
max_sample_count: 51
statObj: tars.tarsstat.OurStatObj
propertyObj: tars.tarsproperty.OurPropertyObj
asyncThreadNum: 4
sync_invoke_timeout: 3001
async_invoke_timeout: 5001
report_interval: 6001
refresh_endpoint_interval: 60001
local: tcp -h 127.0.0.1 -p ${random_port} -t 5001
logSize: 101M
logNum: 6
logLevel: INFO
configObj: tars.tarsconfig.OurConfigObj
notifyObj: tars.tarsnotify.OurNotifyObj
logObj: tars.tarslog.OurLogObj
deactivating_timeout: 3001
adapters:
  - object: NamedObj
    endpoint: tcp -h ${local_ip} -p ${random_port} -t 30001
    maxconns: 2001
    protocol: tars
    queuecap: 101
    queuetimeout: 6002
    threads: 7
";

/// What the generated configuration must say of it, but for addresses.
const GENERATED: &[(&str, &str)] = &[
    ("/tars/application<enableset>", "y"),
    ("/tars/application<setdivision>", "gray.sz.1"),
    ("/tars/application/client<sync-invoke-timeout>", "3001"),
    ("/tars/application/client<async-invoke-timeout>", "5001"),
    ("/tars/application/client<refresh-endpoint-interval>", "60001"),
    ("/tars/application/client<stat>", "tars.tarsstat.OurStatObj"),
    ("/tars/application/client<property>", "tars.tarsproperty.OurPropertyObj"),
    ("/tars/application/client<report-interval>", "6001"),
    ("/tars/application/client<sample-rate>", "1000"),
    ("/tars/application/client<max-sample-count>", "51"),
    ("/tars/application/client<asyncthread>", "4"),
    ("/tars/application/client<modulename>", "Pods.PodServer"),
    ("/tars/application/server<app>", "Pods"),
    ("/tars/application/server<server>", "PodServer"),
    ("/tars/application/server<logLevel>", "ERROR"),
    ("/tars/application/server<logsize>", "101M"),
    ("/tars/application/server<lognum>", "6"),
    ("/tars/application/server<config>", "tars.tarsconfig.OurConfigObj"),
    ("/tars/application/server<notify>", "tars.tarsnotify.OurNotifyObj"),
    ("/tars/application/server<log>", "tars.tarslog.OurLogObj"),
    ("/tars/application/server<deactivating-timeout>", "3001"),
    ("/tars/application/server/Pods.PodServer.NamedObjAdapter<allow>", ""),
    (
        "/tars/application/server/Pods.PodServer.NamedObjAdapter<handlegroup>",
        "Pods.PodServer.NamedObjAdapter",
    ),
    (
        "/tars/application/server/Pods.PodServer.NamedObjAdapter<servant>",
        OBJECT,
    ),
    (
        "/tars/application/server/Pods.PodServer.NamedObjAdapter<maxconns>",
        "2001",
    ),
    (
        "/tars/application/server/Pods.PodServer.NamedObjAdapter<protocol>",
        "tars",
    ),
    (
        "/tars/application/server/Pods.PodServer.NamedObjAdapter<queuecap>",
        "101",
    ),
    (
        "/tars/application/server/Pods.PodServer.NamedObjAdapter<queuetimeout>",
        "6002",
    ),
    ("/tars/application/server/Pods.PodServer.NamedObjAdapter<threads>", "7"),
    // What the image's own configuration adds.
    ("/db<password>", "a&b<c=d"),
    ("/db<user>", "tars"),
];

/// The image's own configuration.
const MERGED: &str = "\
# of the image
<db>
  user=tars
  password=a&b<c=d
</db>
<tars>
  <application>
    <server>
      logLevel=ERROR
    </server>
  </application>
</tars>
";

/// As the start script of K8STARS' base image: takes over what a volume holds, writes the configuration once more, starts the
/// program under the name that it was built with.
const START: &str = "
cd ${TARS_PATH}/bin
if [ -d ${TARS_PATH}/vol-conf ]; then
    TARS_SYNC_DIRECTORY=${TARS_PATH}/vol-conf tarscli syncdir || exit 1
fi
tarscli genconf || exit 1
exec ${TARS_PATH}/bin/${TARS_BUILD_SERVER} --config=${TARS_PATH}/conf/${TARS_BUILD_SERVER}.conf --orders=${TARS_PATH}/orders";

/// A pod of the image.
fn pod(registry: &Registry) -> Pod {
    let program = binary("pod-server");
    let programs = program.parent().unwrap().display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    let pod = Pod::new("127.3.7.1", registry.query())
        .with("PATH", &path)
        .with("TARS_BUILD_SERVER", "built")
        .with("TARS_PRESTOP_WAITTIME", "0s");
    pod.write_meta(META);
    pod.write_start(START);
    let bin = pod.path().join("bin");
    symlink(&program, bin.join("built")).unwrap();
    // A volume of Kubernetes: what it shows are links to links.
    let volume = pod.path().join("vol-conf");
    fs::create_dir_all(volume.join("..2026")).unwrap();
    fs::write(volume.join("..2026/built.conf"), MERGED).unwrap();
    symlink("..2026", volume.join("..data")).unwrap();
    symlink("..data/built.conf", volume.join("built.conf")).unwrap();
    let merged = bin.join("built.conf");
    fs::write(&merged, "").unwrap();
    pod.with("TARS_MERGE_CONF", merged.to_str().unwrap())
}

fn config(path: &Path) -> Config {
    fs::read_to_string(path).unwrap().parse().unwrap()
}

/// What Tars.js' parser makes of a configuration.
async fn read_by_node(path: &Path) -> Map<String, Value> {
    let reader = node::start("read-config.js", &[path.to_str().unwrap()]);
    let line = reader.wait_for("read {").await;
    match serde_json::from_str(line.strip_prefix("read ").unwrap()).unwrap() {
        Value::Object(domains) => domains,
        other => panic!("{other}"),
    }
}

/// Both say the same.
fn assert_same(ours: &Config, theirs: &Map<String, Value>) {
    for (name, inner) in theirs {
        assert_domain(ours, &format!("/{name}"), inner.as_object().unwrap());
    }
}

/// Both say the same of a domain: every key of it and of those inside, and nothing else.
fn assert_domain(ours: &Config, at: &str, theirs: &Map<String, Value>) {
    let mut names: Vec<String> = ours.domains(at).map(str::to_owned).collect();
    for name in &names {
        let Value::Object(inner) = &theirs[name] else {
            panic!("{at}/{name} is a domain")
        };
        assert_domain(ours, &format!("{at}/{name}"), inner);
    }
    for (key, value) in ours.entries(at) {
        let their_value = theirs[key.as_ref()].as_str().unwrap_or_default();
        assert_eq!(their_value, value, "{at}<{key}>");
        names.push(key.into_owned());
    }
    assert_eq!(names.len(), theirs.len(), "{at}: {names:?} and {theirs:?}");
}

#[tokio::test]
async fn an_image_made_for_k8stars_runs_as_it_is() {
    let registry = Registry::start(Backend::sqlite()).await;
    registry.process.wait_for("ready").await;
    let mut pod = pod(&registry);
    pod.order("ready", "");
    pod.start();
    pod.until("active", |status| {
        status["state"] == "active" && status["registry"]["registered"] == true
    })
    .await;

    // What is registered is what the server uses, although its start script has written the configuration again.
    let path = pod.path().join("conf/built.conf");
    let ours = config(&path);
    let adapter = "/tars/application/server/Pods.PodServer.NamedObjAdapter";
    let endpoint = ours.get(&format!("{adapter}<endpoint>")).unwrap().into_owned();
    assert!(
        endpoint.starts_with("tcp -h 127.3.7.1 -p ") && endpoint.ends_with(" -t 30001"),
        "{endpoint}"
    );
    let rows = registry.backend().rows("t_adapter_conf", "servant, endpoint").await;
    assert_eq!(rows, [[OBJECT.to_owned(), endpoint.clone()]]);
    assert!(pod.file("data/server_info.yaml").contains(&endpoint), "{endpoint}");
    // The supervisor says it first, and then it is told to the registry.
    Lookup::at(registry.query()).finds(OBJECT, &["127.3.7.1"], &[]).await;
    let client: NamedClient = Communicator::builder()
        .locator(registry.query())
        .unwrap()
        .build()
        .client(OBJECT)
        .unwrap();
    assert_eq!(client.who().await.unwrap(), "pod-server");

    // The configuration says what the image says, to us and to Tars.js.
    for (path, expected) in GENERATED {
        assert_eq!(ours.get(path).as_deref(), Some(*expected), "{path}");
    }
    assert_eq!(
        ours.get("/tars/application/client<locator>").as_deref(),
        Some(registry.query()),
        "the environment's"
    );
    for (key, folder) in [("basepath", "bin"), ("datapath", "data"), ("logpath", "log")] {
        let value = ours.get(&format!("/tars/application/server<{key}>"));
        assert_eq!(value, Some(format!("{}/{folder}/", pod.path().display()).into()));
    }
    assert_eq!(
        ours.get("/tars/application/server<localip>").as_deref(),
        Some("127.3.7.1")
    );
    assert_same(&ours, &read_by_node(&path).await);

    // The files that others look for.
    pod.until_file("data/check_status", |text| text == "active").await;
    assert!(pod.file("log/start.log").contains("pod-server"));
    assert!(pod.path().join("log/supervisor.log").exists());
    assert_eq!(pod.run(&["hzcheck"]).await.code, Some(0));
    assert_eq!(pod.file("bin/built.conf"), MERGED, "taken over from the volume");

    assert_eq!(pod.run(&["prestop"]).await.code, Some(0));
    assert_eq!(pod.file("data/check_status"), "deactivating");
    assert_eq!(pod.file("data/prestop"), "done");
    assert!(registry.backend().rows("t_adapter_conf", "servant").await.is_empty());
    assert_eq!(pod.noted("notified"), ["prestop"]);
    pod.signal("TERM").await;
    let (code, output) = pod.ended().await;
    assert_eq!(code, 0, "{output}");
}

/// Runs `genconf` in a folder with this `_server_meta.yaml`, on a node of its own, and returns what it wrote.
async fn generated(node: &str, meta: &str) -> (Pod, Config) {
    let pod = Pod::new(node, "tars.tarsregistry.QueryObj@tcp -h 127.0.0.1 -p 17890");
    pod.write_meta(meta);
    let outcome = pod.run(&["genconf"]).await;
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let config = config(&pod.path().join("conf/PodServer.conf"));
    (pod, config)
}

#[tokio::test]
async fn every_kind_of_endpoint_is_read_alike() {
    let (pod, ours) = generated(
        "127.3.7.2",
        "\
application: Pods
server: PodServer
local: tcp -h ${local_ip} -p ${random_port}
adapters:
  - object: PlainObj
  - object: UdpObj
    endpoint: udp -h ${local_ip} -p ${random_port}
  - object: SslObj
    endpoint: ssl -h ${local_ip} -p ${random_port} -t 1000
  - object: V6Obj
    endpoint: tcp -h ::1 -p ${random_port}
  - object: FixedObj
    endpoint: tcp -h ${local_ip} -p 17999 -t 1
",
    )
    .await;
    assert_same(&ours, &read_by_node(&pod.path().join("conf/PodServer.conf")).await);
    let endpoints: Vec<_> = ["Plain", "Udp", "Ssl", "V6", "Fixed"]
        .map(|name| {
            let path = format!("/tars/application/server/Pods.PodServer.{name}ObjAdapter<endpoint>");
            ours.get(&path).unwrap().into_owned()
        })
        .into();
    for (endpoint, start) in endpoints.iter().zip([
        "tcp -h 127.3.7.2 -p 1",
        "udp -h 127.3.7.2 -p 1",
        "ssl -h 127.3.7.2 -p 1",
        "tcp -h ::1 -p 1",
        "tcp -h 127.3.7.2 -p 17999 -t 1",
    ]) {
        assert!(endpoint.starts_with(start), "{endpoint}");
    }

    // Once more: the same ports.
    let text = ours.to_string();
    assert_eq!(pod.run(&["genconf"]).await.code, Some(0));
    assert_eq!(pod.file("conf/PodServer.conf"), text);
}

#[tokio::test]
async fn a_server_of_defaults_is_read_alike() {
    let (pod, ours) = generated(
        "127.3.7.3",
        "application: Pods\nserver: PodServer\nadapters:\n  - object: NamedObj\n",
    )
    .await;
    assert_same(&ours, &read_by_node(&pod.path().join("conf/PodServer.conf")).await);
    for (path, expected) in [
        ("/tars/application<enableset>", "n"),
        ("/tars/application<setdivision>", ""),
        ("/tars/application/client<refresh-endpoint-interval>", "60000"),
        ("/tars/application/client<sample-rate>", "100000"),
        ("/tars/application/server<deactivating-timeout>", "3000"),
    ] {
        assert_eq!(ours.get(path).as_deref(), Some(expected), "{path}");
    }
}
