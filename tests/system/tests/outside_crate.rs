//! The path of somebody who is not in this workspace: the compiler's command line tool, its output, the runtime by path.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tars_test_support::process::binary;

const MAIN: &str = r#"
// A module of its own: at the crate's root, IDL module `tars` and the runtime `tars` would be two things of one name.
mod generated {
    include!("tars.rs");
}

use generated::tars::{self as registry, KeepAliveReq, Tarsregistry, TarsregistryClient, TarsregistryServer};

struct Nothing;

impl Tarsregistry for Nothing {
    async fn on_startup(&self, _: &mut ::tars::Context, _: registry::OnStartupReq) -> ::tars::Result<()> { Ok(()) }
    async fn on_prestop(&self, _: &mut ::tars::Context, _: registry::OnPrestopReq) -> ::tars::Result<()> { Ok(()) }
    async fn keep_alive(&self, _: &mut ::tars::Context, req: KeepAliveReq) -> ::tars::Result<()> {
        Err(::tars::Error::new(1, format!("no node {}", req.node_name)))
    }
    async fn register_metrics(&self, _: &mut ::tars::Context, _: registry::RegisterMetricsReq) -> ::tars::Result<()> { Ok(()) }
    async fn get_metrics_adapters(&self, _: &mut ::tars::Context, _: registry::GetMetricsAdaptersReq)
        -> ::tars::Result<Vec<registry::MetricsAdapterInfo>> { Ok(vec![]) }
}

#[tokio::main]
async fn main() {
    let server = ::tars::Server::builder()
        .adapter("tcp -h 127.0.0.1 -p 0", "tars.tarsregistry.Registry", TarsregistryServer::new(Nothing))
        .bind()
        .await
        .expect("bind");
    let endpoint = server.local_endpoints()[0].to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.serve_with_shutdown(async { stopped.await.unwrap_or_default() }));
    let client: TarsregistryClient = ::tars::Communicator::builder()
        .build()
        .client(&format!("tars.tarsregistry.Registry@{endpoint}"))
        .expect("client");
    let request = KeepAliveReq { node_name: "10.0.0.7".into(), ..KeepAliveReq::default() };
    let error = client.keep_alive(&request).await.expect_err("the servant refuses");
    println!("{} {}", error.code(), error.message());
    stop.send(()).expect("the server waits for it");
    serving.await.expect("no panic").expect("a clean end");
}
"#;

/// Runs `command` and returns what it printed; a failure shows all of it.
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

#[test]
fn generated_code_compiles_and_runs_in_a_crate_outside_the_workspace() {
    let root = workspace();
    let crate_dir = tempfile::tempdir().unwrap();
    let src = crate_dir.path().join("src");
    fs::create_dir(&src).unwrap();
    run(Command::new(binary("tars2rs"))
        .arg("build")
        .arg(root.join("idl/tarsregistry.tars"))
        .arg("-o")
        .arg(&src));
    fs::write(src.join("main.rs"), MAIN).unwrap();
    let manifest = format!(
        "[package]\nname = \"outside\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         tars = {{ path = {root:?}, package = \"tars2rs-runtime\" }}\n\
         tokio = {{ version = \"1\", features = [\"rt-multi-thread\", \"macros\"] }}\n\n[workspace]\n"
    );
    fs::write(crate_dir.path().join("Cargo.toml"), manifest).unwrap();
    // The workspace's lock file keeps the versions that are on this machine already.
    fs::copy(root.join("Cargo.lock"), crate_dir.path().join("Cargo.lock")).unwrap();

    let output = run(Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline"])
        .current_dir(crate_dir.path())
        // Kept between runs, so that only the first one compiles the runtime.
        .env("CARGO_TARGET_DIR", binary("tars2rs").with_file_name("outside-crate")));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1 no node 10.0.0.7\n");
}
