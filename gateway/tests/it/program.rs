//! The program as operators start it.

use std::process::Stdio;

use assert_cmd::Command;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

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

#[tokio::test]
async fn a_signal_ends_it_well() {
    let mut command = tokio::process::Command::new(assert_cmd::cargo::cargo_bin("tarsgateway"));
    command.args([
        ROUTE,
        "--listen=127.0.0.1:0",
        "--admin=127.0.0.1:0",
        "--drain-delay-ms=0",
    ]);
    let mut process = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("calls at 127.0.0.1:") {
        assert_ne!(log.read_line(&mut text).await.unwrap(), 0, "{text}");
    }
    assert!(text.contains("nothing may be called"), "{text}");
    let id = process.id().unwrap().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
    log.read_to_string(&mut text).await.unwrap();
    assert!(process.wait().await.unwrap().success(), "{text}");
    assert!(text.contains("SIGTERM: ending") && text.contains("ended"), "{text}");
}
