//! The interface for build scripts and for the command line tool.

mod error;
mod generated;

use std::path::{Path, PathBuf};

use crate::compile::{Outcome, check, compile};
use crate::diag::{Level, Levels, short};
use crate::include::Search;
use crate::output::tell_cargo;
use crate::settings::{Choice, Choices, Setting};
use crate::source::FsLoader;

pub use error::Error;
pub use generated::Generated;
pub(crate) use generated::write_all;

/// How to compile: where to write, and what to do differently at which path.
///
/// Paths are explained in the [crate documentation](crate#paths).
#[derive(Clone, Debug)]
pub struct Config {
    out_dir: Option<PathBuf>,
    include_dirs: Vec<PathBuf>,
    choices: Choices,
}

impl Default for Config {
    fn default() -> Self {
        Self::with(Levels::of_builds())
    }
}

impl Config {
    /// The defaults: write to cargo's `OUT_DIR`, everything as the crate documentation says.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The defaults with other levels.
    pub(crate) fn with(levels: Levels) -> Self {
        Self {
            out_dir: None,
            include_dirs: Vec::new(),
            choices: Choices {
                levels,
                ..Choices::default()
            },
        }
    }

    /// Writes to this directory instead of `OUT_DIR`.
    pub fn out_dir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.out_dir = Some(path.into());
        self
    }

    /// Adds a directory in which included files are looked for, after that of the including file and the working
    /// directory.
    pub fn include_dir(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.include_dirs.push(path.into());
        self
    }

    /// Adds directories as [`include_dir`](Self::include_dir) does.
    pub fn include_dirs(&mut self, paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> &mut Self {
        self.include_dirs.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Writes one more file, which includes those of all modules: one line brings everything into a crate.
    ///
    /// ```text
    /// // build.rs: tars2rs::Config::new().include_file("mod.rs")..
    /// pub mod idl {
    ///     ::tars::include_tars!("mod"); // pub mod base { .. }  pub mod demo { .. }
    /// }
    /// ```
    ///
    /// It names the others relative to itself. So it works in `OUT_DIR`, and just as well in a directory of the crate's
    /// sources, where it is the file of an ordinary module.
    pub fn include_file(&mut self, name: impl Into<String>) -> &mut Self {
        self.choices.include_file = Some(name.into());
        self
    }

    /// Whether interfaces get a client; they do by default. Without client and server nothing is generated for interfaces:
    /// only structs, enums and constants.
    pub fn build_client(&mut self, wanted: bool) -> &mut Self {
        self.choices.client = wanted;
        self
    }

    /// Whether interfaces get a trait and a server for its implementations; they do by default.
    pub fn build_server(&mut self, wanted: bool) -> &mut Self {
        self.choices.server = wanted;
        self
    }

    /// Adds an attribute such as `#[derive(Hash)]` to structs and enums; to the output struct of an operation when the path
    /// is that of the operation.
    pub fn type_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::TypeAttribute, path, attribute)
    }

    /// Adds an attribute to structs, also output structs of operations, and not to enums.
    pub fn struct_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::StructAttribute, path, attribute)
    }

    /// Adds an attribute to enums only.
    pub fn enum_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::EnumAttribute, path, attribute)
    }

    /// Adds an attribute to fields of structs, parameters and return values.
    pub fn field_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::FieldAttribute, path, attribute)
    }

    /// Adds an attribute to constants: those of modules, and enumerators.
    pub fn const_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::ConstAttribute, path, attribute)
    }

    /// Adds an attribute to the traits of interfaces, for what makes mocks of traits.
    pub fn trait_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::TraitAttribute, path, attribute)
    }

    /// Adds an attribute to the clients of interfaces.
    pub fn client_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::ClientAttribute, path, attribute)
    }

    /// Adds an attribute to the servers of interfaces.
    pub fn server_attribute(&mut self, path: impl Into<String>, attribute: impl Into<String>) -> &mut Self {
        self.choose(Setting::ServerAttribute, path, attribute)
    }

    /// Does not generate an IDL module, since the Rust module `rust_path` holds it: `.extern_module("tars",
    /// "::tars::protocol")`. The path must be that of a crate, or begin with `crate::`.
    pub fn extern_module(&mut self, idl_module: impl Into<String>, rust_path: impl Into<String>) -> &mut Self {
        self.choose(Setting::ExternModule, idl_module, rust_path)
    }

    /// Does not generate a struct or enum, since `rust_path` is the same: `.extern_type("tars.EndpointF",
    /// "::tars::protocol::EndpointF")`, where a module of many files is generated but for this type.
    pub fn extern_type(&mut self, path: impl Into<String>, rust_path: impl Into<String>) -> &mut Self {
        self.choose(Setting::ExternType, path, rust_path)
    }

    /// Makes `string`s `tars::ByteString`, which need not be UTF-8.
    pub fn bytes(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choose_all(Setting::Bytes, paths)
    }

    /// Makes `map`s `HashMap`s. Maps whose key is a struct or a map stay as they are, and so do those in structs with a
    /// `key[..]`.
    pub fn hash_map(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choose_all(Setting::HashMap, paths)
    }

    /// Keeps `map`s `BTreeMap`s where [`hash_map`](Self::hash_map) is said of more: the narrower path counts.
    pub fn btree_map(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choose_all(Setting::BtreeMap, paths)
    }

    /// Makes `optional` fields without a default value `Option`s: `None` is left out, `Some` always written. Peers cannot
    /// be relied on to do the same, since absent and default mean the same in Tars.
    pub fn presence(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choose_all(Setting::Presence, paths)
    }

    /// Derives no `Debug` for structs, so that one can be written that keeps a secret. Where such a struct is used, it is
    /// needed.
    pub fn skip_debug(&mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        self.choose_all(Setting::SkipDebug, paths)
    }

    /// Chooses the Rust name of what stands at exactly this path. Where a struct and an interface share a name, both get it.
    pub fn rename(&mut self, path: impl Into<String>, name: impl Into<String>) -> &mut Self {
        self.choose(Setting::Rename, path, name)
    }

    fn choose(&mut self, setting: Setting, path: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.choices.entries.push(Choice {
            setting,
            path: path.into(),
            value: value.into(),
        });
        self
    }

    fn choose_all(&mut self, setting: Setting, paths: impl IntoIterator<Item = impl Into<String>>) -> &mut Self {
        for path in paths {
            self.choose(setting, path, "");
        }
        self
    }

    /// Makes errors of warnings: of a code such as `T0901`, of `portability` (what compilers for other languages do not
    /// take), of all `warnings`, or of `all` that could be one. The narrower choice wins: a code over `portability`, and
    /// that over the rest.
    pub fn deny(&mut self, what: impl AsRef<str>) -> &mut Self {
        self.level(what.as_ref(), Level::Deny)
    }

    /// Warns of a code, of `portability` or of `all`. Build scripts are not warned of what concerns other languages
    /// unless they ask for it here.
    pub fn warn(&mut self, what: impl AsRef<str>) -> &mut Self {
        self.level(what.as_ref(), Level::Warn)
    }

    /// Says nothing of a code, of `portability`, of all `warnings`.
    pub fn allow(&mut self, what: impl AsRef<str>) -> &mut Self {
        self.level(what.as_ref(), Level::Allow)
    }

    fn level(&mut self, what: &str, level: Level) -> &mut Self {
        let set = |selection| self.choices.levels.set(selection, level);
        if let Err(reason) = what.parse().and_then(set) {
            self.choices.wrong_levels.push(reason);
        }
        self
    }

    /// Compiles `files`, with `include_dirs` added to those set before, and writes one file an IDL module; for build
    /// scripts. Tells cargo about every file read and about warnings.
    ///
    /// Fails when the files have mistakes, when a setting does not fit, or when the results cannot be written. Files whose
    /// content has not changed are not touched.
    pub fn compile(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Result<(), Error> {
        let out_dir = match &self.out_dir {
            Some(dir) => dir.clone(),
            None => std::env::var_os("OUT_DIR")
                .map(PathBuf::from)
                .ok_or_else(Error::no_out_dir)?,
        };
        let outcome = self.run(files, include_dirs);
        let inputs: Vec<PathBuf> = outcome.sources.files().iter().map(|file| file.path.clone()).collect();
        let warnings = outcome.diagnostics.iter().filter(|diagnostic| !diagnostic.is_error());
        let warnings: Vec<String> = warnings
            .map(|warning| short::for_cargo(warning, &outcome.sources))
            .collect();
        tell_cargo(&inputs, &warnings);
        Generated::of(outcome)?.write_to(&out_dir)
    }

    /// Compiles as [`compile`](Self::compile) does, but writes and prints nothing.
    pub fn generate(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Result<Generated, Error> {
        Generated::of(self.run(files, include_dirs))
    }

    /// Compiles, and shows nothing yet.
    pub(crate) fn run(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Outcome {
        self.stages(files, include_dirs, compile)
    }

    /// Looks for mistakes only.
    pub(crate) fn check(&self, files: &[impl AsRef<Path>], include_dirs: &[impl AsRef<Path>]) -> Outcome {
        self.stages(files, include_dirs, check)
    }

    fn stages(
        &self,
        files: &[impl AsRef<Path>],
        include_dirs: &[impl AsRef<Path>],
        run: fn(&[PathBuf], Search<'_>, &Choices) -> Outcome,
    ) -> Outcome {
        let files: Vec<PathBuf> = files.iter().map(|file| file.as_ref().to_path_buf()).collect();
        let given = include_dirs.iter().map(|dir| dir.as_ref().to_path_buf());
        let dirs: Vec<PathBuf> = self.include_dirs.iter().cloned().chain(given).collect();
        let search = Search {
            loader: &FsLoader,
            dirs: &dirs,
        };
        run(&files, search, &self.choices)
    }
}
