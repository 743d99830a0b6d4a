//! What may have been meant by a word that nobody knows.

/// Longer words are not slips of the pen, and comparing takes time.
const LONGEST: usize = 40;

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

/// Whether a word is one of those known, or only a slip of the pen away.
pub(crate) fn is_nearly(word: &str, known: &[&str]) -> bool {
    known.contains(&word) || nearest(word, known.iter().copied()).is_some()
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
}
