//! What is said of characters that no token begins with, and what to write instead.

use super::literal;
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::Span;

/// Characters that an input method for Chinese or a word processor puts in, and those that were meant.
const MEANT: [(char, &str); 24] = [
    ('\u{ff1b}', ";"),
    ('\u{ff0c}', ","),
    ('\u{3001}', ","),
    ('\u{ff1a}', ":"),
    ('\u{ff1d}', "="),
    ('\u{ff08}', "("),
    ('\u{ff09}', ")"),
    ('\u{ff5b}', "{"),
    ('\u{ff5d}', "}"),
    ('\u{ff3b}', "["),
    ('\u{ff3d}', "]"),
    ('\u{ff1c}', "<"),
    ('\u{ff1e}', ">"),
    ('\u{ff0a}', "*"),
    ('\u{ff02}', "\""),
    ('\u{201c}', "\""),
    ('\u{201d}', "\""),
    ('\u{201e}', "\""),
    ('\u{2018}', "\""),
    ('\u{2019}', "\""),
    ('\u{2010}', "-"),
    ('\u{2013}', "-"),
    ('\u{2212}', "-"),
    ('\u{ff0d}', "-"),
];

/// Characters that nobody sees, with their names and what to write instead.
const UNSEEN: [(char, &str, &str); 15] = [
    ('\u{a0}', "no-break space", " "),
    ('\u{2002}', "en space", " "),
    ('\u{2003}', "em space", " "),
    ('\u{2009}', "thin space", " "),
    ('\u{202f}', "narrow no-break space", " "),
    ('\u{3000}', "ideographic space", " "),
    ('\u{2028}', "line separator", " "),
    ('\u{ad}', "soft hyphen", ""),
    ('\u{200b}', "zero width space", ""),
    ('\u{200c}', "zero width non-joiner", ""),
    ('\u{200d}', "zero width joiner", ""),
    ('\u{200e}', "left-to-right mark", ""),
    ('\u{200f}', "right-to-left mark", ""),
    ('\u{2060}', "word joiner", ""),
    ('\u{feff}', "byte order mark", ""),
];

fn unseen(c: char) -> Option<(&'static str, &'static str)> {
    let found = UNSEEN.iter().find(|(other, ..)| *other == c);
    found.map(|(_, name, meant)| (*name, *meant))
}

/// Whether a character is nothing that one sees.
pub(super) fn is_unseen(c: char) -> bool {
    unseen(c).is_some()
}

/// The refusal of a run of characters.
pub(super) fn illegal(found: &str, span: Span) -> Diagnostic {
    let new = |message| Diagnostic::new(Code::IllegalCharacter, span, message);
    if found.contains('\u{FFFD}') {
        let error = new("bytes that are not UTF-8".to_owned());
        return error.help("save the file as UTF-8; only comments may have another encoding");
    }
    let shown = literal::printable(found);
    let names: Option<Vec<(&str, &str)>> = found.chars().map(unseen).collect();
    match names.as_deref() {
        Some([(name, meant), others @ ..]) => {
            let same = others.iter().all(|(other, _)| other == name);
            let name = if same { format!(" ({name})") } else { String::new() };
            let blank = *meant == " " || others.iter().any(|(_, meant)| *meant == " ");
            let (help, meant) = if blank {
                ("write a plain space", " ")
            } else {
                ("remove it: nobody sees it", "")
            };
            new(format!("illegal character {shown}{name}"))
                .help(help)
                .replace(span, meant)
        }
        _ if found.chars().all(char::is_control) => new(format!("illegal character {shown}")),
        _ => {
            let meant = |c| MEANT.iter().find(|(other, _)| *other == c).map(|(_, meant)| *meant);
            let meant: Option<String> = found.chars().map(meant).collect();
            let error = new(format!("illegal character `{shown}`"));
            match found {
                "+" | "-" => error.help("a sign stands directly before its number, and there is no arithmetic"),
                "." => error.help("a type of another module is `Module::Type`"),
                _ => error.meant(meant.as_deref()),
            }
        }
    }
}

/// What stands around a `.` or a `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joins {
    /// The name of a type behind those of its modules, as other languages write it.
    Type,
    /// The name of an enumerator behind those of its enum and module.
    Value,
    /// Parts of a name.
    Name,
}

/// The refusal of a `.` or `-` at `span`, which stands several times perhaps in `text` at `whole`.
pub(super) fn joined(joins: Joins, (mark, span): (&str, Span), (text, whole): (&str, Span)) -> Diagnostic {
    let error = Diagnostic::new(Code::IllegalCharacter, span, format!("illegal character `{mark}`"));
    match joins {
        Joins::Type => {
            // There are no modules in modules.
            let short = text.rmatch_indices(mark).nth(1).map_or(text, |(at, _)| &text[at + 1..]);
            error
                .help("a type of another module is `Module::Type`")
                .replace(whole, short.replace(mark, "::"))
        }
        Joins::Value => error
            .help("an enumerator is `Enum::NAME`, or its name alone")
            .replace(whole, text.replace(mark, "::")),
        Joins::Name => error
            .help("a name is made of letters, digits and `_`")
            .replace(whole, text.replace(mark, "_")),
    }
}

/// The refusal of a text in quotes that are none; `number` tells whether a number belongs there.
pub(super) fn quoted(text: &str, span: Span, number: bool) -> Diagnostic {
    let mut inside = text.chars();
    let quote = inside.next().unwrap_or('\'');
    inside.next_back();
    let inside = inside.as_str();
    let error = Diagnostic::new(Code::IllegalCharacter, span, format!("illegal character `{quote}`"));
    let one = |text: &str| (text.len() == 1).then(|| text.as_bytes()[0]);
    match one(inside) {
        Some(byte) if number => error
            .help(format!("there are no characters: `{inside}` is the number {byte}"))
            .replace(span, byte.to_string()),
        _ if number => error.help("there are no characters: write the number"),
        _ => {
            let help = if quote == '\'' {
                "a string is in double quotes"
            } else {
                "a string is in straight double quotes"
            };
            let plain = !inside.contains('"');
            let error = error.help(help);
            if plain {
                error.replace(span, format!("\"{inside}\""))
            } else {
                error
            }
        }
    }
}

/// Pairs of quotes as word processors set them: any of a kind ends what any of that kind begins.
pub(super) fn closes(open: char, c: char) -> bool {
    const KINDS: [&str; 2] = ["\u{201c}\u{201d}\u{201e}\u{ff02}", "\u{2018}\u{2019}\u{201a}\u{ff07}"];
    KINDS.iter().any(|kind| kind.contains(open) && kind.contains(c))
}

/// The include that a line with `#` was meant to be.
pub(super) fn include_meant(line: &str) -> Option<String> {
    let line = line.split("//").next()?;
    let rest = line.strip_prefix('#')?.trim_start();
    let (word, path) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic())?);
    if !suggest::is_nearly(word, &["include", "import"]) {
        return None;
    }
    let path = path.trim().trim_end_matches(';').trim_end();
    let path = path.trim_matches(|c| "<>\"'\u{201c}\u{201d}\u{2018}\u{2019}".contains(c));
    let whole = !path.is_empty() && !path.contains(|c: char| c.is_whitespace() || "<>\"'".contains(c));
    whole.then(|| format!("#include \"{path}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_recognised() {
        for line in [
            "#include <a/b.tars>",
            "# include \"a/b.tars\"",
            "#import 'a/b.tars';",
            "#inclde a/b.tars // more",
            "#include \"a/b.tars",
        ] {
            assert_eq!(include_meant(line).as_deref(), Some("#include \"a/b.tars\""), "{line}");
        }
        for line in [
            "#pragma once",
            "#include",
            "#include \"\"",
            "#define A 1",
            "#include a b",
            "#",
        ] {
            assert_eq!(include_meant(line), None, "{line}");
        }
    }
}
