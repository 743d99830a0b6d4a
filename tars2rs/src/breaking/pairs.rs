//! Two definitions that travel in each other's place under different names, judged by the rules for one that kept its name.
//!
//! Each pair is looked at once. What it holds is in pairs, too: those are opened one after another, so that structs that hold
//! each other end, and what is found deep inside is then told to all that hold it.

use std::collections::BTreeMap;
use std::mem;
use std::rc::Rc;

use super::compare::Compare;
use super::finding::{Breaks, Finding};
use super::types::Grade;
use crate::diag::Code;
use crate::model::{EnumId, Item, StructId, Type};

/// More pairs than a set of files ever has. Two rings of structs that hold each other can have as many as the product of
/// their lengths.
const MOST: usize = 200_000;

/// An old definition and a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pair {
    Structs(StructId, StructId),
    Enums(EnumId, EnumId),
}

/// What programs with the one make of the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// How bad it is on the wire, and the first thing that is.
    pub(super) wire: Option<(Grade, Rc<str>)>,
    /// The first name that differs.
    pub(super) names: Option<Rc<str>>,
}

/// What is known about pairs.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// What structs are called whose names are gone.
    structs: BTreeMap<StructId, StructId>,
    /// The same for enums.
    enums: BTreeMap<EnumId, EnumId>,
    verdicts: BTreeMap<Pair, Verdict>,
    /// While one pair is judged: the pairs that it holds.
    held: Option<Vec<Pair>>,
}

impl Compare<'_> {
    /// What became of an old type whose name is gone.
    pub(super) fn successor(&self, old: Item) -> Option<Item> {
        match old {
            Item::Struct(id) => self.pairs.structs.get(&id).copied().map(Item::Struct),
            Item::Enum(id) => self.pairs.enums.get(&id).copied().map(Item::Enum),
            Item::Const(_) | Item::Interface(_) => None,
        }
    }

    /// Notes that the new one is the old one under another name. The two are compared in full where the old one is declared.
    pub(super) fn succeeds(&mut self, pair: Pair) {
        self.added.take(self.new, pair);
        match pair {
            Pair::Structs(old, new) => drop(self.pairs.structs.insert(old, new)),
            Pair::Enums(old, new) => drop(self.pairs.enums.insert(old, new)),
        }
    }

    fn is_successor(&self, pair: Pair) -> bool {
        match pair {
            Pair::Structs(old, new) => self.pairs.structs.get(&old) == Some(&new),
            Pair::Enums(old, new) => self.pairs.enums.get(&old) == Some(&new),
        }
    }

    /// Both names, with their modules.
    pub(super) fn pair_names(&self, pair: Pair) -> (String, String) {
        let (old, new) = match pair {
            Pair::Structs(old, new) => (Type::Struct(old), Type::Struct(new)),
            Pair::Enums(old, new) => (Type::Enum(old), Type::Enum(new)),
        };
        (self.old.type_text(&old), self.new.type_text(&new))
    }

    /// Whether the new files still declare the old name.
    pub(super) fn is_kept(&self, pair: Pair) -> bool {
        let (module, name) = match pair {
            Pair::Structs(old, _) => (self.old.structure(old).module, &self.old.structure(old).name),
            Pair::Enums(old, _) => (self.old.enumeration(old).module, &self.old.enumeration(old).name),
        };
        self.new_type(self.old_home(module), name).is_some()
    }

    /// What programs make of the one in place of the other. `None` where that is said elsewhere or, while a pair is judged,
    /// will be known later.
    pub(super) fn judged(&mut self, pair: Pair) -> Option<Verdict> {
        if self.is_successor(pair) {
            return None;
        }
        if let Some(held) = &mut self.pairs.held {
            held.push(pair);
            return None;
        }
        if !self.pairs.verdicts.contains_key(&pair) {
            self.open(pair);
        }
        self.pairs.verdicts.get(&pair).cloned()
    }

    /// Judges a pair and all that it holds.
    fn open(&mut self, root: Pair) {
        let (mut open, mut holders) = (vec![root], BTreeMap::<Pair, Vec<Pair>>::new());
        while let Some(pair) = open.pop() {
            if self.pairs.verdicts.contains_key(&pair) {
                continue;
            }
            let (verdict, held) = if self.pairs.verdicts.len() < MOST {
                self.alone(pair)
            } else {
                (entangled(), Vec::new())
            };
            self.pairs.verdicts.insert(pair, verdict);
            for inner in held {
                holders.entry(inner).or_default().push(pair);
                open.push(inner);
            }
        }
        let verdicts = &mut self.pairs.verdicts;
        spread(&holders, verdicts, |verdict| &mut verdict.wire);
        spread(&holders, verdicts, |verdict| &mut verdict.names);
    }

    /// The verdict on a pair as if all that it holds went well, and what it holds.
    pub(super) fn alone(&mut self, pair: Pair) -> (Verdict, Vec<Pair>) {
        let found = mem::take(&mut self.found);
        let outer = self.pairs.held.replace(Vec::new());
        let (old, new) = (self.old, self.new);
        match pair {
            Pair::Structs(was, is) => self.structure(old.structure(was), new.structure(is)),
            Pair::Enums(was, is) => self.enumeration(old.enumeration(was), new.enumeration(is)),
        }
        let held = mem::replace(&mut self.pairs.held, outer).unwrap_or_default();
        let found = mem::replace(&mut self.found, found);
        let mut verdict = Verdict::of(&found);
        // One that kept its name may call a number something else. Two that always had names of their own mean different things.
        let renamed = found.iter().find(|finding| finding.code == Code::EnumeratorRenamed);
        if let Some(finding) = renamed.filter(|_| self.is_kept(pair)) {
            verdict
                .wire
                .get_or_insert((Grade::Replaced, finding.message.as_str().into()));
        }
        (verdict, held)
    }
}

impl Verdict {
    fn of(found: &[Finding]) -> Self {
        let breaking = |what: Breaks| {
            found
                .iter()
                .filter(move |finding| finding.why.iter().any(|(breaks, _)| *breaks == what))
        };
        let worst = breaking(Breaks::Wire).map(|finding| (grade(finding.code), finding));
        // Of equals the first.
        let worst = worst.reduce(|a, b| if b.0 > a.0 { b } else { a });
        Self {
            wire: worst.map(|(grade, finding)| (grade, finding.message.as_str().into())),
            names: breaking(Breaks::Names)
                .next()
                .map(|finding| finding.message.as_str().into()),
        }
    }
}

/// What a finding about a member is for those that hold it.
fn grade(code: Code) -> Grade {
    match code {
        Code::TypeWidened => Grade::Widened,
        Code::TypeNarrowed => Grade::Narrowed,
        _ => Grade::Replaced,
    }
}

fn entangled() -> Verdict {
    let reason = "they are held by more others than are looked at";
    Verdict {
        wire: Some((Grade::Replaced, reason.into())),
        names: None,
    }
}

/// Tells what is found in a pair to all pairs that hold it and have found nothing of their own.
fn spread<T: Clone>(
    holders: &BTreeMap<Pair, Vec<Pair>>,
    verdicts: &mut BTreeMap<Pair, Verdict>,
    part: impl Fn(&mut Verdict) -> &mut Option<T>,
) {
    let mut open: Vec<Pair> = holders.keys().copied().collect();
    while let Some(inner) = open.pop() {
        let Some(reason) = verdicts.get_mut(&inner).and_then(|verdict| part(verdict).clone()) else {
            continue;
        };
        for holder in holders.get(&inner).into_iter().flatten() {
            if let Some(verdict) = verdicts.get_mut(holder)
                && part(verdict).is_none()
            {
                *part(verdict) = Some(reason.clone());
                open.push(*holder);
            }
        }
    }
}
