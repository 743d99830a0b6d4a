//! What generated code tells the runtime about an operation.

use crate::codec::Struct;
#[cfg(feature = "json")]
use crate::json::{FromJson, ToJson};

/// What parameters and replies are, so that each body format can be made from them: every struct of an IDL.
#[cfg(feature = "json")]
pub trait Parameters: Struct + ToJson + FromJson {}

#[cfg(feature = "json")]
impl<T: Struct + ToJson + FromJson> Parameters for T {}

/// What parameters and replies are: every struct of an IDL.
#[cfg(not(feature = "json"))]
pub trait Parameters: Struct {}

#[cfg(not(feature = "json"))]
impl<T: Struct> Parameters for T {}

/// An operation of an interface as it travels; implemented by generated code.
///
/// Parameters and results are structs with named fields, so that every form of a body (fields by tag, maps or JSON
/// objects by name) can be made from them here, in one place.
pub trait Operation: Send + Sync + 'static {
    /// The function's name on the wire, `sFuncName`.
    const NAME: &'static str;
    /// The `in` parameters, each at its position as its tag.
    type Args: Parameters;
    /// The return value at tag 0 and the `out` parameters at their positions.
    type Reply: Parameters;
    /// What a servant's method returns and a client's call gives.
    type Output;

    /// What the caller gets out of a reply.
    fn into_output(reply: Self::Reply) -> Self::Output;
    /// What travels for a servant's output.
    fn into_reply(output: Self::Output) -> Self::Reply;
}
