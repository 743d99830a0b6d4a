//! The servants behind the gateway: one call in, one answer out. Only `tars` of this module knows how
//! Tars clients work, so the rest is tested without one.

mod tars;

use std::time::Duration;

use ::tars::trace::Trace;
use ::tars::{Attributes, BoxFuture};
use bytes::Bytes;

use crate::object::{FunctionName, ObjectName};

pub(crate) use tars::TarsUpstream;

/// Calls servants.
pub trait Upstream: Send + Sync + 'static {
    /// Makes one call.
    fn call(&self, call: Outgoing) -> BoxFuture<Result<Answer, Failure>>;

    /// Writes what is not written yet (the points of call chains) before the program ends.
    fn end(&self) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }
}

/// How the body of a call is written: the number is the packet's `iVersion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyFormat {
    /// Fields by position.
    Tars = 1,
    /// Parameters by name and type.
    TupComplex = 2,
    /// Parameters by name.
    Tup = 3,
    /// A JSON object.
    Json = 5,
}

/// A call on its way to a servant.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The object to call, allowed by the rules.
    pub object: ObjectName,
    /// The function to call.
    pub function: FunctionName,
    /// What the body is.
    pub format: BodyFormat,
    /// The parameters, as the caller wrote them.
    pub body: Bytes,
    /// The application's context, filtered and completed.
    pub context: Attributes,
    /// How long the call may take.
    pub timeout: Duration,
    /// Whether nobody waits for an answer.
    pub one_way: bool,
    /// The call chain it belongs to.
    pub trace: Option<Trace>,
}

/// What a servant answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The result, in the format of the call.
    pub body: Bytes,
    /// The application's context.
    pub context: Attributes,
    /// The framework's status.
    pub status: Attributes,
}

/// A call that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The return code.
    pub code: i32,
    /// What the servant or the client says; it may name addresses.
    pub text: String,
    /// Whether the servant answered so. Otherwise no answer came.
    pub is_answer: bool,
}
