//! Where a declaration begins and ends, told by its tokens alone, so that it works on a text that is being typed.

use super::index::Kind;
use crate::parse::lexemes::{LexemeKind, lexemes};

/// A token, an include or a comment, free of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: LexemeKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// The tokens of a text, in order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let all = lexemes(text).into_iter();
    all.map(|lexeme| Token {
        kind: lexeme.kind,
        start: lexeme.start,
        end: lexeme.end,
    })
    .collect()
}

/// First byte and first byte behind the declaration of this kind whose name begins at `name`.
pub(crate) fn extent(text: &str, tokens: &[Token], kind: Kind, name: usize) -> Option<(usize, usize)> {
    let at = tokens.partition_point(|token| token.start < name);
    let is =
        |token: &Token, marks: &str| token.kind == LexemeKind::Punct && marks.contains(&text[token.start..token.end]);
    let code = |token: &&Token| !matches!(token.kind, LexemeKind::Comment { .. });
    let before = match kind {
        Kind::Enumerator => "{,",
        Kind::Param => "(",
        _ => "{};",
    };
    let mut first = tokens.get(at)?.start;
    let mut depth = 0_usize;
    for token in tokens[..at].iter().rev().filter(code) {
        if token.kind == LexemeKind::Include || is(token, before) {
            break;
        }
        // A comma inside `map<K, V>` separates no parameters.
        if is(token, ">") {
            depth += 1;
        } else if is(token, "<") {
            depth = depth.saturating_sub(1);
        } else if kind == Kind::Param && depth == 0 && is(token, ",") {
            break;
        }
        first = token.start;
    }
    let mut last = tokens[at].end;
    let mut open = 0_usize;
    for token in tokens[at..].iter().filter(code) {
        match kind {
            Kind::Module | Kind::Struct | Kind::Enum | Kind::Interface => {
                if is(token, "{") {
                    open += 1;
                } else if is(token, "}") {
                    open = open.saturating_sub(1);
                } else if open == 0 && is(token, ";") {
                    return Some((first, token.end));
                }
            }
            Kind::Enumerator | Kind::Param => {
                if is(token, ",})") {
                    break;
                }
            }
            Kind::Field | Kind::Const | Kind::Operation => {
                if is(token, ";") {
                    return Some((first, token.end));
                }
                if is(token, "{}") {
                    break;
                }
            }
        }
        last = token.end;
    }
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_extent() {
        let text = "#include \"a.tars\"\nmodule M { struct S { 0 require map<int, int> f; /* } */ };\n\
                    enum E { A, B = 2 };\ninterface I { int op(map<int, S> a, out int b); }; };";
        let tokens = tokens(text);
        let shown = |kind, name: &str| {
            let at = text.find(name).expect("there") + name.len() - name.trim_start().len();
            let (start, end) = extent(text, &tokens, kind, at).expect("declared");
            &text[start..end]
        };
        assert_eq!(shown(Kind::Field, " f;"), "0 require map<int, int> f;");
        assert_eq!(
            shown(Kind::Struct, " S {"),
            "struct S { 0 require map<int, int> f; /* } */ };"
        );
        assert_eq!(shown(Kind::Enumerator, " B ="), "B = 2");
        assert_eq!(shown(Kind::Param, " a,"), "map<int, S> a");
        assert_eq!(shown(Kind::Param, " b)"), "out int b");
        assert_eq!(shown(Kind::Operation, " op("), "int op(map<int, S> a, out int b);");
        assert!(shown(Kind::Module, " M {").starts_with("module M") && shown(Kind::Module, " M {").ends_with("}; };"));
    }
}
