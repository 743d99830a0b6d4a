//! `tars2rs build`

use super::{Report, findings};
use crate::cli::{Build, Part, Wishes};
use crate::compile::Outcome;
use crate::config::{Config, write_all};
use crate::diag::Levels;

pub(super) fn run(args: &Build) -> Report {
    let levels = match args.levels.over(Levels::of_builds()) {
        Ok(levels) => levels,
        Err(report) => return report,
    };
    let config = configured(Config::with(levels), &args.wishes);
    let mut outcome = config.run(&args.input.files, &args.input.include_dirs);
    write(&mut outcome, args);
    findings(&outcome.diagnostics, &outcome.sources, &args.messages)
}

/// What was asked for, as a build script would say it.
fn configured(mut config: Config, wishes: &Wishes) -> Config {
    config
        .build_client(wishes.only.is_none_or(|part| part == Part::Client))
        .build_server(wishes.only.is_none_or(|part| part == Part::Server))
        .bytes(&wishes.bytes)
        .hash_map(&wishes.hash_map)
        .presence(&wishes.presence);
    if let Some(name) = &wishes.include_file {
        config.include_file(name);
    }
    for (module, path) in &wishes.extern_module {
        config.extern_module(module, path);
    }
    for (ty, path) in &wishes.extern_type {
        config.extern_type(ty, path);
    }
    for (path, name) in &wishes.rename {
        config.rename(path, name);
    }
    config
}

/// Writes what came out. A file that cannot be written is a finding too.
fn write(outcome: &mut Outcome, args: &Build) {
    if let Ok(files) = &outcome.files
        && let Err(error) = write_all(files, &args.out)
    {
        outcome.diagnostics.insert(0, error);
    }
}
