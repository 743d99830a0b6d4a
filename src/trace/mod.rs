//! The call chain: who called whom, in the form that Tars peers and their log server know.
//!
//! A chain begins with [`Trace::root`] or comes in with a request; from then on every call continues it by itself. What
//! happened is written as lines by a [`Tracer`], which a communicator and a server are given:
//!
//! ```no_run
//! use tars::trace::{FileSink, Flags, Trace, Tracer};
//!
//! # async fn doc(hello: tars::Proxy) -> tars::Result<()> {
//! let tracer = Tracer::new("TestApp.HelloServer", FileSink::open("trace.log")?);
//! let comm = tars::Communicator::builder().tracer(tracer.clone()).build();
//! let server = tars::Server::builder().tracer(tracer.clone());
//!
//! Trace::root(Flags::ALL, 2).scope(async {
//!     hello.ping().await // calls made here are recorded, and so are the calls that they cause elsewhere
//! }).await?;
//! tracer.flush().await;
//! # Ok(())
//! # }
//! ```
//!
//! A process without a tracer passes chains on and writes nothing.

mod call;
mod chain;
mod flags;
mod key;
mod line;
mod params;
mod sampler;
mod served;
mod sink;
mod tracer;
mod w3c;

pub(crate) use call::{Answered, ClientCall, continue_chain};
pub use chain::Trace;
pub use flags::Flags;
pub use line::{Annotation, Line};
pub(crate) use params::{Describe, describe_args};
pub use sampler::Sampler;
pub(crate) use served::{Served, ServedCall};
pub use sink::{FileSink, LogSink, Sink, StdoutSink};
pub use tracer::Tracer;

/// Key of the status: the chain as Tars peers write it.
const TRACE_KEY: &str = "STATUS_TRACE_KEY";

/// Keys of the status: the chain as W3C Trace Context has it, where TarsGo's middleware puts it too.
const TRACE_PARENT: &str = "traceparent";
const TRACE_STATE: &str = "tracestate";
