//! The names of files: URIs as editors write them, paths as the compiler does.

use std::path::{Path, PathBuf};

/// The path of a `file:` URI; of any other URI, as of a text that was never saved, the URI itself.
pub(crate) fn path_of(uri: &str) -> Option<PathBuf> {
    let Some(rest) = uri.strip_prefix("file://") else {
        return Some(PathBuf::from(uri));
    };
    let path = decoded(&rest[rest.find('/')?..])?;
    // `/C:/x` is `C:/x`.
    let bytes = path.as_bytes();
    let drive = bytes.len() > 2 && bytes[1].is_ascii_alphabetic() && bytes[2] == b':';
    let path = if cfg!(windows) && drive { &path[1..] } else { &path };
    Some(PathBuf::from(path))
}

/// A URI with `%` for what may not stand in one: not every editor writes blanks and letters beyond ASCII as it should.
pub(crate) fn legal(uri: &str) -> String {
    let mut legal = String::with_capacity(uri.len());
    for byte in uri.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(&byte) {
            legal.push(char::from(byte));
        } else {
            legal.extend(escaped(byte));
        }
    }
    legal
}

fn escaped(byte: u8) -> [char; 3] {
    let hex = |digit: u8| char::from(b"0123456789ABCDEF"[usize::from(digit)]);
    ['%', hex(byte >> 4), hex(byte & 0xF)]
}

/// The `file:` URI of a path.
pub(crate) fn uri_of(path: &Path) -> String {
    let text = path.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
    let slash = if text.starts_with('/') { "" } else { "/" };
    let mut uri = format!("file://{slash}");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend(escaped(byte));
        }
    }
    uri
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let number = digit(rest.next())? * 16 + digit(rest.next())?;
        bytes.push(u8::try_from(number).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_uris_are_the_same() {
        for path in ["/a/b.tars", "/with blank/ü%20#?.tars"] {
            let uri = uri_of(Path::new(path));
            assert!(uri.is_ascii() && !uri.contains(' '));
            assert_eq!(path_of(&uri), Some(PathBuf::from(path)));
        }
        assert_eq!(path_of("file://localhost/a"), Some(PathBuf::from("/a")));
        assert_eq!(
            path_of("untitled:Untitled-1"),
            Some(PathBuf::from("untitled:Untitled-1"))
        );
        assert_eq!(legal("file:///a b/ü%20[1]"), "file:///a%20b/%C3%BC%20%5B1%5D");
        assert_eq!(path_of("file:///%zz"), None);
        assert_eq!(path_of("file:///%ff"), None);
        assert_eq!(path_of("file://"), None);
    }
}
