//! Bodies: not too large, not too slow, and not too many bytes of all of them together, answers that nobody takes included.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;
use crate::problem::Problem;

/// Bytes that one permit stands for.
const UNIT: usize = 1024;

/// Reads and holds bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    max: usize,
    timeout: Duration,
    /// What all bodies together may still take.
    budget: Arc<Semaphore>,
}

/// A body that was read, and its share of the budget until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _share: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            max: limits.body_bytes.size(),
            timeout: limits.body_timeout_ms.millis(),
            budget: Arc::new(Semaphore::new(limits.buffered_bytes.size().div_ceil(UNIT))),
        }
    }

    /// Reads all of it.
    pub(crate) async fn read(&self, body: Body) -> Result<Held, Problem> {
        // What says that it is too large need not be read.
        if body.size_hint().lower() > self.max as u64 {
            return Err(self.too_large());
        }
        match tokio::time::timeout(self.timeout, self.collect(body)).await {
            Ok(result) => result,
            Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time").closing()),
        }
    }

    async fn collect(&self, body: Body) -> Result<Held, Problem> {
        let mut body = pin!(body);
        let (mut bytes, mut share) = (BytesMut::new(), None);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Problem::bad_request("the body broke off").closing())?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > self.max {
                return Err(self.too_large());
            }
            self.grow(&mut share, bytes.len() + data.len())?;
            bytes.extend_from_slice(&data);
        }
        Ok(Held {
            bytes: bytes.freeze(),
            _share: share,
        })
    }

    /// Counts an answer until it is on its way.
    pub(crate) fn hold(&self, answer: Response<Body>) -> Result<Response<Body>, Problem> {
        let size = usize::try_from(answer.body().size_hint().lower()).unwrap_or(usize::MAX);
        let mut share = None;
        self.grow(&mut share, size)?;
        Ok(answer.map(|body| Body::new(Counted { body, _share: share })))
    }

    /// Makes the share large enough for `size` bytes.
    fn grow(&self, share: &mut Option<OwnedSemaphorePermit>, size: usize) -> Result<(), Problem> {
        let needed = size.div_ceil(UNIT) - share.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let more = Arc::clone(&self.budget).try_acquire_many_owned(needed);
        let more = more.map_err(|_| {
            Problem::later(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many large bodies at once; try again",
                1,
            )
            .closing()
        })?;
        match share {
            Some(share) => share.merge(more),
            None => *share = Some(more),
        }
        Ok(())
    }

    fn too_large(&self) -> Problem {
        let text = format!("the body has more than {} bytes", self.max);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, text).closing()
    }
}

/// A body that counts until it is dropped.
#[derive(Debug)]
struct Counted {
    body: Body,
    _share: Option<OwnedSemaphorePermit>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
