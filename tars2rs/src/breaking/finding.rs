//! What a new version of the files breaks, for whom, and why.

use crate::diag::Code;
use crate::source::Span;

/// What a change breaks; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breaks {
    /// Bodies of the usual form, and data stored in it.
    Wire,
    /// Bodies in which names travel: JSON and TUP.
    Names,
    /// Programs that are built from the files.
    Source,
}

impl Breaks {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Wire, Self::Names, Self::Source];

    /// The word for it, in texts, in JSON and behind `--allow`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Wire => "wire",
            Self::Names => "names",
            Self::Source => "source",
        }
    }
}

/// A place in the files, with what is there.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) span: Span,
    pub(crate) text: String,
}

/// One change that breaks something.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) old: Option<Spot>,
    pub(crate) new: Option<Spot>,
    /// What it breaks, and whom, and why.
    pub(crate) why: Vec<(Breaks, String)>,
    pub(crate) help: Option<String>,
}

impl Finding {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            old: None,
            new: None,
            why: Vec::new(),
            help: None,
        }
    }

    pub(super) fn old(mut self, span: Span, text: impl Into<String>) -> Self {
        self.old = Some(Spot {
            span,
            text: text.into(),
        });
        self
    }

    pub(super) fn new_at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.new = Some(Spot {
            span,
            text: text.into(),
        });
        self
    }

    pub(super) fn wire(self, text: impl Into<String>) -> Self {
        self.because(Breaks::Wire, text)
    }

    pub(super) fn names(self, text: impl Into<String>) -> Self {
        self.because(Breaks::Names, text)
    }

    pub(super) fn source(self, text: impl Into<String>) -> Self {
        self.because(Breaks::Source, text)
    }

    pub(super) fn because(mut self, breaks: Breaks, text: impl Into<String>) -> Self {
        self.why.push((breaks, text.into()));
        self
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The worst that it breaks.
    pub(crate) fn worst(&self) -> Breaks {
        let worst = self.why.iter().map(|(breaks, _)| *breaks).min();
        worst.unwrap_or(Breaks::Source)
    }
}
