//! The program: command line, environment, signals, log.

use assert_cmd::Command;
use tars_test_support::mysql::Database;
use tars_test_support::process::Process;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tarsregistry"));
    command.env_clear();
    command
}

fn failure(command: &mut Command, code: i32) -> String {
    let output = command.assert().code(code).get_output().stderr.clone();
    String::from_utf8(output).unwrap()
}

#[test]
fn a_container_without_database_setting_is_refused() {
    let text = failure(program().env("POD_IP", "10.0.0.1"), 2);
    assert!(
        text.starts_with("error: no database is set") && text.contains("TARSREGISTRY_DATABASE_URL"),
        "{text}"
    );
}

#[tokio::test]
async fn settings_come_from_the_environment_and_empty_ones_do_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tarsregistry"));
    command.env_clear().current_dir(&dir).envs([
        ("TARSREGISTRY_QUERY_ENDPOINT", "tcp -h 127.0.0.1 -p 0"),
        ("TARSREGISTRY_REGISTRY_ENDPOINT", "tcp -h 127.0.0.1 -p 0"),
        ("TARSREGISTRY_ADMIN_ENDPOINT", "tcp -h 127.0.0.1 -p 0"),
        ("TARSREGISTRY_HTTP", "127.0.0.1:0"),
        ("TARSREGISTRY_ALLOW_NODE_WIDE", "true"),
        ("TARSREGISTRY_KEEP_NODE_CONFIGS", "false"),
        ("TARSREGISTRY_DATABASE_URL", ""),
        ("TARSREGISTRY_DATABASE_URL_FILE", ""),
        ("TARSREGISTRY_TRUSTED_CIDR", ""),
        ("TARSREGISTRY_LEASE", ""),
        ("POD_IP", ""),
    ]);
    let process = Process::start(command);
    process.wait_for("ready").await;
    process.terminate().await;
    let (code, output) = process.wait().await;
    assert_eq!(code, 0, "{output}");
    assert!(
        dir.path().join("tarsregistry.db").exists(),
        "the default database is a file in the working folder"
    );
}

#[test]
fn a_mistake_is_said_without_the_password() {
    for url in [
        "postgres://root:hunter2@h/d",
        "mysql://root:hunter2@h:port/d",
        "mysql://root:hunter2@h",
    ] {
        for command in ["serve", "migrate"] {
            let arguments = [command, "--http", "127.0.0.1:0", "--database-url", url];
            let output = program()
                .args(arguments)
                .timeout(std::time::Duration::from_secs(20))
                .output()
                .unwrap();
            assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
            let text = String::from_utf8(output.stderr).unwrap();
            assert!(text.contains("database URL") && !text.contains("hunter2"), "{text}");
        }
    }
    let help = program()
        .env("TARSREGISTRY_DATABASE_URL", "mysql://root:hunter2@h/d")
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("--database-url") && !help.contains("hunter2"), "{help}");
    failure(program().args(["--database-url", "sqlite:/nowhere/a.db"]), 1);
    failure(program().args(["--log", "a=b=c"]), 2);
    failure(program().arg("--no-such-flag"), 2);
}

/// `mysql://root@127.0.0.1:1234/db` as the other ways to say it.
fn pieces(database: &Database) -> (String, String, String) {
    let (_, rest) = database.url().split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let (host, port) = address.split_once(':').unwrap();
    (host.to_owned(), port.to_owned(), name.to_owned())
}

#[tokio::test]
async fn migrate_then_serve_until_sigterm() {
    let database = Database::create().await;
    let (host, port, name) = pieces(&database);
    let dsn = format!("root:@tcp({host}:{port})/{name}?charset=utf8&parseTime=true");
    program().arg("migrate").env("DB_DSN", &dsn).assert().success();
    program().arg("migrate").env("DB_DSN", &dsn).assert().success();

    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tarsregistry"));
    command
        .env_clear()
        .args(["--registry-endpoint", "tcp -p 0", "--admin-endpoint", "tcp -p 0"])
        .args(["--query-endpoint", "tcp -p 0"]);
    command.args(["--http", "127.0.0.1:0", "--log-format", "json"]);
    command.envs([
        ("DB_HOST", host),
        ("DB_PORT", port),
        ("DB_USER", "root".into()),
        ("DB_NAME", name),
    ]);
    let process = Process::start(command);
    let listening = process.wait_for("listening").await;
    assert!(
        listening.contains("tcp -h 0.0.0.0 -p ") && !listening.contains("-p 0\""),
        "{listening}"
    );
    process.wait_for("is not on a loopback address").await;
    process.wait_for("\"ready\"").await;
    process.terminate().await;
    let (code, output) = process.wait().await;
    assert_eq!(code, 0, "{output}");
    assert!(output.contains("SIGTERM"), "{output}");
}

#[tokio::test]
async fn a_password_is_in_no_line_of_the_log() {
    let database = Database::create().await;
    let url = database.url().replace("root@", "nobody:hunter2@");
    let output = program()
        .args(["migrate", "--log", "trace", "--database-url", &url])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("Access denied") && !text.contains("hunter2"), "{text}");

    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tarsregistry"));
    command.env_clear().args([
        "--query-endpoint",
        "tcp -h 127.0.0.1 -p 0",
        "--registry-endpoint",
        "tcp -h 127.0.0.1 -p 0",
        "--admin-endpoint",
        "tcp -h 127.0.0.1 -p 0",
    ]);
    command.args(["--http", "127.0.0.1:0", "--log", "trace", "--database-url", &url]);
    let process = Process::start(command);
    process.wait_for("waiting for it").await;
    process.terminate().await;
    let (code, output) = process.wait().await;
    assert_eq!(code, 0);
    assert!(!output.contains("hunter2"), "{output}");
}
