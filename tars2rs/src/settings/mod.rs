//! What a build script chose, held against what the files declare.

mod paths;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Code, Diagnostic, Diagnostics, Halted, Levels};
use crate::model::Model;
use crate::naming::{Renames, is_usable};

/// The last part of the path of a return value, and its name where values travel by name.
pub(crate) const RETURN: &str = "tars_ret";

/// What can be chosen at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    TypeAttribute,
    StructAttribute,
    EnumAttribute,
    FieldAttribute,
    ConstAttribute,
    TraitAttribute,
    ClientAttribute,
    ServerAttribute,
    ExternModule,
    ExternType,
    Bytes,
    HashMap,
    BtreeMap,
    Presence,
    SkipDebug,
    Rename,
}

impl Setting {
    /// The method of `Config`.
    fn name(self) -> &'static str {
        match self {
            Setting::TypeAttribute => "type_attribute",
            Setting::StructAttribute => "struct_attribute",
            Setting::EnumAttribute => "enum_attribute",
            Setting::FieldAttribute => "field_attribute",
            Setting::ConstAttribute => "const_attribute",
            Setting::TraitAttribute => "trait_attribute",
            Setting::ClientAttribute => "client_attribute",
            Setting::ServerAttribute => "server_attribute",
            Setting::ExternModule => "extern_module",
            Setting::ExternType => "extern_type",
            Setting::Bytes => "bytes",
            Setting::HashMap => "hash_map",
            Setting::BtreeMap => "btree_map",
            Setting::Presence => "presence",
            Setting::SkipDebug => "skip_debug",
            Setting::Rename => "rename",
        }
    }

    /// What its path must name.
    fn kind(self) -> paths::Kind {
        match self {
            Setting::ExternModule => paths::Kind::Module,
            Setting::ExternType => paths::Kind::Type,
            _ => paths::Kind::Any,
        }
    }

    /// Whether it means one thing, and not what a path holds.
    fn is_exact(self) -> bool {
        matches!(self, Setting::ExternModule | Setting::ExternType | Setting::Rename)
    }

    /// Whether its text goes into the generated code as it is.
    fn is_attribute(self) -> bool {
        matches!(
            self,
            Setting::TypeAttribute
                | Setting::StructAttribute
                | Setting::EnumAttribute
                | Setting::FieldAttribute
                | Setting::ConstAttribute
                | Setting::TraitAttribute
                | Setting::ClientAttribute
                | Setting::ServerAttribute
        )
    }
}

/// A setting as it was made.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) setting: Setting,
    /// A dotted path of IDL names; `.` means everything.
    pub(crate) path: String,
    /// What is wanted there; empty where the path says it all.
    pub(crate) value: String,
}

/// The choices as they were made.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) entries: Vec<Choice>,
    /// Whether interfaces get a client.
    pub(crate) client: bool,
    /// Whether interfaces get a trait and a server.
    pub(crate) server: bool,
    /// The file that includes the others.
    pub(crate) include_file: Option<String>,
    /// How seriously findings are taken that are no mistakes.
    pub(crate) levels: Levels,
    /// Levels that were set wrongly, with the reason.
    pub(crate) wrong_levels: Vec<String>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            client: true,
            server: true,
            include_file: None,
            levels: Levels::default(),
            wrong_levels: Vec::new(),
        }
    }
}

/// A choice, and whether it has done something.
#[derive(Debug)]
struct Entry {
    choice: Choice,
    used: Cell<bool>,
}

/// Choices that fit the files.
#[derive(Debug)]
pub(crate) struct Settings {
    entries: Vec<Entry>,
    pub(crate) renames: Renames,
    pub(crate) client: bool,
    pub(crate) server: bool,
}

impl Settings {
    /// What was chosen for `path`, or for something that holds it, by one of the settings, in the order of the choices.
    /// Counts as an effect.
    pub(crate) fn values(&self, settings: &[Setting], path: &str) -> Vec<&str> {
        self.matching(settings, path)
            .inspect(|entry| entry.used.set(true))
            .map(|entry| entry.choice.value.as_str())
            .collect()
    }

    /// Whether `path` was chosen. To be asked only where the choice makes a difference.
    pub(crate) fn has(&self, setting: Setting, path: &str) -> bool {
        !self.values(&[setting], path).is_empty()
    }

    /// Whether a map is to be a `HashMap`: the narrower of the choices for `path` counts.
    pub(crate) fn is_hash_map(&self, path: &str) -> bool {
        let narrowest = |setting| {
            self.matching(&[setting], path)
                .map(|entry| width(&entry.choice.path))
                .max()
        };
        let (hash, ordered) = (narrowest(Setting::HashMap), narrowest(Setting::BtreeMap));
        if hash.is_none() {
            return false;
        }
        let winner = if hash > ordered {
            Setting::HashMap
        } else {
            Setting::BtreeMap
        };
        self.has(winner, path);
        winner == Setting::HashMap
    }

    /// The Rust path of a module that is compiled elsewhere.
    pub(crate) fn extern_module(&self, module: &str) -> Option<&str> {
        self.matching(&[Setting::ExternModule], module)
            .map(|entry| entry.choice.value.as_str())
            .next()
    }

    /// The Rust path of a type that is compiled elsewhere, by `Module.Type`.
    pub(crate) fn extern_type(&self, path: &str) -> Option<&str> {
        self.matching(&[Setting::ExternType], path)
            .map(|entry| entry.choice.value.as_str())
            .next()
    }

    /// Whether any type of a module that is compiled here comes from elsewhere.
    pub(crate) fn has_extern_types(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.choice.setting == Setting::ExternType)
    }

    /// All texts of attributes.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &str> {
        let attributes = self.entries.iter().filter(|entry| entry.choice.setting.is_attribute());
        attributes.map(|entry| entry.choice.value.as_str())
    }

    /// Reports choices without effect, once everything is generated.
    pub(crate) fn check_used(&self, diagnostics: &mut Diagnostics) {
        for Entry { choice, .. } in self.entries.iter().filter(|entry| !entry.used.get()) {
            let message = format!("`{}` changes nothing at `{}`", choice.setting.name(), choice.path);
            let error = Diagnostic::general(Code::SettingWithoutEffect, message);
            diagnostics.push(error.help("remove it or correct its path"));
        }
    }

    fn matching(&self, settings: &[Setting], path: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |Entry { choice, .. }| {
            settings.contains(&choice.setting)
                && (choice.path == path || (!choice.setting.is_exact() && covers(&choice.path, path)))
        })
    }
}

/// Whether a chosen path means `path` or something that holds it.
fn covers(chosen: &str, path: &str) -> bool {
    chosen == "."
        || path
            .strip_prefix(chosen)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Grows as paths for the same thing get narrower.
fn width(path: &str) -> usize {
    if path == "." { 0 } else { path.len() }
}

/// Holds the choices against the model.
pub(crate) fn bind(choices: &Choices, model: &Model, diagnostics: &mut Diagnostics) -> Result<Settings, Halted> {
    for reason in &choices.wrong_levels {
        diagnostics.push(Diagnostic::general(Code::BadSetting, reason));
    }
    // Most files are compiled without a choice.
    if !choices.entries.is_empty() {
        let known = paths::Known::of(model);
        check_paths(&choices.entries, &known, diagnostics);
        check_exact(&choices.entries, &known, diagnostics);
    }
    check_texts(choices, diagnostics);
    diagnostics.gate()?;
    let entry = |choice: &Choice| Entry {
        choice: choice.clone(),
        // These stand for what is not generated: they cannot be seen to do something.
        used: Cell::new(choice.setting.is_exact()),
    };
    let renames = choices
        .entries
        .iter()
        .filter(|choice| choice.setting == Setting::Rename);
    Ok(Settings {
        entries: choices.entries.iter().map(entry).collect(),
        renames: renames
            .map(|choice| (choice.path.clone(), choice.value.clone()))
            .collect(),
        client: choices.client,
        server: choices.server,
    })
}

/// Reports paths that name nothing.
fn check_paths(entries: &[Choice], known: &paths::Known, diagnostics: &mut Diagnostics) {
    let mut told = BTreeSet::new();
    for Choice { setting, path, .. } in entries {
        let everything = path == "." && !setting.is_exact();
        if everything || known.holds(setting.kind(), path) || !told.insert((setting.name(), path)) {
            continue;
        }
        let message = format!("`{path}` of `{}` names {}", setting.name(), setting.kind().nothing());
        let error = Diagnostic::general(Code::UnknownPath, message);
        diagnostics.push(error.help(known.hint(setting.kind(), path)));
    }
}

/// Reports what cannot be seen to do nothing later: two different choices for one thing, and another name for what has none
/// here.
fn check_exact(entries: &[Choice], known: &paths::Known, diagnostics: &mut Diagnostics) {
    let mut first: BTreeMap<(&str, &str), &str> = BTreeMap::new();
    for Choice { setting, path, value } in entries.iter().filter(|choice| choice.setting.is_exact()) {
        let (name, value) = (setting.name(), value.as_str());
        let before = *first.entry((name, path)).or_insert(value);
        if before != value {
            let message = format!("`{name}` chooses both `{before}` and `{value}` for `{path}`");
            diagnostics.push(Diagnostic::general(Code::BadSetting, message).help("keep one of them"));
        }
        if *setting != Setting::Rename {
            continue;
        }
        if let Some(why) = nameless(path, entries) {
            let message = format!("`{name}` changes nothing at `{path}`");
            diagnostics.push(Diagnostic::general(Code::SettingWithoutEffect, message).help(why));
        }
        if PRIMITIVES.contains(&value.trim_start_matches("r#")) && known.holds(paths::Kind::Type, path) {
            let message = format!("`{value}`, chosen for `{path}`, is a type of Rust already");
            let help = "generated code means that one; choose another name";
            diagnostics.push(Diagnostic::general(Code::BadSetting, message).help(help));
        }
    }
}

/// The types of the language: a name that hides one changes what the code around it means.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16", "u32", "u64", "u128",
    "usize",
];

/// Why what stands at the path has no name that could be changed, if so.
fn nameless(path: &str, entries: &[Choice]) -> Option<&'static str> {
    let returned = path.rsplit_once('.').is_some_and(|(_, last)| last == RETURN);
    if returned && path.matches('.').count() == 3 {
        return Some("a return value has no name; among several values that come back it is `ret`");
    }
    let elsewhere = [Setting::ExternModule, Setting::ExternType];
    let chosen = entries
        .iter()
        .any(|other| elsewhere.contains(&other.setting) && other.path == path);
    chosen.then_some("it is compiled elsewhere: its whole path is chosen already")
}

/// Reports texts that cannot be what they are to be.
fn check_texts(choices: &Choices, diagnostics: &mut Diagnostics) {
    let mut bad = |message: String, help: &str| {
        let error = Diagnostic::general(Code::BadSetting, message);
        diagnostics.push(if help.is_empty() { error } else { error.help(help) });
    };
    for Choice { setting, path, value } in &choices.entries {
        match setting {
            Setting::Rename if !is_usable(value) => {
                bad(format!("`{value}`, chosen for `{path}`, cannot be a name in Rust"), "");
            }
            Setting::ExternModule | Setting::ExternType if !is_rust_path(value) => bad(
                format!("`{value}`, chosen for `{path}`, is no path that is the same everywhere"),
                "begin with `::` and the name of a crate, or with `crate::`",
            ),
            _ => {}
        }
    }
    if let Some(name) = choices.include_file.as_ref().filter(|name| !is_file_name(name)) {
        bad(
            format!("`{name}`, chosen for the include file, is no file name"),
            "it stands beside the files that it includes: give a name such as `mod.rs`",
        );
    }
}

/// Whether the text is a path such as `::shared::tars` or `crate::idl`, which means the same in every module.
fn is_rust_path(text: &str) -> bool {
    let mut segments = text.strip_prefix("::").unwrap_or(text).split("::");
    let first = segments.next().unwrap_or_default();
    let root = is_usable(first) || (first == "crate" && !text.starts_with("::"));
    root && segments.all(is_usable)
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '"', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_covers_what_it_holds() {
        assert!(covers(".", "tars.A.b"));
        assert!(covers("tars", "tars.A.b"));
        assert!(covers("tars.A.b", "tars.A.b"));
        assert!(!covers("tars.A", "tars.AB"));
        assert!(!covers("tars.A.b", "tars.A"));
    }

    #[test]
    fn paths_of_other_crates_mean_the_same_everywhere() {
        for path in ["::tars::protocol", "crate::idl", "shared::a::B", "::r#type"] {
            assert!(is_rust_path(path), "{path}");
        }
        for path in [
            "",
            "::",
            "super::a",
            "self::a",
            "::crate::a",
            "a::",
            "a b",
            "a<T>",
            "a::crate",
        ] {
            assert!(!is_rust_path(path), "{path}");
        }
    }

    #[test]
    fn include_files_stand_beside_the_others() {
        assert!(is_file_name("mod.rs"));
        for name in ["", "..", "a/mod.rs", "a\\mod.rs"] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
