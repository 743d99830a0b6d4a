//! The definition itself, and that the guide's table of variables is the code's.

use std::collections::BTreeMap;

use clap::Arg;

use super::definition;

const GUIDE: &str = include_str!("../../../docs/tarscli.md");

/// What the table says of a variable, and what the code says: flag, default and commands.
#[derive(Debug, Default, PartialEq, Eq)]
struct Variable {
    flag: String,
    default: String,
    commands: Vec<String>,
}

#[test]
fn the_definition_holds_together() {
    definition().debug_assert();
}

#[test]
fn the_guide_lists_the_variables_of_the_code() {
    let (guide, code) = (variables_of_the_guide(), variables_of_the_code());
    for (name, variable) in &code {
        assert_eq!(guide.get(name), Some(variable), "{name} in docs/tarscli.md");
    }
    for name in guide.keys() {
        assert!(
            code.contains_key(name),
            "{name} is in docs/tarscli.md and not in the code"
        );
    }
}

/// Rows such as ``| `TARS_PATH` | `--path` | genconf, notify | path | `/tars` | meaning |``.
fn variables_of_the_guide() -> BTreeMap<String, Variable> {
    GUIDE
        .lines()
        .map(|line| line.split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 6 && cells[1].starts_with("`--"))
        .map(|cells| {
            let variable = Variable {
                flag: plain(cells[1]),
                default: plain(cells[4]),
                commands: cells[2].split(", ").map(str::to_owned).collect(),
            };
            (plain(cells[0].trim_start_matches("| ")), variable)
        })
        .collect()
}

fn plain(cell: &str) -> String {
    match cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')) {
        Some(text) => text.to_owned(),
        // Said in words: there is no value that the code would fill in by itself.
        None => String::new(),
    }
}

fn variables_of_the_code() -> BTreeMap<String, Variable> {
    let mut variables: BTreeMap<String, Variable> = BTreeMap::new();
    for command in definition().get_subcommands() {
        for arg in command.get_arguments() {
            let Some(name) = arg.get_env() else { continue };
            let variable = variables.entry(name.to_string_lossy().into_owned()).or_default();
            variable.flag = format!("--{}", arg.get_long().expect("a variable has a flag"));
            variable.default = default(arg);
            variable.commands.push(command.get_name().to_owned());
            variable.commands.sort();
        }
    }
    variables
}

fn default(arg: &Arg) -> String {
    let values: Vec<_> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy())
        .collect();
    values.join(" ")
}
