//! `tarscli completion SHELL`: a script that makes the shell complete this program's commands.

use crate::cli::{Completion, definition};

/// The script for the shell that was asked for.
pub(crate) fn script(args: &Completion) -> String {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition(), "tarscli", &mut script);
    String::from_utf8_lossy(&script).trim_end().to_owned()
}
