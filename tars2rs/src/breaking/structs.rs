//! Structs: fields by their tags.

use std::collections::BTreeSet;

use super::compare::Compare;
use super::finding::Finding;
use super::types::Subject;
use crate::diag::Code;
use crate::model::{Field, Item, Literal, Struct, StructId, Type};

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

impl<'m> Compare<'m> {
    pub(super) fn struct_or_gone(&mut self, old: &'m Struct) {
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
            _ => self.struct_removed(old, home),
        }
    }

    fn struct_removed(&mut self, old: &'m Struct, home: &'m str) {
        let mut finding = Finding::new(Code::StructRemoved, format!("struct `{home}::{}` is gone", old.name))
            .old(old.span, "declared here")
            .source("programs that name it do not compile any more");
        if let Some(Item::Struct(old_id)) = self.old_type(home, &old.name)
            && let Some(new) = self.renamed_struct(home, old_id)
        {
            let message = format!("struct `{home}::{}` is called `{}` now", old.name, new.name);
            finding.message = message;
            finding = finding
                .new_at(new.span, "the same fields here")
                .help("names of structs do not travel: programs of both versions understand each other");
        }
        self.found.push(finding);
    }

    /// A struct that the old files do not have, with the same fields.
    fn renamed_struct(&self, home: &'m str, old: StructId) -> Option<&'m Struct> {
        let mut like = self.structs_like(home, self.old.structure(old)).iter();
        let same = like.find(|id| self.same_struct(old, **id, &mut BTreeSet::new()));
        same.map(|id| self.new.structure(*id))
    }

    fn structure(&mut self, old: &'m Struct, new: &'m Struct) {
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
        if moved.is_none() && !elsewhere && types.0 == types.1 {
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

    fn tag_gone(&mut self, owner: &str, old: &Field, new: &Struct) {
        if let Some(moved) = new.fields.iter().find(|other| other.name == old.name) {
            let message = format!(
                "field `{}` of `{owner}` moved from tag {} to tag {}",
                old.name, old.tag, moved.tag
            );
            let finding = Finding::new(Code::FieldMoved, message)
                .old(old.span, format!("tag {} here", old.tag))
                .new_at(moved.span, format!("tag {} here", moved.tag))
                .wire("programs of one version do not find what the other sends, nor new ones what is stored: it counts as absent")
                .help(format!("give it back tag {}", old.tag));
            self.found.push(finding);
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
        };
        let same = self.bounded(&subject, &old.ty, &new.ty);
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
        if same {
            self.default(&what, old, new);
        }
    }

    fn default(&mut self, what: &str, old: &Field, new: &Field) {
        let (was, is) = (self.default_of(true, old), self.default_of(false, new));
        // What an enum begins with is reported once, at the enum.
        let same_type = self.old.type_text(&old.ty.ty) == self.new.type_text(&new.ty.ty);
        if was == is || (old.default.is_none() && new.default.is_none() && same_type) {
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
        } else {
            finding.wire("an absent field means the default of whoever reads it: what one version leaves out, as equal to its default, has another value for the other, and so has stored data")
        };
        self.found.push(finding);
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
        let (was, is) = (names(old), names(new));
        if was == is {
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
