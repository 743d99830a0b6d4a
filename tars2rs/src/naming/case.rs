//! The cases of Rust's names. IDL names are ASCII, and a large file has tens of thousands of them.

/// `onStartupReq` and `OnStartupReq` become `on_startup_req`.
pub(super) fn snake(name: &str) -> String {
    cased(name, "_", str::make_ascii_lowercase)
}

/// `eTypeA` becomes `E_TYPE_A`.
pub(super) fn shout(name: &str) -> String {
    cased(name, "_", str::make_ascii_uppercase)
}

/// `AUTH_STATE` becomes `AuthState`.
pub(super) fn camel(name: &str) -> String {
    cased(name, "", |word| {
        word.make_ascii_lowercase();
        word[..1].make_ascii_uppercase();
    })
}

fn cased(name: &str, between: &str, change: fn(&mut str)) -> String {
    let mut out = String::with_capacity(name.len() + 8);
    for word in words(name) {
        if !out.is_empty() {
            out.push_str(between);
        }
        let start = out.len();
        out.push_str(word);
        change(&mut out[start..]);
    }
    out
}

/// A name in its words: `set_ID` and `setID` are `set` and `ID`, `HTTPPort2` is `HTTP` and `Port2`.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.flat_map(|mut rest| {
        std::iter::from_fn(move || {
            let (word, more) = rest.split_at(first_word(rest.as_bytes()));
            rest = more;
            (!word.is_empty()).then_some(word)
        })
    })
}

/// The length of the first word: up to a large letter behind a small one, or to the last of large letters before a small
/// one. Digits belong to what stands before them.
fn first_word(name: &[u8]) -> usize {
    let mut small = None;
    for (at, pair) in name.windows(2).enumerate() {
        let before = small;
        if pair[0].is_ascii_alphabetic() {
            small = Some(pair[0].is_ascii_lowercase());
        }
        if small == Some(true) && pair[1].is_ascii_uppercase() {
            return at + 1;
        }
        if before == Some(false) && pair[0].is_ascii_uppercase() && pair[1].is_ascii_lowercase() {
            return at;
        }
    }
    name.len()
}

#[cfg(test)]
mod tests {
    use heck::{ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_are_as_heck_has_them(name in "[a-cA-C0-2_]{0,12}") {
            prop_assert_eq!(snake(&name), name.to_snake_case());
            prop_assert_eq!(shout(&name), name.to_shouty_snake_case());
            prop_assert_eq!(camel(&name), name.to_upper_camel_case());
        }
    }
}
