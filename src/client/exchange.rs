//! One call on its way: choosing a connection, sending, and waiting for the answer.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::channel::{Attempt, Outgoing, Ticket};
use super::communicator::Settings;
use super::connect::connect_and_send;
use super::proxy::{Proxy, Sending};
use super::slots::Outcome;
use super::target::Target;
use crate::clock::{self, Instant};
use crate::codec::Limits;
use crate::message::{Body, RequestParts};
use crate::protocol::ResponsePacket;
use crate::trace::{Answered, ClientCall, continue_chain};
use crate::{BoxFuture, Error, Request, Response, Result, Version, code};

/// The future of a request's response. Dropping it gives the call up.
#[must_use = "a call does nothing until it is awaited"]
pub struct ResponseFuture {
    proxy: Proxy,
    state: State,
    /// The call's end, when it is to be recorded. Dropped before, it says that the call was given up.
    call: Option<Box<ClientCall>>,
}

enum State {
    Start(Request),
    Layered(BoxFuture<Result<Response>>),
    Connecting(Timing, BoxFuture<(Request, Result<Ticket>)>),
    Waiting(Timing, Box<RequestParts>, Ticket),
    Done,
}

/// Until when a call may take.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    pub(super) deadline: Instant,
    pub(super) timeout: Duration,
}

impl Timing {
    /// The call's own timeout or the communicator's, within the deadline of the call being served.
    fn of(request: &Request, default: Duration, now: Instant) -> Self {
        let timeout = request.parts.timeout.unwrap_or(default);
        let timeout = match request.parts.deadline {
            Some(deadline) => timeout.min(deadline.saturating_duration_since(now)),
            None => timeout.min(clock::NEVER),
        };
        Self {
            deadline: now + timeout,
            timeout,
        }
    }

    /// The request as it goes out `now`, with the time that is left.
    pub(super) fn outgoing<'a>(self, request: &'a RequestParts, target: &'a Target, now: Instant) -> Outgoing<'a> {
        Outgoing {
            parts: request,
            object: &target.object,
            sent: now,
            deadline: self.deadline,
            timeout_ms: clock::to_millis(self.deadline.saturating_duration_since(now)),
        }
    }
}

impl ResponseFuture {
    pub(super) fn new(proxy: Proxy, request: Request) -> Self {
        Self {
            proxy,
            state: State::Start(request),
            call: None,
        }
    }

    pub(super) fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    /// The limits of decoding its answer.
    pub(super) fn limits(&self) -> &Limits {
        &self.proxy.target().settings.limits
    }

    fn start(&mut self, request: Request, cx: &mut Context<'_>) -> Result<State> {
        let mut request = match self.proxy.send(request, cx) {
            Sending::Layered(answer) => return Ok(State::Layered(answer)),
            Sending::Direct(request) => request,
        };
        let target = self.proxy.target();
        let Settings { tracer, limits, .. } = &*target.settings;
        self.call = continue_chain(&mut request.parts, &target.object, tracer.as_ref(), limits);
        let now = clock::now();
        let timing = Timing::of(&request, target.settings.timeout, now);
        if timing.timeout.is_zero() {
            return Err(Error::new(
                code::INVOKE_TIMEOUT,
                format!("{}: no time is left", call_name(target, &request.parts)),
            ));
        }
        let turn = target.turn();
        match target.try_send(turn, now, &timing.outgoing(&request.parts, target, now), cx.waker()) {
            Attempt::Sent(ticket) => Ok(State::Waiting(timing, request.parts, ticket)),
            Attempt::Failed(error) => Err(of_call(target, &request.parts, &error)),
            Attempt::NotConnected => {
                let connecting = connect_and_send(Arc::clone(target), request, timing, turn);
                Ok(State::Connecting(timing, Box::pin(connecting)))
            }
        }
    }

    fn finish(&self, timing: Timing, request: &RequestParts, ticket: &Ticket, outcome: Outcome) -> Result<Response> {
        let target = self.proxy.target();
        match outcome {
            Outcome::Answer(packet) => response(packet, request.version),
            Outcome::Sent => Ok(Response::new(Vec::new())),
            // How far the request came cannot be told: even bytes that the system took may not have arrived.
            Outcome::Broken(error) => {
                let text = format!("{}; the request may have arrived", error.message());
                Err(of_call(target, request, &Error::new(error.code(), text)))
            }
            Outcome::TimedOut => {
                let (name, address) = (call_name(target, request), ticket.endpoint().address());
                let missing = if request.one_way {
                    "not written to"
                } else {
                    "no answer from"
                };
                let text = format!("{name}: {missing} {address} within {} ms", timing.timeout.as_millis());
                Err(Error::new(code::INVOKE_TIMEOUT, text))
            }
        }
    }
}

impl Future for ResponseFuture {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Response>> {
        let answer = ready!(self.advance(cx));
        Poll::Ready(match self.call.take() {
            Some(call) => call.end(answer),
            None => answer,
        })
    }
}

impl ResponseFuture {
    /// Goes from state to state as far as it can.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response>> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Start(request) => match self.start(request, cx) {
                    // The first poll has left its waker with the connection already.
                    Ok(State::Waiting(timing, parts, ticket)) if ticket.is_driven() => {
                        return self.pending(State::Waiting(timing, parts, ticket));
                    }
                    Ok(state) => state,
                    Err(error) => return Poll::Ready(Err(error)),
                },
                State::Layered(mut answer) => match answer.as_mut().poll(cx) {
                    Poll::Ready(answer) => return Poll::Ready(answer),
                    Poll::Pending => return self.pending(State::Layered(answer)),
                },
                State::Connecting(timing, mut connecting) => match connecting.as_mut().poll(cx) {
                    Poll::Ready((request, Ok(ticket))) => State::Waiting(timing, request.parts, ticket),
                    Poll::Ready((request, Err(error))) => {
                        return Poll::Ready(Err(of_call(self.proxy.target(), &request.parts, &error)));
                    }
                    Poll::Pending => return self.pending(State::Connecting(timing, connecting)),
                },
                State::Waiting(timing, request, mut ticket) => match ticket.poll(cx) {
                    Poll::Ready(outcome) => return Poll::Ready(self.finish(timing, &request, &ticket, outcome)),
                    Poll::Pending => return self.pending(State::Waiting(timing, request, ticket)),
                },
                State::Done => panic!("a call was polled after it was ready"),
            };
        }
    }

    fn pending<T>(&mut self, state: State) -> Poll<T> {
        self.state = state;
        Poll::Pending
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// A packet as the outcome of a call that went out in `version`.
fn response(packet: ResponsePacket, version: Version) -> Result<Response> {
    let ResponsePacket {
        i_version,
        i_ret,
        s_buffer,
        status,
        s_result_desc,
        context,
        ..
    } = packet;
    // First the code: servers written in Go leave the version at 0 when a call took them too long.
    if i_ret != code::SUCCESS {
        return Err(Error::answer(i_ret, s_result_desc.to_string_lossy().into_owned()));
    }
    if Version(i_version) != version {
        let text = format!("an answer of protocol version {}", Version(i_version));
        return Err(Error::new(code::CLIENT_DECODE_ERR, text));
    }
    Ok(Response {
        body: Body::Shared(s_buffer),
        context,
        status,
        answered: Answered::default(),
    })
}

fn call_name(target: &Target, request: &RequestParts) -> String {
    format!("{}.{}", target.object, request.function)
}

/// The error of a call for what happened to its connection.
fn of_call(target: &Target, request: &RequestParts, error: &Error) -> Error {
    Error::new(
        error.code(),
        format!("{}: {}", call_name(target, request), error.message()),
    )
}
