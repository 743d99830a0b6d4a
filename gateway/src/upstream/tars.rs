//! Servants, called by a Tars client.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ::tars::{BoxFuture, Communicator, Error, Proxy, Request, Service};

use super::{Answer, Failure, Outgoing, Upstream};
use crate::config::Config;
use crate::object::ObjectName;

/// Bytes that a packet needs beside the body.
const AROUND_BODY: usize = 64 * 1024;

/// Calls servants, found by routes of the configuration or by a registry.
#[derive(Debug)]
pub(crate) struct TarsUpstream {
    communicator: Communicator,
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
    /// Connects to nothing yet.
    pub(crate) fn new(config: &Config) -> ::tars::Result<Self> {
        let communicator = Communicator::builder()
            .timeout(config.upstream.timeout_ms.millis())
            .connect_timeout(config.upstream.connect_timeout_ms.millis())
            .build();
        let _ = AROUND_BODY;
        let routes = config.routes.iter();
        Ok(Self {
            communicator,
            routes: routes.map(|(object, target)| (object.clone(), target.as_str().to_owned())).collect(),
            proxies: Mutex::new(Proxies {
                max: config.upstream.max_objects.size(),
                clock: 0,
                kept: HashMap::new(),
            }),
        })
    }

    fn proxy(&self, object: &ObjectName) -> ::tars::Result<Proxy> {
        let mut proxies = self.proxies.lock().unwrap_or_else(PoisonError::into_inner);
        proxies.clock += 1;
        let now = proxies.clock;
        if let Some((proxy, used)) = proxies.kept.get_mut(object) {
            *used = now;
            return Ok(proxy.clone());
        }
        let target = self.routes.get(object).map_or(object.as_str(), String::as_str);
        let proxy = self.communicator.proxy(target)?;
        if proxies.kept.len() >= proxies.max {
            let oldest = proxies.kept.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(object, _)| object.clone()) {
                proxies.kept.remove(&oldest);
            }
        }
        proxies.kept.insert(object.clone(), (proxy.clone(), now));
        Ok(proxy)
    }
}

impl Upstream for TarsUpstream {
    fn call(&self, call: Outgoing) -> BoxFuture<Result<Answer, Failure>> {
        let proxy = self.proxy(&call.object);
        Box::pin(async move {
            let mut request = Request::new(call.function.as_str().to_owned(), call.body);
            request.set_timeout(call.timeout);
            request.set_one_way(call.one_way);
            *request.context_mut() = call.context;
            let mut proxy = proxy.map_err(failure)?;
            let response = Service::call(&mut proxy, request).await.map_err(failure)?;
            let (context, status) = (response.context().clone(), response.status().clone());
            Ok(Answer {
                body: response.into_body(),
                context,
                status,
            })
        })
    }
}

fn failure(error: Error) -> Failure {
    Failure {
        code: error.code(),
        text: error.message().to_owned(),
        is_answer: false,
    }
}
