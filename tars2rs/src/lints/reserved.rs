//! Names that other languages keep for themselves.

use super::Lints;
use crate::ast::Name;
use crate::diag::{Code, Diagnostic};

/// Languages whose generators write a name as it is, as bits.
type Languages = u8;

const CPP: Languages = 1;
const JAVA: Languages = 2;
const CSHARP: Languages = 4;
const PYTHON: Languages = 8;
const GO: Languages = 16;
const JS: Languages = 32;
const PHP: Languages = 64;
/// What only the compiler keeps for itself.
const TARS_GO: Languages = 128;

/// Where every name goes into the code as it is.
const ANYWHERE: Languages = CPP | JAVA | CSHARP | PYTHON | TARS_GO;
/// Go's other names begin with a large letter, and a property of JavaScript may be any word.
const PARAMS: Languages = ANYWHERE | GO | JS;
/// PHP's variables begin with `$`, but its classes are plain words.
const TYPES: Languages = ANYWHERE | PHP;

const NAMES: [(Languages, &str); 8] = [
    (CPP, "C++"),
    (JAVA, "Java"),
    (CSHARP, "C#"),
    (PYTHON, "Python"),
    (GO, "Go"),
    (JS, "JavaScript"),
    (PHP, "PHP"),
    (TARS_GO, "TarsGo"),
];

pub(super) fn check(lints: &mut Lints<'_, '_>) {
    let draft = lints.draft;
    for module in &draft.modules {
        name(lints, ANYWHERE, module.name);
    }
    for item in &draft.structs {
        name(lints, TYPES, &item.ast.name);
        item.ast
            .fields
            .iter()
            .for_each(|field| name(lints, ANYWHERE, &field.decl.name));
    }
    for item in &draft.enums {
        name(lints, TYPES, &item.ast.name);
        item.ast
            .enumerators
            .iter()
            .for_each(|enumerator| name(lints, ANYWHERE, &enumerator.name));
    }
    for item in &draft.consts {
        name(lints, ANYWHERE, &item.ast.decl.name);
    }
    for item in &draft.interfaces {
        name(lints, TYPES, &item.ast.name);
        for operation in &item.ast.operations {
            name(lints, ANYWHERE, &operation.name);
            operation
                .params
                .iter()
                .for_each(|param| name(lints, PARAMS, &param.decl.name));
        }
    }
}

fn name(lints: &mut Lints<'_, '_>, place: Languages, name: &Name) {
    let words = words_like(&name.text);
    let Ok(at) = words.binary_search_by(|(word, _)| (*word).cmp(name.text.as_str())) else {
        return;
    };
    let languages = words[at].1 & place;
    let names: Vec<&str> = NAMES
        .iter()
        .filter(|(bit, _)| languages & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    let all = match names.as_slice() {
        [] => return,
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    };
    let warning = Diagnostic::new(
        Code::ReservedName,
        name.span,
        format!("`{}` is a keyword of {all}", name.text),
    );
    lints.push(warning.help("choose another name, or what is generated there does not compile"));
}

/// The words with the first letter of a name: every name is looked for.
fn words_like(name: &str) -> &'static [(&'static str, Languages)] {
    let first = usize::from(name.as_bytes().first().copied().unwrap_or_default());
    &WORDS[STARTS[first]..STARTS[first + 1]]
}

/// For each first byte where its words begin.
const STARTS: [usize; 257] = starts();

const fn starts() -> [usize; 257] {
    let mut starts = [0; 257];
    let (mut byte, mut word) = (0, 0);
    while byte < 256 {
        starts[byte] = word;
        while word < WORDS.len() && WORDS[word].0.as_bytes()[0] as usize == byte {
            word += 1;
        }
        byte += 1;
    }
    starts[256] = word;
    starts
}

/// Keywords that are no keywords of the IDL, in the order of their bytes.
const WORDS: [(&str, Languages); 175] = [
    ("False", PYTHON),
    ("NULL", CPP),
    ("None", PYTHON),
    ("True", PYTHON),
    ("abstract", JAVA | CSHARP | PHP),
    ("alignas", CPP),
    ("alignof", CPP),
    ("and", CPP | PYTHON | PHP),
    ("and_eq", CPP),
    ("array", TARS_GO | PHP),
    ("as", CSHARP | PYTHON | PHP),
    ("asm", CPP),
    ("assert", JAVA | PYTHON),
    ("async", PYTHON),
    ("auto", CPP),
    ("await", PYTHON | JS),
    ("base", CSHARP),
    ("bitand", CPP),
    ("bitor", CPP),
    ("boolean", JAVA),
    ("break", CPP | JAVA | CSHARP | PYTHON | GO | JS | PHP),
    ("callable", PHP),
    ("case", CPP | JAVA | CSHARP | GO | JS | PHP),
    ("catch", CPP | JAVA | CSHARP | JS | PHP),
    ("chan", GO),
    ("char", CPP | JAVA | CSHARP),
    ("checked", CSHARP),
    ("class", CPP | JAVA | CSHARP | PYTHON | JS | PHP),
    ("clone", PHP),
    ("co_await", CPP),
    ("co_return", CPP),
    ("co_yield", CPP),
    ("compl", CPP),
    ("concept", CPP),
    ("const_cast", CPP),
    ("consteval", CPP),
    ("constexpr", CPP),
    ("constinit", CPP),
    ("continue", CPP | JAVA | CSHARP | PYTHON | GO | JS | PHP),
    ("debugger", JS),
    ("decimal", CSHARP),
    ("declare", PHP),
    ("decltype", CPP),
    ("def", PYTHON),
    ("default", CPP | JAVA | CSHARP | GO | JS | PHP),
    ("defer", GO),
    ("del", PYTHON),
    ("delegate", CSHARP),
    ("delete", CPP | JS),
    ("do", CPP | JAVA | CSHARP | JS | PHP),
    ("dynamic_cast", CPP),
    ("echo", PHP),
    ("elif", PYTHON),
    ("else", CPP | JAVA | CSHARP | PYTHON | GO | JS | PHP),
    ("elseif", PHP),
    ("empty", PHP),
    ("enddeclare", PHP),
    ("endfor", PHP),
    ("endforeach", PHP),
    ("endif", PHP),
    ("endswitch", PHP),
    ("endwhile", PHP),
    ("eval", PHP),
    ("event", CSHARP),
    ("except", PYTHON),
    ("exit", PHP),
    ("explicit", CPP | CSHARP),
    ("export", CPP | JS),
    ("extends", JAVA | JS | PHP),
    ("extern", CPP | CSHARP),
    ("fallthrough", GO),
    ("final", JAVA | PHP),
    ("finally", JAVA | CSHARP | PYTHON | JS | PHP),
    ("fixed", CSHARP),
    ("fn", PHP),
    ("for", CPP | JAVA | CSHARP | PYTHON | GO | JS | PHP),
    ("foreach", CSHARP | PHP),
    ("friend", CPP),
    ("from", PYTHON),
    ("func", GO),
    ("function", JS | PHP),
    ("global", PYTHON | PHP),
    ("go", GO),
    ("goto", CPP | JAVA | CSHARP | GO | PHP),
    ("if", CPP | JAVA | CSHARP | PYTHON | GO | JS | PHP),
    ("implements", JAVA | PHP),
    ("implicit", CSHARP),
    ("import", JAVA | PYTHON | GO | JS),
    ("in", CSHARP | PYTHON | JS),
    ("include", PHP),
    ("inline", CPP),
    ("instanceof", JAVA | JS | PHP),
    ("insteadof", PHP),
    ("internal", CSHARP),
    ("is", CSHARP | PYTHON),
    ("isset", PHP),
    ("lambda", PYTHON),
    ("let", JS),
    ("list", PHP),
    ("lock", CSHARP),
    ("match", PHP),
    ("mutable", CPP),
    ("namespace", CPP | CSHARP | PHP),
    ("native", JAVA),
    ("new", CPP | JAVA | CSHARP | JS | PHP),
    ("noexcept", CPP),
    ("nonlocal", PYTHON),
    ("not", CPP | PYTHON),
    ("not_eq", CPP),
    ("null", JAVA | CSHARP | JS),
    ("nullptr", CPP),
    ("object", CSHARP),
    ("operator", CPP | CSHARP),
    ("or", CPP | PYTHON | PHP),
    ("or_eq", CPP),
    ("override", CSHARP),
    ("package", JAVA | GO | JS),
    ("params", CSHARP),
    ("pass", PYTHON),
    ("print", PHP),
    ("private", CPP | JAVA | CSHARP | JS | PHP),
    ("protected", CPP | JAVA | CSHARP | JS | PHP),
    ("public", CPP | JAVA | CSHARP | JS | PHP),
    ("raise", PYTHON),
    ("range", GO),
    ("readonly", CSHARP | PHP),
    ("ref", CSHARP),
    ("register", CPP),
    ("reinterpret_cast", CPP),
    ("requires", CPP),
    ("return", CPP | JAVA | CSHARP | PYTHON | GO | JS | PHP),
    ("sbyte", CSHARP),
    ("sealed", CSHARP),
    ("select", GO),
    ("signed", CPP),
    ("sizeof", CPP | CSHARP),
    ("stackalloc", CSHARP),
    ("static", CPP | JAVA | CSHARP | JS | PHP),
    ("static_assert", CPP),
    ("static_cast", CPP),
    ("strictfp", JAVA),
    ("super", JAVA | JS),
    ("switch", CPP | JAVA | CSHARP | GO | JS | PHP),
    ("synchronized", JAVA),
    ("template", CPP),
    ("this", CPP | JAVA | CSHARP | JS),
    ("thread_local", CPP),
    ("throw", CPP | JAVA | CSHARP | JS | PHP),
    ("throws", JAVA),
    ("trait", PHP),
    ("transient", JAVA),
    ("try", CPP | JAVA | CSHARP | PYTHON | JS | PHP),
    ("type", GO),
    ("typedef", CPP),
    ("typeid", CPP),
    ("typename", CPP),
    ("typeof", CSHARP | JS),
    ("uint", CSHARP),
    ("ulong", CSHARP),
    ("unchecked", CSHARP),
    ("union", CPP),
    ("unsafe", CSHARP),
    ("unset", PHP),
    ("use", PHP),
    ("ushort", CSHARP),
    ("using", CPP | CSHARP),
    ("var", GO | JS | PHP),
    ("virtual", CPP | CSHARP),
    ("volatile", CPP | JAVA | CSHARP),
    ("wchar_t", CPP),
    ("while", CPP | JAVA | CSHARP | PYTHON | JS | PHP),
    ("with", PYTHON | JS),
    ("xor", CPP | PHP),
    ("xor_eq", CPP),
    ("yield", PYTHON | JS | PHP),
];

#[cfg(test)]
mod tests {
    use super::{WORDS, words_like};

    #[test]
    fn words_can_be_searched() {
        assert!(WORDS.is_sorted_by(|one, next| one.0 < next.0));
        assert!(
            WORDS
                .iter()
                .all(|(word, _)| words_like(word).iter().any(|(like, _)| like == word))
        );
    }
}
