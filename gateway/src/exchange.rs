//! What becomes known of a request while it is handled, and the one line of log and the counts at its end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use tars::trace::Trace;
use tokio::time::Instant;

use crate::access::Allowed;
use crate::metrics::{Metrics, Running};
use crate::problem::Problem;

/// The header that names a request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of such a name at most, when a caller gives it.
const MAX_REQUEST_ID: usize = 64;

/// Characters of a failure's text in the log at most.
const MAX_FAILURE: usize = 300;

/// What the log says of a request whose caller went away before the answer, as other proxies do.
const GONE: u16 = 499;

/// A request on its way through the gateway. Dropped before its end, it counts as left by its caller.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) request_id: String,
    pub(crate) client: SocketAddr,
    /// Where the connection comes from, which may be a proxy of the client.
    pub(crate) peer: IpAddr,
    pub(crate) route: &'static str,
    /// The name of the caller's token.
    pub(crate) caller: Option<String>,
    pub(crate) call: Option<Allowed>,
    /// The call's return code.
    pub(crate) code: Option<i32>,
    /// Why the call failed, in words that only the log has.
    pub(crate) failure: Option<String>,
    /// The call chain.
    pub(crate) trace: Option<Trace>,
    begun: Instant,
    metrics: Arc<Metrics>,
    is_over: bool,
    _running: Running,
}

impl Exchange {
    pub(crate) fn begin(route: &'static str, client: SocketAddr, headers: &HeaderMap, metrics: &Arc<Metrics>) -> Self {
        Self {
            request_id: request_id(headers),
            client,
            peer: client.ip(),
            route,
            caller: None,
            call: None,
            code: None,
            failure: None,
            trace: None,
            begun: Instant::now(),
            metrics: Arc::clone(metrics),
            is_over: false,
            _running: Running::of(&metrics.running_requests),
        }
    }

    /// The answer, with what every answer says.
    pub(crate) fn end(mut self, result: Result<Response<Body>, Problem>) -> Response<Body> {
        let mut response = result.unwrap_or_else(|problem| problem.into_response(&self.request_id));
        let headers = response.headers_mut();
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut say = |name, text: &str| {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        say(REQUEST_ID, &self.request_id);
        if let Some(trace) = &self.trace {
            say(HeaderName::from_static("traceparent"), &trace.traceparent());
        }
        self.record(response.status().as_u16());
        response
    }

    fn record(&mut self, status: u16) {
        self.is_over = true;
        let took = self.begun.elapsed();
        let rule = self.call.as_ref().map(|call| &call.rule);
        self.metrics.answered(self.route, rule, status, took);
        tracing::info!(
            target: "tarsgateway::access",
            status,
            route = self.route,
            object = self.call.as_ref().map(|call| call.object.as_str()),
            function = self.call.as_ref().map(|call| call.function.as_str()),
            code = self.code,
            failure = self.failure.as_deref().map(beginning),
            client = %self.client.ip(),
            caller = self.caller.as_deref(),
            request_id = self.request_id,
            trace = self.trace.as_ref().map(Trace::id),
            microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_over {
            self.record(GONE);
        }
    }
}

/// As much of a text as a line of log needs.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(MAX_FAILURE).map_or(text.len(), |(end, _)| end);
    &text[..end]
}

/// The caller's name for its request when it is harmless in logs and headers, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let is_harmless = |id: &&str| {
        (1..=MAX_REQUEST_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
    };
    let given = headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(is_harmless);
    given.map_or_else(|| format!("{:032x}", rand::random::<u128>()), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_request_ids_are_replaced() {
        for (given, is_kept) in [
            ("abc-1.2_3:4", true),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
            ("", false),
            ("a b", false),
            ("<script>", false),
            ("a\"b", false),
        ] {
            let headers = [(REQUEST_ID, given.parse().unwrap())].into_iter().collect();
            let id = request_id(&headers);
            assert_eq!(id == given, is_kept, "{given}");
            assert!(is_kept || id.len() == 32);
        }
    }
}
