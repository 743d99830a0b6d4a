//! A request's way: admitted, read, allowed, called, answered. Each step is a gate.

use std::fmt;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode};
use futures_util::FutureExt;
use tars::code;
use tars::trace::Trace;
use tokio::sync::Semaphore;

use crate::access::{AccessList, Allowed};
use crate::answer::Answers;
use crate::client::client_address;
use crate::config::{Config, Networks};
use crate::context::{Caller, ContextRules};
use crate::exchange::Exchange;
use crate::incoming::{Asked, Incoming};
use crate::limit::{Bodies, RateLimit, by_network};
use crate::metrics::{Metrics, Running};
use crate::object::ObjectName;
use crate::phase::{Phase, Phases};
use crate::problem::Problem;
use crate::trace::Tracing;
use crate::upstream::{Answer, Failure, Outgoing, Upstream};
use crate::verify::{TokenError, Tokens};

/// An upstream that does not keep to a call's time is given up so much later.
const BACKSTOP: Duration = Duration::from_millis(500);

/// The header in which a caller says how long it waits.
const TIMEOUT: &str = "x-tars-timeout-ms";

/// Who a request came from. Whoever serves connections puts it into the request's extensions; without it the peer counts
/// as unknown, and is trusted with nothing.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The gateway: rules, limits and what it calls. A handle; clones are one gateway.
#[derive(Clone)]
pub struct Gateway {
    inner: Arc<Inner>,
}

struct Inner {
    access: AccessList,
    context: ContextRules,
    trusted_proxies: Networks,
    tokens: Option<Tokens>,
    client_rate: Option<RateLimit<std::net::IpAddr>>,
    object_rate: Option<RateLimit<ObjectName>>,
    bodies: Bodies,
    calls: Semaphore,
    timeout: Duration,
    max_timeout: Duration,
    answers: Answers,
    tracing: Tracing,
    upstream: Arc<dyn Upstream>,
    metrics: Arc<Metrics>,
    phases: Phases,
}

impl Gateway {
    /// A gateway with the rules and limits of `config` in front of `upstream`. Reads the file of tokens, if there is
    /// one.
    pub fn new(config: &Config, upstream: impl Upstream) -> Result<Self, TokenError> {
        let limits = &config.limits;
        let inner = Inner {
            access: config.access_list(),
            context: config.context_rules(),
            trusted_proxies: config.trusted_proxies.clone(),
            tokens: config.auth.token_file.as_deref().map(Tokens::read).transpose()?,
            client_rate: config.rate_limit.client.map(RateLimit::new),
            object_rate: config.rate_limit.object.map(RateLimit::new),
            bodies: Bodies::new(limits),
            calls: Semaphore::new(limits.concurrent_calls.size()),
            timeout: config.upstream.timeout_ms.millis(),
            max_timeout: config.upstream.max_timeout_ms.millis(),
            answers: Answers {
                expose_error_text: config.expose_error_text,
            },
            tracing: Tracing::new(&config.trace),
            upstream: Arc::new(upstream),
            metrics: Arc::new(Metrics::new()),
            phases: Phases::new(),
        };
        inner.metrics.ready.set(1);
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What it calls.
    pub(crate) fn upstream(&self) -> &Arc<dyn Upstream> {
        &self.inner.upstream
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.inner.metrics
    }

    pub(crate) fn phases(&self) -> &Phases {
        &self.inner.phases
    }

    /// Answers a request, whatever happens.
    pub(crate) async fn respond(&self, asked: Asked, request: Request<Body>) -> Response<Body> {
        let inner = &self.inner;
        let unknown = Peer(([0, 0, 0, 0], 0).into());
        let Peer(peer) = *request.extensions().get::<Peer>().unwrap_or(&unknown);
        let client = client_address(peer, request.headers(), &inner.trusted_proxies);
        let mut exchange = Exchange::begin(asked.route(), client, request.headers(), &inner.metrics);
        exchange.peer = peer.ip();
        let handled = AssertUnwindSafe(inner.handle(asked, request, &mut exchange))
            .catch_unwind()
            .await;
        let result = handled.unwrap_or_else(|_| {
            tracing::error!(request_id = exchange.request_id, "a panic while a request was handled");
            let text = "an error inside the gateway; its log says more";
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, text))
        });
        exchange.end(result)
    }
}

impl Inner {
    /// The way itself.
    async fn handle(
        &self,
        asked: Asked,
        request: Request<Body>,
        exchange: &mut Exchange,
    ) -> Result<Response<Body>, Problem> {
        let (head, body) = request.into_parts();
        self.admit(&asked, &head, exchange)?;
        if let Asked::Path { object, function } = &asked {
            exchange.call = Some(self.allow(object, function)?);
        }
        let body = self.bodies.read(body).await?;
        let incoming = Incoming::read(asked, body.bytes.clone())?;
        let allowed = match exchange.call.take() {
            Some(allowed) => allowed,
            None => self.allow(incoming.object.as_str(), incoming.function.as_str())?,
        };
        let allowed = exchange.call.insert(allowed).clone();
        self.limit_object(&allowed.object)?;
        exchange.trace = self.tracing.open(&head.headers, exchange.peer, &allowed);
        let (outgoing, reply) = self.prepare(incoming, &head.headers, exchange)?;
        let result = self.call(outgoing).await?;
        let code = result.as_ref().map_or_else(|failure| failure.code, |_| code::SUCCESS);
        exchange.code = Some(code);
        exchange.failure = result.as_ref().err().map(|failure| failure.text.clone());
        self.metrics.returned(&allowed.rule, code);
        drop(body);
        self.bodies.hold(self.answers.make(reply, result)?)
    }

    /// Whether the request is one at all, and its sender may send one.
    fn admit(&self, asked: &Asked, head: &Parts, exchange: &mut Exchange) -> Result<(), Problem> {
        if self.phases.now() == Phase::Ending {
            let text = "the gateway is ending; another one takes the call";
            return Err(Problem::later(StatusCode::SERVICE_UNAVAILABLE, text, 1).closing());
        }
        if let Some(rate) = &self.client_rate {
            let taken = rate.take(by_network(exchange.client.ip()));
            taken.map_err(|seconds| Problem::later(StatusCode::TOO_MANY_REQUESTS, "too many requests", seconds))?;
        }
        if matches!(asked, Asked::Nothing) {
            let text = "calls go to /json/OBJECT/FUNCTION, /json or /tup";
            return Err(Problem::new(StatusCode::NOT_FOUND, text));
        }
        if head.method != Method::POST {
            return Err(Problem::method());
        }
        if let Some(tokens) = &self.tokens {
            exchange.caller = Some(tokens.verify(&head.headers)?.to_owned());
        }
        asked.check_content(&head.headers)
    }

    fn allow(&self, object: &str, function: &str) -> Result<Allowed, Problem> {
        let named = |error: crate::object::NameError| Problem::bad_request(error.to_string());
        let (object, function) = (object.parse().map_err(named)?, function.parse().map_err(named)?);
        self.access.check(object, function).ok_or_else(Problem::forbidden)
    }

    fn limit_object(&self, object: &ObjectName) -> Result<(), Problem> {
        let Some(rate) = &self.object_rate else { return Ok(()) };
        rate.take(object.clone())
            .map_err(|seconds| Problem::later(StatusCode::TOO_MANY_REQUESTS, "too many calls of this object", seconds))
    }

    /// The call as it goes to the servant, and how its answer goes back.
    fn prepare(
        &self,
        incoming: Incoming,
        headers: &HeaderMap,
        exchange: &Exchange,
    ) -> Result<(Outgoing, crate::incoming::Reply), Problem> {
        let timeout = self.timeout(headers, incoming.timeout)?;
        let (mut context, dropped) = self.context.filter(incoming.context);
        self.metrics.dropped_context_keys.inc_by(dropped as u64);
        let caller = Caller {
            address: exchange.client,
            request_id: &exchange.request_id,
            name: exchange.caller.as_deref(),
        };
        self.context.complete(&mut context, headers, caller);
        let outgoing = Outgoing {
            object: incoming.object,
            function: incoming.function,
            format: incoming.format,
            body: incoming.body,
            context,
            timeout,
            one_way: incoming.one_way,
            trace: exchange.trace.clone(),
        };
        Ok((outgoing, incoming.reply))
    }

    /// How long the call may take: as the header says, else as the body says, else the setting.
    fn timeout(&self, headers: &HeaderMap, in_body: Option<Duration>) -> Result<Duration, Problem> {
        let asked = match headers.get(TIMEOUT) {
            None => in_body,
            Some(value) => {
                let millis = value
                    .to_str()
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .filter(|&millis| millis > 0);
                let text = "X-Tars-Timeout-Ms must be a number of milliseconds, 1 or more";
                Some(Duration::from_millis(millis.ok_or_else(|| Problem::bad_request(text))?))
            }
        };
        Ok(asked.unwrap_or(self.timeout).min(self.max_timeout))
    }

    async fn call(&self, outgoing: Outgoing) -> Result<Result<Answer, Failure>, Problem> {
        let Ok(_permit) = self.calls.try_acquire() else {
            let text = "too many calls at once; try again";
            return Err(Problem::later(StatusCode::SERVICE_UNAVAILABLE, text, 1));
        };
        let _running = Running::of(&self.metrics.running_calls);
        if outgoing.trace.as_ref().is_some_and(Trace::is_sampled) {
            self.metrics.traced_calls.inc();
        }
        let limit = outgoing.timeout + BACKSTOP;
        let result = tokio::time::timeout(limit, self.upstream.call(outgoing)).await;
        Ok(result.unwrap_or_else(|_| {
            Err(Failure {
                code: code::INVOKE_TIMEOUT,
                text: "no answer in time".to_owned(),
                is_answer: false,
            })
        }))
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("access", &self.inner.access)
            .finish_non_exhaustive()
    }
}
