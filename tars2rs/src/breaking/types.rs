//! When two types are the same on the wire, and what a reader of the one makes of the other.
//!
//! Numbers travel in the smallest form that holds the value, and a reader takes the forms up to its own width: between integers
//! a change breaks only what does not fit. A float travels in 4 bytes and a double in 8; readers of a double take both,
//! but not those of Node.js, and readers of a float take only 4.

use super::compare::Compare;
use super::finding::{Breaks, Finding};
use super::pairs::Pair;
use crate::diag::Code;
use crate::model::{Bounded, Int, Type};
use crate::source::Span;

/// How bad a change of a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    Renamed,
    Widened,
    Narrowed,
    Replaced,
}

/// A change of a type.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) grade: Grade,
    pub(super) why: Vec<(Breaks, String)>,
}

/// Whose type it is.
#[derive(Debug)]
pub(super) struct Subject {
    /// "field `a` of `M::S`"
    pub(super) what: String,
    pub(super) old: Span,
    pub(super) new: Span,
    /// Whether it may lie in stored data: parameters only travel.
    pub(super) stored: bool,
}

impl Subject {
    /// A parameter, a result or a constant.
    pub(super) fn of_use(what: String, old: Span, new: Span) -> Self {
        let stored = false;
        Self { what, old, new, stored }
    }

    /// A text with what is true of stored data alone.
    fn and_stored(&self, text: &str, stored: &str) -> String {
        if self.stored {
            format!("{text}{stored}")
        } else {
            text.to_owned()
        }
    }
}

impl Compare<'_> {
    /// Reports what changed about a type and its bound. How bad the change of the type is, if there is one.
    pub(super) fn bounded(&mut self, subject: &Subject, old: &Bounded, new: &Bounded) -> Option<Grade> {
        let change = self.change(subject, &old.ty, &new.ty);
        let grade = change.as_ref().map(|change| change.grade);
        // A type that is no longer a string has no bound, either.
        if grade != Some(Grade::Replaced) {
            self.bound(subject, old.max_len, new.max_len);
        }
        let change = change?;
        let (was, is) = (self.old.type_text(&old.ty), self.new.type_text(&new.ty));
        let code = match change.grade {
            Grade::Renamed => Code::TypeRenamed,
            Grade::Widened => Code::TypeWidened,
            Grade::Narrowed => Code::TypeNarrowed,
            Grade::Replaced => Code::TypeReplaced,
        };
        let message = format!("{} changed from `{was}` to `{is}`", subject.what);
        let mut finding = Finding::new(code, message)
            .old(subject.old, format!("`{was}` here"))
            .new_at(subject.new, format!("`{is}` here"));
        for (breaks, why) in change.why {
            finding = finding.because(breaks, why);
        }
        if was != is {
            finding = finding.source("Rust and C++ programs find another type there");
        }
        self.found.push(finding);
        grade
    }

    fn bound(&mut self, subject: &Subject, old: Option<u32>, new: Option<u32>) {
        if old == new {
            return;
        }
        let text = |bound: Option<u32>| bound.map_or("no bound".to_owned(), |bound| format!("at most {bound}"));
        let message = format!(
            "the length of {} changed from {} to {}",
            subject.what,
            text(old),
            text(new)
        );
        let finding = Finding::new(Code::LengthChanged, message)
            .old(subject.old, text(old))
            .new_at(subject.new, text(new));
        let most = |bound: Option<u32>| bound.unwrap_or(u32::MAX);
        let finding = if most(new) < most(old) {
            let text = "new programs refuse what is longer, which old ones send";
            finding.wire(subject.and_stored(text, " and may have stored"))
        } else {
            finding.wire("old programs refuse what is longer, which new ones may send")
        };
        self.found.push(finding);
    }

    /// What a use of the one type sees when it becomes the other. Nothing where two definitions differ that are compared for
    /// themselves: it is said there, once.
    pub(super) fn change(&mut self, subject: &Subject, old: &Type, new: &Type) -> Option<Change> {
        if self.same_name(old, new) {
            return None;
        }
        match (old, new) {
            (Type::Struct(a), Type::Struct(b)) => self.pair_change(subject, Pair::Structs(*a, *b)),
            (Type::Enum(a), Type::Enum(b)) => self.pair_change(subject, Pair::Enums(*a, *b)),
            (Type::Vector(a), Type::Vector(b)) => self.change(subject, a, b),
            (Type::Map(a, x), Type::Map(b, y)) => join(self.change(subject, a, b), self.change(subject, x, y)),
            (Type::Float, Type::Double) => Some(float_to_double(subject)),
            (Type::Double, Type::Float) => Some(double_to_float(subject)),
            _ => match (range(old), range(new)) {
                (Some(was), Some(is)) if was == is && old == new => None,
                (Some(was), Some(is)) => Some(integer(subject, was, is)).map(|change| named_numbers(change, old, new)),
                _ if old == new => None,
                _ => Some(self.replaced(subject, old, new)),
            },
        }
    }

    fn replaced(&self, subject: &Subject, old: &Type, new: &Type) -> Change {
        let (was, is) = (self.old.type_text(old), self.new.type_text(new));
        let bytes = matches!(
            (old, new),
            (Type::Bytes, Type::Vector(_)) | (Type::Vector(_), Type::Bytes)
        );
        let forms = if bytes {
            "`vector<byte>` travels as one run of bytes, every other vector as a list".to_owned()
        } else {
            format!("`{was}` and `{is}` travel in different forms")
        };
        let text = format!("{forms}: old and new programs refuse what the others send");
        let text = subject.and_stored(&text, ", and stored data is lost to new ones");
        Change {
            grade: Grade::Replaced,
            why: vec![(Breaks::Wire, text)],
        }
    }

    /// Whether both are declared under one name. A struct that became an enum is reported where it is declared.
    fn same_name(&self, old: &Type, new: &Type) -> bool {
        let declared = |ty: &Type| matches!(ty, Type::Struct(_) | Type::Enum(_));
        declared(old) && declared(new) && self.old.type_text(old) == self.new.type_text(new)
    }

    /// The change of a type that is another definition now.
    fn pair_change(&mut self, subject: &Subject, pair: Pair) -> Option<Change> {
        let verdict = self.judged(pair)?;
        let (was, is) = self.pair_names(pair);
        let mut why = Vec::new();
        let mut grade = Grade::Renamed;
        if let Some((worst, reason)) = &verdict.wire {
            grade = *worst;
            let text = format!("`{is}` in place of `{was}`: {reason}");
            let (meaning, stored) = match pair {
                Pair::Structs(..) => (
                    "old and new programs refuse or misread what the others send",
                    ", and what is stored",
                ),
                Pair::Enums(..) => (
                    "the same numbers mean other things to old and new programs",
                    ", and in stored data",
                ),
            };
            why.push((Breaks::Wire, subject.and_stored(&format!("{text}; {meaning}"), stored)));
        }
        let reason = verdict.names.as_ref();
        if let Some(reason) = reason.filter(|reason| verdict.wire.as_ref().is_none_or(|wire| wire.1 != **reason)) {
            let text = format!("`{is}` in place of `{was}`: {reason}; JSON bodies carry names");
            why.push((Breaks::Names, text));
        }
        // That the old name is gone has been said.
        (!why.is_empty() || self.is_kept(pair)).then_some(Change { grade, why })
    }
}

fn join(a: Option<Change>, b: Option<Change>) -> Option<Change> {
    match (a, b) {
        (Some(mut a), Some(b)) => {
            a.grade = a.grade.max(b.grade);
            a.why.extend(b.why);
            Some(a)
        }
        (a, b) => a.or(b),
    }
}

/// The values of a type that travels as an integer.
fn range(ty: &Type) -> Option<(i64, i64)> {
    match ty {
        Type::Bool => Some((0, 1)),
        Type::Int(int) => Some(int.range()),
        Type::Enum(_) => Some(Int::I32.range()),
        _ => None,
    }
}

fn integer(subject: &Subject, (least, most): (i64, i64), (new_least, new_most): (i64, i64)) -> Change {
    let (grows, shrinks) = (
        new_least < least || new_most > most,
        new_least > least || new_most < most,
    );
    let mut why = Vec::new();
    if shrinks {
        let beyond = format!("numbers outside {new_least} to {new_most}");
        let text = format!("new programs refuse or misread {beyond}, which old ones send");
        why.push((Breaks::Wire, subject.and_stored(&text, " and may have stored")));
    }
    if grows {
        let beyond = format!("numbers outside {least} to {most}");
        let text =
            format!("old programs refuse or misread {beyond}, which new ones may send; what fits goes both ways");
        why.push((Breaks::Wire, text));
    }
    let grade = match (grows, shrinks) {
        (false, false) => Grade::Renamed,
        (true, false) => Grade::Widened,
        (_, true) => Grade::Narrowed,
    };
    Change { grade, why }
}

/// In JSON an enum is its number or a name, and everything else a number.
fn named_numbers(mut change: Change, old: &Type, new: &Type) -> Change {
    let who = match (old, new) {
        (Type::Enum(_), _) => "new",
        (_, Type::Enum(_)) => "old",
        _ => return change,
    };
    let text = format!("JSON bodies may carry names of enumerators: {who} programs expect a number");
    change.why.push((Breaks::Names, text));
    change
}

fn float_to_double(subject: &Subject) -> Change {
    let old = "old programs refuse a double where they expect the 4 bytes of a float";
    let node = subject.and_stored(
        "new programs in Node.js refuse the floats of old ones",
        " and of stored data",
    );
    let node = format!("{node}; those in other languages read them");
    Change {
        grade: Grade::Widened,
        why: vec![(Breaks::Wire, old.to_owned()), (Breaks::Wire, node)],
    }
}

fn double_to_float(subject: &Subject) -> Change {
    let new = subject.and_stored(
        "new programs refuse the doubles that old ones send",
        ", and those in stored data",
    );
    let node = "old programs in Node.js refuse the floats of new ones; those in other languages read them";
    Change {
        grade: Grade::Narrowed,
        why: vec![(Breaks::Wire, new), (Breaks::Wire, node.to_owned())],
    }
}
