//! Our generated client and a server that we did not write.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use hello::test_app::HelloClient;
use tars::Communicator;
use tars_test_support::node;

#[tokio::test]
async fn a_node_server_answers_our_client() {
    let server = node::start("hello-server.js", &[]);
    let endpoint = server.endpoint().await;
    let object = format!("TestApp.HelloServer.HelloObj@{endpoint}");
    // A thousand calls at once are to be answered, however slow the machine is.
    let comm = Communicator::builder().timeout(Duration::from_mins(1)).build();
    let hello: HelloClient = comm.client(&object).unwrap();

    assert_eq!(hello.say_hello("Rust").await.unwrap(), "hello from Node, Rust");

    let reply = hello.say_hello("中文").with_reply().await.unwrap();
    assert_eq!(reply.value, "hello from Node, 中文");
    let language = reply
        .context
        .iter()
        .find(|(key, _)| key.to_str() == Ok("language"))
        .unwrap()
        .1;
    assert_eq!(language.to_str(), Ok("JavaScript"));

    let error = hello.say_hello("").await.unwrap_err();
    assert_eq!((error.code(), error.message()), (7, "nobody to greet"));

    let calls: Vec<_> = (0..1000)
        .map(|n| tokio::spawn(hello.say_hello(&n.to_string()).into_future()))
        .collect();
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.unwrap().unwrap(), format!("hello from Node, {n}"));
    }
}
