//! `cargo run -p hello --bin hello-client -- world`, beside a running hello-server.
#![allow(clippy::print_stdout, reason = "a command line program")]

use hello::test_app::HelloClient;

#[tokio::main]
async fn main() -> tars::Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "world".into());
    let communicator = tars::Communicator::builder().build();
    let hello: HelloClient = communicator.client("TestApp.HelloServer.HelloObj@tcp -h 127.0.0.1 -p 18015")?;
    println!("{}", hello.say_hello(&name).await?);
    Ok(())
}
