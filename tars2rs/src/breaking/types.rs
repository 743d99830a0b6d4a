//! When two types are the same on the wire, and what a reader of the one makes of the other.
//!
//! Numbers travel in the smallest form that holds the value, and a reader takes the forms up to its own width: between integers
//! a change breaks only what does not fit. A float travels in 4 bytes and a double in 8; readers of a double take both,
//! but not those of Node.js, and readers of a float take only 4.

use std::collections::BTreeSet;

use super::compare::Compare;
use super::finding::{Breaks, Finding};
use crate::diag::Code;
use crate::model::{Bounded, EnumId, Int, StructId, Type};
use crate::source::Span;

/// How bad a change of a type is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Renamed,
    Widened,
    Narrowed,
    Replaced,
}

/// A change of a type.
#[derive(Debug)]
struct Change {
    grade: Grade,
    why: Vec<(Breaks, String)>,
}

/// Whose type it is.
#[derive(Debug)]
pub(super) struct Subject {
    /// "field `a` of `M::S`"
    pub(super) what: String,
    pub(super) old: Span,
    pub(super) new: Span,
}

impl Compare<'_> {
    /// Reports what changed about a type and its bound. Whether it still has the same form on the wire.
    pub(super) fn bounded(&mut self, subject: &Subject, old: &Bounded, new: &Bounded) -> bool {
        self.bound(subject, old.max_len, new.max_len);
        let Some(change) = self.change(&old.ty, &new.ty) else {
            return true;
        };
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
        change.grade == Grade::Renamed
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
            finding.wire("new programs refuse what is longer, which old ones send and may have stored")
        } else {
            finding.wire("old programs refuse what is longer, which new ones may send")
        };
        self.found.push(finding);
    }

    fn change(&self, old: &Type, new: &Type) -> Option<Change> {
        if let (Type::Struct(a), Type::Struct(b)) = (old, new) {
            return self.structs_change(*a, *b);
        }
        if let (Type::Enum(a), Type::Enum(b)) = (old, new) {
            return self.enums_change(*a, *b);
        }
        if self.same_name(old, new) {
            // A struct that became an enum is reported where it is declared.
            return None;
        }
        match (old, new) {
            (Type::Vector(a), Type::Vector(b)) => self.change(a, b),
            (Type::Map(a, x), Type::Map(b, y)) => join(self.change(a, b), self.change(x, y)),
            (Type::Float, Type::Double) => Some(float_to_double()),
            (Type::Double, Type::Float) => Some(double_to_float()),
            _ if old == new => None,
            _ => match (range(old), range(new)) {
                (Some(was), Some(is)) => Some(integer(was, is)),
                _ => Some(self.replaced(old, new)),
            },
        }
    }

    fn replaced(&self, old: &Type, new: &Type) -> Change {
        let (was, is) = (self.old.type_text(old), self.new.type_text(new));
        let bytes = matches!(
            (old, new),
            (Type::Bytes, Type::Vector(_)) | (Type::Vector(_), Type::Bytes)
        );
        let forms = if matches!((old, new), (Type::Struct(_), Type::Struct(_))) {
            format!("`{was}` and `{is}` have different fields")
        } else if bytes {
            "`vector<byte>` travels as one run of bytes, every other vector as a list".to_owned()
        } else {
            format!("`{was}` and `{is}` travel in different forms")
        };
        Change {
            grade: Grade::Replaced,
            why: vec![(
                Breaks::Wire,
                format!(
                    "{forms}: old and new programs refuse what the others send, and stored data is lost to new ones"
                ),
            )],
        }
    }

    /// Whether both are declared under one name.
    fn same_name(&self, old: &Type, new: &Type) -> bool {
        let declared = |ty: &Type| matches!(ty, Type::Struct(_) | Type::Enum(_));
        declared(old) && declared(new) && self.old.type_text(old) == self.new.type_text(new)
    }

    fn structs_change(&self, old: StructId, new: StructId) -> Option<Change> {
        if self.same_name(&Type::Struct(old), &Type::Struct(new)) {
            return None;
        }
        if !self.same_struct(old, new, &mut BTreeSet::new()) {
            return Some(self.replaced(&Type::Struct(old), &Type::Struct(new)));
        }
        let item = self.old.structure(old);
        // That the old name is gone has been said.
        self.new_type(self.old_home(item.module), &item.name)?;
        Some(renamed())
    }

    fn enums_change(&self, old: EnumId, new: EnumId) -> Option<Change> {
        if self.same_name(&Type::Enum(old), &Type::Enum(new)) {
            return None;
        }
        if !self.same_enum(old, new) {
            let text = "the same numbers mean other things to old and new programs, and in stored data".to_owned();
            return Some(Change {
                grade: Grade::Replaced,
                why: vec![(Breaks::Wire, text)],
            });
        }
        let item = self.old.enumeration(old);
        self.new_type(self.old_home(item.module), &item.name)?;
        Some(renamed())
    }

    /// Whether every number of the old enum has its name in the new one, and the default is the same.
    pub(super) fn same_enum(&self, old: EnumId, new: EnumId) -> bool {
        let (old, new) = (
            &self.old.enumeration(old).enumerators,
            &self.new.enumeration(new).enumerators,
        );
        let kept = old
            .iter()
            .all(|was| new.iter().any(|is| (&was.name, was.value) == (&is.name, is.value)));
        let first = |list: &[crate::model::Enumerator]| list.first().map_or(0, |first| first.value);
        kept && first(old) == first(new)
    }

    /// Whether two structs have the same fields, whatever they are called themselves.
    pub(super) fn same_struct(&self, old: StructId, new: StructId, known: &mut BTreeSet<(StructId, StructId)>) -> bool {
        // Where a struct holds itself, the question answers itself.
        if !known.insert((old, new)) {
            return true;
        }
        let (old, new) = (&self.old.structure(old).fields, &self.new.structure(new).fields);
        old.len() == new.len()
            && old.iter().zip(new).all(|(was, is)| {
                (was.tag, &was.name, was.require, was.ty.max_len) == (is.tag, &is.name, is.require, is.ty.max_len)
                    && self.default_of(true, was) == self.default_of(false, is)
                    && self.same_type(&was.ty.ty, &is.ty.ty, known)
            })
    }

    fn same_type(&self, old: &Type, new: &Type, known: &mut BTreeSet<(StructId, StructId)>) -> bool {
        match (old, new) {
            (Type::Struct(a), Type::Struct(b)) => self.same_struct(*a, *b, known),
            (Type::Enum(a), Type::Enum(b)) => self.same_enum(*a, *b),
            (Type::Vector(a), Type::Vector(b)) => self.same_type(a, b, known),
            (Type::Map(a, x), Type::Map(b, y)) => self.same_type(a, b, known) && self.same_type(x, y, known),
            (Type::Struct(_) | Type::Enum(_), _) | (_, Type::Struct(_) | Type::Enum(_)) => false,
            _ => old == new,
        }
    }
}

fn renamed() -> Change {
    Change {
        grade: Grade::Renamed,
        why: Vec::new(),
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

fn integer((least, most): (i64, i64), (new_least, new_most): (i64, i64)) -> Change {
    let (grows, shrinks) = (
        new_least < least || new_most > most,
        new_least > least || new_most < most,
    );
    let mut why = Vec::new();
    if shrinks {
        let beyond = format!("numbers outside {new_least} to {new_most}");
        let text = format!("new programs refuse or misread {beyond}, which old ones send and may have stored");
        why.push((Breaks::Wire, text));
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

fn float_to_double() -> Change {
    let old = "old programs refuse a double where they expect the 4 bytes of a float";
    let node =
        "new programs in Node.js refuse the floats of old ones and of stored data; those in other languages read them";
    Change {
        grade: Grade::Widened,
        why: vec![(Breaks::Wire, old.to_owned()), (Breaks::Wire, node.to_owned())],
    }
}

fn double_to_float() -> Change {
    let new = "new programs refuse the doubles that old ones send, and those in stored data";
    let node = "old programs in Node.js refuse the floats of new ones; those in other languages read them";
    Change {
        grade: Grade::Narrowed,
        why: vec![(Breaks::Wire, new.to_owned()), (Breaks::Wire, node.to_owned())],
    }
}
