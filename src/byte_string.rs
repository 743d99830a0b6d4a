//! Strings whose bytes somebody else chose.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::str::Utf8Error;

use bytes::Bytes;

/// A `string` of the IDL as it travels: bytes, mostly UTF-8, sometimes GBK or worse.
///
/// Fields are `String` by default, and bytes that are not UTF-8 are an error there. This type takes them as they come, for values
/// that one odd byte must not make unreadable.
///
/// ```
/// use tars::ByteString;
///
/// let name = ByteString::from("TestApp");
/// assert_eq!(name.to_str(), Ok("TestApp"));
/// assert_eq!(format!("{:?}", ByteString::from(&b"a\xff"[..])), r#""a\xff""#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteString(Bytes);

impl ByteString {
    /// The text, if it is UTF-8.
    pub fn to_str(&self) -> Result<&str, Utf8Error> {
        str::from_utf8(&self.0)
    }

    /// The text, with U+FFFD for what is not UTF-8.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, with their shared memory.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for ByteString {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for ByteString {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The order and the hash are those of the bytes, so maps can be asked with a `&[u8]`.
impl std::borrow::Borrow<[u8]> for ByteString {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for ByteString {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for ByteString {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&[u8]> for ByteString {
    fn from(bytes: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(bytes))
    }
}

impl From<Bytes> for ByteString {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<ByteString> for Bytes {
    fn from(text: ByteString) -> Self {
        text.0
    }
}

impl PartialEq<str> for ByteString {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for ByteString {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}

/// As a string literal; bytes that are not UTF-8 are escaped.
impl fmt::Debug for ByteString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn text_and_other_bytes_are_told_apart() {
        let odd = ByteString::from(&b"a\xffb"[..]);
        assert_eq!(odd.to_str().unwrap_err().valid_up_to(), 1);
        assert_eq!(odd.to_string_lossy(), "a\u{fffd}b");
        assert_eq!(ByteString::from("x"), "x");
    }

    #[test]
    fn debug_escapes() {
        let text = ByteString::from(&b"\"\n\xe4\xb8\xad\x80"[..]);
        assert_eq!(format!("{text:?}"), "\"\\\"\\n\u{4e2d}\\x80\"");
    }

    #[test]
    fn maps_are_asked_with_bytes() {
        let map = BTreeMap::from([(ByteString::from("k"), 1)]);
        assert_eq!(map.get(&b"k"[..]), Some(&1));
    }
}
