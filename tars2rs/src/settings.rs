//! What a build script chose, held against what the files declare.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Diagnostics, Halted, Levels};
use crate::model::{Item, Model};
use crate::naming::{Renames, is_usable};

/// The choices as they were made: paths are dotted IDL names, `.` means everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choices {
    pub(crate) type_attributes: Vec<(String, String)>,
    pub(crate) field_attributes: Vec<(String, String)>,
    pub(crate) extern_modules: Vec<(String, String)>,
    pub(crate) bytes: Vec<String>,
    pub(crate) hash_map: Vec<String>,
    pub(crate) presence: Vec<String>,
    pub(crate) renames: Vec<(String, String)>,
    /// How seriously findings are taken that are no mistakes.
    pub(crate) levels: Levels,
    /// Levels that were set wrongly, with the reason.
    pub(crate) wrong_levels: Vec<String>,
}

impl Choices {
    fn has_paths(&self) -> bool {
        let values = [&self.type_attributes, &self.field_attributes, &self.renames];
        let paths = [&self.bytes, &self.hash_map, &self.presence];
        values.iter().any(|list| !list.is_empty()) || paths.iter().any(|list| !list.is_empty())
    }
}

/// One kind of choice: at which paths it was made, what it says there, and whether it has done something.
#[derive(Debug)]
pub(crate) struct Selector {
    setting: &'static str,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    path: String,
    value: String,
    used: Cell<bool>,
}

impl Selector {
    fn new<'a>(setting: &'static str, entries: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        let entry = |(path, value): (&String, &String)| Entry {
            path: path.clone(),
            value: value.clone(),
            used: Cell::new(false),
        };
        Self {
            setting,
            entries: entries.into_iter().map(entry).collect(),
        }
    }

    fn of_paths(setting: &'static str, paths: &[String]) -> Self {
        Self::new(setting, paths.iter().map(|path| (path, path)))
    }

    /// What was chosen for `path` or for something that holds it. Counts as an effect.
    pub(crate) fn values(&self, path: &str) -> Vec<&str> {
        let matching = self.entries.iter().filter(|entry| covers(&entry.path, path));
        matching
            .inspect(|entry| entry.used.set(true))
            .map(|entry| entry.value.as_str())
            .collect()
    }

    /// All that was chosen, wherever.
    pub(crate) fn all_values(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.value.as_str())
    }

    /// Whether `path` was chosen. To be asked only where the choice makes a difference.
    pub(crate) fn has(&self, path: &str) -> bool {
        !self.values(path).is_empty()
    }

    /// Reports paths that name nothing.
    fn check_known(&self, known: &BTreeSet<String>, diagnostics: &mut Diagnostics) {
        for entry in &self.entries {
            if entry.path != "." && !known.contains(&entry.path) {
                entry.used.set(true);
                let message = format!("`{}` of `{}` names nothing in the files", entry.path, self.setting);
                let error = Diagnostic::general(Code::UnknownPath, message);
                diagnostics.push(
                    error.help("a path is `Module.Type.field`, `Module.Interface.operation.param` or a part of it"),
                );
            }
        }
    }

    /// Reports paths at which the choice changed nothing.
    fn check_used(&self, diagnostics: &mut Diagnostics) {
        for entry in &self.entries {
            if !entry.used.get() {
                let message = format!("`{}` changes nothing at `{}`", self.setting, entry.path);
                diagnostics.push(
                    Diagnostic::general(Code::SettingWithoutEffect, message).help("remove it or correct its path"),
                );
            }
        }
    }
}

/// Whether a chosen path means `path` or something that holds it.
fn covers(chosen: &str, path: &str) -> bool {
    chosen == "."
        || path
            .strip_prefix(chosen)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Choices that fit the files.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) type_attributes: Selector,
    pub(crate) field_attributes: Selector,
    pub(crate) bytes: Selector,
    pub(crate) hash_map: Selector,
    pub(crate) presence: Selector,
    pub(crate) renames: Renames,
    /// IDL module and the Rust path of the module that holds it.
    pub(crate) extern_modules: Vec<(String, String)>,
}

impl Settings {
    /// The Rust path of a module that is compiled elsewhere.
    pub(crate) fn extern_path(&self, module: &str) -> Option<&str> {
        self.extern_modules
            .iter()
            .find(|(name, _)| name == module)
            .map(|(_, path)| path.as_str())
    }

    /// Reports choices without effect, once everything is generated.
    pub(crate) fn check_used(&self, diagnostics: &mut Diagnostics) {
        for selector in [
            &self.type_attributes,
            &self.field_attributes,
            &self.bytes,
            &self.hash_map,
            &self.presence,
        ] {
            selector.check_used(diagnostics);
        }
    }
}

/// Holds the choices against the model.
pub(crate) fn bind(choices: &Choices, model: &Model, diagnostics: &mut Diagnostics) -> Result<Settings, Halted> {
    let pairs = |list: &'_ [(String, String)]| list.to_vec();
    let settings = Settings {
        type_attributes: Selector::new(
            "type_attribute",
            choices.type_attributes.iter().map(|(path, value)| (path, value)),
        ),
        field_attributes: Selector::new(
            "field_attribute",
            choices.field_attributes.iter().map(|(path, value)| (path, value)),
        ),
        bytes: Selector::of_paths("bytes", &choices.bytes),
        hash_map: Selector::of_paths("hash_map", &choices.hash_map),
        presence: Selector::of_paths("presence", &choices.presence),
        renames: choices.renames.iter().cloned().collect(),
        extern_modules: pairs(&choices.extern_modules),
    };
    for reason in &choices.wrong_levels {
        diagnostics.push(Diagnostic::general(Code::BadSetting, reason));
    }
    // Most files are compiled without a choice.
    let known = if choices.has_paths() {
        known_paths(model)
    } else {
        BTreeSet::new()
    };
    let modules: BTreeSet<String> = model.modules().map(|(_, module)| module.name.to_string()).collect();
    for selector in [
        &settings.type_attributes,
        &settings.field_attributes,
        &settings.bytes,
        &settings.hash_map,
        &settings.presence,
        &Selector::new("rename", choices.renames.iter().map(|(path, value)| (path, value))),
    ] {
        selector.check_known(&known, diagnostics);
    }
    let externs = choices.extern_modules.iter().map(|(path, value)| (path, value));
    Selector::new("extern_module", externs).check_known(&modules, diagnostics);
    for (path, name) in &choices.renames {
        if !is_usable(name) {
            let message = format!("`{name}`, chosen for `{path}`, cannot be a name in Rust");
            diagnostics.push(Diagnostic::general(Code::BadSetting, message));
        }
    }
    diagnostics.gate()?;
    Ok(settings)
}

/// Every path that means something in the model.
fn known_paths(model: &Model) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (_, module) in model.modules() {
        known.insert(module.name.to_string());
        for item in &module.items {
            let (name, members): (&str, Vec<&str>) = match item {
                Item::Struct(id) => {
                    let item = model.structure(*id);
                    (
                        &item.name,
                        item.fields.iter().map(|field| field.name.as_str()).collect(),
                    )
                }
                Item::Enum(id) => {
                    let item = model.enumeration(*id);
                    (
                        &item.name,
                        item.enumerators.iter().map(|value| value.name.as_str()).collect(),
                    )
                }
                Item::Const(id) => (&model.constant(*id).name, Vec::new()),
                Item::Interface(id) => {
                    let item = model.interface(*id);
                    for operation in &item.operations {
                        let owner = format!("{}.{}.{}", module.name, item.name, operation.name);
                        known.extend(operation.params.iter().map(|param| format!("{owner}.{}", param.name)));
                        known.extend(operation.ret.iter().map(|_| format!("{owner}.{RETURN}")));
                    }
                    (
                        &item.name,
                        item.operations
                            .iter()
                            .map(|operation| operation.name.as_str())
                            .collect(),
                    )
                }
            };
            let owner = format!("{}.{name}", module.name);
            known.extend(members.iter().map(|member| format!("{owner}.{member}")));
            known.insert(owner);
        }
    }
    known
}

/// The last part of the path of a return value, and its name where values travel by name.
pub(crate) const RETURN: &str = "tars_ret";

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_path_covers_what_it_holds() {
        assert!(covers(".", "tars.A.b"));
        assert!(covers("tars", "tars.A.b"));
        assert!(covers("tars.A.b", "tars.A.b"));
        assert!(!covers("tars.A", "tars.AB"));
        assert!(!covers("tars.A.b", "tars.A"));
    }
}
