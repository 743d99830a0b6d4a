//! From what was typed, and the environment, to a command.
//!
//! Flags go before variables, variables before defaults. A variable that is there but empty counts as not set: a template
//! of Kubernetes that has no value writes one. `TARS_SET_ID` alone may be empty, to take away the set of `_server_meta.yaml`.

use std::{error::Error as _, ffi::OsString};

use clap::{
    Arg, Command, CommandFactory as _, FromArgMatches as _,
    builder::Resettable,
    error::{Error, ErrorKind},
};

use super::{Cli, check};

/// The variable whose empty text says something.
const MAY_BE_EMPTY: &str = "TARS_SET_ID";

/// What can be typed. Help names the variables and not what they hold now.
pub(crate) fn definition() -> Command {
    let command = Cli::command();
    command.mut_subcommands(|command| command.mut_args(|arg| arg.hide_env_values(true)))
}

/// Reads a command line (the program's name first) and the environment. The error knows its stream and exit code: help is
/// one too.
pub(crate) fn read(line: impl IntoIterator<Item = OsString>) -> Result<super::Command, Error> {
    let line = help_first(line.into_iter().collect());
    let command = definition().mut_subcommands(|command| command.mut_args(without_empty_variable));
    let cli = command
        .try_get_matches_from(&line)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(|error| explained(error, &line))?;
    check::together(&cli.command).map_err(|text| refusal(&line, text))?;
    Ok(cli.command)
}

/// K8STARS' `tarscli COMMAND help` as `tarscli help COMMAND`.
fn help_first(mut line: Vec<OsString>) -> Vec<OsString> {
    let asks = line.len() == 3
        && line[2] == "help"
        && Cli::command()
            .get_subcommands()
            .any(|command| line[1] == command.get_name());
    if asks {
        line.swap(1, 2);
    }
    line
}

fn without_empty_variable(arg: Arg) -> Arg {
    match variable(&arg) {
        Some((name, value)) if value.is_empty() && name != MAY_BE_EMPTY => without_variable(arg),
        _ => arg,
    }
}

fn without_variable(arg: Arg) -> Arg {
    arg.env(Resettable::Reset)
}

/// The argument's variable and its value, when the environment has it.
fn variable(arg: &Arg) -> Option<(String, OsString)> {
    let name = arg.get_env()?.to_str()?;
    Some((name.to_owned(), std::env::var_os(name)?))
}

/// clap names the flag also when the value came from a variable, and stops at the first. When the line is good without the
/// environment, every bad variable is told by its name.
fn explained(error: Error, line: &[OsString]) -> Error {
    if !matches!(
        error.kind(),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue | ErrorKind::InvalidUtf8
    ) {
        return error;
    }
    let bare = definition().mut_subcommands(|command| command.mut_args(without_variable));
    let Ok(matches) = bare.try_get_matches_from(line) else {
        return error;
    };
    let Some((name, matches)) = matches.subcommand() else {
        return error;
    };
    let mistakes: Vec<_> = definition()
        .find_subcommand(name)
        .into_iter()
        .flat_map(Command::get_arguments)
        .filter(|arg| matches.value_source(arg.get_id().as_str()) != Some(clap::parser::ValueSource::CommandLine))
        .filter_map(mistake)
        .collect();
    if mistakes.is_empty() {
        return error;
    }
    refusal(line, mistakes.join("\n       "))
}

/// An error of values, with the usage of the command in `line`.
fn refusal(line: &[OsString], text: String) -> Error {
    let mut program = definition();
    program.build();
    let name = line.get(1).and_then(|name| name.to_str()).unwrap_or_default();
    match program.find_subcommand_mut(name) {
        Some(command) => command.error(ErrorKind::ValueValidation, text),
        None => program.error(ErrorKind::ValueValidation, text),
    }
}

/// What is wrong with the value of the argument's variable.
fn mistake(arg: &Arg) -> Option<String> {
    let (name, value) = variable(arg).filter(|(_, value)| !value.is_empty())?;
    let shown = value.to_string_lossy().into_owned();
    let mut typed = OsString::from("--value=");
    typed.push(value);
    let arg = without_variable(arg.clone()).long("value");
    let error = Command::new("one")
        .arg(arg)
        .try_get_matches_from([OsString::from("one"), typed])
        .err()?;
    let why = match error.source() {
        Some(why) => why.to_string(),
        None => "is not UTF-8".to_owned(),
    };
    Some(format!("the variable {name}, `{shown}`: {why}"))
}
