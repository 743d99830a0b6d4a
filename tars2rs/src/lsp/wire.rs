//! Messages as bytes: a head with the length, then JSON.

use std::io::{self, BufRead, Read as _, Write};

use lsp_server::Message;

/// What arrived.
#[derive(Debug)]
pub(crate) enum Incoming {
    Message(Message),
    /// Whole, but no message; with the reason.
    Broken(String),
}

/// A message may be so long. The largest hold a whole text.
const MOST_BYTES: usize = 256 << 20;
/// A line of the head may be so long.
const MOST_HEAD: u64 = 4096;

/// Reads the next message; `None` at the end. An error means that the next one cannot be found.
pub(crate) fn read(input: &mut impl BufRead) -> io::Result<Option<Incoming>> {
    let Some(length) = head(input)? else { return Ok(None) };
    if length > MOST_BYTES {
        return Err(invalid(format!("a message of {length} bytes, more than {MOST_BYTES}")));
    }
    let mut body = Vec::new();
    // Grows with what arrives, not with what was announced.
    let read = input.by_ref().take(length as u64).read_to_end(&mut body)?;
    if read < length {
        return Ok(None);
    }
    Ok(Some(match serde_json::from_slice(&body) {
        Ok(message) => Incoming::Message(message),
        Err(error) => Incoming::Broken(error.to_string()),
    }))
}

/// The length of the body.
fn head(input: &mut impl BufRead) -> io::Result<Option<usize>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        input.by_ref().take(MOST_HEAD).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if text.is_empty() {
            break;
        }
        let Some((name, value)) = text.split_once(':') else {
            return Err(invalid(format!("`{text}` is no line of a message's head")));
        };
        if name.eq_ignore_ascii_case("content-length") {
            let value = value.trim().parse();
            length = Some(value.map_err(|_| invalid("a Content-Length that is no number".to_owned()))?);
        }
    }
    length
        .map(Some)
        .ok_or_else(|| invalid("a message without Content-Length".to_owned()))
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Writes a message.
pub(crate) fn write(output: &mut impl Write, message: &Message) -> io::Result<()> {
    message.clone().write(output)
}

/// Answers what could not be read, as JSON-RPC wants it: with no id.
pub(crate) fn write_broken(output: &mut impl Write, reason: &str) -> io::Result<()> {
    let code = lsp_server::ErrorCode::ParseError as i32;
    let error = serde_json::json!({"code": code, "message": format!("no JSON-RPC message: {reason}")});
    let body = serde_json::json!({"jsonrpc": "2.0", "id": null, "error": error}).to_string();
    write!(output, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<String> {
        std::iter::from_fn(|| match read(&mut bytes) {
            Ok(None) => None,
            Ok(Some(Incoming::Message(_))) => Some("message".to_owned()),
            Ok(Some(Incoming::Broken(_))) => Some("broken".to_owned()),
            Err(error) => {
                bytes = &[];
                Some(error.to_string())
            }
        })
        .collect()
    }

    #[test]
    fn what_is_broken_does_not_hide_what_follows() {
        let bytes = b"Content-Length: 3\r\n\r\n{x}content-length: 15\r\nX: y\r\n\r\n{\"method\": \"a\"}Content-Length: 9\r\n\r\n";
        assert_eq!(all(bytes), ["broken", "message"]);
    }

    #[test]
    fn a_head_that_makes_no_sense_ends_the_session() {
        assert_eq!(all(b"hello\r\n"), ["`hello` is no line of a message's head"]);
        assert_eq!(all(b"A: b\r\n\r\n"), ["a message without Content-Length"]);
        assert_eq!(all(b"Content-Length: x\r\n\r\n"), ["a Content-Length that is no number"]);
        let huge = all(b"Content-Length: 99999999999\r\n\r\n");
        assert!(huge[0].starts_with("a message of 99999999999 bytes"));
    }
}
