//! Values of enumerators, defaults and constants.

use std::collections::BTreeMap;

use crate::ast::{self, Shape, Value, ValueKind};
use crate::diag::{Code, Diagnostic, Diagnostics, suggest};
use crate::model::{EnumId, Item, Literal, ModuleId, Type};
use crate::resolve::Draft;

/// The values found, in the shape of the draft. `None` where there is none, or where it was refused.
#[derive(Debug, Default)]
pub(super) struct Values {
    pub(super) enumerators: Vec<Vec<Option<i32>>>,
    pub(super) defaults: Vec<Vec<Option<Literal>>>,
    pub(super) consts: Vec<Option<Literal>>,
}

pub(super) fn check(draft: &Draft<'_>, diagnostics: &mut Diagnostics) -> Values {
    let mut checker = Checker {
        draft,
        diagnostics,
        values: Values::default(),
        by_name: BTreeMap::new(),
        positions: BTreeMap::new(),
        by_value: BTreeMap::new(),
        whole: Vec::new(),
    };
    for index in 0..draft.enums.len() {
        checker.enumeration(EnumId::new(index));
    }
    for item in &draft.structs {
        let fields = item.ast.fields.iter().zip(&item.types);
        let defaults = fields
            .map(|(field, ty)| checker.default(item.module, field, ty.as_ref().map(|ty| &ty.ty)))
            .collect();
        checker.values.defaults.push(defaults);
    }
    for item in &draft.consts {
        let ty = item.types.first().and_then(Option::as_ref).map(|ty| &ty.ty);
        let value = checker.constant(item.module, item.ast, ty);
        checker.values.consts.push(value);
    }
    checker.values
}

struct Checker<'c, 'a> {
    draft: &'c Draft<'a>,
    diagnostics: &'c mut Diagnostics,
    values: Values,
    /// Enumerators seen so far, by module and name.
    by_name: BTreeMap<(ModuleId, &'a str), Meaning>,
    /// Where enumerators stand in their enum, by name and by value; the first of several.
    positions: BTreeMap<(EnumId, &'a str), usize>,
    by_value: BTreeMap<(EnumId, i64), usize>,
    /// For each enum whether all there is to know of it is known.
    whole: Vec<bool>,
}

/// What the name of an enumerator means in a module.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// One value, though perhaps in several enums; `None` when it was refused.
    One(Option<i32>),
    Several,
}

impl Checker<'_, '_> {
    fn error(&mut self, code: Code, value: &Value, message: impl Into<String>, help: impl Into<String>) {
        self.diagnostics
            .push(Diagnostic::new(code, value.span, message).help(help));
    }

    /// An enumerator without a value has that of the one before plus 1; the first has 0.
    fn enumeration(&mut self, id: EnumId) {
        let item = &self.draft.enums[id.index()];
        self.values
            .enumerators
            .push(Vec::with_capacity(item.ast.enumerators.len()));
        let mut previous: Option<i64> = Some(-1);
        for (index, enumerator) in item.ast.enumerators.iter().enumerate() {
            let value = match &enumerator.value {
                Some(value) => self.enumerator_value(id, value),
                // After a refused value the next ones are unknown, which is no mistake of theirs.
                None => previous.and_then(|previous| self.next_value(previous, enumerator)),
            };
            previous = value.map(i64::from);
            self.values.enumerators[id.index()].push(value);
            let (name, meaning) = (enumerator.name.text.as_str(), Meaning::One(value));
            let known = self.by_name.entry((item.module, name)).or_insert(meaning);
            if *known != meaning {
                *known = Meaning::Several;
            }
            self.positions.entry((id, name)).or_insert(index);
            if let Some(value) = value {
                self.by_value.entry((id, value.into())).or_insert(index);
            }
        }
        let known = self.values.enumerators[id.index()].iter().all(Option::is_some);
        self.whole.push(known && !item.ast.incomplete && !item.ast.vague);
    }

    fn next_value(&mut self, previous: i64, enumerator: &ast::Enumerator) -> Option<i32> {
        let value = i32::try_from(previous + 1).ok();
        if value.is_none() {
            let message = format!(
                "enumerator `{}` has the value {}, beyond 32 bits",
                enumerator.name.text,
                previous + 1
            );
            self.diagnostics.push(Diagnostic::new(
                Code::EnumValueOutOfRange,
                enumerator.name.span,
                message,
            ));
        }
        value
    }

    fn enumerator_value(&mut self, id: EnumId, value: &Value) -> Option<i32> {
        match &value.kind {
            ValueKind::Int(number) => {
                let fits = i32::try_from(*number).ok();
                if fits.is_none() {
                    self.error(
                        Code::EnumValueOutOfRange,
                        value,
                        format!("{number} does not fit an enum"),
                        "enums are signed 32 bits",
                    );
                }
                fits
            }
            ValueKind::Name(path) => self.named_value(id, value, path),
            ValueKind::Bad => None,
            ValueKind::Float(_) | ValueKind::Str(_) | ValueKind::Bool(_) => {
                self.error(
                    Code::EnumValueKind,
                    value,
                    "an enumerator's value is a whole number",
                    "write an integer or the name of an enumerator",
                );
                None
            }
        }
    }

    /// The value of an enumerator that was declared before: of the same enum first, then of the module.
    fn named_value(&mut self, id: EnumId, value: &Value, path: &ast::Path) -> Option<i32> {
        let names: Vec<&str> = path.segments.iter().map(|name| name.text.as_str()).collect();
        match self.meaning(id, &names) {
            Some(Meaning::One(value)) => value,
            Some(Meaning::Several) => {
                let message = format!("`{}` means different values in different enums", path.text());
                self.error(Code::EnumValueName, value, message, "write `ENUM::NAME`");
                None
            }
            None => {
                let last = names.last().copied().unwrap_or_default();
                if !self.draft.may_be_lost(path) && !self.draft.lost.may_hold(last) {
                    let message = format!("no enumerator `{}` is declared before this one", path.text());
                    let help = "declare it first, or write its number";
                    self.error(Code::EnumValueName, value, message, help);
                }
                None
            }
        }
    }

    /// What names inside an enum can mean: `NAME`, `ENUM::NAME`, `MODULE::NAME`, `MODULE::ENUM::NAME`.
    fn meaning(&self, id: EnumId, names: &[&str]) -> Option<Meaning> {
        let module = self.draft.enums[id.index()].module;
        let all = |module, name| self.by_name.get(&(module, name)).copied();
        let of = |module, owner: &str, name| match self.draft.type_named(module, owner) {
            Some(Item::Enum(owner)) => self.own(owner, name),
            _ => None,
        };
        match *names {
            [name] => self.own(id, name).or_else(|| all(module, name)),
            [owner, name] => of(module, owner, name).or_else(|| all(self.draft.module_named(owner)?, name)),
            [home, owner, name] => of(self.draft.module_named(home)?, owner, name),
            _ => None,
        }
    }

    /// The value of an enumerator of one enum, if it is known so far.
    fn own(&self, id: EnumId, name: &str) -> Option<Meaning> {
        let index = *self.positions.get(&(id, name))?;
        let value = self.values.enumerators.get(id.index())?.get(index)?;
        Some(Meaning::One(*value))
    }

    fn default(&mut self, module: ModuleId, field: &ast::Field, ty: Option<&Type>) -> Option<Literal> {
        let (value, ty) = (field.default.as_ref()?, ty?);
        if !matches!(field.decl.shape, Shape::Plain)
            || matches!(ty, Type::Vector(_) | Type::Map(..) | Type::Struct(_) | Type::Bytes)
        {
            let help = "numbers, bools, strings and enums may have one; remove it";
            self.error(
                Code::DefaultNotAllowed,
                value,
                format!("field `{}` cannot have a default value", field.decl.name.text),
                help,
            );
            return None;
        }
        self.literal(module, value, ty)
    }

    fn constant(&mut self, module: ModuleId, item: &ast::Const, ty: Option<&Type>) -> Option<Literal> {
        let ty = ty?;
        if !matches!(item.decl.shape, Shape::Plain)
            || matches!(ty, Type::Vector(_) | Type::Map(..) | Type::Struct(_) | Type::Bytes)
        {
            let message = format!("constant `{}` has a type without literals", item.decl.name.text);
            let error = Diagnostic::new(Code::ConstType, item.decl.ty.span, message);
            self.diagnostics
                .push(error.help("a constant is a number, a bool, a string or an enumerator"));
            return None;
        }
        self.literal(module, &item.value, ty)
    }

    /// A value as a literal of the type.
    fn literal(&mut self, module: ModuleId, value: &Value, ty: &Type) -> Option<Literal> {
        match (ty, &value.kind) {
            (_, ValueKind::Bad) => None,
            (Type::Bool, ValueKind::Bool(value)) => Some(Literal::Bool(*value)),
            (Type::String, ValueKind::Str(text)) => Some(Literal::Str(text.clone())),
            (Type::Int(int), ValueKind::Int(number)) => {
                let (least, most) = int.range();
                if !(least..=most).contains(number) {
                    self.error(
                        Code::ValueOutOfRange,
                        value,
                        format!("{number} is out of range"),
                        format!("the type holds {least} to {most}"),
                    );
                    return None;
                }
                Some(Literal::Int(*number))
            }
            (Type::Float | Type::Double, ValueKind::Int(_) | ValueKind::Float(_)) => self.float(value, ty),
            (Type::Enum(id), ValueKind::Int(number)) => {
                let found = self.by_value.get(&(*id, *number)).copied();
                if found.is_none() && self.whole[id.index()] {
                    let name = &self.draft.enums[id.index()].ast.name.text;
                    let message = format!("no enumerator of `{name}` has the value {number}");
                    self.error(Code::UnknownEnumerator, value, message, self.known_enumerators(*id));
                }
                found.map(|index| Literal::Enumerator(*id, index))
            }
            (Type::Enum(id), ValueKind::Name(path)) => self.enumerator(module, *id, value, path),
            _ => {
                let message = format!("{} where {} is needed", kind_of(&value.kind), wanted(ty));
                let error = Diagnostic::new(Code::WrongKind, value.span, message).help(help_for(ty, &value.kind));
                let meant = matches!(ty, Type::Bool).then(|| truth(&value.kind)).flatten();
                self.diagnostics.push(match meant {
                    Some(meant) => error.replace(value.span, meant),
                    None => error,
                });
                None
            }
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a float literal is the nearest float"
    )]
    fn float(&mut self, value: &Value, ty: &Type) -> Option<Literal> {
        let number = match value.kind {
            ValueKind::Int(number) => number as f64,
            ValueKind::Float(number) => number,
            _ => return None,
        };
        if *ty == Type::Float && !(number as f32).is_finite() {
            self.error(
                Code::ValueOutOfRange,
                value,
                format!("{number:e} does not fit a float"),
                "use `double`",
            );
            return None;
        }
        Some(Literal::Float(number))
    }

    /// An enumerator of one certain enum, named with or without its enum and module.
    fn enumerator(&mut self, module: ModuleId, id: EnumId, value: &Value, path: &ast::Path) -> Option<Literal> {
        let item = &self.draft.enums[id.index()];
        let home = &self.draft.modules[item.module.index()].name.text;
        let names: Vec<&str> = path.segments.iter().map(|name| name.text.as_str()).collect();
        let [qualifiers @ .., name] = names.as_slice() else {
            return None;
        };
        let qualified = match qualifiers {
            [] => true,
            [one] => one == home || (*one == item.ast.name.text && item.module == module),
            [first, second] => first == home && *second == item.ast.name.text,
            _ => false,
        };
        let found = self.positions.get(&(id, *name)).copied();
        if let (true, false, Some(index)) = (qualified, path.rooted, found) {
            return Some(Literal::Enumerator(id, index));
        }
        if !(item.ast.vague || item.ast.incomplete && self.draft.lost.may_hold(name)) {
            let message = format!("`{}` is not an enumerator of `{}`", path.text(), item.ast.name.text);
            let known = item.ast.enumerators.iter().map(|known| known.name.text.as_str());
            let meant = match found {
                Some(_) => Some(*name),
                None => self.draft.nearest(name, known),
            };
            let error = Diagnostic::new(Code::UnknownEnumerator, value.span, message);
            self.diagnostics
                .push(error.help(self.known_enumerators(id)).meant(meant));
        }
        None
    }

    fn known_enumerators(&self, id: EnumId) -> String {
        const MOST: usize = 12;
        let known = &self.draft.enums[id.index()].ast.enumerators;
        let names: Vec<&str> = known.iter().take(MOST).map(|e| e.name.text.as_str()).collect();
        match known.len() {
            0 => "the enum is empty".to_owned(),
            1..=MOST => format!("it has {}", names.join(", ")),
            more => format!("it has {} and {} more", names.join(", "), more - MOST),
        }
    }
}

fn kind_of(kind: &ValueKind) -> String {
    match kind {
        ValueKind::Int(_) => "an integer".to_owned(),
        ValueKind::Float(_) => "a fraction".to_owned(),
        ValueKind::Str(_) => "a string".to_owned(),
        ValueKind::Bool(_) => "a bool".to_owned(),
        ValueKind::Name(path) => format!("the name `{}`", path.text()),
        ValueKind::Bad => "nothing".to_owned(),
    }
}

/// The truth value as the language writes it, of one that is written as elsewhere.
fn truth(kind: &ValueKind) -> Option<&'static str> {
    match kind {
        ValueKind::Int(0) => Some("false"),
        ValueKind::Int(1) => Some("true"),
        ValueKind::Name(path) => match path.text().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some("true"),
            "false" | "no" | "off" => Some("false"),
            word => suggest::nearest(word, ["true", "false"]),
        },
        ValueKind::Str(text) if text == "true" => Some("true"),
        ValueKind::Str(text) if text == "false" => Some("false"),
        _ => None,
    }
}

fn wanted(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "a bool",
        Type::Int(_) => "an integer",
        Type::Float | Type::Double => "a number",
        Type::String => "a string",
        Type::Enum(_) => "an enumerator",
        Type::Bytes | Type::Vector(_) | Type::Map(..) | Type::Struct(_) => "nothing",
    }
}

fn help_for(ty: &Type, found: &ValueKind) -> &'static str {
    match (ty, found) {
        (Type::Bool, _) => "write `true` or `false`",
        (Type::String, _) => "write a text in double quotes",
        (Type::Enum(_), _) => "write the name of an enumerator or its number",
        (_, ValueKind::Name(_)) => "write the number: constants and enumerators have no value here",
        (Type::Int(_), ValueKind::Float(_)) => "write a whole number, or make the type `double`",
        _ => "write a number",
    }
}
