//! The whole compiler as one function.

use std::path::PathBuf;

use crate::diag::{Code, Diagnostic, Diagnostics, Halted};
use crate::emit::{self, Emitter, ModuleTokens};
use crate::include::{self, Search};
use crate::model::Model;
use crate::naming::{self, Names};
use crate::print::print;
use crate::settings::{self, Choices};
use crate::source::SourceMap;
use crate::{check, resolve};

/// A file to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Printed {
    /// File name, such as `tars.rs`.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// What a run found out.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The generated files, unless there was an error.
    pub(crate) files: Result<Vec<Printed>, Halted>,
    pub(crate) sources: SourceMap,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Compiles the files named by `roots`, and those they include.
pub(crate) fn compile(roots: &[PathBuf], search: Search<'_>, choices: &Choices) -> Outcome {
    let mut sources = SourceMap::default();
    let mut diagnostics = Diagnostics::default();
    let files = stages(roots, search, choices, (&mut sources, &mut diagnostics));
    Outcome {
        files,
        sources,
        diagnostics: diagnostics.finish(),
    }
}

/// Loading, parsing and resolving go on after an error and leave out what they could not read, so that one run reports
/// all mistakes. From the model on nothing is in doubt, and each stage ends at a gate.
fn stages(
    roots: &[PathBuf],
    search: Search<'_>,
    choices: &Choices,
    (sources, diagnostics): (&mut SourceMap, &mut Diagnostics),
) -> Result<Vec<Printed>, Halted> {
    let model = model(roots, search, (sources, diagnostics))?;
    let settings = settings::bind(choices, &model, diagnostics)?;
    let names = naming::run(&model, &settings.renames, diagnostics);
    let modules = emit::run(
        Emitter {
            model: &model,
            names: &names,
            settings: &settings,
        },
        diagnostics,
    );
    diagnostics.gate()?;
    let files = print_all(modules, (&model, &names), sources, diagnostics);
    diagnostics.gate()?;
    Ok(files)
}

/// The front half: the checked model of the files and those they include.
pub(crate) fn model(
    roots: &[PathBuf],
    search: Search<'_>,
    (sources, diagnostics): (&mut SourceMap, &mut Diagnostics),
) -> Result<Model, Halted> {
    let program = include::load(roots, search, sources, diagnostics);
    let draft = resolve::run(&program, diagnostics);
    check::run(&draft, diagnostics)
}

fn print_all(
    modules: Vec<ModuleTokens>,
    (model, names): (&Model, &Names),
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) -> Vec<Printed> {
    let mut files = Vec::new();
    for ModuleTokens { module, tokens } in modules {
        let from: Vec<&str> = model
            .module(module)
            .files
            .iter()
            .map(|id| sources.file(*id).name.as_str())
            .collect();
        let name = &names.modules[module.index()].name;
        match print(tokens, &from) {
            Ok(text) => files.push(Printed {
                name: format!("{}.rs", name.trim_start_matches("r#")),
                text,
            }),
            Err(reason) => {
                let message = format!(
                    "the Rust of module `{}` does not parse: {reason}",
                    model.module(module).name
                );
                let error = Diagnostic::general(Code::BadSetting, message);
                diagnostics.push(error.help("see to the attributes and paths that the build script sets"));
            }
        }
    }
    files
}
