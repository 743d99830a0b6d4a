//! Checks of single texts against what the tables hold.

use super::{InstanceKey, Refusal};

/// Widths of the narrowest column each name is stored in, in characters.
pub(super) const APPLICATION_WIDTH: usize = 50;
pub(super) const SERVER_WIDTH: usize = 128;
pub(super) const NODE_WIDTH: usize = 50;

/// Accepts a name: not empty, no white space, no control character, at most `width` characters.
pub(super) fn name(field: &str, value: &str, width: usize) -> Result<String, Refusal> {
    if value.is_empty() {
        return Err(Refusal::invalid(field, "is empty"));
    }
    optional_name(field, value, width)
}

/// Accepts a name that is part of a key: as [`name`], and ASCII. What the databases take for equal beyond it (accents,
/// `ß` and `ss`) differs between their collations.
pub(super) fn key(field: &str, value: &str, width: usize) -> Result<String, Refusal> {
    if let Some(other) = value.chars().find(|c| !c.is_ascii()) {
        return Err(Refusal::invalid(
            field,
            format!("contains `{}`, only ASCII characters are allowed", other.escape_debug()),
        ));
    }
    name(field, value, width)
}

/// As [`name`], but may be empty.
pub(super) fn optional_name(field: &str, value: &str, width: usize) -> Result<String, Refusal> {
    if value.chars().any(char::is_whitespace) {
        return Err(Refusal::invalid(field, "contains white space"));
    }
    text(field, value, width)
}

/// Accepts a text that may be empty and may contain spaces.
pub(super) fn text(field: &str, value: &str, width: usize) -> Result<String, Refusal> {
    if value.chars().any(char::is_control) {
        return Err(Refusal::invalid(field, "contains a control character"));
    }
    // db_tars' columns are utf8mb3: a character beyond the basic plane is an error or a `?` there.
    if let Some(wide) = value.chars().find(|c| u32::from(*c) > 0xFFFF) {
        return Err(Refusal::invalid(
            field,
            format!("contains `{wide}`, which the database's character set lacks"),
        ));
    }
    let length = value.chars().count();
    if length > width {
        return Err(Refusal::invalid(
            field,
            format!("has {length} characters, {width} are allowed"),
        ));
    }
    Ok(value.to_owned())
}

/// Checks the three names of an instance.
pub(super) fn instance(node: &str, application: &str, server: &str) -> Result<InstanceKey, Refusal> {
    Ok(InstanceKey {
        node: key("nodeName", node, NODE_WIDTH)?,
        application: key("application", application, APPLICATION_WIDTH)?,
        server: key("server", server, SERVER_WIDTH)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_field_and_the_reason() {
        let cases = [
            ("", "`f` is empty"),
            ("a b", "`f` contains white space"),
            ("a\u{3000}", "`f` contains white space"),
            ("a\u{7}", "`f` contains a control character"),
            ("abcd", "`f` has 4 characters, 3 are allowed"),
            ("😀", "`f` contains `😀`, which the database's character set lacks"),
        ];
        for (value, expected) in cases {
            assert_eq!(name("f", value, 3).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn keys_are_ascii() {
        assert_eq!(key("f", "Pod-a", 5), Ok("Pod-a".to_owned()));
        assert_eq!(
            key("f", "Pód", 5).unwrap_err().to_string(),
            "`f` contains `ó`, only ASCII characters are allowed"
        );
    }

    #[test]
    fn width_counts_characters_as_the_columns_do() {
        assert_eq!(name("f", "服务器", 3), Ok("服务器".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn an_accepted_name_fits_its_column(value in ".{0,60}") {
            if let Ok(kept) = name("f", &value, 50) {
                proptest::prop_assert_eq!(&kept, &value);
                proptest::prop_assert!(!kept.is_empty() && kept.chars().count() <= 50);
                proptest::prop_assert!(kept.chars().all(|c| !c.is_whitespace() && !c.is_control() && c.len_utf8() <= 3));
            }
        }
    }
}
