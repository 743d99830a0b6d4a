//! `tarscli genconf`, as containers run it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fs,
    net::{TcpListener, UdpSocket},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
};

use tars::{Endpoint, config::Config};
use tempfile::TempDir;

/// The sample of K8STARS.
const SAMPLE: &str = "\
version: v1
application: App
server: Server1
adapters:
  - object: MainObj
    # 以下非必要
    endpoint: tcp -h ${local_ip} -p ${random_port}
    maxconns: 200000
    protocol: tars
    queuecap: 10000
    queuetimeout: 60000
    threads: 10
  - object: QueryObj";

const CLIENT: &str = "/tars/application/client";
const SERVER: &str = "/tars/application/server";

/// A server's folder, at a node address that no other test uses: their ports do not meet.
struct Pod {
    root: TempDir,
    node: String,
    environment: Vec<(&'static str, String)>,
}

impl Pod {
    fn new(number: u8, meta: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("bin")).unwrap();
        fs::write(root.path().join("bin/_server_meta.yaml"), meta).unwrap();
        let node = format!("127.62.{number}.1");
        Self {
            root,
            node,
            environment: Vec::new(),
        }
    }

    fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Exit code and output.
    fn run(&self) -> (i32, String) {
        let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("tarscli"));
        command
            .arg("genconf")
            .env_clear()
            .env("TARS_PATH", self.root.path())
            .env("POD_IP", &self.node);
        let output = command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    /// The configuration file `conf/<name>.conf` of a run that went well.
    fn generated(&self, name: &str) -> Config {
        let (code, text) = self.run();
        assert_eq!(code, 0, "{text}");
        let path = self.path(&format!("conf/{name}.conf"));
        assert!(text.starts_with(&format!("wrote {}\n", path.display())), "{text}");
        fs::read_to_string(path).unwrap().parse().unwrap()
    }

    /// What a run that went wrong says.
    fn refused(&self) -> String {
        let (code, text) = self.run();
        assert!(code != 0, "{text}");
        assert!(!self.path("conf").exists(), "nothing is written");
        text
    }

    fn info(&self) -> String {
        fs::read_to_string(self.path("data/server_info.yaml")).unwrap()
    }
}

fn endpoint(config: &Config, object: &str) -> Endpoint {
    let text = config.get(&format!("{SERVER}/App.Server1.{object}Adapter<endpoint>"));
    text.unwrap().as_ref().try_into().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn the_sample_of_k8stars() {
    let pod = Pod::new(1, SAMPLE);
    let config = pod.generated("Server1");
    let main = endpoint(&config, "MainObj");
    let query = endpoint(&config, "QueryObj");
    let admin: Endpoint = config
        .get(&format!("{SERVER}<local>"))
        .unwrap()
        .as_ref()
        .try_into()
        .unwrap();
    assert_eq!(
        (main.host.as_str(), query.host.as_str(), admin.host.as_str()),
        ("127.62.1.1", "127.62.1.1", "127.0.0.1")
    );
    // What says nothing of a timeout has none; what says nothing at all has K8STARS' one.
    assert_eq!(
        (main.timeout_ms, query.timeout_ms, admin.timeout_ms),
        (None, Some(30_000), Some(5000))
    );
    let ports = BTreeSet::from([main.port, query.port, admin.port]);
    assert!(
        ports.len() == 3 && ports.iter().all(|port| (13_000..16_000).contains(port)),
        "{ports:?}"
    );

    assert_eq!(config.get("/tars/application<enableset>").unwrap(), "n");
    let locator = "tars.tarsregistry.QueryObj@tcp -h tars-registry.tars-system.svc.cluster.local -p 17890";
    assert_eq!(config.get(&format!("{CLIENT}<locator>")).unwrap(), locator);
    assert_eq!(
        config
            .get(&format!("{SERVER}/App.Server1.MainObjAdapter<threads>"))
            .unwrap(),
        "10"
    );
    assert_eq!(
        config
            .get(&format!("{SERVER}/App.Server1.QueryObjAdapter<threads>"))
            .unwrap(),
        "5"
    );
    let root = pod.root.path().display();
    assert_eq!(
        config.get(&format!("{SERVER}<basepath>")).unwrap(),
        format!("{root}/bin/")
    );

    let info = pod.info();
    for line in [
        "  application: App".to_owned(),
        format!("  locator: {locator}"),
        format!("    endpoint: {main}"),
        format!("  local: {admin}"),
        format!("tars_path: {root}"),
    ] {
        assert!(info.lines().any(|other| other == line), "{line}\n{info}");
    }
    assert_eq!(mode(&pod.path("conf/Server1.conf")), 0o644);
    assert_eq!(mode(&pod.path("data/server_info.yaml")), 0o644);
}

#[test]
fn the_environment_is_over_the_file() {
    let meta = "application: A\nserver: B\nset_id: a.b.c\nlocal: tcp -h ${local_ip} -p ${random_port}\nadapters: [{object: O}]\n";
    let pod = Pod::new(2, meta)
        .set("TARS_APPLICATION", "App")
        .set("TARS_SERVER", "Server1")
        .set("TARS_BUILD_SERVER", "built.name")
        .set("TARS_SET_ID", "gray.sz.1")
        .set("TARS_LOCATOR", "a.b.c@tcp -h r.${namespace} -p 1")
        .set("TARS_NAMESPACE", "mine")
        .set("TARS_EP_UPTIME", "1234")
        .set("TARS_RAND_PORT_MIN", "21000")
        .set("TARS_RAND_PORT_MAX", "21010");
    let config = pod.generated("built.name");
    for (path, value) in [
        ("/tars/application<enableset>", "y"),
        ("/tars/application<setdivision>", "gray.sz.1"),
        ("/tars/application/client<locator>", "a.b.c@tcp -h r.mine -p 1"),
        ("/tars/application/client<refresh-endpoint-interval>", "1234"),
        ("/tars/application/client<modulename>", "App.Server1"),
        ("/tars/application/server<app>", "App"),
        ("/tars/application/server<server>", "Server1"),
    ] {
        assert_eq!(config.get(path).unwrap(), value, "{path}");
    }
    assert!((21_000..21_010).contains(&endpoint(&config, "O").port));

    // An empty set takes it out of the file's; other empty variables are as good as none.
    let empty = [
        "TARS_APPLICATION",
        "TARS_SERVER",
        "TARS_BUILD_SERVER",
        "TARS_LOCATOR",
        "TARS_MERGE_CONF",
        "TARS_NAMESPACE",
    ];
    let pod = empty.iter().fold(Pod::new(3, meta), |pod, name| pod.set(name, ""));
    let config = pod.set("TARS_SET_ID", "").generated("B");
    assert_eq!(config.get("/tars/application<enableset>").unwrap(), "n");
    assert_eq!(config.get("/tars/application/server<app>").unwrap(), "A");
    assert!(
        config
            .get("/tars/application/client<locator>")
            .unwrap()
            .contains(".tars-system.")
    );
}

#[test]
fn what_is_merged_keeps_its_password() {
    let pod = Pod::new(4, SAMPLE);
    let merge = pod.path("bin/merge.conf");
    let overlay = "<tars>
  <application>
    a = 3
    enableset = y
    setdivision = gray.sz.1
    <client>
      locator = x.y.z@tcp -h r -p 1
    </client>
    <server>
      logLevel = INFO
      <App.Server1.MainObjAdapter>
        endpoint = tcp -h 127.62.4.1 -p 12345 -t 1
      </App.Server1.MainObjAdapter>
    </server>
  </application>
  <db>
    # of the team
    dbhost=db
    dbpass=a&b<c=d
    last = yes
  </db>
</tars>
";
    fs::write(&merge, overlay).unwrap();
    let pod = pod.set("TARS_MERGE_CONF", merge.to_str().unwrap());
    let (code, text) = pod.run();
    assert_eq!(code, 0, "{text}");
    let warning = "warning: `/tars/db<dbpass>` has a `&` or `<`: a server in Go reads nothing behind it";
    assert!(text.contains(warning) && !text.contains("a&b"), "{text}");
    let file = fs::read_to_string(pod.path("conf/Server1.conf")).unwrap();
    assert!(file.contains("        # of the team\n        dbhost=db\n        dbpass=a&b<c=d\n        last = yes\n"));
    let config: Config = file.parse().unwrap();
    assert_eq!(config.get("/tars/db<dbpass>").unwrap(), "a&b<c=d");
    assert_eq!(config.get("/tars/application<a>").unwrap(), "3");
    assert_eq!(config.get(&format!("{SERVER}<logLevel>")).unwrap(), "INFO");
    assert_eq!(config.get(&format!("{SERVER}<lognum>")).unwrap(), "5");
    // What is registered and checked is where the server listens.
    for line in [
        "    endpoint: tcp -h 127.62.4.1 -p 12345 -t 1",
        "  locator: x.y.z@tcp -h r -p 1",
        "  set_id: gray.sz.1",
    ] {
        assert!(pod.info().lines().any(|other| other == line), "{line}");
    }
    assert_eq!(mode(&pod.path("conf/Server1.conf")), 0o600);
}

#[test]
fn a_merge_that_fails_says_where_and_writes_nothing() {
    let pod = Pod::new(5, SAMPLE);
    let merge = pod.path("merge.conf");
    let pod = pod.set("TARS_MERGE_CONF", merge.to_str().unwrap());
    let missing = format!(
        "cannot merge `{}` (TARS_MERGE_CONF): there is no such file",
        merge.display()
    );
    let listener = "<tars>\n<application>\n<server>\nlocal=everywhere\n</server>\n</application>\n</tars>\n";
    let set = "<tars>\n<application>\nenableset=Y\nsetdivision=gray\n</application>\n</tars>\n";
    let cases = [
        (None, missing.as_str()),
        (
            Some(set),
            "(TARS_MERGE_CONF): /tars/application<setdivision> is `gray`: expected `name.area.group`",
        ),
        (
            Some("<tars>\n<db>\npass=secret\n</tars>"),
            "line 4: expected `</db>`, for the domain that line 2 opens",
        ),
        (
            Some("<tars>\nserver\n<application>\nserver=secret\n</application>\n</tars>"),
            "`server` in `/tars/application` is a key",
        ),
        (
            Some(listener),
            "/tars/application/server<local>: `everywhere`, column 1: expected `tcp`, `udp` or `ssl`",
        ),
    ];
    for (text, expected) in cases {
        if let Some(text) = text {
            fs::write(&merge, text).unwrap();
        }
        let refused = pod.refused();
        assert!(refused.contains(expected) && !refused.contains("secret"), "{refused}");
    }
}

#[test]
fn ports_stay_while_they_can() {
    let meta = SAMPLE.to_owned() + "\nlocal: tcp -h ${local_ip} -p ${random_port}\n";
    let pod = Pod::new(6, &meta);
    let first = pod.generated("Server1");
    assert_eq!(pod.generated("Server1"), first);
    let info = pod.info();

    // Somebody else took one meanwhile: the others stay.
    let main = endpoint(&first, "MainObj");
    let listener = TcpListener::bind(main.address()).unwrap();
    let second = pod.generated("Server1");
    assert_ne!(endpoint(&second, "MainObj"), main);
    assert_eq!(endpoint(&second, "QueryObj"), endpoint(&first, "QueryObj"));

    // The one who took it is the server, started by the supervisor of this folder: a start script runs us once more.
    fs::write(pod.path("data/server_info.yaml"), info).unwrap();
    let supervisor = UnixListener::bind(pod.path("data/supervisor.sock")).unwrap();
    assert_eq!(pod.generated("Server1"), first);
    drop((supervisor, listener));

    // The ports of another server are not this one's.
    let pod = pod
        .set("TARS_SERVER", "Server2")
        .set("TARS_RAND_PORT_MIN", "22000")
        .set("TARS_RAND_PORT_MAX", "22100");
    assert!(pod.generated("Server2").to_string().contains("-p 220"));
}

#[test]
fn a_server_info_that_cannot_be_read_is_written_anew() {
    let pod = Pod::new(7, SAMPLE);
    fs::create_dir(pod.path("data")).unwrap();
    fs::write(pod.path("data/server_info.yaml"), "conf: [").unwrap();
    let (code, text) = pod.run();
    assert!(
        code == 0 && text.contains("warning: the ports of an earlier run are not known: "),
        "{text}"
    );
    assert!(pod.info().starts_with("conf:\n"));
}

#[test]
fn all_kinds_of_endpoints() {
    let meta = "
application: App
server: Server1
adapters:
  - {object: Tcp, endpoint: 'tcp -h ${local_ip} -p ${random_port} -t 1'}
  - {object: Udp, endpoint: 'udp -h ${local_ip} -p ${random_port}'}
  - {object: Ssl, endpoint: 'ssl -h ${local_ip} -p ${random_port} -t 2'}
  - {object: Any, endpoint: 'tcp -h * -p ${random_port}'}
  - {object: Fixed, endpoint: tcp -h 192.0.2.1 -p 23000}
";
    let has_v6 = UdpSocket::bind("[::1]:0").is_ok();
    let v6 = if has_v6 {
        "  - {object: V6, endpoint: 'tcp -h ::1 -p ${random_port}'}\n"
    } else {
        ""
    };
    let count = if has_v6 { 7 } else { 6 };
    // Just enough ports: one is fixed, and the administration has one.
    let pod = Pod::new(8, &(meta.to_owned() + v6))
        .set("TARS_RAND_PORT_MIN", "23000")
        .set("TARS_RAND_PORT_MAX", "23040");
    let config = pod.generated("Server1");
    let ports: BTreeSet<u16> = config
        .domains(SERVER)
        .map(|domain| config.get(&format!("{SERVER}/{domain}<endpoint>")).unwrap())
        .chain(config.get(&format!("{SERVER}<local>")))
        .map(|text| text.parse::<Endpoint>().unwrap().port)
        .collect();
    assert_eq!(ports.len(), count, "{ports:?}");
    assert_eq!(
        config
            .get(&format!("{SERVER}/App.Server1.FixedAdapter<endpoint>"))
            .unwrap(),
        "tcp -h 192.0.2.1 -p 23000"
    );
    assert!(
        config
            .get(&format!("{SERVER}/App.Server1.AnyAdapter<endpoint>"))
            .unwrap()
            .starts_with("tcp -h * -p 23")
    );
}

/// Holds that each of these files is refused with this text.
fn refuses(cases: &[(&str, &str)]) {
    for (meta, expected) in cases {
        let text = Pod::new(9, meta).refused();
        assert!(text.starts_with("tarscli: ") && text.contains(expected), "{text}");
    }
}

#[test]
fn mistakes_of_names_are_named() {
    let cases = [
        (
            "",
            "application or server name can not be empty: set TARS_APPLICATION and TARS_SERVER, or `application`",
        ),
        (
            "application: a/b\nserver: s",
            "bin/_server_meta.yaml`, line 1: `application` is \"a/b\": expected a name without '/'",
        ),
        (
            "application: a\nserver: ..",
            "bin/_server_meta.yaml`, line 2: `server` is \"..\": expected a name without '.'",
        ),
        (
            "application: a\nserver: s\nset_id: a.b",
            "bin/_server_meta.yaml`, line 3: `set_id` is \"a.b\": expected `name.area.group`",
        ),
        (
            "application: a\nserver: s\nadapters: [{threads: 1}]",
            "bin/_server_meta.yaml`, line 3: object of adapter 1: expected a name such as `HelloObj`",
        ),
        (
            "application: a\nserver: s\nadapters: [{}]",
            "bin/_server_meta.yaml`, line 3: object of adapter 1: expected a name",
        ),
        (
            "application: a\nserver: s\nadapters:\n- object: O\n- threads: 1\n  object: O P",
            "bin/_server_meta.yaml`, line 6: object of adapter 2: it is \"O P\": expected a name without ' '",
        ),
        (
            "application: a\nserver: s\nadapters: [{object: O}, {object: O}]",
            "object of adapter 2: `O` is the object of an adapter before",
        ),
        (
            "application: a\nserver: s\nadapters:\n- object: HelloObj\n- object: helloobj",
            "line 5: object of adapter 2: `helloobj` is `HelloObj` of an adapter before in other letters: expected another name",
        ),
        (
            "application: a\nserver: s\nadapters: [{object: O, endpoint: http -h x}]",
            "bin/_server_meta.yaml`, line 3: endpoint of `O`: `http -h x`, column 1: expected `tcp`, `udp` or `ssl`, found `http`",
        ),
        (
            "application: a\nserver: s\nadapters: [{object: O, endpoint: 'tcp -h ${node} -p 1'}]",
            "endpoint of `O`: `tcp -h ${node} -p 1`: nothing is known to put there but `${local_ip}` and `${random_port}`",
        ),
    ];
    refuses(&cases);
}

#[test]
fn mistakes_of_places_are_named() {
    let cases = [
        (
            "application: a\nserver: s\nlocal: tcp -h 127.0.0.1",
            "bin/_server_meta.yaml`, line 3: endpoint `local`: expected a port after `-p`, or `${random_port}`",
        ),
        (
            "application: a\nserver: s\nlocator: a.b.c",
            "bin/_server_meta.yaml`, line 3: `locator` is \"a.b.c\": expected `@` and where",
        ),
        ("application: a\nserver: s\nlogNum: many", "bin/_server_meta.yaml`: "),
    ];
    for (meta, expected) in cases {
        let text = Pod::new(9, meta).refused();
        assert!(text.starts_with("tarscli: ") && text.contains(expected), "{text}");
    }
    let cases = [
        (
            "TARS_RAND_PORT_MIN",
            "16000",
            "(TARS_RAND_PORT_MIN) is 16000: expected less than --rand-port-max (TARS_RAND_PORT_MAX), 16000",
        ),
        (
            "POD_IP",
            "10.0.0.300",
            "the variable POD_IP, `10.0.0.300`: expected an address or a host name",
        ),
        (
            "TARS_BUILD_SERVER",
            "../x",
            "the variable TARS_BUILD_SERVER, `../x`: expected a file's name without `/`",
        ),
    ];
    for (name, value, expected) in cases {
        let text = Pod::new(9, SAMPLE).set(name, value).refused();
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn two_adapters_at_one_endpoint_are_refused() {
    let meta = |first: &str, second: &str| {
        format!(
            "application: a\nserver: s\nadapters:\n- {{object: O, endpoint: '{first}'}}\n- {{object: P, endpoint: '{second}'}}\n"
        )
    };
    for (first, second) in [
        ("tcp -h ${local_ip} -p 9000 -t 1", "tcp -h 127.62.9.1 -p 9000"),
        ("tcp -h * -p 9000", "ssl -h 0.0.0.0 -p 9000"),
        ("tcp -h a -b 127.0.0.1 -p 9000", "tcp -h b -b 127.0.0.1 -p 9000"),
        ("udp -h ${local_ip} -p 9000", "udp -h ${local_ip} -p 9000"),
    ] {
        let text = Pod::new(9, &meta(first, second)).refused();
        let expected = "bin/_server_meta.yaml`, line 5: endpoint of `P`: `O` is at `";
        assert!(text.starts_with("tarscli: ") && text.contains(expected), "{text}");
    }
    for (first, second) in [
        ("tcp -h ${local_ip} -p 9000", "udp -h ${local_ip} -p 9000"),
        ("tcp -h ${local_ip} -p 9000", "tcp -h 127.0.0.1 -p 9000"),
        (
            "tcp -h ${local_ip} -p ${random_port}",
            "tcp -h ${local_ip} -p ${random_port}",
        ),
    ] {
        let (code, text) = Pod::new(15, &meta(first, second)).run();
        assert_eq!(code, 0, "{first}, {second}: {text}");
    }
    // It is where they listen in the end that counts.
    let same = "tcp -h ${local_ip} -p 9000";
    let pod = Pod::new(15, &meta(same, same));
    let merge = pod.path("merge.conf");
    let overlay = "<tars>\n<application>\n<server>\n<a.s.PAdapter>\nendpoint=tcp -h 127.62.15.1 -p 9001\n</a.s.PAdapter>\n</server>\n</application>\n</tars>\n";
    fs::write(&merge, overlay).unwrap();
    let (code, text) = pod.set("TARS_MERGE_CONF", merge.to_str().unwrap()).run();
    assert_eq!(code, 0, "{text}");
}

#[test]
fn what_goes_over_a_mistake_of_the_file_mends_it() {
    let meta = "application: a/b\nserver: ${SERVER}\nset_id: gray\nlocator: nowhere\n";
    let pod = Pod::new(16, meta)
        .set("TARS_APPLICATION", "App")
        .set("TARS_SERVER", "Server1")
        .set("TARS_SET_ID", "")
        .set("TARS_LOCATOR", "a.b.c@tcp -h r -p 1");
    pod.generated("Server1");
}

#[test]
fn no_file_and_no_adapters_are_enough_for_a_configuration() {
    let pod = Pod::new(10, "")
        .set("TARS_APPLICATION", "App")
        .set("TARS_SERVER", "Server1");
    fs::remove_file(pod.path("bin/_server_meta.yaml")).unwrap();
    let (code, text) = pod.run();
    assert!(
        code == 0 && text.contains("warning: no adapters in _server_meta.yaml"),
        "{text}"
    );
}

#[test]
fn without_pod_ip_the_way_to_the_registry_tells_the_node() {
    let pod = Pod::new(11, SAMPLE)
        .set("POD_IP", "")
        .set("TARS_LOCATOR", "a.b.c@tcp -h 127.0.0.1 -p 1");
    let config = pod.generated("Server1");
    assert_eq!(config.get(&format!("{SERVER}<localip>")).unwrap(), "127.0.0.1");
    let (_, text) = pod.run();
    assert!(
        text.contains("warning: this node is `127.0.0.1`") && text.contains("set POD_IP"),
        "{text}"
    );
}

#[test]
fn a_start_script_names_the_node_as_its_supervisor_did() {
    let pod = Pod::new(12, SAMPLE);
    let first = pod.generated("Server1");
    // Meanwhile the registry is reached in another way.
    let pod = pod.set("POD_IP", "").set("TARS_LOCATOR", "a.b.c@tcp -h 127.0.0.1 -p 1");
    let supervisor = UnixListener::bind(pod.path("data/supervisor.sock")).unwrap();
    let again = pod.generated("Server1");
    assert_eq!(again.get(&format!("{SERVER}<localip>")).unwrap(), "127.62.12.1");
    assert_eq!(endpoint(&again, "MainObj"), endpoint(&first, "MainObj"));
    drop(supervisor);
    fs::remove_file(pod.path("data/supervisor.sock")).unwrap();
    let alone = pod.generated("Server1");
    assert_eq!(alone.get(&format!("{SERVER}<localip>")).unwrap(), "127.0.0.1");
}

#[test]
fn an_empty_admin_endpoint_is_no_invitation() {
    let pod = Pod::new(13, &(SAMPLE.to_owned() + "\nlocal: ''\n"));
    let config = pod.generated("Server1");
    let local: Endpoint = config.get(&format!("{SERVER}<local>")).unwrap().parse().unwrap();
    assert_eq!((local.host.as_str(), local.timeout_ms), ("127.0.0.1", Some(5000)));
}

#[test]
fn what_only_xml_reads_is_told() {
    let pod = Pod::new(14, SAMPLE);
    let merge = pod.path("merge.conf");
    fs::write(&merge, "<db>\npass = secret&amp;1\n</db>\n").unwrap();
    let pod = pod.set("TARS_MERGE_CONF", merge.to_str().unwrap());
    let (code, text) = pod.run();
    let expected = "warning: `/db<pass>` has `&amp;` or the like, which stays as it is written";
    assert!(code == 0 && text.contains(expected), "{text}");
    assert!(
        !text.contains("secret") && !text.contains("reads nothing behind"),
        "{text}"
    );
}
