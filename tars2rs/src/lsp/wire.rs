//! Messages as bytes: a head with the length, then JSON.

use std::io::{self, BufRead, Read as _};

use lsp_server::{ErrorCode, Message, RequestId};
use serde_json::{Value, json};

/// What arrived.
#[derive(Debug)]
pub(crate) enum Incoming {
    Message(Message),
    /// Whole, but no message, with what is to be answered.
    Broken(Broken),
}

/// What is wrong with what arrived.
#[derive(Debug)]
pub(crate) struct Broken {
    code: ErrorCode,
    reason: String,
    /// The request's, if it can be told.
    id: Value,
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
    Ok(Some(message(&body)))
}

fn message(body: &[u8]) -> Incoming {
    let broken = |code: ErrorCode, reason: String, id: Value| Incoming::Broken(Broken { code, reason, id });
    let value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(error) => return broken(ErrorCode::ParseError, format!("this is no JSON: {error}"), Value::Null),
    };
    let id = value.get("id").filter(|id| id.is_i64() || id.is_string()).cloned();
    // Whatever has an id passes for a response, also a request that is malformed.
    let has = |part: &str| value.get(part).is_some();
    let responds = !has("method") && (has("result") || has("error"));
    let requests = value.get("id").is_some_and(|id| !id.is_null());
    match serde_json::from_value(value) {
        Ok(Message::Response(_)) if !responds => {
            let reason = "this is neither a request nor a response".to_owned();
            broken(ErrorCode::InvalidRequest, reason, id.unwrap_or_default())
        }
        // What has an id waits for an answer.
        Ok(Message::Notification(_)) if requests => {
            let reason = "an id is a text or a whole number of 32 bits".to_owned();
            broken(ErrorCode::InvalidRequest, reason, id.unwrap_or_default())
        }
        Ok(message) => Incoming::Message(message),
        _ => broken(
            ErrorCode::InvalidRequest,
            "this is no message of JSON-RPC".to_owned(),
            id.unwrap_or_default(),
        ),
    }
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

/// A message as bytes.
pub(crate) fn bytes(message: &Message) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    message.write(&mut bytes)?;
    Ok(bytes)
}

/// The answer to a request, given as JSON.
pub(crate) fn answer(id: &RequestId, result: &str) -> serde_json::Result<Vec<u8>> {
    let id = serde_json::to_string(id)?;
    Ok(framed(&format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)))
}

/// The answer to what could not be read.
pub(crate) fn complaint(broken: &Broken) -> Vec<u8> {
    let error = json!({"code": broken.code as i32, "message": broken.reason});
    framed(&json!({"jsonrpc": "2.0", "id": broken.id, "error": error}).to_string())
}

fn framed(body: &str) -> Vec<u8> {
    format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut bytes: &[u8]) -> Vec<String> {
        std::iter::from_fn(|| match read(&mut bytes) {
            Ok(None) => None,
            Ok(Some(Incoming::Message(_))) => Some("message".to_owned()),
            Ok(Some(Incoming::Broken(broken))) => Some(format!("{} {}", broken.code as i32, broken.id)),
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
        assert_eq!(all(bytes), ["-32700 null", "message"]);
    }

    #[test]
    fn what_is_no_message_is_answered_under_its_id() {
        let said = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let bytes = [
            "[1]",
            "{}",
            r#"{"id": 7, "method": 5}"#,
            r#"{"id": "a"}"#,
            "7",
            "\"x\"",
            r#"{"id": 1099511627776, "method": "a"}"#,
            r#"{"id": [], "method": "a"}"#,
        ]
        .map(said)
        .concat();
        assert_eq!(
            all(bytes.as_bytes()),
            [
                "-32600 null",
                "-32600 null",
                "-32600 7",
                "-32600 \"a\"",
                "-32600 null",
                "-32600 null",
                "-32600 1099511627776",
                "-32600 null"
            ]
        );
    }

    #[test]
    fn a_head_that_makes_no_sense_ends_the_session() {
        assert_eq!(all(b"hello\r\n"), ["`hello` is no line of a message's head"]);
        assert_eq!(all(b"A: b\r\n\r\n"), ["a message without Content-Length"]);
        assert_eq!(
            all(b"Content-Length: x\r\n\r\n"),
            ["a Content-Length that is no number"]
        );
        let huge = all(b"Content-Length: 99999999999\r\n\r\n");
        assert!(huge[0].starts_with("a message of 99999999999 bytes"));
    }
}
