//! What an operator may ask of a server.

use tars::{Context, Result, protocol::AdminF};

pub(crate) struct Admin;

impl AdminF for Admin {
    /// The supervisor ends this server by a signal.
    async fn shutdown(&self, _cx: &mut Context) -> Result<()> {
        Ok(())
    }

    async fn notify(&self, _cx: &mut Context, command: String) -> Result<String> {
        Ok(match command.as_str() {
            "tars.viewversion" => env!("CARGO_PKG_VERSION").to_owned(),
            _ => format!("`{command}` is not known here"),
        })
    }

    async fn get_pid(&self, _cx: &mut Context) -> Result<i64> {
        Ok(std::process::id().into())
    }
}
