//! Bodies: not too large, not too slow, and not too many bytes of all of them together, answers that nobody takes included.

use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body as HttpBody;
use tars::code;

use super::budget::{Budget, Full, Share};
use crate::config::Limits;
use crate::problem::Problem;

/// What a servant's answer can have: a frame.
const LARGEST_ANSWER: usize = 10 * 1024 * 1024;

/// Reads and holds bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    max: usize,
    timeout: Duration,
    requests: Budget,
    /// Apart from requests: callers that do not take their answers keep nobody from asking.
    answers: Budget,
}

/// A body that was read, and its share of the budget until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _share: Share,
}

impl Bodies {
    pub(crate) fn new(limits: &Limits) -> Self {
        let max = limits.body_bytes.size();
        Self {
            max,
            timeout: limits.body_timeout_ms.millis(),
            requests: Budget::new(limits.buffered_bytes.size(), max),
            answers: Budget::new(limits.answer_bytes.size(), LARGEST_ANSWER),
        }
    }

    /// Reads all of what `client` sends.
    pub(crate) async fn read(&self, client: IpAddr, body: Body) -> Result<Held, Problem> {
        // What says that it is too large need not be read.
        if body.size_hint().lower() > self.max as u64 {
            return Err(self.too_large());
        }
        match tokio::time::timeout(self.timeout, self.collect(client, body)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time").closing()),
        }
    }

    async fn collect(&self, client: IpAddr, body: Body) -> Result<Held, Problem> {
        let mut body = pin!(body);
        let mut share = self.requests.share(client).map_err(too_many)?;
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Problem::bad_request("the body broke off").closing())?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > self.max {
                return Err(self.too_large());
            }
            share.grow(bytes.len() + data.len()).map_err(too_many)?;
            bytes.extend_from_slice(&data);
        }
        Ok(Held {
            bytes: bytes.freeze(),
            _share: share,
        })
    }

    /// Counts an answer to `client` until its last byte is sent or dropped.
    pub(crate) fn hold(&self, client: IpAddr, answer: Response<Bytes>) -> Result<Response<Body>, Problem> {
        let size = answer.body().len();
        let share = self.answers.share(client).and_then(|mut share| {
            share.grow(size)?;
            Ok(share)
        });
        let share = share.map_err(|_| unheld())?;
        Ok(answer.map(|bytes| Body::from(Bytes::from_owner(Counted { bytes, _share: share }))))
    }

    fn too_large(&self) -> Problem {
        let text = format!("the body has more than {} bytes", self.max);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text).closing()
    }
}

/// A request that there is no room for. Nothing was called.
fn too_many(full: Full) -> Problem {
    let text = match full {
        Full::All => "too many large bodies at once; try again",
        Full::Client => "too many bytes of this client at once; try again",
    };
    Problem::later(StatusCode::SERVICE_UNAVAILABLE, text, 1).closing()
}

/// An answer that there is no room for. The call was made, so nothing may invite to make it again.
fn unheld() -> Problem {
    let text = "the call was carried out, and its answer is lost: too many answers wait to be taken";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, text).with_code(code::SUCCESS)
}

/// Bytes that count until the last piece of them is dropped, wherever that waits to be sent.
struct Counted {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
