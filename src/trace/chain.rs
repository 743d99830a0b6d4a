//! A call chain as one call sees it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::key::{self, TraceId};
use super::w3c::{self, Parent};
use super::{Flags, TRACE_KEY, TRACE_PARENT, TRACE_STATE};
use crate::Context;
use crate::context::text;
use crate::message::Attributes;

/// One call chain as one call sees it: the chain's name and the place in it from which calls go on.
///
/// A server opens it from a request, and every call made in its course continues it by itself. A program that begins a
/// chain makes a [`root`](Self::root) and makes its calls in the root's [`scope`](Self::scope).
///
/// ```
/// use tars::Context;
/// use tars::trace::{Flags, Trace};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let trace = Trace::root(Flags::ALL, 2);
/// let key = trace.key();
/// assert!(key.starts_with("f.2-"));
/// trace.scope(async move {
///     // calls made here carry the chain on
///     assert_eq!(Context::current().trace().unwrap().key(), key);
/// }).await;
/// # }
/// ```
#[derive(Clone)]
pub struct Trace {
    place: Arc<Place>,
}

struct Place {
    chain: Arc<Chain>,
    /// The span that calls from here have as their parent.
    span: Box<str>,
    /// The span above, where this side knows it.
    parent: Option<Box<str>>,
    /// The span is a root's and waits for the first call.
    unused: AtomicBool,
}

/// What all places of a chain have in common.
struct Chain {
    id: TraceId,
    /// Cleared when somebody decided that this chain leaves no lines; it is passed on all the same.
    sampled: bool,
    /// Members of `tracestate` that others put there.
    state: Box<str>,
}

impl Trace {
    /// A new chain. `flags` say at which points parameters are recorded, up to `max_len_kb` kilobytes (at least 1, the
    /// peers' default, at most 10 MB).
    ///
    /// The first call made in its [`scope`](Self::scope) is the chain's root, whose parent is itself; further calls are
    /// below it, as in TarsCpp.
    #[must_use]
    pub fn root(flags: Flags, max_len_kb: u32) -> Self {
        let chain = Chain {
            id: TraceId::new(flags, max_len_kb, &key::new_id()),
            sampled: true,
            state: Box::default(),
        };
        let span = key::new_span();
        Self::at(chain, &span, Some(&span), true)
    }

    /// The chain of a `STATUS_TRACE_KEY`, `FLAGS[.MAXLEN]-ID|SPAN`, as a peer sent it. `None` when it is malformed or
    /// absurdly long.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        let (id, span) = key::parse_key(key)?;
        let chain = Chain {
            id,
            sampled: true,
            state: Box::default(),
        };
        Some(Self::at(chain, span, None, false))
    }

    /// The chain of a W3C `traceparent` and its `tracestate`, whose member `tars=FLAGS[.MAXLEN]` says what to record.
    /// `None` when `traceparent` is malformed.
    ///
    /// A chain that its beginner does not want recorded (flag `00`) is one too: it is passed on and leaves no lines.
    #[must_use]
    pub fn from_traceparent(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let parent = Parent::parse(traceparent)?;
        let (own, others) = tracestate.map(w3c::split_state).unwrap_or_default();
        let settings = own.unwrap_or_default();
        let chain = Chain {
            id: TraceId::new(settings.flags, settings.max_len_kb, parent.id),
            sampled: parent.sampled,
            state: others.into(),
        };
        Some(Self::at(chain, parent.span, None, false))
    }

    fn at(chain: Chain, span: &str, parent: Option<&str>, unused: bool) -> Self {
        Self::place(Arc::new(chain), span.into(), parent.map(Into::into), unused)
    }

    fn place(chain: Arc<Chain>, span: Box<str>, parent: Option<Box<str>>, unused: bool) -> Self {
        Self {
            place: Arc::new(Place {
                chain,
                span,
                parent,
                unused: AtomicBool::new(unused),
            }),
        }
    }

    /// The chain's id, without flags and length: 32 hexadecimal digits, unless a peer chose something else.
    #[must_use]
    pub fn id(&self) -> &str {
        self.place.chain.id.id()
    }

    /// The span that calls from here have as their parent.
    #[must_use]
    pub fn span(&self) -> &str {
        &self.place.span
    }

    /// At which points parameters are recorded.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.place.chain.id.flags
    }

    /// Kilobytes of parameters that are recorded at most.
    #[must_use]
    pub fn max_len_kb(&self) -> u32 {
        self.place.chain.id.max_len_kb
    }

    /// Whether the chain leaves lines. One that does not is only passed on.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.place.chain.sampled
    }

    /// The W3C `traceparent`. Ids that are not of its form are hashed.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let (id, span) = (w3c::id(self.id()), w3c::span(self.span()));
        Parent {
            id: &id,
            span: &span,
            sampled: self.is_sampled(),
        }
        .write()
    }

    /// The W3C `tracestate`: our member and those of others. Empty when there is nothing to say.
    #[must_use]
    pub fn tracestate(&self) -> String {
        let chain = &self.place.chain;
        w3c::join_state(self.is_sampled().then(|| chain.id.settings()), &chain.state)
    }

    /// The value of `STATUS_TRACE_KEY`, `FLAGS[.MAXLEN]-ID|SPAN`.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}|{}", self.trace_id(), self.span())
    }

    /// Runs `future`: calls made inside continue this chain. Other than that they inherit what they would without.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        Context::current().with_trace(self).scope(future)
    }

    /// `FLAGS[.MAXLEN]-ID`, as it stands in lines.
    pub(super) fn trace_id(&self) -> &str {
        &self.place.chain.id.text
    }

    /// The span above, where this side knows it.
    pub(super) fn parent(&self) -> Option<&str> {
        self.place.parent.as_deref()
    }

    /// The place of one call from here.
    pub(super) fn call(&self) -> Self {
        if self.place.unused.swap(false, Ordering::Relaxed) {
            return self.clone();
        }
        let parent = Some(self.place.span.clone());
        Self::place(Arc::clone(&self.place.chain), key::new_span().into(), parent, false)
    }

    /// The chain a request belongs to. Keys that make no sense belong to none.
    pub(crate) fn received(status: &Attributes) -> Option<Self> {
        if status.is_empty() {
            return None;
        }
        let parent =
            text(status, TRACE_PARENT).and_then(|parent| Self::from_traceparent(parent, text(status, TRACE_STATE)));
        let key = text(status, TRACE_KEY).and_then(Self::from_key);
        match (key, parent) {
            (Some(key), Some(parent)) => Some(key.or_parent(parent)),
            (key, parent) => parent.or(key),
        }
    }

    /// Chooses between the two forms. They count in this order: a `traceparent` of another chain; the key, which
    /// every Tars peer renews, while TarsCpp passes a `traceparent` on as it came, with a span that is not the caller's.
    fn or_parent(self, parent: Self) -> Self {
        if w3c::id(self.id()) != parent.id() && parent.is_sampled() {
            return parent;
        }
        let Chain { id, sampled, .. } = &*self.place.chain;
        let chain = Chain {
            id: id.clone(),
            sampled: *sampled,
            state: parent.place.chain.state.clone(),
        };
        Self::at(chain, self.span(), None, false)
    }

    /// Puts the chain into the status of a request. What stands there of another place is replaced.
    pub(super) fn write_to(&self, status: &mut Attributes) {
        if self.is_sampled() {
            status.insert(TRACE_KEY.into(), self.key().into());
        } else {
            status.remove(TRACE_KEY.as_bytes());
        }
        status.insert(TRACE_PARENT.into(), self.traceparent().into());
        match self.tracestate() {
            state if state.is_empty() => status.remove(TRACE_STATE.as_bytes()),
            state => status.insert(TRACE_STATE.into(), state.into()),
        };
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("id", &self.trace_id())
            .field("span", &self.span())
            .field("parent", &self.parent())
            .field("sampled", &self.is_sampled())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";
    const OTHER: &str = "00f067aa0ba902b7";

    fn received(pairs: &[(&str, &str)]) -> Option<Trace> {
        Trace::received(&pairs.iter().map(|&(key, value)| (key.into(), value.into())).collect())
    }

    fn written(trace: &Trace) -> Vec<(String, String)> {
        let mut status = Attributes::from([
            ("STATUS_TRACE_KEY".into(), "old".into()),
            ("tracestate".into(), "old=1".into()),
        ]);
        trace.write_to(&mut status);
        let text = |bytes: &crate::ByteString| bytes.to_str().unwrap().to_owned();
        status.iter().map(|(key, value)| (text(key), text(value))).collect()
    }

    fn pairs(expected: &[(&str, String)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn the_first_call_of_a_root_is_the_root_and_others_are_below_it() {
        let root = Trace::root(Flags::ALL, 2);
        let first = root.call();
        assert_eq!((first.span(), first.parent()), (root.span(), Some(root.span())));
        let (second, third) = (root.call(), root.call());
        for call in [&second, &third] {
            assert_ne!(call.span(), root.span());
            assert_eq!((call.parent(), call.id()), (Some(root.span()), root.id()));
        }
        assert_ne!(second.span(), third.span());
    }

    #[test]
    fn a_chain_goes_from_call_to_call() {
        let front = Trace::from_key("f.2-ab|s1").unwrap();
        let call = front.call();
        assert_eq!(call.parent(), Some("s1"));
        let back = Trace::from_key(&call.key()).unwrap();
        assert_eq!((back.span(), back.id(), back.flags()), (call.span(), "ab", Flags::ALL));
        assert_eq!((back.max_len_kb(), back.parent()), (2, None));
        assert_eq!(front.key(), "f.2-ab|s1");
    }

    #[test]
    fn both_forms_are_written() {
        let trace = Trace::from_traceparent(&format!("00-{ID}-{SPAN}-01"), Some("a=1,tars=f.2")).unwrap();
        let expected = pairs(&[
            ("STATUS_TRACE_KEY", format!("f.2-{ID}|{SPAN}")),
            ("traceparent", format!("00-{ID}-{SPAN}-01")),
            ("tracestate", "tars=f.2,a=1".to_owned()),
        ]);
        assert_eq!(written(&trace), expected);

        let unsampled = Trace::from_traceparent(&format!("00-{ID}-{SPAN}-00"), Some("a=1,tars=f.2")).unwrap();
        let expected = pairs(&[
            ("traceparent", format!("00-{ID}-{SPAN}-00")),
            ("tracestate", "a=1".to_owned()),
        ]);
        assert_eq!(written(&unsampled), expected);

        let unsampled = Trace::from_traceparent(&format!("00-{ID}-{SPAN}-00"), None).unwrap();
        assert_eq!(written(&unsampled).len(), 1);
    }

    #[test]
    fn what_a_request_carries_is_read() {
        let parent = format!("00-{ID}-{SPAN}-01");
        let unsampled = format!("00-{ID}-{SPAN}-00");
        let same = format!("f.2-{ID}|{OTHER}");
        for (status, expected) in [
            (vec![], None),
            (vec![("user", "7")], None),
            (vec![("STATUS_TRACE_KEY", "f-ab|s")], Some("f-ab|s".to_owned())),
            (vec![("STATUS_TRACE_KEY", "f-ab")], None),
            (
                vec![("traceparent", "garbage"), ("STATUS_TRACE_KEY", "f-ab|s")],
                Some("f-ab|s".to_owned()),
            ),
            (vec![("traceparent", &parent)], Some(format!("0-{ID}|{SPAN}"))),
            (
                vec![("traceparent", &parent), ("STATUS_TRACE_KEY", "ab")],
                Some(format!("0-{ID}|{SPAN}")),
            ),
            (
                vec![
                    ("traceparent", &parent),
                    ("tracestate", "tars=3.5"),
                    ("STATUS_TRACE_KEY", "f-ab|s"),
                ],
                Some(format!("3.5-{ID}|{SPAN}")),
            ),
            (
                vec![("traceparent", &unsampled), ("STATUS_TRACE_KEY", "f-ab|s")],
                Some("f-ab|s".to_owned()),
            ),
            (
                vec![("traceparent", &parent), ("STATUS_TRACE_KEY", &same)],
                Some(same.clone()),
            ),
        ] {
            assert_eq!(received(&status).map(|trace| trace.key()), expected, "{status:?}");
        }
        let both = received(&[
            ("traceparent", &parent),
            ("tracestate", "a=1,tars=0"),
            ("STATUS_TRACE_KEY", &same),
        ]);
        assert_eq!(both.unwrap().tracestate(), "tars=f.2,a=1");
        let odd = Attributes::from([("STATUS_TRACE_KEY".into(), b"f-\xff|s"[..].into())]);
        assert!(Trace::received(&odd).is_none());
    }
}
