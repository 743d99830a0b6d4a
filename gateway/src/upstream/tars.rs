//! Servants, called by a Tars client.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::tars::protocol::LogClient;
use ::tars::trace::{FileSink, LogSink, StdoutSink, Tracer};
use ::tars::{BoxFuture, Communicator, CommunicatorBuilder, Error, Proxy, Request, Response, Service, Version, code};

use super::{Answer, BodyFormat, Failure, Outgoing, Upstream};
use crate::config::Config;
use crate::object::ObjectName;
use crate::trace::Sink;

/// The gateway's name in call chains.
const MODULE: &str = "tars.tarsgateway";

/// Calls servants, found by routes of the configuration or by a registry.
pub(crate) struct TarsUpstream {
    inner: Arc<Inner>,
}

struct Inner {
    communicator: Communicator,
    tracer: Option<Tracer>,
    /// Operators say these; a caller names an object and never an endpoint.
    routes: HashMap<ObjectName, String>,
    proxies: Mutex<Proxies>,
}

/// Proxies kept for the next call: at most `max`, the longest unused goes first.
#[derive(Debug)]
struct Proxies {
    max: usize,
    clock: u64,
    kept: HashMap<ObjectName, (Proxy, u64)>,
}

impl TarsUpstream {
    /// Connects to nothing yet. Needs a tokio runtime when points of call chains are to be written.
    pub(crate) fn new(config: &Config) -> ::tars::Result<Self> {
        let tracer = tracer(config)?;
        let mut builder = builder(config)?;
        if let Some(tracer) = &tracer {
            builder = builder.tracer(tracer.clone());
        }
        let routes = config.routes.iter();
        let inner = Inner {
            communicator: builder.build(),
            tracer,
            routes: routes
                .map(|(object, target)| (object.clone(), target.as_str().to_owned()))
                .collect(),
            proxies: Mutex::new(Proxies {
                max: config.upstream.max_objects.size(),
                clock: 0,
                kept: HashMap::new(),
            }),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Upstream for TarsUpstream {
    fn call(&self, call: Outgoing) -> BoxFuture<Result<Answer, Failure>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.call(call).await })
    }

    fn end(&self) -> BoxFuture<()> {
        let tracer = self.inner.tracer.clone();
        Box::pin(async move {
            if let Some(tracer) = tracer {
                tracer.flush().await;
            }
        })
    }
}

impl Inner {
    async fn call(&self, call: Outgoing) -> Result<Answer, Failure> {
        let Outgoing { object, trace, .. } = &call;
        let (object, trace) = (object.clone(), trace.clone());
        let mut proxy = self.proxy(&object).map_err(|error| failure(&error))?;
        let calling = Service::call(&mut proxy, request(call));
        let result = match trace {
            Some(trace) => trace.scope(calling).await,
            None => calling.await,
        };
        // What nobody knows does not stay: names can be made up.
        if !result.as_ref().is_err_and(is_unknown) {
            self.proxies().keep(object, proxy);
        }
        result.map(answer).map_err(|error| failure(&error))
    }

    fn proxy(&self, object: &ObjectName) -> ::tars::Result<Proxy> {
        if let Some(proxy) = self.proxies().get(object) {
            return Ok(proxy);
        }
        let target = self.routes.get(object).map_or(object.as_str(), String::as_str);
        self.communicator.proxy(target)
    }

    fn proxies(&self) -> MutexGuard<'_, Proxies> {
        self.proxies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxies {
    fn get(&mut self, object: &ObjectName) -> Option<Proxy> {
        self.clock += 1;
        let (proxy, used) = self.kept.get_mut(object)?;
        *used = self.clock;
        Some(proxy.clone())
    }

    fn keep(&mut self, object: ObjectName, proxy: Proxy) {
        if !self.kept.contains_key(&object) && self.kept.len() >= self.max {
            let oldest = self.kept.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(object, _)| object.clone()) {
                self.kept.remove(&oldest);
            }
        }
        let now = self.clock;
        self.kept.entry(object).or_insert((proxy, now));
    }
}

fn builder(config: &Config) -> ::tars::Result<CommunicatorBuilder> {
    let builder = Communicator::builder()
        .timeout(config.upstream.timeout_ms.millis())
        .connect_timeout(config.upstream.connect_timeout_ms.millis());
    match &config.upstream.locator {
        Some(locator) => builder.locator(locator.as_str()),
        None => Ok(builder),
    }
}

/// What writes the points of call chains.
fn tracer(config: &Config) -> ::tars::Result<Option<Tracer>> {
    let tracer = match &config.trace.sink {
        Sink::Off => return Ok(None),
        Sink::Stdout => Tracer::new(MODULE, StdoutSink::new()),
        Sink::File(path) => Tracer::new(MODULE, FileSink::open(path)?),
        Sink::Object(object) => {
            let log: LogClient = builder(config)?.build().client(object.as_str())?;
            Tracer::new(MODULE, LogSink::new(log, MODULE)?)
        }
    };
    // What the configuration asks for it gets; a trusted peer gets no more than that, or than any peer does.
    let own = u32::try_from(config.trace.max_len_kb.get()).unwrap_or(u32::MAX);
    Ok(Some(
        tracer.gateway().max_param_kb(own.max(Tracer::DEFAULT_MAX_PARAM_KB)),
    ))
}

fn request(call: Outgoing) -> Request {
    let mut request = Request::new(call.function.as_str().to_owned(), call.body);
    request.set_version(match call.format {
        BodyFormat::Tars => Version::TARS,
        BodyFormat::TupComplex => Version::TUP_COMPLEX,
        BodyFormat::Tup => Version::TUP,
        BodyFormat::Json => Version::JSON,
    });
    request.set_timeout(call.timeout);
    request.set_one_way(call.one_way);
    *request.context_mut() = call.context;
    request
}

fn answer(response: Response) -> Answer {
    let (body, context, status) = response.into_parts();
    Answer { body, context, status }
}

/// Whether the registry knows no such object.
fn is_unknown(error: &Error) -> bool {
    error.code() == code::ADAPTER_NULL && !error.is_answer()
}

fn failure(error: &Error) -> Failure {
    Failure {
        code: error.code(),
        text: error.message().to_owned(),
        is_answer: error.is_answer(),
    }
}

impl fmt::Debug for TarsUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TarsUpstream")
            .field("proxies", &self.inner.proxies().kept.len())
            .finish_non_exhaustive()
    }
}
