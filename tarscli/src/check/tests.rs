use std::{
    cell::Cell,
    net::{TcpListener, UdpSocket},
};

use clap::Parser as _;
use tars::{
    Context, Server,
    protocol::{AdminF, AdminFServer},
};
use tars_test_support::port::HeldPort;

use super::*;
use crate::{
    cli::{Cli, Command},
    server::{Adapter, ServerConf},
};

fn settings(words: &[&str]) -> cli::Supervisor {
    let words = ["tarscli", "supervisor"].iter().chain(words);
    match Cli::try_parse_from(words).unwrap().command {
        Command::Supervisor(settings) => *settings,
        other => panic!("{other:?}"),
    }
}

fn info(adapters: &[(&str, &str, &str)]) -> ServerInfo {
    let adapters = adapters.iter().map(|(object, endpoint, protocol)| Adapter {
        object: (*object).to_owned(),
        endpoint: (*endpoint).to_owned(),
        protocol: (*protocol).to_owned(),
        ..Adapter::default()
    });
    ServerInfo {
        conf: ServerConf {
            application: "App".to_owned(),
            server: "Server".to_owned(),
            local: String::new(),
            adapters: adapters.collect(),
            ..ServerConf::default()
        },
        local_ip: "127.0.0.1".to_owned(),
        tars_path: "/tars".to_owned(),
    }
}

fn checks(words: &[&str], adapters: &[(&str, &str, &str)]) -> Checks {
    let processes = Processes::start().unwrap();
    Checks::new(&settings(words), &info(adapters), processes).unwrap()
}

fn said(result: Result<(), Fault>) -> String {
    result.err().map(|fault| fault.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn every_kind_of_port_is_looked_at() {
    let four = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let deaf = HeldPort::any();
    let closed = deaf.address().port();
    let client = UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect("127.0.0.1:9").unwrap();
    let unheard = client.local_addr().unwrap().port();
    let (port, datagrams) = (four.local_addr().unwrap().port(), udp.local_addr().unwrap().port());
    let endpoint = |kind: &str, host: &str, port: u16| format!("{kind} -h {host} -p {port}");
    for (endpoint, expected) in [
        (endpoint("tcp", "127.0.0.1", port), ""),
        (endpoint("tcp", "0.0.0.0", port), ""),
        (endpoint("tcp", "::", port), ""),
        (endpoint("tcp", "localhost", port), ""),
        (endpoint("ssl", "127.0.0.1", port), ""),
        (endpoint("udp", "127.0.0.1", datagrams), ""),
        (endpoint("udp", "0.0.0.0", datagrams), ""),
        (endpoint("tcp", "127.0.0.1", closed), "refused"),
        (endpoint("tcp", "0.0.0.0", closed), "refused"),
        (endpoint("udp", "127.0.0.1", unheard), "nobody has bound the port"),
        (endpoint("udp", "127.0.0.9", datagrams), "nobody has bound the port"),
    ] {
        let fault = said(checks(&[], &[("OneObj", &endpoint, "tars")]).run().await);
        assert_eq!(fault.is_empty(), expected.is_empty(), "{endpoint}: {fault}");
        assert!(fault.to_lowercase().contains(expected), "{endpoint}: {fault}");
    }
}

#[tokio::test]
async fn an_address_that_is_silent_is_given_up() {
    // Documentation addresses lead nowhere, or are refused where there is no way out.
    let start = std::time::Instant::now();
    let adapters = [
        ("OneObj", "tcp -h 192.0.2.1 -p 9", "tars"),
        ("TwoObj", "tcp -h 192.0.2.2 -p 9", "tars"),
    ];
    let fault = said(checks(&[], &adapters).run().await);
    assert!(fault.contains("OneObj") && fault.contains("TwoObj"), "{fault}");
    assert!(start.elapsed() < Duration::from_secs(3), "both at once");
}

struct Admin;

impl AdminF for Admin {
    async fn shutdown(&self, _: &mut Context) -> tars::Result<()> {
        Ok(())
    }

    async fn notify(&self, _: &mut Context, command: String) -> tars::Result<String> {
        Ok(command)
    }

    async fn get_pid(&self, _: &mut Context) -> tars::Result<i64> {
        Ok(1)
    }
}

#[tokio::test]
async fn a_servant_is_pinged_when_it_speaks_tars() {
    let servant = AdminFServer::new(Admin);
    let server = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", "App.Server.OneObj", servant);
    let server = server.bind().await.unwrap();
    let alive = server.local_endpoints()[0].to_string();
    tokio::spawn(server.serve());
    let deaf = HeldPort::any();
    let closed = deaf.address().port();
    let closed = format!("tcp -h 127.0.0.1 -p {closed}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("tcp -h 127.0.0.1 -p {}", listener.local_addr().unwrap().port());
    for (adapter, ping, expected) in [
        (("OneObj", alive.as_str(), "tars"), "y", ""),
        (("TwoObj", &alive, "tars"), "y", "tars_ping of `App.Server.TwoObj`"),
        (("TwoObj", &alive, "tars"), "n", ""),
        (("OneObj", &silent, "tars"), "y", "tars_ping of `App.Server.OneObj`"),
        (("OneObj", &silent, "not_tars"), "y", ""),
        (("OneObj", &closed, "tars"), "y", "refused"),
    ] {
        let fault = said(checks(&[&format!("--check-ping={ping}")], &[adapter]).run().await);
        assert_eq!(fault.is_empty(), expected.is_empty(), "{adapter:?}: {fault}");
        assert!(
            fault.to_lowercase().contains(&expected.to_lowercase()),
            "{adapter:?}: {fault}"
        );
    }
}

#[tokio::test]
async fn the_operators_script_decides_and_the_one_before_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order");
    let file = file.display();
    let before = format!("echo before >> {file}; exit 3");
    for (script, expected) in [
        (format!("echo check >> {file}"), ""),
        ("exit 9".to_owned(), "TARS_CHECK_SCRIPT: exit code 9"),
        (
            "echo no table >&2; exit 9".to_owned(),
            "TARS_CHECK_SCRIPT: exit code 9: no table",
        ),
        ("kill -9 $$".to_owned(), "TARS_CHECK_SCRIPT: signal 9"),
        (String::new(), ""),
    ] {
        let words = ["--before-check-script", &before, "--check-script", &script];
        assert_eq!(said(checks(&words, &[]).run().await), expected, "{script}");
    }
    let order = std::fs::read_to_string(folder.path().join("order")).unwrap();
    assert_eq!(order, "before\ncheck\nbefore\nbefore\nbefore\nbefore\n");
}

#[tokio::test]
async fn scripts_that_hang_are_killed() {
    for (script, expected) in [
        ("--before-check-script", ""),
        ("--check-script", "TARS_CHECK_SCRIPT: not done after 0.2 s: killed"),
    ] {
        let words = [script, "sleep 600", "--check-script-timeout", "200ms"];
        assert_eq!(said(checks(&words, &[]).run().await), expected);
    }
}

#[tokio::test]
async fn checks_come_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    let script = format!("mkdir {0} && sleep 0.2 && rmdir {0}", lock.display());
    let checks = checks(&["--check-script", &script], &[]);
    let (one, two) = tokio::join!(checks.run(), checks.run_patiently());
    assert_eq!((one, two), (Ok(()), Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_fault_counts_when_it_stays() {
    let start = Instant::now();
    for (patience, healthy_after, expected) in [
        (5000, 0, (true, 0, 1)),
        (5000, 2500, (true, 3000, 4)),
        (5000, 60_000, (false, 5000, 6)),
        (500, 60_000, (false, 0, 1)),
        (0, 60_000, (false, 0, 1)),
    ] {
        let (begin, looks) = (Instant::now(), Cell::new(0));
        let look = || async {
            looks.set(looks.get() + 1);
            if begin.elapsed() >= Duration::from_millis(healthy_after) {
                Ok(())
            } else {
                Err(Fault::new("not yet"))
            }
        };
        let found = patiently(Duration::from_millis(patience), look).await;
        let took = begin.elapsed().as_millis();
        assert_eq!(
            (found.is_ok(), took, looks.get()),
            expected,
            "{patience} {healthy_after}"
        );
    }
    assert!(start.elapsed() < Duration::from_mins(1));
}
