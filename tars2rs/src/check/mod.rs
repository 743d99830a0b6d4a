//! Holds the rules of the language. Every rule is a function over the whole draft; only when none of them objects is a
//! [`Model`] made.

mod build;
mod keys;
mod names;
mod recursion;
mod sizes;
mod structs;
mod values;
mod warnings;

use crate::diag::{Diagnostics, Halted};
use crate::model::Model;
use crate::resolve::Draft;

/// Proof that the checks have run: needed to make a [`Model`], and only this module can make one.
#[derive(Debug)]
pub(crate) struct Checked(());

/// Checks a draft.
pub(crate) fn run(draft: &Draft<'_>, diagnostics: &mut Diagnostics) -> Result<Model, Halted> {
    names::check(draft, diagnostics);
    structs::check(draft, diagnostics);
    sizes::check(draft, diagnostics);
    recursion::check(draft, diagnostics);
    keys::check(draft, diagnostics);
    let values = values::check(draft, diagnostics);
    warnings::check(draft, diagnostics);
    diagnostics.gate()?;
    Ok(Model::seal(build::parts(draft, &values), Checked(())))
}
