//! `cargo run -p hello --bin hello-server`, then the client in another terminal.

use hello::{Greeter, test_app::HelloServer};

#[tokio::main]
async fn main() -> tars::Result<()> {
    let server = tars::Server::builder()
        .adapter(
            "tcp -h 127.0.0.1 -p 18015",
            "TestApp.HelloServer.HelloObj",
            HelloServer::new(Greeter),
        )
        .bind()
        .await?;
    let ctrl_c = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    server.serve_with_shutdown(ctrl_c).await
}
