//! The error of a call, on either side of the wire.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use crate::code;

/// Any error, as tower's layers hand them around.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Result of a call or of setting up a client or server.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed call: a return code and a text.
///
/// A servant returns one to answer with that code and text; a client gets one when the answer's code is not 0 or when
/// no answer came. It is one pointer wide, so a `Result` stays small.
///
/// ```
/// let error = tars::Error::new(1001, "no such user");
/// assert_eq!(error.code(), 1001);
/// assert_eq!(error.message(), "no such user");
/// assert_eq!(error.to_string(), "no such user (code 1001)");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    code: i32,
    message: Cow<'static, str>,
    source: Option<BoxError>,
    answered: bool,
}

impl Error {
    /// An error with a return code (see [`code`]) and a text for the caller.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            source: None,
            answered: false,
        }))
    }

    /// The error that a peer has answered.
    pub(crate) fn answer(code: i32, message: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(code, message);
        error.0.answered = true;
        error
    }

    /// The same error, remembering what caused it. The cause stays on this side of the wire.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Turns the error of a service into the error of a call: the first error in its chain of causes that is a
    /// [`tars::Error`] keeps its code, a shed load is [`code::SERVER_OVERLOAD`], an elapsed timeout
    /// [`code::SERVER_QUEUE_TIMEOUT`], anything else [`code::UNKNOWN`] with the error's own text.
    ///
    /// ```
    /// let error = tars::Error::from_boxed("disk full".into());
    /// assert_eq!(error.code(), tars::code::UNKNOWN);
    /// assert_eq!(error.message(), "disk full");
    /// ```
    #[must_use]
    pub fn from_boxed(error: BoxError) -> Self {
        Self::of_layer(error, code::SERVER_QUEUE_TIMEOUT)
    }

    /// [`from_boxed`](Self::from_boxed) with another code for an elapsed timeout: it differs between server and client.
    pub(crate) fn of_layer(error: BoxError, elapsed: i32) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(own) => return *own,
            Err(other) => other,
        };
        let found = chain(error.as_ref()).find_map(|cause| {
            if let Some(own) = cause.downcast_ref::<Self>() {
                Some(own.clone())
            } else if cause.is::<tower::load_shed::error::Overloaded>() {
                Some(Self::new(code::SERVER_OVERLOAD, "a layer sheds load"))
            } else if cause.is::<tower::timeout::error::Elapsed>() {
                Some(Self::new(elapsed, "a layer's time limit for the call has passed"))
            } else {
                None
            }
        });
        found
            .unwrap_or_else(|| Self::new(code::UNKNOWN, error.to_string()))
            .with_source(error)
    }

    /// The return code, never 0 by the framework's own doing.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.0.code
    }

    /// Whether the peer has answered with this code and text. Without an answer (no endpoint, no connection, a timeout on
    /// this side, an answer that cannot be read) the error was made here.
    ///
    /// ```
    /// # async fn doc(proxy: tars::Proxy) {
    /// if let Err(error) = proxy.ping().await {
    ///     // An answer of -7 is a timeout that the server has met; else the server itself was silent.
    ///     println!("{error}, from the server: {}", error.is_answer());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.0.answered
    }

    /// The text: from the server's answer, or saying what failed on this side.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }
}

/// `error` and what caused it, outermost first.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

impl Clone for Error {
    /// Copies code and text; the cause is not cloned.
    fn clone(&self) -> Self {
        let mut copy = Self::new(self.0.code, self.0.message.clone());
        copy.0.answered = self.0.answered;
        copy
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("code", &self.0.code).field("message", &self.0.message);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { code, message, .. } = &*self.0;
        match (code::description(*code), message.is_empty()) {
            (Some(description), true) => write!(f, "{description} (code {code})"),
            (Some(description), false) => write!(f, "{description} (code {code}): {message}"),
            (None, true) => write!(f, "code {code}"),
            (None, false) => write!(f, "{message} (code {code})"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("layer gave up")]
    struct Layer(#[source] BoxError);

    #[test]
    fn layers_errors_become_codes() {
        let cases: [(BoxError, i32, &str); 5] = [
            (Error::new(7, "mine").into(), 7, "mine"),
            (Layer(Error::new(7, "mine").into()).into(), 7, "mine"),
            (
                tower::load_shed::error::Overloaded::new().into(),
                code::SERVER_OVERLOAD,
                "a layer sheds load",
            ),
            (
                Layer(tower::timeout::error::Elapsed::new().into()).into(),
                code::SERVER_QUEUE_TIMEOUT,
                "a layer's time limit for the call has passed",
            ),
            ("other".into(), code::UNKNOWN, "other"),
        ];
        for (error, code, message) in cases {
            let error = Error::from_boxed(error);
            assert_eq!((error.code(), error.message()), (code, message));
        }
    }

    #[test]
    fn display_says_code_and_meaning() {
        assert_eq!(Error::new(-7, "no answer").to_string(), "timeout (code -7): no answer");
        assert_eq!(Error::new(-3, "").to_string(), "no such function (code -3)");
        assert_eq!(Error::new(5, "").to_string(), "code 5");
    }
}
