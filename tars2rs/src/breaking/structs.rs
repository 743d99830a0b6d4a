//! Structs: fields by their tags.

use super::compare::Compare;
use super::finding::Finding;
use super::pairs::Pair;
use super::types::{Grade, Subject};
use crate::diag::Code;
use crate::model::{Field, Item, Literal, Model, Struct, StructId, Type};

/// What a reader takes for an absent field, as it can be compared between two versions.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Absent {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Empty, or a struct of its own defaults.
    Plain,
}

impl Absent {
    /// Whether both can stand for each other and are not the same. On the wire a bool is a number.
    fn differs(&self, other: &Self) -> bool {
        let number = |absent: &Self| match absent {
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Int(value) => Some(*value),
            _ => None,
        };
        match (self, other) {
            (Self::Float(_), Self::Float(_)) | (Self::Text(_), Self::Text(_)) => self != other,
            _ => number(self).is_some() && number(other).is_some() && number(self) != number(other),
        }
    }
}

impl<'m> Compare<'m> {
    pub(super) fn struct_or_gone(&mut self, id: StructId) {
        let old = self.old.structure(id);
        let home = self.old_home(old.module);
        match self.new_type(home, &old.name) {
            Some(Item::Struct(id)) => self.structure(old, self.new.structure(id)),
            Some(Item::Enum(id)) => {
                let new = self.new.enumeration(id);
                let message = format!("struct `{home}::{}` became an enum", old.name);
                let finding = Finding::new(Code::TypeKindChanged, message)
                    .old(old.span, "a struct here")
                    .new_at(new.span, "an enum here")
                    .wire("old and new programs refuse what the others send, and stored data is lost to new ones")
                    .source("programs that use the struct do not compile any more");
                self.found.push(finding);
            }
            _ => self.struct_removed(id, home),
        }
    }

    fn struct_removed(&mut self, id: StructId, home: &'m str) {
        let old = self.old.structure(id);
        let mut finding = Finding::new(Code::StructRemoved, format!("struct `{home}::{}` is gone", old.name))
            .old(old.span, "declared here")
            .source("programs that name it do not compile any more");
        let Some(Item::Struct(new_id)) = self.successor(Item::Struct(id)) else {
            self.found.push(finding);
            return;
        };
        let new = self.new.structure(new_id);
        let called = self.called(home, new.module, &new.name);
        finding.message = format!("struct `{home}::{}` is called `{called}` now", old.name);
        finding = if self.go_well(Pair::Structs(id, new_id)) {
            let help = "names of structs do not travel: programs of both versions understand each other";
            finding.new_at(new.span, "the same fields here").help(help)
        } else {
            finding.new_at(new.span, "declared here")
        };
        self.found.push(finding);
        self.structure(old, new);
    }

    /// What changed about a struct, whatever it is called now.
    pub(super) fn structure(&mut self, old: &'m Struct, new: &'m Struct) {
        let name = format!("{}::{}", self.old_home(old.module), old.name);
        for field in &old.fields {
            match new.fields.iter().find(|other| other.tag == field.tag) {
                Some(other) if other.name == field.name => self.field(&name, field, other),
                Some(other) => self.other_name(&name, (old, field), (new, other)),
                None => self.tag_gone(&name, field, new),
            }
        }
        for field in new.fields.iter().filter(|field| field.require) {
            let known = |other: &Field| other.tag == field.tag || other.name == field.name;
            if !old.fields.iter().any(known) {
                self.required_added(&name, old, field);
            }
        }
        self.key(&name, old, new);
    }

    /// A tag that has another name now.
    fn other_name(&mut self, owner: &str, (old, was): (&Struct, &Field), (new, is): (&Struct, &Field)) {
        let moved = new.fields.iter().find(|other| other.name == was.name);
        let elsewhere = old.fields.iter().any(|other| other.name == is.name);
        let types = (self.old.type_text(&was.ty.ty), self.new.type_text(&is.ty.ty));
        if moved.is_none() && !elsewhere && self.same_form(was, is) {
            let message = format!("field `{}` of `{owner}` is called `{}` now", was.name, is.name);
            let finding = Finding::new(Code::FieldRenamed, message)
                .old(was.span, format!("tag {} here", was.tag))
                .new_at(is.span, "the same tag and type here")
                .names("JSON bodies carry names of fields: old and new programs do not find each other's")
                .source("programs that name the field do not compile any more")
                .help("on the wire only tags count");
            self.found.push(finding);
            self.field(owner, was, is);
            return;
        }
        let message = format!(
            "tag {} of `{owner}` was field `{}` and is field `{}`",
            was.tag, was.name, is.name
        );
        let mut finding = Finding::new(Code::TagReused, message)
            .old(was.span, format!("`{}` here", types.0))
            .new_at(is.span, format!("`{}` here", types.1))
            .wire("old and new programs, and stored data, mean different things by the tag: it is refused or taken for the other field")
            .source("programs that name the field do not compile any more");
        finding = match moved {
            Some(field) => finding.help(format!(
                "`{}` has tag {} now: give it back its tag",
                field.name, field.tag
            )),
            None => finding.help(format!("give `{}` a tag that was never used", is.name)),
        };
        self.found.push(finding);
    }

    /// Whether what travels in the one field is what travels in the other.
    fn same_form(&mut self, old: &Field, new: &Field) -> bool {
        let subject = Subject::of_use(String::new(), old.span, new.span);
        let change = self.change(&subject, &old.ty.ty, &new.ty.ty);
        change.is_none_or(|change| change.grade == Grade::Renamed)
    }

    fn tag_gone(&mut self, owner: &str, old: &Field, new: &Struct) {
        if let Some(moved) = new.fields.iter().find(|other| other.name == old.name) {
            let message = format!(
                "field `{}` of `{owner}` moved from tag {} to tag {}",
                old.name, old.tag, moved.tag
            );
            let mut finding = Finding::new(Code::FieldMoved, message)
                .old(old.span, format!("tag {} here", old.tag))
                .new_at(moved.span, format!("tag {} here", moved.tag));
            for text in missing_at((old, moved)) {
                finding = finding.wire(text);
            }
            self.found.push(finding.help(format!("give it back tag {}", old.tag)));
            return;
        }
        let kind = if old.require { "required" } else { "optional" };
        let code = if old.require {
            Code::RequiredFieldRemoved
        } else {
            Code::OptionalFieldRemoved
        };
        let message = format!("{kind} field `{}` of `{owner}` is gone", old.name);
        let mut finding = Finding::new(code, message).old(old.span, format!("tag {} here", old.tag));
        if old.require {
            finding = finding.wire("old programs refuse what new ones send: a field that they require is missing");
        }
        let help = if old.require {
            "keep it until no program is built from the old files, and never use its tag again".to_owned()
        } else {
            format!("old programs go on with its default; never use tag {} again", old.tag)
        };
        finding = finding
            .source("programs that name the field do not compile any more")
            .help(help);
        self.found.push(finding);
    }

    fn required_added(&mut self, owner: &str, old: &Struct, new: &Field) {
        let finding = Finding::new(
            Code::RequiredFieldAdded,
            format!("required field `{}` of `{owner}` is new", new.name),
        );
        let finding = finding
            .old(old.span, "not in this struct")
            .new_at(new.span, "required here")
            .wire("new programs refuse what old ones send and what is stored: a field that they require is missing")
            .help("make it `optional`, with a default that means what its absence meant");
        self.found.push(finding);
    }

    /// A field that kept its tag.
    fn field(&mut self, owner: &str, old: &Field, new: &Field) {
        let what = format!("field `{}` of `{owner}`", old.name);
        let subject = Subject {
            what: what.clone(),
            old: old.span,
            new: new.span,
            stored: true,
        };
        let grade = self.bounded(&subject, &old.ty, &new.ty);
        match (old.require, new.require) {
            (false, true) => {
                let finding = Finding::new(Code::FieldBecameRequired, format!("{what} became required"))
                    .old(old.span, "optional here")
                    .new_at(new.span, "required here")
                    .wire("new programs refuse what old ones send and have stored without it: writers leave an optional field out when it is at its default");
                self.found.push(finding.help("leave it `optional`"));
            }
            (true, false) => {
                let finding = Finding::new(Code::FieldBecameOptional, format!("{what} became optional"))
                    .old(old.span, "required here")
                    .new_at(new.span, "optional here")
                    .wire("old programs refuse what new ones send without it: writers leave an optional field out when it is at its default");
                self.found.push(finding.help("leave it `require`"));
            }
            _ => {}
        }
        if grade != Some(Grade::Replaced) {
            self.default(&what, old, new);
        }
    }

    fn default(&mut self, what: &str, old: &Field, new: &Field) {
        let (was, is) = (self.default_of(true, old), self.default_of(false, new));
        if !was.differs(&is) || self.same_enumerator(old, new) {
            return;
        }
        let text = |value: &Absent| match value {
            Absent::Bool(value) => value.to_string(),
            Absent::Int(value) => value.to_string(),
            Absent::Float(value) => value.to_string(),
            Absent::Text(value) => format!("{value:?}"),
            Absent::Plain => "empty".to_owned(),
        };
        let (was, is) = (text(&was), text(&is));
        let finding = Finding::new(
            Code::DefaultChanged,
            format!("the default of {what} changed from {was} to {is}"),
        );
        let finding = finding
            .old(old.span, format!("{was} here"))
            .new_at(new.span, format!("{is} here"));
        let finding = if old.require && new.require {
            finding.source("new programs begin with another value; the field always travels, so nothing is misread")
        } else if old.require || new.require {
            finding.source(
                "new programs begin with another value; one of the versions requires the field, so nothing is misread",
            )
        } else {
            finding.wire("an absent field means the default of whoever reads it: what one version leaves out, as equal to its default, has another value for the other, and so has stored data")
        };
        self.found.push(finding);
    }

    /// Whether both defaults are the same enumerator, or whatever an enum begins with: its number is reported at the enum.
    fn same_enumerator(&self, old: &Field, new: &Field) -> bool {
        let (Some(was), Some(is)) = (enumerator(self.old, old), enumerator(self.new, new)) else {
            return false;
        };
        was == is || (old.default.is_none() && new.default.is_none())
    }

    /// What a reader takes when the field is absent.
    pub(super) fn default_of(&self, old: bool, field: &Field) -> Absent {
        let model = if old { self.old } else { self.new };
        let enumerator = |id, index: usize| {
            let enumerators = &model.enumeration(id).enumerators;
            Absent::Int(enumerators.get(index).map_or(0, |enumerator| enumerator.value.into()))
        };
        match (&field.default, &field.ty.ty) {
            (Some(Literal::Bool(value)), _) => Absent::Bool(*value),
            (Some(Literal::Int(value)), _) => Absent::Int(*value),
            (Some(Literal::Float(value)), _) => Absent::Float(*value),
            (Some(Literal::Str(value)), _) => Absent::Text(value.clone()),
            (Some(Literal::Enumerator(id, index)), _) => enumerator(*id, *index),
            (None, Type::Bool) => Absent::Bool(false),
            (None, Type::Int(_)) => Absent::Int(0),
            (None, Type::Float | Type::Double) => Absent::Float(0.0),
            (None, Type::String) => Absent::Text(String::new()),
            (None, Type::Enum(id)) => enumerator(*id, 0),
            (None, _) => Absent::Plain,
        }
    }

    fn key(&mut self, owner: &str, old: &Struct, new: &Struct) {
        let names = |item: &Struct| -> Vec<String> {
            let names = item.key.iter().map(|index| item.fields[*index].name.to_string());
            names.collect()
        };
        let tags = |item: &Struct| -> Vec<u8> { item.key.iter().map(|index| item.fields[*index].tag).collect() };
        let (was, is) = (names(old), names(new));
        // A member that is called something else, or has another tag, has been reported.
        if was == is || tags(old) == tags(new) {
            return;
        }
        let text = |key: &[String]| {
            if key.is_empty() {
                "no key".to_owned()
            } else {
                format!("key {}", key.join(", "))
            }
        };
        let finding = Finding::new(
            Code::KeyChanged,
            format!("the key of `{owner}` changed from {} to {}", text(&was), text(&is)),
        );
        let finding = finding.old(old.span, text(&was)).new_at(new.span, text(&is));
        let finding = match (was.is_empty(), is.is_empty()) {
            (true, _) => finding.source("maps with this key have another Rust type, and the struct has an order"),
            (_, true) => finding.source("Rust and C++ programs that compare the struct or use it as the key of a map do not compile any more"),
            _ => finding.source("new programs order and, in C++, equate values of the struct differently: maps have another order, and keys that were two may become one"),
        };
        self.found.push(finding);
    }
}

/// The name of the enumerator that a field of an enum is when it is absent. An empty enum has none.
fn enumerator<'m>(model: &'m Model, field: &Field) -> Option<&'m str> {
    let Type::Enum(id) = field.ty.ty else {
        return None;
    };
    let index = match field.default {
        Some(Literal::Enumerator(_, index)) => index,
        _ => 0,
    };
    let enumerators = &model.enumeration(id).enumerators;
    Some(enumerators.get(index).map_or("", |found| found.name.as_str()))
}

/// What comes of a field that each version looks for at another tag.
fn missing_at((old, new): (&Field, &Field)) -> Vec<String> {
    if !old.require && !new.require {
        let text = "programs of one version do not find what the other sends, nor new ones what is stored: it counts as absent";
        return vec![text.to_owned()];
    }
    let newer = if new.require {
        format!(
            "new programs refuse what old ones send and what is stored: tag {}, which they require, is missing",
            new.tag
        )
    } else {
        "new programs do not find what old ones send, nor what is stored: it counts as absent".to_owned()
    };
    let older = if old.require {
        format!(
            "old programs refuse what new ones send: tag {}, which they require, is missing",
            old.tag
        )
    } else {
        "old programs do not find what new ones send: it counts as absent".to_owned()
    };
    vec![newer, older]
}
