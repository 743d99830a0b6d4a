//! The canonical layout of `.tars` files: [`run`] moves blanks and ends of lines, and nothing else.
//!
//! It works on tokens, not on the checked model, so that a file needs neither its includes nor sense to be laid out; only
//! its syntax must be right. `text` turns bytes to text and back, `units` groups tokens with the comments around
//! them, `tree` gives them the shape of their braces, `layout` says where lines begin and `writer` writes them.
//!
//! Formatting twice is the same as formatting once, and a formatted file parses to the same tree with the same comments on
//! the same declarations.

#[cfg(feature = "tool")]
pub(crate) mod diff;
mod layout;
pub(crate) mod text;
mod tree;
mod units;
mod writer;

use std::path::PathBuf;

use crate::compile::Refused;
use crate::config::Error;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::parse;
use crate::source::{SourceMap, Unusable};

/// What comes of wrong syntax.
pub(crate) const CONSEQUENCE: &str = "the file is not formatted";

/// The canonical layout of a `.tars` file, given its bytes; `name` stands in messages.
///
/// Comments keep their place and every byte, empty lines between declarations stay, one at most, and literals are kept as
/// they are written. Lines end with `\n`, and a byte order mark is dropped. Includes are not looked for, and names need no
/// declaration: only the syntax must be right. The text of the [`Error`] shows what is wrong with it.
///
/// ```
/// let text = tars2rs::format("a.tars", b"module M{struct A{0 require int a;// The a.\n};};")?;
/// assert_eq!(
///     String::from_utf8_lossy(&text),
///     "module M\n{\n    struct A\n    {\n        0 require int a; // The a.\n    };\n};\n",
/// );
/// # Ok::<(), tars2rs::Error>(())
/// ```
pub fn format(name: &str, text: &[u8]) -> Result<Vec<u8>, Error> {
    run(name, text).map_err(|refused| Error::refused(&refused, CONSEQUENCE))
}

/// Formats the bytes of a file called `name`.
pub(crate) fn run(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Refused> {
    let text = text::Text::of(bytes);
    let mut sources = SourceMap::default();
    let mut diagnostics = Diagnostics::default();
    check(name, bytes, &mut sources, &mut diagnostics);
    let diagnostics = diagnostics.finish();
    if diagnostics.iter().any(is_in_the_way) {
        return Err(Refused { sources, diagnostics });
    }
    let units = units::units(&text.text, &parse::lexemes::lexemes(&text.text));
    let formatted = layout::write(&tree::tree(units));
    Ok(text.restore(&formatted))
}

/// Parses the file for its mistakes.
fn check(name: &str, bytes: &[u8], sources: &mut SourceMap, diagnostics: &mut Diagnostics) {
    match sources.add(name.to_owned(), PathBuf::from(name), bytes, None) {
        Ok(id) => drop(parse::file(id, sources.file(id), diagnostics)),
        Err(unusable) => {
            let reason = match unusable {
                Unusable::TooLarge => "it is larger than 4 GiB",
                Unusable::Utf16 => "it is UTF-16, not UTF-8",
            };
            let error = Diagnostic::general(Code::Unreadable, format!("cannot read `{name}`"));
            diagnostics.push(error.help(reason));
        }
    }
}

/// Whether tokens cannot be told apart for sure, or do not stand as the grammar says. What is wrong inside a literal
/// stays as it is.
fn is_in_the_way(diagnostic: &Diagnostic) -> bool {
    let inside_a_literal = matches!(
        diagnostic.code,
        Code::BadEscape | Code::MalformedNumber | Code::NumberTooLarge | Code::StringNotUtf8
    );
    diagnostic.is_error() && !inside_a_literal
}

#[cfg(test)]
mod tests;
