//! `tars2rs explain`

use super::Report;
use crate::cli::Explain;
use crate::diag::{Code, suggest};

pub(super) fn run(args: &Explain) -> Report {
    let Some(text) = &args.code else {
        return Report::answer(list());
    };
    if let Some(code) = Code::named(text) {
        return Report::answer(code.page().to_owned());
    }
    let known = Code::ALL.iter().map(|code| code.text());
    let help = suggest::nearest(&text.to_uppercase(), known)
        .map_or_else(|| "`tars2rs explain` lists all".to_owned(), suggest::phrase);
    Report::usage(format!("error: there is no code `{text}`; {help}\n"))
}

/// A line for each code: the title of its page.
fn list() -> String {
    let title = |code: &'static Code| code.page().lines().next().unwrap_or_default().trim_start_matches("# ");
    let titles: Vec<&str> = Code::ALL.iter().map(title).collect();
    titles.join("\n") + "\n"
}
