//! The whole compiler as one function.

use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, Diagnostics, Halted};
use crate::emit::{self, Emitter};
use crate::include::{self, Program, Search};
use crate::model::{Model, ModuleId};
use crate::naming::{self, Names};
use crate::print::Page;
use crate::resolve::Draft;
use crate::settings::{self, Choices, Settings};
use crate::source::SourceMap;
use crate::{check, join, lints, resolve};

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

/// Files that have mistakes, or cannot be read, with what there is to say about it.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    pub(crate) sources: SourceMap,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Refused {
    /// What was asked for cannot be read.
    pub(crate) fn unreadable(name: &str, reason: &str) -> Self {
        let error = Diagnostic::general(Code::Unreadable, format!("cannot read `{name}`"));
        Self {
            sources: SourceMap::default(),
            diagnostics: vec![error.help(reason)],
        }
    }
}

/// Files without mistakes, ready for the generator.
#[derive(Debug)]
struct Analysed {
    model: Model,
    settings: Settings,
    names: Names,
}

/// Compiles the files named by `roots`, and those they include.
pub(crate) fn compile(roots: &[PathBuf], search: Search<'_>, choices: &Choices) -> Outcome {
    outcome(choices, |sources, diagnostics| {
        let analysed = analyse(roots, search, choices, (sources, diagnostics))?;
        let mut files = generate(&analysed, sources, diagnostics)?;
        if let Some(name) = &choices.include_file {
            let joined = join::run(name, &files, diagnostics)?;
            files.push(joined);
        }
        Ok(files)
    })
}

/// Looks for mistakes as [`compile`] does, and generates nothing.
pub(crate) fn check(roots: &[PathBuf], search: Search<'_>, choices: &Choices) -> Outcome {
    outcome(choices, |sources, diagnostics| {
        analyse(roots, search, choices, (sources, diagnostics))?;
        diagnostics.last_gate()?;
        Ok(Vec::new())
    })
}

fn outcome(
    choices: &Choices,
    run: impl FnOnce(&mut SourceMap, &mut Diagnostics) -> Result<Vec<Printed>, Halted>,
) -> Outcome {
    let mut sources = SourceMap::default();
    let mut diagnostics = Diagnostics::new(choices.levels.clone());
    let files = run(&mut sources, &mut diagnostics);
    Outcome {
        files,
        sources,
        diagnostics: diagnostics.finish(),
    }
}

/// Loading, parsing and resolving go on after an error and leave out what they could not read, so that one run reports
/// all mistakes. From the model on nothing is in doubt, and each stage ends at a gate.
fn analyse(
    roots: &[PathBuf],
    search: Search<'_>,
    choices: &Choices,
    (sources, diagnostics): (&mut SourceMap, &mut Diagnostics),
) -> Result<Analysed, Halted> {
    let program = include::load(roots, search, sources, diagnostics);
    let draft = resolve::run(&program, diagnostics);
    judge((&program, &draft), choices, (sources, diagnostics))
}

/// Everything that can be wrong once names are resolved.
fn judge(
    (program, draft): (&Program, &Draft<'_>),
    choices: &Choices,
    (sources, diagnostics): (&SourceMap, &mut Diagnostics),
) -> Result<Analysed, Halted> {
    let model = check::run(draft, diagnostics)?;
    lints::run(program, draft, sources, diagnostics);
    let settings = settings::bind(choices, &model, diagnostics)?;
    let names = naming::run(&model, &settings.renames, diagnostics);
    Ok(Analysed { model, settings, names })
}

/// What a look at files that may have mistakes gives.
#[derive(Debug)]
pub(crate) struct Examined<T> {
    pub(crate) sources: SourceMap,
    pub(crate) program: Program,
    /// The same findings as those of [`check()`].
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// What `look` made of the names.
    pub(crate) seen: T,
}

/// Looks for mistakes as [`check()`] does, and hands out the tree and its names whether there are any or not.
pub(crate) fn examine<T>(
    roots: &[PathBuf],
    search: Search<'_>,
    choices: &Choices,
    look: impl FnOnce(&Program, &Draft<'_>) -> T,
) -> Examined<T> {
    let mut sources = SourceMap::default();
    let mut diagnostics = Diagnostics::new(choices.levels.clone());
    let program = include::load(roots, search, &mut sources, &mut diagnostics);
    let draft = resolve::run(&program, &mut diagnostics);
    let seen = look(&program, &draft);
    // Whether a stage stopped early is of no interest: what it found is collected.
    let _ = judge((&program, &draft), choices, (&sources, &mut diagnostics));
    drop(draft);
    Examined {
        sources,
        program,
        diagnostics: diagnostics.finish(),
        seen,
    }
}

/// The front half alone: the checked model.
pub(crate) fn model(
    roots: &[PathBuf],
    search: Search<'_>,
    (sources, diagnostics): (&mut SourceMap, &mut Diagnostics),
) -> Result<Model, Halted> {
    let program = include::load(roots, search, sources, diagnostics);
    let draft = resolve::run(&program, diagnostics);
    check::run(&draft, diagnostics)
}

fn generate(analysed: &Analysed, sources: &SourceMap, diagnostics: &mut Diagnostics) -> Result<Vec<Printed>, Halted> {
    let Analysed { model, settings, names } = analysed;
    emit::check_texts(settings, diagnostics);
    let emitter = Emitter { model, names, settings };
    let printed: Vec<_> = emitter.modules().map(|(id, _)| print(emitter, id, sources)).collect();
    settings.check_used(diagnostics);
    diagnostics.last_gate()?;
    let mut files = Vec::with_capacity(printed.len());
    for file in printed {
        file.map_or_else(|error| diagnostics.push(error), |file| files.push(file));
    }
    diagnostics.gate()?;
    Ok(files)
}

/// A file as generated code names it: the same on every machine, wherever it stands there.
fn shown(name: &str) -> String {
    let path = Path::new(name);
    let last = path.file_name().filter(|_| path.is_absolute());
    last.map_or_else(|| name.replace('\\', "/"), |last| last.to_string_lossy().into_owned())
}

/// The file of a module, emitted and printed part by part.
fn print(emitter: Emitter<'_>, id: ModuleId, sources: &SourceMap) -> Result<Printed, Diagnostic> {
    let module = emitter.model.module(id);
    let mut page = Page::default();
    emitter.module(id, module, &mut |part| page.add(part));
    let from: Vec<String> = module.files.iter().map(|id| shown(&sources.file(*id).name)).collect();
    let from: Vec<&str> = from.iter().map(String::as_str).collect();
    let name = &emitter.names.modules[id.index()].name;
    let text = page.finish(&from).map_err(|reason| {
        let message = format!("the Rust of module `{}` does not parse: {reason}", module.name);
        let error = Diagnostic::general(Code::BadSetting, message);
        error.help("see to the attributes and paths that the build script sets")
    })?;
    Ok(Printed {
        name: format!("{}.rs", name.trim_start_matches("r#")),
        text,
    })
}
