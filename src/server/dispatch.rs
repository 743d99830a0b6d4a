//! From a packet to the call of a servant, and from its outcome to the answer.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::clock::Instant;
use crate::context::CurrentCall;
use crate::layer::{AnyService, BoxFuture, panicked};
use crate::message::{Arrival, Body, PING, RequestParts};
use crate::packet::ResponseHead;
use crate::protocol::{RequestPacket, TARSONEWAY};
use crate::trace::{Served, Trace, Tracer};
use crate::{Error, Request, Response, Result, Version, code};

/// A servant as one connection calls it.
#[derive(Debug)]
pub(super) struct Servant {
    pub(super) object: Arc<str>,
    pub(super) service: Box<dyn AnyService>,
}

impl Servant {
    pub(super) fn fork(&self) -> Self {
        Self {
            object: Arc::clone(&self.object),
            service: self.service.fork(),
        }
    }
}

/// The servants of a listener, for one connection.
#[derive(Debug)]
pub(super) struct Dispatcher {
    pub(super) servants: Vec<Servant>,
    pub(super) arrival: Arc<Arrival>,
    pub(super) tracer: Option<Tracer>,
}

/// When a request came and what time it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    pub(super) received: Instant,
    pub(super) now: Instant,
}

/// What became of a request at once.
pub(super) enum Started {
    Ready(Answer),
    Running(Call),
}

/// The end of a call.
pub(super) enum Answer {
    /// To be written.
    Due(ResponseHead, Result<Response>, Option<Box<Served>>),
    /// The call was one-way: nobody waits, not even for an error.
    None,
}

impl Dispatcher {
    pub(super) fn peer(&self) -> SocketAddr {
        self.arrival.peer
    }

    /// Begins the call of a packet and polls it once.
    pub(super) fn start(&mut self, packet: RequestPacket, time: Arrived, cx: &mut Context<'_>) -> Started {
        let is_ping = packet.s_func_name == PING;
        let trace = Trace::received(&packet.status).filter(|_| !is_ping);
        let served = self.record(trace.as_ref(), &packet);
        let ending = Ending {
            head: ResponseHead::of(&packet),
            one_way: packet.c_packet_type == TARSONEWAY,
            served,
        };
        let servant = match self.admit(&packet) {
            Ok(servant) => servant,
            Err(error) => return Started::Ready(ending.answer(Err(error))),
        };
        if is_ping {
            return Started::Ready(ending.answer(Ok(Response::new(Vec::new()))));
        }
        let deadline = deadline(&packet, time.received);
        if deadline.is_some_and(|deadline| deadline <= time.now) {
            let text = format!("the request's {} ms were over before it began", packet.i_timeout);
            return Started::Ready(ending.answer(Err(Error::new(code::SERVER_QUEUE_TIMEOUT, text))));
        }
        let current = CurrentCall::new(deadline, trace.clone());
        let bytes = packet.s_buffer.len();
        let arrival = Arc::clone(&self.arrival);
        let servant = &mut self.servants[servant];
        let mut request = request(packet, (&servant.object, arrival), deadline);
        request.parts.trace = trace;
        request.parts.served = ending.served.as_ref().map(|served| Arc::clone(served.call()));
        let begun = guard(&current, || {
            servant.service.start(request, code::SERVER_QUEUE_TIMEOUT, cx)
        });
        let mut call = match begun {
            Ok(future) => Call {
                future,
                current,
                ending: Some(ending),
                bytes,
            },
            Err(error) => return Started::Ready(ending.answer(Err(error))),
        };
        match Pin::new(&mut call).poll(cx) {
            Poll::Ready(ended) => Started::Ready(ended.answer),
            Poll::Pending => Started::Running(call),
        }
    }

    /// Records a call that is part of a chain.
    fn record(&self, trace: Option<&Trace>, packet: &RequestPacket) -> Option<Box<Served>> {
        Served::begin(self.tracer.as_ref()?, trace?, packet).map(Box::new)
    }

    /// The index of the servant that is called.
    fn admit(&self, packet: &RequestPacket) -> Result<usize> {
        let version = Version(packet.i_version);
        if !version.is_served() {
            let text = format!("protocol version {version} is not supported, only {}", Version::SERVED);
            return Err(Error::new(code::SERVER_DECODE_ERR, text));
        }
        let called = packet.s_servant_name.as_str();
        self.servants
            .iter()
            .position(|servant| &*servant.object == called)
            .ok_or_else(|| {
                Error::new(
                    code::SERVER_NO_SERVANT,
                    format!("no servant `{called}` at {}", self.arrival.local),
                )
            })
    }
}

fn deadline(packet: &RequestPacket, received: Instant) -> Option<Instant> {
    let millis = u64::try_from(packet.i_timeout).ok().filter(|&millis| millis > 0)?;
    Some(received + Duration::from_millis(millis))
}

fn request(packet: RequestPacket, to: (&Arc<str>, Arc<Arrival>), deadline: Option<Instant>) -> Request {
    let parts = RequestParts {
        version: Version(packet.i_version),
        one_way: packet.c_packet_type == TARSONEWAY,
        object: Some(Arc::clone(to.0)),
        function: packet.s_func_name.into(),
        body: Body::Shared(packet.s_buffer),
        context: packet.context,
        status: packet.status,
        deadline,
        timeout: None,
        arrival: Some(to.1),
        message_type: 0,
        trace: None,
        served: None,
        describe: None,
    };
    Request { parts: Box::new(parts) }
}

/// Runs a part of a call: what it calls inherits from the call, and its panic is the call's error.
fn guard<T>(current: &CurrentCall, part: impl FnOnce() -> T) -> Result<T> {
    // A servant that panics may leave its own shared state inconsistent, as in any thread pool; nothing of ours is.
    catch_unwind(AssertUnwindSafe(|| current.clone().sync_scope(part))).map_err(|panic| panicked(panic.as_ref()))
}

/// How a call ends.
struct Ending {
    head: ResponseHead,
    one_way: bool,
    /// To be told of it. Dropped before, it says that the call was given up. Boxed, because few calls are recorded.
    served: Option<Box<Served>>,
}

impl Ending {
    fn answer(mut self, result: Result<Response>) -> Answer {
        if let Some(served) = &mut self.served {
            served.ended(&result);
        }
        if self.one_way {
            Answer::None
        } else {
            Answer::Due(self.head, result, self.served)
        }
    }
}

/// A call that has begun.
pub(super) struct Call {
    // Dropped first: calls that the servant makes end before its own.
    future: BoxFuture<Result<Response>>,
    current: CurrentCall,
    /// `None` when it has ended.
    ending: Option<Ending>,
    /// Size of the request's parameters.
    pub(super) bytes: usize,
}

/// A call that has ended.
pub(super) struct Ended {
    pub(super) answer: Answer,
    /// [`Call::bytes`]
    pub(super) bytes: usize,
}

impl Future for Call {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended> {
        let call = &mut *self;
        let result = match guard(&call.current, || call.future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => result,
            Err(panicked) => Err(panicked),
        };
        let ending = call.ending.take().expect("not polled after it was ready");
        let answer = ending.answer(result);
        let bytes = call.bytes;
        Poll::Ready(Ended { answer, bytes })
    }
}
