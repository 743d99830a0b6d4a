//! What is typed and what comes back: streams and exit codes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Stdio};

/// Exit code, stdout, stderr.
fn run(words: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tarscli"))
        .args(words)
        .env_clear()
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

const COMMANDS: [&str; 8] = [
    "supervisor",
    "hzcheck",
    "prestop",
    "genconf",
    "notify",
    "syncdir",
    "version",
    "completion",
];

#[test]
fn alone_it_is_used_wrongly_and_helps() {
    let (code, out, help) = run(&[]);
    assert_eq!((code, out.as_str()), (2, ""));
    for command in COMMANDS {
        assert!(help.contains(command), "{command} in {help}");
    }
}

#[test]
fn help_is_an_answer() {
    for words in [&["help"][..], &["-h"], &["--help"]] {
        let (code, help, error) = run(words);
        assert_eq!((code, error.as_str()), (0, ""), "{words:?}");
        for command in COMMANDS {
            assert!(help.contains(command), "{command} in {help}");
        }
    }
}

#[test]
fn each_command_helps_in_every_form() {
    for command in COMMANDS {
        let (code, help, error) = run(&[command, "--help"]);
        assert_eq!((code, error.as_str()), (0, ""), "{command}");
        assert!(help.contains(&format!("Usage: tarscli {command}")), "{help}");
        let as_k8stars_has_it = run(&[command, "help"]);
        assert_eq!(as_k8stars_has_it, (0, help.clone(), String::new()), "{command}");
        assert_eq!(run(&["help", command]), (0, help, String::new()), "{command}");
    }
}

#[test]
fn help_names_a_variable_and_not_its_value() {
    let output = Command::new(env!("CARGO_BIN_EXE_tarscli"))
        .args(["help", "genconf"])
        .env("TARS_LOCATOR", "hidden")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("TARS_LOCATOR") && !help.contains("hidden"), "{help}");
}

#[test]
fn versions() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(run(&["version"]), (0, format!("{version}\n"), String::new()));
    for flag in ["--version", "-V"] {
        assert_eq!(run(&[flag]), (0, format!("tarscli {version}\n"), String::new()));
    }
}

#[test]
fn an_unknown_command_is_told_which_was_meant() {
    let (code, out, error) = run(&["supervise"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        error.contains("'supervise'") && error.contains("'supervisor'"),
        "{error}"
    );
    assert!(error.ends_with('\n'), "{error:?}");
}

#[test]
fn an_unknown_flag_is_told_which_was_meant() {
    let (code, out, error) = run(&["hzcheck", "--redy"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.contains("'--redy'") && error.contains("'--ready'"), "{error}");
}

#[test]
fn a_failure_is_on_stderr_with_code_1() {
    let (code, out, error) = run(&["notify", "--admin", "tcp -h 127.0.0.1 -p 1", "tars.viewversion"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(error.starts_with("tarscli: ") && error.ends_with('\n'), "{error:?}");
}

#[test]
fn completion_for_each_shell() {
    for (shell, mark) in [
        ("bash", "complete -F _tarscli"),
        ("zsh", "#compdef tarscli"),
        ("fish", "complete -c tarscli"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let (code, script, error) = run(&["completion", shell]);
        assert_eq!((code, error.as_str()), (0, ""), "{shell}");
        assert!(
            script.contains(mark) && script.contains("supervisor"),
            "{shell}: {script}"
        );
    }
}

#[test]
fn bash_takes_its_completion() {
    let (_, script, _) = run(&["completion", "bash"]);
    let asks = "COMP_WORDS=(tarscli superv); COMP_CWORD=1; _tarscli tarscli superv tarscli; echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", &format!("{script}\n{asks}")])
        .output()
        .expect("bash is needed: install the package bash");
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), "supervisor");
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tarscli"))
        .args(["completion", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
