//! An answer in pieces, so that it shows how much of it the peer takes.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::http::Version;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::activity::Request;
use super::taking::Taking;

/// Bytes of an answer handed to the connection at once: it asks for the rest when its peer has read them.
const PIECE: usize = 64 * 1024;

/// The same in HTTP/2, where each stream may hold a piece that its peer has opened no window for.
const STREAM_PIECE: usize = 8 * 1024;

/// So many bytes must be taken in the time for an answer; then it begins anew. Less would let a peer hold a large answer
/// for hours.
pub(super) const STEP: usize = 256 * 1024;

/// An answer's body in pieces.
#[derive(Debug)]
pub(super) struct Paced {
    body: Body,
    rest: Bytes,
    is_stream: bool,
    taking: Arc<Taking>,
    time: Duration,
    /// Bytes handed over since the time began.
    taken: usize,
    _request: Request,
}

impl Paced {
    /// The answer to `request`. From now on `time` runs.
    pub(super) fn new(body: Body, version: Version, taking: Arc<Taking>, time: Duration, request: Request) -> Self {
        taking.within(time);
        Self {
            body,
            rest: Bytes::new(),
            is_stream: version == Version::HTTP_2,
            taking,
            time,
            taken: 0,
            _request: request,
        }
    }

    /// How much goes next. In HTTP/2 the last byte goes alone: it is asked for when the peer has opened its window for all
    /// before it, so that not even a small answer is over before it is taken.
    fn size(&self) -> usize {
        let rest = self.rest.len();
        match self.is_stream {
            false => rest.min(PIECE),
            true if rest == 1 => 1,
            true => (rest - 1).min(STREAM_PIECE),
        }
    }

    /// A piece is asked for, so those before it are on their way.
    fn progress(&mut self) {
        if self.taken >= STEP {
            self.taken = 0;
            self.taking.within(self.time);
        }
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.taking.end();
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.progress();
        while self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let size = self.size();
        self.taken += size;
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        match hint.exact() {
            Some(more) => SizeHint::with_exact(rest + more),
            None => hint,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    use super::super::activity::{Activity, Times};
    use super::*;

    const TIMES: Times = Times {
        head: Duration::from_secs(10),
        idle: Duration::from_secs(75),
        answer: Duration::from_secs(30),
    };

    async fn pieces(version: Version, size: usize) -> Vec<usize> {
        let activity = Activity::new(TIMES);
        let mut paced = activity.begin(version).answer(Body::from(vec![7; size]));
        let mut sizes = Vec::new();
        assert_eq!(paced.size_hint().exact(), Some(size as u64));
        while let Some(frame) = paced.frame().await {
            sizes.push(frame.unwrap().into_data().unwrap().len());
            let left = size - sizes.iter().sum::<usize>();
            assert_eq!(paced.size_hint().exact(), Some(left as u64));
        }
        assert!(paced.is_end_stream());
        sizes
    }

    #[tokio::test]
    async fn an_answer_goes_in_pieces() {
        assert_eq!(pieces(Version::HTTP_11, 2 * PIECE + 1).await, [PIECE, PIECE, 1]);
        assert_eq!(
            pieces(Version::HTTP_2, 2 * STREAM_PIECE).await,
            [STREAM_PIECE, STREAM_PIECE - 1, 1]
        );
        assert_eq!(pieces(Version::HTTP_2, 1).await, [1]);
        assert!(pieces(Version::HTTP_2, 0).await.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn progress_moves_the_deadline() {
        let activity = Activity::new(TIMES);
        let mut paced = activity
            .begin(Version::HTTP_11)
            .answer(Body::from(vec![7; 4 * STEP + PIECE]));
        for _ in 0..4 {
            for _ in 0..STEP / PIECE {
                paced.frame().await.unwrap().unwrap();
            }
            tokio::time::advance(Duration::from_secs(20)).await;
            assert_eq!(activity.stalled().now_or_never(), None);
        }
        paced.frame().await.unwrap().unwrap();
        let begun = tokio::time::Instant::now();
        activity.stalled().await;
        assert_eq!(begun.elapsed().as_secs(), 30);
    }
}
