//! What may have been meant by a word that nobody knows.

/// Longer words are not slips of the pen, and comparing takes time.
const LONGEST: usize = 40;

/// Names of other languages for what the IDL calls otherwise.
const ELSEWHERE: [(&str, &str); 44] = [
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
    ("boolean", "bool"),
    ("char", "byte"),
    ("int8", "byte"),
    ("i8", "byte"),
    ("int8_t", "byte"),
    ("uint8", "unsigned byte"),
    ("u8", "unsigned byte"),
    ("uint8_t", "unsigned byte"),
    ("int16", "short"),
    ("i16", "short"),
    ("int16_t", "short"),
    ("uint16", "unsigned short"),
    ("u16", "unsigned short"),
    ("uint16_t", "unsigned short"),
    ("int32", "int"),
    ("i32", "int"),
    ("int32_t", "int"),
    ("integer", "int"),
    ("uint32", "unsigned int"),
    ("u32", "unsigned int"),
    ("uint32_t", "unsigned int"),
    ("int64", "long"),
    ("i64", "long"),
    ("int64_t", "long"),
    ("float32", "float"),
    ("f32", "float"),
    ("float64", "double"),
    ("f64", "double"),
    ("str", "string"),
    ("list", "vector"),
    ("array", "vector"),
    ("dict", "map"),
    ("hashmap", "map"),
];

/// What the IDL calls a word of another language.
pub(crate) fn translation(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    ELSEWHERE
        .iter()
        .find(|(other, _)| *other == word)
        .map(|(_, ours)| *ours)
}

/// The word among those known that is so near that a slip of the pen explains it.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let most = candidate.len().max(word.len()) / 3;
        let limit = best.map_or(most, |(found, _)| most.min(found.saturating_sub(1)));
        if candidate.len().abs_diff(word.len()) > limit || candidate == word {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&lower, &candidate.to_ascii_lowercase());
        if distance <= limit && best.is_none_or(|(found, _)| distance < found) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The question.
pub(crate) fn phrase(meant: &str) -> String {
    format!("did you mean `{meant}`?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_known() {
        let known = ["struct", "enum", "int", "string"];
        for (word, meant) in [
            ("strcut", "struct"),
            ("itn", "int"),
            ("String", "string"),
            ("enun", "enum"),
        ] {
            assert_eq!(nearest(word, known), Some(meant));
        }
        for word in ["oneway", "x", "", "an_utterly_different_and_long_word"] {
            assert_eq!(nearest(word, known), None);
        }
    }

    #[test]
    fn the_nearest_wins_and_the_first_of_equals() {
        assert_eq!(nearest("usre", ["used", "user", "usr"]), Some("user"));
        assert_eq!(nearest("aab", ["aac", "aad"]), Some("aac"));
        assert_eq!(nearest("abc", ["abc"]), None);
    }

    #[test]
    fn words_of_other_languages_are_translated() {
        assert_eq!(translation("Boolean"), Some("bool"));
        assert_eq!(translation("module"), None);
    }
}
