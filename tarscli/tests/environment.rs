//! Every variable of the environment as the guide's table has it: its default, and what a bad value says. That the table
//! is complete is held by a test beside the definition of the command line.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, process::Command};

const GUIDE: &str = include_str!("../../docs/tarscli.md");

/// A row of the table.
struct Variable {
    name: &'static str,
    flag: &'static str,
    commands: Vec<&'static str>,
    kind: &'static str,
    /// None when it is said in words.
    default: Option<&'static str>,
}

fn variables() -> Vec<Variable> {
    let rows: Vec<_> = GUIDE
        .lines()
        .map(|line| line.split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 6 && cells[1].starts_with("`--"))
        .map(|cells| Variable {
            name: cells[0].trim_start_matches("| ").trim_matches('`'),
            flag: cells[1].trim_matches('`'),
            commands: cells[2].split(", ").collect(),
            kind: cells[3],
            default: cells[4].strip_prefix('`').and_then(|text| text.strip_suffix('`')),
        })
        .collect();
    assert!(rows.len() > 30, "the table was not found");
    rows
}

/// Runs a command with these variables and nothing else. No test lets one get so far that it would do something.
fn run(words: &[&str], variables: &[(&str, &OsStr)]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tarscli"))
        .args(words)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

/// The words that make a command complete.
fn words(command: &'static str) -> Vec<&'static str> {
    match command {
        "notify" => vec![command, "tars.viewversion"],
        _ => vec![command],
    }
}

/// Values that no variable of the kind takes, with a word of the refusal.
fn bad_values(kind: &str) -> Vec<(&'static [u8], &'static str)> {
    match kind.split(" from ").next().unwrap_or(kind) {
        "text" | "command" | "any text" => vec![(b"\xff", "UTF-8")],
        "path" => vec![],
        "UTF-8 path" => vec![(b"/\xff", "UTF-8")],
        "name" => vec![(b"a b", "expected a name without"), (b"a/b", "expected a name without")],
        "file name" => vec![(b"a/b", "expected a file's name"), (b"..", "expected a file's name")],
        "set" => vec![(b"gray", "`name.area.group`"), (b"*.a.b", "`name.area.group`")],
        "address" => vec![(b"0.0.0.0", "expected an address"), (b"a/b", "expected an address")],
        "part of host names" => vec![(b"a b", "expected a namespace"), (b"a:b", "expected a namespace")],
        "locator" => vec![
            (b"nope", "expected `@`"),
            (b"a.b.c@tcp -h ${x} -p 1", "`${namespace}`"),
            (b"a.b.c@http", "column 7"),
        ],
        "endpoint" => vec![
            (b"junk", "column 1"),
            (b"udp -h ::1 -p 1", "expected `tcp`"),
            (b"tcp -h ::1", "a port"),
        ],
        "yes/no" => vec![(b"maybe", "expected y or n")],
        "port" => vec![(b"0", "65535"), (b"65536", "65535"), (b"tcp://10.0.0.1:80", "65535")],
        "number" => vec![(b"-1", "whole number"), (b"many", "whole number")],
        "time" => vec![(b"soon", "unit"), (b"30", "`30s`"), (b"-1s", "unit"), (b"400d", "year")],
        other => panic!("the kind `{other}` is not known"),
    }
}

#[test]
fn a_bad_value_is_refused_by_the_name_of_its_variable() {
    for variable in variables() {
        for (value, word) in bad_values(variable.kind) {
            for command in &variable.commands {
                let (code, text) = run(&words(command), &[(variable.name, OsStr::from_bytes(value))]);
                assert_eq!(code, 2, "{command} {}: {text}", variable.name);
                assert!(text.contains(variable.name) && text.contains(word), "{command}: {text}");
            }
        }
    }
}

#[test]
fn a_time_below_the_least_is_refused_with_the_least() {
    for variable in variables() {
        let Some((_, least)) = variable.kind.split_once(" from ") else {
            continue;
        };
        for value in ["0", "1us"] {
            let (code, text) = run(&words(variable.commands[0]), &[(variable.name, OsStr::new(value))]);
            assert_eq!(code, 2, "{}: {text}", variable.name);
            let expected = format!("expected at least {least}");
            assert!(text.contains(variable.name) && text.contains(&expected), "{text}");
        }
    }
}

#[test]
fn help_tells_flag_and_default() {
    for variable in variables() {
        for command in &variable.commands {
            let (_, help) = run(&[command, "--help"], &[]);
            let line = help
                .lines()
                .find(|line| line.contains(&format!("[env: {}]", variable.name)))
                .unwrap_or_else(|| panic!("{command} does not know {}", variable.name));
            let flag = line.trim_start();
            assert!(flag.starts_with(variable.flag), "{line}");
            match variable.default {
                Some(default) => assert!(line.contains(&format!("[default: {default}]")), "{line}"),
                None => assert!(!line.contains("[default: "), "{line}"),
            }
        }
    }
}

#[test]
fn all_bad_variables_are_told_at_once() {
    let bad = ["TARS_CHECK_INTERVAL", "TARS_RAND_PORT_MIN", "TARS_MAX_RESTARTS"];
    let (code, text) = run(&["supervisor"], &bad.map(|name| (name, OsStr::new("x"))));
    assert_eq!(code, 2, "{text}");
    for name in bad {
        assert!(text.contains(name), "{name} in {text}");
    }
    // Every variable of a command.
    for command in ["genconf", "supervisor", "notify"] {
        let bad: Vec<_> = variables()
            .into_iter()
            .filter(|variable| variable.commands.contains(&command))
            .filter_map(|variable| Some((variable.name, bad_values(variable.kind).first()?.0)))
            .map(|(name, value)| (name, OsStr::from_bytes(value)))
            .collect();
        let (code, text) = run(&words(command), &bad);
        assert_eq!((code, text.matches("the variable").count()), (2, bad.len()), "{text}");
        for (name, _) in bad {
            assert!(text.contains(&format!("the variable {name}, `")), "{name} in {text}");
        }
    }
}

#[test]
fn a_flag_is_held_to_the_same() {
    for (flag, value, expected) in [
        ("--application", "", "expected a name"),
        ("--server", "a.b", "expected a name without '.'"),
        ("--build-server", "..", "expected a file's name"),
        ("--set-id", "gray", "`name.area.group`"),
        ("--node", "::", "expected an address"),
        ("--namespace", "", "expected a namespace"),
        ("--locator", "nope", "expected `@`"),
        ("--path", "", "expected a folder"),
    ] {
        for command in ["genconf", "supervisor"] {
            let (code, text) = run(&[command, flag, value], &[]);
            assert!(code == 2 && text.contains(flag) && text.contains(expected), "{text}");
        }
    }
}

/// One bad variable keeps the command from doing anything; of the empty ones nothing is said.
#[test]
fn an_empty_variable_counts_as_none() {
    for (command, bad) in [
        ("supervisor", "TARS_CHECK_INTERVAL"),
        ("genconf", "TARS_RAND_PORT_MIN"),
        ("prestop", "TARS_GRACE_PERIOD"),
        ("hzcheck", "TARS_REPORT_INTERVAL"),
        ("notify", "TARSCLI_TIMEOUT"),
    ] {
        let set: Vec<_> = variables()
            .into_iter()
            .map(|variable| (variable.name, if variable.name == bad { "x" } else { "" }))
            .map(|(name, value)| (name, OsStr::new(value)))
            .collect();
        let (code, text) = run(&words(command), &set);
        assert_eq!(code, 2, "{command}: {text}");
        assert!(text.contains(bad), "{command}: {text}");
        assert_eq!(text.matches("the variable").count(), 1, "{command}: {text}");
    }
}

#[test]
fn a_flag_goes_before_its_variable() {
    let bad = ("TARS_CHECK_INTERVAL", OsStr::new("soon"));
    let contradiction = ["--rand-port-min", "2", "--rand-port-max", "1"];
    let words = [&["supervisor", "--check-interval", "5s"][..], &contradiction].concat();
    let (code, text) = run(&words, &[bad]);
    assert_eq!(code, 2, "{text}");
    assert!(
        !text.contains("TARS_CHECK_INTERVAL") && text.contains("TARS_RAND_PORT_MIN"),
        "{text}"
    );
}

#[test]
fn contradictions_name_both_variables() {
    for (first, second, values) in [
        ("TARS_RAND_PORT_MIN", "TARS_RAND_PORT_MAX", ["17000", "16000"]),
        ("TARS_RAND_PORT_MIN", "TARS_RAND_PORT_MAX", ["17000", "17000"]),
        ("TARS_RESTART_DELAY", "TARS_RESTART_DELAY_MAX", ["2s", "1s"]),
    ] {
        let set = [(first, OsStr::new(values[0])), (second, OsStr::new(values[1]))];
        let (code, text) = run(&["supervisor"], &set);
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(first) && text.contains(second), "{text}");
    }
}
