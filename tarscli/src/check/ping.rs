//! Asking each servant whether it answers: an open port only says that the kernel does.

use std::time::Duration;

use futures_util::future::join_all;
use tars::{Communicator, Endpoint, code};

use super::{
    fault::Fault,
    ports::{Ports, stream},
    target::Target,
};

/// Time for the answer.
const LIMIT: Duration = Duration::from_secs(1);

/// Calls `tars_ping` of every servant that speaks Tars over TCP. One with another protocol has no such call: its open port
/// is what can be known.
pub(super) async fn ping(ports: &Ports) -> Result<(), Fault> {
    // Its connections end with it: a server that wants to end has none of ours to wait for.
    let communicator = Communicator::builder().timeout(LIMIT).build();
    let pings = ports.targets().iter().filter_map(|target| {
        let servant = target.servant.as_ref()?;
        Some(ping_one(&communicator, target, servant))
    });
    Fault::of(join_all(pings).await.into_iter().map(Result::err))
}

async fn ping_one(communicator: &Communicator, target: &Target, servant: &str) -> Result<(), String> {
    let address = stream(target).await?;
    let endpoint = Endpoint::tcp(address.to_string(), target.port);
    let fault = |error: tars::Error| format!("{}: tars_ping of `{servant}`: {error}", target.name);
    let proxy = communicator.proxy(&format!("{servant}@{endpoint}")).map_err(fault)?;
    match proxy.ping().await {
        Ok(()) => Ok(()),
        // Some servers know no ping, and have answered all the same.
        Err(error) if error.is_answer() && error.code() == code::SERVER_NO_FUNC => Ok(()),
        Err(error) => Err(fault(error)),
    }
}
