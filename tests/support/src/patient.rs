//! Clients that do what a registry asks for: calls it is too busy for are made again.

use std::{pin::Pin, time::Duration};

use tars::{Client, Communicator, Error, Request, Response, Result, code};
use tokio::time::{Sleep, sleep};
use tower::retry::{Policy, RetryLayer};

/// How long a call may take, with all its attempts, on a slow and busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Between two attempts.
const AGAIN: Duration = Duration::from_millis(20);

/// A client of `object`, a name with its endpoint. It waits a minute, and tries again for as long while the answer says
/// that it should: a registry answers so when its database takes longer than a client of K8STARS waits.
///
/// # Panics
/// When the object cannot be read.
#[must_use]
pub fn client<C: Client>(object: &str) -> C {
    through(&Communicator::builder().timeout(PATIENCE).build(), object)
}

/// The same through a communicator, whose time of a call is that of all attempts.
///
/// # Panics
/// When the object cannot be read.
#[must_use]
pub fn through<C: Client>(comm: &Communicator, object: &str) -> C {
    let proxy = comm.proxy(object).unwrap_or_else(|e| panic!("{object}: {e}"));
    C::new(proxy.layer(RetryLayer::new(AsAsked)))
}

#[derive(Clone, Copy, Debug)]
struct AsAsked;

impl Policy<Request, Response, Error> for AsAsked {
    type Future = Pin<Box<Sleep>>;

    fn retry(&mut self, _: &mut Request, result: &mut Result<Response>) -> Option<Self::Future> {
        let is_asked = result.as_ref().is_err_and(|e| e.code() == code::SERVER_OVERLOAD);
        is_asked.then(|| Box::pin(sleep(AGAIN)))
    }

    fn clone_request(&mut self, request: &Request) -> Option<Request> {
        Some(request.clone())
    }
}
