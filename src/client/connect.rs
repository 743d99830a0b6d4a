//! The slow way of a call whose connection is not there.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::timeout_at;

use super::channel::{Attempt, Ticket};
use super::exchange::Timing;
use super::route::Route;
use super::target::Target;
use crate::message::RequestParts;
use crate::{Error, Request, Result, clock, code};

/// The time that is left is divided by this at most: the many endpoints of a registry's list would leave each other no
/// time to connect.
const SHARES: u32 = 4;

/// Connects and sends, beginning with the endpoint whose turn it is.
pub(super) async fn connect_and_send(
    target: Arc<Target>,
    request: Request,
    timing: Timing,
    turn: usize,
) -> (Request, Result<Ticket>) {
    let sent = send(&target, &request.parts, timing, turn).await;
    (request, sent)
}

/// Waits for each endpoint an equal share of the time that is left, but no less than a quarter of it, so that one that
/// swallows the attempt to connect leaves time for the others. When these fail, it goes back to the ones that only took
/// long.
async fn send(target: &Target, request: &RequestParts, timing: Timing, turn: usize) -> Result<Ticket> {
    let runtime = Handle::try_current().map_err(|error| {
        Error::new(code::SEND_REQUEST_ERR, "calls are made inside a tokio runtime").with_source(error)
    })?;
    let roster = target.roster(timing, &runtime).await?;
    let watched = roster.routes.len() > 1;
    let mut failures = Vec::new();
    let mut queue: VecDeque<Arc<Route>> = roster.candidates(turn).into();
    if let Some(route) = roster.at(turn)
        && route.is_aside()
    {
        route.revive(target, clock::now());
    }
    while let Some(route) = queue.front() {
        let now = clock::now();
        let left = timing.deadline.saturating_duration_since(now);
        if left.is_zero() {
            break;
        }
        match route.try_send(&timing.outgoing(request, target, now), None, watched) {
            Attempt::Sent(ticket) => return Ok(ticket),
            Attempt::Failed(error) => return Err(error),
            Attempt::NotConnected => {}
        }
        let share = left / u32::try_from(queue.len()).unwrap_or(u32::MAX).min(SHARES);
        match timeout_at(now + share, route.channel.connected(&runtime)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                queue.pop_front();
                failures.push(error.message().to_owned());
            }
            Err(_) => {
                route.channel.suspect();
                queue.rotate_left(1);
            }
        }
    }
    if !queue.is_empty() {
        let addresses: Vec<_> = queue.iter().map(|route| route.endpoint().address()).collect();
        let millis = timing.timeout.as_millis();
        failures.push(format!("no connection to {} within {millis} ms", addresses.join(", ")));
    }
    target.doubt();
    Err(Error::new(code::PROXY_CONNECT_ERR, failures.join("; ")))
}
