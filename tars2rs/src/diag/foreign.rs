//! Words of other languages, and what the IDL has for them: all that is known about them stands in these tables.

/// What the IDL has for a type of another language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ours {
    /// It takes the other's place as it is.
    Word(&'static str),
    /// Nothing is quite the same: what there is to choose from.
    Choice(&'static str),
}

use Ours::{Choice, Word};

use super::suggest;

const NO_UNSIGNED_64: Ours =
    Choice("there is no unsigned 64-bit type: `long` holds numbers up to 2^63-1, `string` any");
const NO_SET: Ours =
    Choice("there is no set: write `vector<T>`, or `map<T, bool>` where each value may be there once only");

/// Words that begin something, in lower case.
const WORDS: [(&str, &str); 12] = [
    ("namespace", "module"),
    ("package", "module"),
    ("class", "struct"),
    ("message", "struct"),
    ("union", "struct"),
    ("exception", "struct"),
    ("record", "struct"),
    ("service", "interface"),
    ("protocol", "interface"),
    ("required", "require"),
    ("option", "optional"),
    ("output", "out"),
];

/// Types, in lower case; those of several words have one blank between.
const TYPES: [(&str, Ours); 89] = [
    ("boolean", Word("bool")),
    ("bytes", Word("vector<byte>")),
    ("bytearray", Word("vector<byte>")),
    ("binary", Word("vector<byte>")),
    ("blob", Word("vector<byte>")),
    ("char", Word("byte")),
    ("signed char", Word("byte")),
    ("unsigned char", Word("unsigned byte")),
    ("uchar", Word("unsigned byte")),
    ("int8", Word("byte")),
    ("i8", Word("byte")),
    ("int8_t", Word("byte")),
    ("uint8", Word("unsigned byte")),
    ("u8", Word("unsigned byte")),
    ("uint8_t", Word("unsigned byte")),
    ("unsigned short int", Word("unsigned short")),
    ("short int", Word("short")),
    ("signed short", Word("short")),
    ("ushort", Word("unsigned short")),
    ("int16", Word("short")),
    ("i16", Word("short")),
    ("int16_t", Word("short")),
    ("uint16", Word("unsigned short")),
    ("u16", Word("unsigned short")),
    ("uint16_t", Word("unsigned short")),
    ("signed int", Word("int")),
    ("signed", Word("int")),
    ("unsigned", Word("unsigned int")),
    ("uint", Word("unsigned int")),
    ("int32", Word("int")),
    ("i32", Word("int")),
    ("int32_t", Word("int")),
    ("sint32", Word("int")),
    ("sfixed32", Word("int")),
    ("integer", Word("int")),
    ("uint32", Word("unsigned int")),
    ("u32", Word("unsigned int")),
    ("uint32_t", Word("unsigned int")),
    ("fixed32", Word("unsigned int")),
    ("unsigned long long int", NO_UNSIGNED_64),
    ("unsigned long long", NO_UNSIGNED_64),
    ("unsigned long int", NO_UNSIGNED_64),
    ("unsigned long", NO_UNSIGNED_64),
    ("unsigned int64", NO_UNSIGNED_64),
    ("unsigned int64_t", NO_UNSIGNED_64),
    ("unsigned __int64", NO_UNSIGNED_64),
    ("ulong", NO_UNSIGNED_64),
    ("uint64", NO_UNSIGNED_64),
    ("u64", NO_UNSIGNED_64),
    ("uint64_t", NO_UNSIGNED_64),
    ("fixed64", NO_UNSIGNED_64),
    ("size_t", NO_UNSIGNED_64),
    ("usize", NO_UNSIGNED_64),
    ("signed long long", Word("long")),
    ("signed long", Word("long")),
    ("long long int", Word("long")),
    ("long long", Word("long")),
    ("long int", Word("long")),
    ("int64", Word("long")),
    ("i64", Word("long")),
    ("int64_t", Word("long")),
    ("__int64", Word("long")),
    ("sint64", Word("long")),
    ("sfixed64", Word("long")),
    ("ssize_t", Word("long")),
    ("isize", Word("long")),
    ("time_t", Word("long")),
    ("float32", Word("float")),
    ("f32", Word("float")),
    ("real", Word("float")),
    ("long double", Word("double")),
    ("float64", Word("double")),
    ("f64", Word("double")),
    ("str", Word("string")),
    ("text", Word("string")),
    ("wstring", Word("string")),
    ("varchar", Word("string")),
    ("list", Word("vector")),
    ("array", Word("vector")),
    ("vec", Word("vector")),
    ("arraylist", Word("vector")),
    ("linkedlist", Word("vector")),
    ("set", NO_SET),
    ("hashset", NO_SET),
    ("unordered_set", NO_SET),
    ("dict", Word("map")),
    ("dictionary", Word("map")),
    ("hashmap", Word("map")),
    ("unordered_map", Word("map")),
];

/// What the IDL calls a word of another language that is no type.
pub(crate) fn word(word: &str) -> Option<&'static str> {
    find(&WORDS, word)
}

/// What the IDL has for a type of another language, which may have several words.
pub(crate) fn of_type(words: &str) -> Option<Ours> {
    find(&TYPES, words)
}

/// The word among those known that a wrong one means: in another language, or by a slip of the pen.
pub(crate) fn meant<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let ours = find(&WORDS, word);
    let translation = known.iter().copied().find(|known| Some(*known) == ours);
    translation.or_else(|| suggest::nearest(word, known.iter().copied()))
}

fn find<T: Copy>(table: &[(&str, T)], words: &str) -> Option<T> {
    let words = words.to_ascii_lowercase();
    let found = table.iter().find(|(other, _)| *other == words);
    found.map(|(_, ours)| *ours)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn words_of_other_languages_are_known() {
        assert_eq!(word("Namespace"), Some("module"));
        assert_eq!(word("module"), None);
        assert_eq!(meant("Namespace", &["struct", "module"]), Some("module"));
        assert_eq!(meant("modul", &["struct", "module"]), Some("module"));
        assert_eq!(meant("Namespace", &["struct"]), None);
        assert_eq!(of_type("Boolean"), Some(Word("bool")));
        assert_eq!(of_type("unsigned long long"), of_type("uint64_t"));
    }

    #[test]
    fn each_stands_once_and_in_lower_case() {
        let words = WORDS.iter().map(|(word, _)| *word);
        let all: Vec<&str> = words.chain(TYPES.iter().map(|(words, _)| *words)).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.iter().all(|word| *word == word.to_ascii_lowercase()));
    }
}
