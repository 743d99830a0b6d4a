//! What a server's names and addresses may be, wherever they were said. Every refusal says what was expected, so that it
//! helps behind the name of a variable and behind a line of a file as well.

use std::net::IpAddr;

use tars::{Endpoint, ObjectAddress, Protocol};

/// What a locator may have in place of a namespace.
pub(crate) const NAMESPACE: &str = "${namespace}";

/// Accepts an application, a server or an object: names become parts of domains, servants and paths.
pub(crate) fn name(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("expected a name".to_owned());
    }
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || "./\\<>@#:!?".contains(c);
    match text.chars().find(|c| is_bad(*c)) {
        Some(bad) => Err(format!("expected a name without {bad:?}")),
        None => Ok(()),
    }
}

/// Accepts the name of a file, without a folder.
pub(crate) fn file_name(text: &str) -> Result<(), String> {
    let is_file_name =
        !text.is_empty() && !text.contains('/') && !text.contains(char::is_control) && text != "." && text != "..";
    expected(is_file_name, "a file's name without `/`")
}

/// Accepts a set, or none.
pub(crate) fn set(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_part = |part: &&str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    let is_set = text.is_empty() || (parts.len() == 3 && parts.iter().all(is_part));
    expected(is_set, "`name.area.group`")?;
    let has_star = parts.iter().rev().skip(1).any(|part| *part == "*");
    expected(!has_star, "`name.area.group`, of which only the group may be `*`")
}

/// Accepts an address that others can call, or a host name.
pub(crate) fn node(text: &str) -> Result<(), String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        let is_one = !address.is_unspecified() && !address.is_multicast();
        return expected(is_one, "an address of this node");
    }
    // A name that ends in a number is an address with a slip in it.
    let last_is_number = text
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    expected(is_host(text) && !last_is_number, "an address or a host name")
}

/// Accepts what can stand for `${namespace}` in a host name.
pub(crate) fn namespace(text: &str) -> Result<(), String> {
    expected(is_host(text), "a namespace, a part of host names")
}

fn is_host(text: &str) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Accepts where the registry answers lookups. `${namespace}` may still be in it.
pub(crate) fn locator(text: &str) -> Result<ObjectAddress, String> {
    // As long as what it stands for, so that columns are right.
    let plain = text.replace(NAMESPACE, &"n".repeat(NAMESPACE.len()));
    if plain.contains("${") {
        return Err(format!("nothing is known to put there but `{NAMESPACE}`"));
    }
    let locator: ObjectAddress = parsed(&plain)?;
    let is_somewhere = !locator.endpoints.is_empty();
    expected(
        is_somewhere,
        "`@` and where the registry is, such as `@tcp -h HOST -p 17890`",
    )?;
    locator.endpoints.iter().try_for_each(has_port)?;
    Ok(locator)
}

/// Accepts where a server's `AdminObj` can be called.
pub(crate) fn admin(text: &str) -> Result<(), String> {
    let endpoint: Endpoint = parsed(text)?;
    expected(
        endpoint.protocol == Protocol::Tcp,
        "`tcp`: nothing else is called from here",
    )?;
    has_port(&endpoint)
}

fn has_port(endpoint: &Endpoint) -> Result<(), String> {
    expected(endpoint.port != 0, "a port after `-p`")
}

/// The endpoint or address. What is around knows the text already.
fn parsed<T: std::str::FromStr<Err = tars::ParseEndpointError>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: tars::ParseEndpointError| {
        let error = error.to_string();
        let place = error.strip_prefix(&format!("`{text}`, "));
        place.map_or_else(|| error.clone(), str::to_owned)
    })
}

fn expected(is_so: bool, what: &str) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(format!("expected {what}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["App", "hello_server-2", "\u{4f60}\u{597d}"] {
            assert_eq!((name(good), file_name(good)), (Ok(()), Ok(())), "{good}");
        }
        for bad in ["", "a b", "a/b", "a.b", "a\n", "..", "a@b"] {
            assert!(name(bad).unwrap_err().starts_with("expected a name"), "{bad}");
        }
        assert_eq!(file_name("built.name"), Ok(()));
        for bad in ["", ".", "..", "a/b", "a\nb"] {
            assert!(file_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sets() {
        for good in ["", "a.b.c", "a.b.*"] {
            assert_eq!(set(good), Ok(()), "{good}");
        }
        for bad in ["a", "a.b", "a..c", "a.b.c.d", "a. .c", "*.b.c", "a.*.c"] {
            assert!(set(bad).unwrap_err().contains("`name.area.group`"), "{bad}");
        }
    }

    #[test]
    fn nodes_and_namespaces() {
        for good in ["10.1.2.3", "fd00::7", "node-1", "node_1.rack2.example", "1a"] {
            assert_eq!(node(good), Ok(()), "{good}");
        }
        let long = "a".repeat(254);
        for bad in [
            "",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "10.0.0.300",
            "10.0.0",
            "7",
            "a b",
            "a..b",
            "[::1]",
            "a/b",
            "a\n",
            &long,
        ] {
            assert!(node(bad).is_err(), "{bad}");
        }
        assert_eq!((namespace("tars-system"), namespace("7")), (Ok(()), Ok(())));
        for bad in ["", "a b", "a:b", "a."] {
            assert!(namespace(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn locators_and_admin_endpoints() {
        assert_eq!(locator("a.b.c@tcp -h r.${namespace}.svc -p 1").unwrap().name, "a.b.c");
        for (bad, expected) in [
            ("nope", "expected `@` and where the registry is"),
            ("a.b.c", "expected `@` and where"),
            ("a.b.c@tcp -h ${ns} -p 1", "but `${namespace}`"),
            ("a.b.c@tcp -h ${namespace} -p x", "column 30: option `-p`"),
            ("a.b.c@tcp -h r", "expected a port"),
        ] {
            let error = locator(bad).unwrap_err();
            assert!(error.contains(expected), "{bad}: {error}");
        }
        assert_eq!(admin("tcp -h 127.0.0.1 -p 17893 -t 5000"), Ok(()));
        for (bad, expected) in [
            ("junk", "column 1: expected `tcp`"),
            ("udp -h ::1 -p 1", "expected `tcp`"),
            ("tcp -h ::1", "expected a port"),
        ] {
            let error = admin(bad).unwrap_err();
            assert!(error.starts_with(expected), "{bad}: {error}");
        }
    }
}
