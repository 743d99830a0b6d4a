//! Enums: their numbers travel, and their names in JSON.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::Compare;
use super::finding::Finding;
use super::pairs::Pair;
use crate::diag::Code;
use crate::model::{Enum, EnumId, Enumerator, Item};
use crate::text::Text;

impl<'m> Compare<'m> {
    pub(super) fn enum_or_gone(&mut self, id: EnumId) {
        let old = self.old.enumeration(id);
        let home = self.old_home(old.module);
        match self.new_type(home, &old.name) {
            Some(Item::Enum(id)) => self.enumeration(old, self.new.enumeration(id)),
            Some(Item::Struct(id)) => {
                let new = self.new.structure(id);
                let message = format!("enum `{home}::{}` became a struct", old.name);
                let finding = Finding::new(Code::TypeKindChanged, message)
                    .old(old.span, "an enum here")
                    .new_at(new.span, "a struct here")
                    .wire("old and new programs refuse what the others send, and stored data is lost to new ones")
                    .source("programs that use the enum do not compile any more");
                self.found.push(finding);
            }
            _ => self.enum_removed(id, home),
        }
    }

    fn enum_removed(&mut self, id: EnumId, home: &'m str) {
        let old = self.old.enumeration(id);
        let mut finding = Finding::new(Code::EnumRemoved, format!("enum `{home}::{}` is gone", old.name))
            .old(old.span, "declared here")
            .source("programs that name it or its enumerators do not compile any more");
        let Some(Item::Enum(new_id)) = self.successor(Item::Enum(id)) else {
            self.found.push(finding);
            return;
        };
        let new = self.new.enumeration(new_id);
        let called = self.called(home, new.module, &new.name);
        finding.message = format!("enum `{home}::{}` is called `{called}` now", old.name);
        finding = if self.go_well(Pair::Enums(id, new_id)) {
            let help = "names of enums do not travel: programs of both versions understand each other";
            finding.new_at(new.span, "the same enumerators here").help(help)
        } else {
            finding.new_at(new.span, "declared here")
        };
        self.found.push(finding);
        self.enumeration(old, new);
    }

    /// What changed about an enum, whatever it is called now.
    pub(super) fn enumeration(&mut self, old: &Enum, new: &Enum) {
        let name = format!("{}::{}", self.old_home(old.module), old.name);
        let by_name: BTreeMap<&str, &Enumerator> = new.enumerators.iter().map(|e| (e.name.as_str(), e)).collect();
        let known: BTreeSet<&str> = old.enumerators.iter().map(|e| e.name.as_str()).collect();
        let added = new.enumerators.iter().filter(|e| !known.contains(e.name.as_str()));
        let added: BTreeMap<i32, &Enumerator> = added.map(|e| (e.value, e)).collect();
        for enumerator in &old.enumerators {
            match by_name.get(enumerator.name.as_str()) {
                Some(other) if other.value == enumerator.value => {}
                Some(other) => self.renumbered(&name, enumerator, other),
                None => self.enumerator_gone(&name, enumerator, new, added.get(&enumerator.value).copied()),
            }
        }
        let first = |item: &'_ Enum| {
            item.enumerators
                .first()
                .map(|first| (first.name.clone(), first.value, first.span))
        };
        let (was, is) = (first(old), first(new));
        let value = |first: &Option<(Text, i32, _)>| first.as_ref().map_or(0, |(_, value, _)| *value);
        let same_name = was.as_ref().map(|first| &first.0) == is.as_ref().map(|first| &first.0);
        if value(&was) == value(&is) || same_name {
            return;
        }
        let text = |first: &Option<(Text, i32, _)>| match first {
            Some((name, value, _)) => format!("`{name}` ({value})"),
            None => "0, as it is empty,".to_owned(),
        };
        let message = format!("enum `{name}` begins with {} instead of {}", text(&is), text(&was));
        let finding = Finding::new(Code::FirstEnumeratorChanged, message)
            .old(was.map_or(old.span, |first| first.2), "the default here")
            .new_at(is.map_or(new.span, |first| first.2), "the default here")
            .wire("a field without a default of its own is the first enumerator when it is absent: to new readers what old writers leave out, and what is stored, means something else, and the other way round")
            .help("add enumerators at the end");
        self.found.push(finding);
    }

    fn renumbered(&mut self, owner: &str, old: &Enumerator, new: &Enumerator) {
        let message = format!(
            "enumerator `{}` of `{owner}` changed from {} to {}",
            old.name, old.value, new.value
        );
        let finding = Finding::new(Code::EnumeratorRenumbered, message)
            .old(old.span, format!("{} here", old.value))
            .new_at(new.span, format!("{} here", new.value))
            .wire("numbers travel, not names: old and new programs, and stored data, mean different things by the same number")
            .help(format!("give it back its number: `{} = {}`", new.name, old.value));
        self.found.push(finding);
    }

    /// `same` is a new enumerator with its number.
    fn enumerator_gone(&mut self, owner: &str, old: &Enumerator, is: &Enum, same: Option<&Enumerator>) {
        let finding = if let Some(new) = same {
            let message = format!("enumerator `{}` of `{owner}` is called `{}` now", old.name, new.name);
            Finding::new(Code::EnumeratorRenamed, message)
                .old(old.span, format!("{} here", old.value))
                .new_at(new.span, "the same number here")
                .names("JSON bodies may carry names of enumerators: new programs do not know the old one")
                .source("programs that name it do not compile any more")
        } else {
            let message = format!("enumerator `{}` of `{owner}` is gone", old.name);
            let finding = Finding::new(Code::EnumeratorRemoved, message)
                .old(old.span, format!("{} here", old.value))
                .new_at(is.span, "not in this enum");
            let finding = if is.enumerators.iter().any(|other| other.value == old.value) {
                finding.names("JSON bodies may carry names of enumerators: new programs do not know this one")
            } else {
                finding.wire(format!(
                    "old programs go on sending {}, and it may be stored: to new ones it is a number without a name, which Rust and C++ keep; other languages may not",
                    old.value
                ))
            };
            finding.source("programs that name it do not compile any more")
        };
        self.found.push(finding);
    }
}
