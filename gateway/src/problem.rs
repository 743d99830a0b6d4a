//! How a request fails, as its sender sees it: problem details (RFC 9457), never a page.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// Why a request was not answered by the servant.
///
/// The texts are for strangers: no address of ours, nothing of a servant's own text unless a setting allows it.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) detail: Cow<'static, str>,
    /// The return code of the call, when there was one.
    pub(crate) code: Option<i32>,
    header: Option<(HeaderName, HeaderValue)>,
    /// The rest of the request will not be read, so the connection is of no more use.
    closes: bool,
}

#[derive(Serialize)]
struct Details<'a> {
    status: u16,
    title: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i32>,
    request_id: &'a str,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            code: None,
            header: None,
            closes: false,
        }
    }

    /// 400: the request cannot be understood.
    pub(crate) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: a token is needed.
    pub(crate) fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// 403: no rule allows the call. Whether the object exists is not said.
    pub(crate) fn forbidden() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "this object or function may not be called through this gateway",
        )
    }

    /// 405: there is only POST.
    pub(crate) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "calls are made by POST")
            .with_header(header::ALLOW, HeaderValue::from_static("POST"))
    }

    /// 415: the body is of a kind that cannot be forwarded.
    pub(crate) fn media_type(detail: &'static str, accepted: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
            .with_header(header::ACCEPT, HeaderValue::from_static(accepted))
    }

    /// 429 or 503: the same request may succeed later.
    pub(crate) fn later(status: StatusCode, detail: &'static str, seconds: u64) -> Self {
        Self::new(status, detail).with_header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// The return code that is the reason.
    pub(crate) fn with_code(mut self, code: i32) -> Self {
        self.code = Some(code);
        self
    }

    /// Closes the connection after the answer (HTTP/1).
    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The answer.
    pub(crate) fn into_response(self, request_id: &str) -> Response<Body> {
        let details = Details {
            status: self.status.as_u16(),
            title: self.status.canonical_reason().unwrap_or("Error"),
            detail: &self.detail,
            code: self.code,
            request_id,
        };
        let body = serde_json::to_vec(&details).expect("numbers and strings are JSON");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some((name, value)) = self.header {
            headers.insert(name, value);
        }
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
