//! Files that include each other.

use std::collections::{BTreeMap, BTreeSet};

use super::Lints;
use crate::diag::{Code, Diagnostic};
use crate::graph;

pub(super) fn check(lints: &mut Lints<'_, '_>) {
    let program = lints.program;
    let ids: BTreeMap<_, usize> = program
        .files
        .iter()
        .enumerate()
        .map(|(at, file)| (file.id, at))
        .collect();
    let mut targets = vec![Vec::new(); program.files.len()];
    for edge in &program.includes {
        targets[ids[&edge.from]].push(ids[&edge.to]);
    }
    let circle = graph::components(&targets);
    let mut said = BTreeSet::new();
    for edge in &program.includes {
        let (from, to) = (circle[ids[&edge.from]], circle[ids[&edge.to]]);
        if from != to || said.contains(&from) || !lints.is_named(edge.span) {
            continue;
        }
        said.insert(from);
        let back = program
            .includes
            .iter()
            .find(|other| other.to == edge.from && circle[ids[&other.from]] == from && other.span != edge.span);
        let name = |id| lints.sources.file(id).name.as_str();
        let message = format!("`{}` and `{}` include each other", name(edge.from), name(edge.to));
        let mut warning = Diagnostic::new(Code::CyclicInclude, edge.span, message).label("TarsGo refuses this");
        if let Some(back) = back {
            warning = warning.related(back.span, "and here it closes");
        }
        lints.push(warning.help("move what both need into a third file"));
    }
}
