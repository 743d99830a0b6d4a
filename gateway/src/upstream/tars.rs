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
    Ok(Some(tracer.gateway()))
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
    let (context, status) = (response.context().clone(), response.status().clone());
    Answer {
        body: response.into_body(),
        context,
        status,
    }
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::ffi::OsString;
    use std::time::Duration;

    use ::tars::{Attributes, Server};

    use super::*;
    use crate::config::{Command, Number};

    fn upstream(arguments: &[&str], max_objects: u64) -> TarsUpstream {
        let arguments = ["tarsgateway"].iter().chain(arguments).map(OsString::from);
        let mut config = Command::read(arguments, |_| None).unwrap().config().clone();
        config.upstream.max_objects = Number::new(max_objects);
        TarsUpstream::new(&config).unwrap()
    }

    async fn call(upstream: &TarsUpstream, object: &str) -> Result<Answer, Failure> {
        let call = Outgoing {
            object: object.parse().unwrap(),
            function: "f".parse().unwrap(),
            format: BodyFormat::Json,
            body: "{}".into(),
            context: Attributes::new(),
            timeout: Duration::from_secs(10),
            one_way: false,
            trace: None,
        };
        upstream.call(call).await
    }

    fn kept(upstream: &TarsUpstream) -> Vec<String> {
        let mut names: Vec<_> = upstream.inner.proxies().kept.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn objects_that_nobody_knows_do_not_stay() {
        const NAME: &str = "tars.tarsregistry.QueryObj";
        // Return value 0 and two empty lists, whatever is asked.
        let nothing = tower::service_fn(async |_: Request| {
            Ok::<_, Infallible>(Response::new(&[0x0c, 0x29, 0x0c, 0x39, 0x0c][..]))
        });
        let server = Server::builder().adapter("tcp -h 127.0.0.1 -p 0", NAME, nothing);
        let server = server.bind().await.unwrap();
        let locator = format!("{NAME}@{}", server.local_endpoints()[0]);
        tokio::spawn(server.serve());
        let upstream = upstream(&["--locator", &locator], 100);
        for n in 0..20 {
            let failure = call(&upstream, &format!("A.B.C{n}")).await.unwrap_err();
            assert_eq!(
                (failure.code, failure.is_answer),
                (code::ADAPTER_NULL, false),
                "{failure:?}"
            );
        }
        assert!(kept(&upstream).is_empty());
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_the_longest_unused_goes() {
        let routes: Vec<_> = (0..4)
            .map(|n| format!("--route=A.B.C{n}=tcp -h 127.0.0.1 -p 1"))
            .collect();
        let upstream = upstream(&routes.iter().map(String::as_str).collect::<Vec<_>>(), 2);
        for (n, expected) in [
            (0, &["A.B.C0"][..]),
            (1, &["A.B.C0", "A.B.C1"]),
            (0, &["A.B.C0", "A.B.C1"]),
            (2, &["A.B.C0", "A.B.C2"]),
            (3, &["A.B.C2", "A.B.C3"]),
        ] {
            let failure = call(&upstream, &format!("A.B.C{n}")).await.unwrap_err();
            assert_eq!(failure.code, code::PROXY_CONNECT_ERR, "{failure:?}");
            assert_eq!(kept(&upstream), expected);
        }
    }
}
