//! The program as operators start it.

use std::process::Stdio;

use assert_cmd::Command;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr};

fn run(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String) {
    let mut command = Command::cargo_bin("tarsgateway").unwrap();
    let output = command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

const ROUTE: &str = "--route=A.B.C=tcp -h 127.0.0.1 -p 1";

#[test]
fn settings_are_checked() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    std::fs::write(file.path(), "[limits]\nbody_byte = 1\n").unwrap();
    for (arguments, code, text) in [
        (&["--check", ROUTE][..], 0, "the settings are fine"),
        (&["--check"], 2, "error: no servant can be found: set --locator"),
        (
            &["--check", ROUTE, "--listen", "x"],
            2,
            "invalid value 'x' for '--listen",
        ),
        (
            &["--check", ROUTE, "--timeout-ms", "0"],
            2,
            "expected a number from 1 to 3600000, found 0",
        ),
        (
            &["--check", ROUTE, "--timeout-ms", "70000"],
            2,
            "upstream.timeout_ms is 70000, more than upstream.max_timeout_ms, 60000",
        ),
        (&["--check", ROUTE, "--allow", "*"], 2, "`*` is no object pattern"),
        (
            &["--check", ROUTE, "--admin", "0.0.0.0:8200"],
            2,
            "listen and admin are both 0.0.0.0:8200",
        ),
        (
            &["--check", ROUTE, "--token-file", "/nowhere"],
            1,
            "cannot read `/nowhere`",
        ),
        (&["--check", ROUTE, "--config", "/nowhere"], 2, "cannot read `/nowhere`"),
        (
            &["--check", "--config", path],
            2,
            "line 2: `body_byte`: unknown field `body_byte`, expected one of",
        ),
        (&["--check", ROUTE, "--log", "a=b=c"], 2, "--log `a=b=c`"),
        (&["--nonsense"], 2, "unexpected argument"),
        (&["--help"], 0, "--trusted-proxy"),
        (&["--version"], 0, "tarsgateway 0."),
    ] {
        let (found, output) = run(arguments, &[]);
        assert_eq!(found, code, "{arguments:?}: {output}");
        assert!(output.contains(text), "{arguments:?}: {output}");
    }
}

#[test]
fn the_environment_counts_and_an_empty_variable_does_not() {
    let (code, output) = run(
        &["--check"],
        &[
            ("TARSGATEWAY_ROUTE", "A.B.C=tcp -h 127.0.0.1 -p 1"),
            ("TARSGATEWAY_LISTEN", ""),
        ],
    );
    assert_eq!(code, 0, "{output}");
    let (code, output) = run(&["--check", ROUTE], &[("TARSGATEWAY_ALLOW", "A.B")]);
    assert_eq!(code, 2, "{output}");
}

/// The program, and what it logs.
struct Program {
    process: Child,
    log: BufReader<ChildStderr>,
    text: String,
}

impl Program {
    /// Starts it and waits until it serves.
    async fn start(arguments: &[&str]) -> Self {
        let mut command = tokio::process::Command::new(assert_cmd::cargo::cargo_bin("tarsgateway"));
        command.args(["--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--drain-delay-ms=0"]);
        let mut process = command
            .args(arguments)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let mut program = Self {
            process,
            log,
            text: String::new(),
        };
        program.wait_for("calls at 127.0.0.1:").await;
        program
    }

    async fn wait_for(&mut self, text: &str) {
        while !self.text.contains(text) {
            assert_ne!(self.log.read_line(&mut self.text).await.unwrap(), 0, "{}", self.text);
        }
    }

    fn address(&self) -> String {
        let (_, rest) = self.text.split_once("calls at ").unwrap();
        rest.split(',').next().unwrap().to_owned()
    }

    /// Ends it by a signal, and gives all that it logged.
    async fn end(mut self) -> String {
        let id = self.process.id().unwrap().to_string();
        let killed = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(killed.unwrap().success());
        self.log.read_to_string(&mut self.text).await.unwrap();
        let status = self.process.wait().await.unwrap();
        assert!(status.success(), "{status}: {}", self.text);
        self.text
    }
}

#[tokio::test]
async fn a_signal_ends_it_well() {
    let log = Program::start(&[ROUTE]).await.end().await;
    for text in ["nothing may be called", "SIGTERM: ending", "ended"] {
        assert!(log.contains(text), "{log}");
    }
}

#[tokio::test]
async fn the_log_has_a_line_for_each_request_and_no_secret() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "alice top-secret-token-1\n").unwrap();
    let arguments = [ROUTE, "--allow=A.*", "--log-format=json", "--log=trace", "--token-file"];
    let arguments = arguments.iter().copied().chain([file.path().to_str().unwrap()]);
    let program = Program::start(&arguments.collect::<Vec<_>>()).await;
    for token in ["top-secret-token-1", "wrong-secret-token"] {
        let mut stream = tokio::net::TcpStream::connect(program.address()).await.unwrap();
        let request = format!(
            "POST /json/A.B.C/f?q=secret-query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             X-Request-Id: id-1\r\nContent-Length: 19\r\n\r\n{{\"a\":\"secret-body\"}}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
    let log = program.end().await;
    let lines: Vec<serde_json::Value> = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &serde_json::Value| line["target"] == "tarsgateway::access")
        .collect();
    assert_eq!(lines.len(), 2, "{log}");
    let (served, refused) = (&lines[0]["fields"], &lines[1]["fields"]);
    assert_eq!((&served["status"], &served["code"]), (&502.into(), &(-8).into()));
    assert!(served["failure"].as_str().unwrap().contains("127.0.0.1"), "{served}");
    assert_eq!((&served["object"], &served["function"]), (&"A.B.C".into(), &"f".into()));
    assert_eq!(
        (&served["caller"], &served["request_id"]),
        (&"alice".into(), &"id-1".into())
    );
    assert_eq!(
        (&served["client"], &refused["status"]),
        (&"127.0.0.1".into(), &401.into())
    );
    assert!(!log.contains("secret"), "{log}");
}
