//! What `hello.tars` becomes, and the one implementation of it.

tars::include_tars!("test_app");

use test_app::Hello;

/// Greets whoever calls.
#[derive(Debug)]
pub struct Greeter;

impl Hello for Greeter {
    async fn say_hello(&self, _cx: &mut tars::Context, name: String) -> tars::Result<String> {
        Ok(format!("hello, {name}"))
    }
}
