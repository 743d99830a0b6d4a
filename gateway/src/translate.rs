//! HTTP bodies to calls and back: no sockets, no clock, no settings.

use std::fmt;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tars::codec::{self, Limits};
use tars::protocol::{RequestPacket, ResponsePacket};
use tars::{Attributes, ByteString};

use crate::context::for_caller;
use crate::object::{FunctionName, NameError, ObjectName};
use crate::upstream::{Answer, BodyFormat};

/// The length that begins a frame.
const LENGTH: usize = 4;

/// What a packet may turn into. Only its body is long, and that is not copied.
const PACKET_LIMITS: Limits = Limits {
    max_depth: 16,
    max_decoded_bytes: 32 * 1024 * 1024,
    max_expansion: 128,
};

/// A packet that nobody answers.
const ONE_WAY: i8 = 1;

/// An empty map at tag 0: the body of a TUP answer without values.
const NO_VALUES: &[u8] = &[0x08, 0x0c];

/// Why a body is no call. The texts are for whoever wrote the body.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// A name has no such form.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not text.
    #[error("the body is not UTF-8")]
    Utf8,
    /// Not the JSON that is needed.
    #[error("{what}: {source}")]
    Json {
        /// What was read.
        what: &'static str,
        /// Where and why it is wrong.
        source: serde_json::Error,
    },
    /// JSON, but no object.
    #[error("{0} must be a JSON object with the parameters by their names")]
    NotObject(&'static str),
    /// The frame's length does not fit.
    #[error("the body must be one frame: its first 4 bytes say {claimed} bytes, and it has {actual}")]
    Length {
        /// What the first bytes say.
        claimed: u64,
        /// What came.
        actual: usize,
    },
    /// Not even a length.
    #[error("the body must be one frame: a length of 4 bytes, and a RequestPacket")]
    Short,
    /// Not a packet.
    #[error("the frame holds no RequestPacket: {0}")]
    Packet(#[from] codec::DecodeError),
    /// Not a version that goes through `/tup`.
    #[error("`iVersion` is {0}; 1 (Tars), 2 and 3 (TUP) can be sent here, JSON to /json/OBJECT/FUNCTION")]
    Version(i16),
}

/// A JSON object of any content, read once from end to end and not kept: neither depth nor size costs memory.
struct AnyObject;

impl<'de> Deserialize<'de> for AnyObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for AnyObject {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self)
    }
}

/// The parameters of a call: `body` itself when it is a JSON object, `{}` for an empty one.
pub fn parameters(body: Bytes) -> Result<Bytes, Malformed> {
    if body.is_empty() {
        return Ok(Bytes::from_static(b"{}"));
    }
    object("the body", &body)?;
    Ok(body)
}

/// What a servant answered, when it is the JSON object that a caller can read.
pub(crate) fn result(body: &[u8]) -> Option<&str> {
    object("the answer", body).ok()
}

fn object<'a>(what: &'static str, body: &'a [u8]) -> Result<&'a str, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| Malformed::Utf8)?;
    if !text.trim_ascii_start().starts_with('{') {
        return Err(match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Malformed::NotObject(what),
            Err(source) => Malformed::Json { what, source },
        });
    }
    match serde_json::from_str::<AnyObject>(text) {
        Ok(_) => Ok(text),
        Err(source) => Err(Malformed::Json { what, source }),
    }
}

/// A call described by a body (`POST /json`).
#[derive(Debug)]
pub struct BodyCall {
    /// The object called.
    pub object: ObjectName,
    /// The function called.
    pub function: FunctionName,
    /// The parameters, a JSON object.
    pub data: Bytes,
    /// The caller's number of the call; the answer repeats it.
    pub request_id: i64,
    /// How long the caller would wait.
    pub timeout: Option<Duration>,
    /// The caller's context, not filtered yet.
    pub context: Attributes,
}

/// As it is written. `msgtype` and `status` of older gateways belong to the framework (trace, dyeing): what a caller
/// says there is skipped like any other key.
#[derive(Deserialize)]
struct BodyFields {
    obj: String,
    func: String,
    data: String,
    reqid: i64,
    #[serde(default)]
    timeout: u32,
    #[serde(default)]
    context: Context,
}

/// A map of texts; null counts as absent.
#[derive(Default)]
struct Context(Attributes);

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Option::<std::collections::BTreeMap<String, String>>::deserialize(deserializer)?;
        let texts = map.unwrap_or_default().into_iter();
        Ok(Self(texts.map(|(key, value)| (key.into(), value.into())).collect()))
    }
}

/// Reads the body of `POST /json`.
pub fn body_call(body: &[u8]) -> Result<BodyCall, Malformed> {
    let text = object("the body", body)?;
    let what =
        "the body must be {\"obj\", \"func\", \"data\", \"reqid\"} with the parameters as a string of JSON in `data`";
    let fields: BodyFields = serde_json::from_str(text).map_err(|source| Malformed::Json { what, source })?;
    object("`data`", fields.data.as_bytes())?;
    Ok(BodyCall {
        object: fields.obj.parse()?,
        function: fields.func.parse()?,
        data: fields.data.into(),
        request_id: fields.reqid,
        timeout: millis(fields.timeout.into()),
        context: fields.context.0,
    })
}

/// A time limit as it travels, in milliseconds; nothing for 0 and less.
fn millis(millis: i64) -> Option<Duration> {
    u64::try_from(millis)
        .ok()
        .filter(|&millis| millis > 0)
        .map(Duration::from_millis)
}

/// The answer to `POST /json`.
pub(crate) fn body_answer(data: &str, request_id: i64) -> Vec<u8> {
    #[derive(Serialize)]
    struct Fields<'a> {
        data: &'a str,
        reqid: i64,
    }
    let fields = Fields {
        data,
        reqid: request_id,
    };
    serde_json::to_vec(&fields).expect("a text and a number are JSON")
}

/// A call in a packet (`POST /tup`).
#[derive(Debug)]
pub struct TupCall {
    /// What the answer repeats.
    pub head: TupHead,
    /// The parameters.
    pub body: Bytes,
    /// How long the caller would wait.
    pub timeout: Option<Duration>,
    /// The caller's context, not filtered yet.
    pub context: Attributes,
    /// Whether the caller wants no answer.
    pub one_way: bool,
}

/// What the answer to a packet repeats of it.
#[derive(Debug)]
pub struct TupHead {
    /// The object called.
    pub object: ObjectName,
    /// The function called.
    pub function: FunctionName,
    /// What the body is.
    pub format: BodyFormat,
    request_id: i32,
}

/// Reads the body of `POST /tup`. The packet's status and message type are the framework's and not taken over.
pub fn tup_call(frame: &Bytes) -> Result<TupCall, Malformed> {
    let mut length = frame.clone();
    let claimed = length.try_get_u32().map_err(|_| Malformed::Short)?;
    if usize::try_from(claimed).ok() != Some(frame.len()) {
        return Err(Malformed::Length {
            claimed: claimed.into(),
            actual: frame.len(),
        });
    }
    let packet: RequestPacket = codec::decode_bytes(&frame.slice(LENGTH..), &PACKET_LIMITS)?;
    let format = match packet.i_version {
        1 => BodyFormat::Tars,
        2 => BodyFormat::TupComplex,
        3 => BodyFormat::Tup,
        version => return Err(Malformed::Version(version)),
    };
    Ok(TupCall {
        head: TupHead {
            object: packet.s_servant_name.parse()?,
            function: packet.s_func_name.parse()?,
            format,
            request_id: packet.i_request_id,
        },
        body: packet.s_buffer,
        timeout: millis(packet.i_timeout.into()),
        context: packet.context,
        one_way: packet.c_packet_type == ONE_WAY,
    })
}

impl TupHead {
    /// The frame of a servant's answer, or of its error (a code and a text).
    pub(crate) fn answer(&self, result: Result<Answer, (i32, &str)>) -> Result<Vec<u8>, codec::EncodeError> {
        let (code, text, answer) = match result {
            Ok(answer) => (0, "", answer),
            Err((code, text)) => (code, text, Answer::default()),
        };
        if self.format == BodyFormat::Tars {
            frame(&ResponsePacket {
                i_version: self.format as i16,
                i_request_id: self.request_id,
                i_ret: code,
                s_buffer: answer.body,
                status: for_caller(answer.status),
                s_result_desc: text.into(),
                context: for_caller(answer.context),
                ..ResponsePacket::default()
            })
        } else {
            frame(&self.tup_answer(code, text, answer))
        }
    }

    /// An answer in TUP has a request's shape, and its return code in the status.
    fn tup_answer(&self, code: i32, text: &str, answer: Answer) -> RequestPacket {
        let mut status = for_caller(answer.status);
        let mut body = answer.body;
        if code != 0 {
            body = Bytes::from_static(NO_VALUES);
            status.insert("STATUS_RESULT_CODE".into(), ByteString::from(code.to_string()));
            status.insert("STATUS_RESULT_DESC".into(), ByteString::from(text));
        }
        RequestPacket {
            i_version: self.format as i16,
            i_request_id: self.request_id,
            s_servant_name: self.object.as_str().to_owned(),
            s_func_name: self.function.as_str().to_owned(),
            s_buffer: body,
            context: for_caller(answer.context),
            status,
            ..RequestPacket::default()
        }
    }
}

fn frame<T: codec::Struct>(packet: &T) -> Result<Vec<u8>, codec::EncodeError> {
    let fields = codec::encode(packet)?;
    let mut frame = Vec::with_capacity(LENGTH + fields.len());
    // What was received in frames of 31 bits is answered in such.
    frame.put_u32(u32::try_from(LENGTH + fields.len()).unwrap_or(u32::MAX));
    frame.extend_from_slice(&fields);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(version: i16, context: Attributes, body: Vec<u8>) -> RequestPacket {
        RequestPacket {
            i_version: version,
            i_request_id: -7,
            s_servant_name: "A.B.C".to_owned(),
            s_func_name: "f".to_owned(),
            s_buffer: body.into(),
            i_timeout: 5,
            context,
            ..RequestPacket::default()
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_call_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let frame = [&u32::try_from(bytes.len() + 4).unwrap().to_be_bytes()[..], &bytes].concat();
            let _ = tup_call(&frame.into());
            let _ = body_call(&bytes);
            let _ = parameters(bytes.into());
        }

        #[test]
        fn a_damaged_packet_is_a_call_or_an_error(at in 0..60_usize, byte in any::<u8>()) {
            let mut bytes = frame(&packet(1, [("k".into(), "v".into())].into(), vec![1; 20])).unwrap();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = tup_call(&bytes.into());
        }

        #[test]
        fn a_packet_is_read_as_it_was_written(
            version in 1..=3_i16,
            context in prop::collection::btree_map(any::<Vec<u8>>(), any::<Vec<u8>>(), 0..5),
            body in any::<Vec<u8>>(),
        ) {
            let context: Attributes =
                context.into_iter().map(|(key, value)| (key[..].into(), value[..].into())).collect();
            let call = tup_call(&frame(&packet(version, context.clone(), body.clone())).unwrap().into()).unwrap();
            prop_assert_eq!(call.head.format as i16, version);
            prop_assert_eq!((call.head.object.as_str(), call.head.function.as_str()), ("A.B.C", "f"));
            prop_assert_eq!((call.context, &call.body[..]), (context, &body[..]));
            prop_assert_eq!((call.timeout, call.one_way), (Some(Duration::from_millis(5)), false));
        }

        #[test]
        fn what_serde_takes_for_an_object_passes_as_it_is(text in "[{}\\[\\]\",:a0 \\\\]{0,12}|\\{\"[a-z]{0,3}\": ?[0-9]{1,3}\\}") {
            let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).is_ok();
            let read = parameters(text.clone().into());
            if text.is_empty() {
                prop_assert_eq!(&read.unwrap()[..], b"{}");
            } else {
                prop_assert_eq!(read.as_ref().is_ok(), is_object, "{:?}", read);
                prop_assert!(read.map_or(true, |read| read == text));
            }
        }

        #[test]
        fn any_text_comes_back_in_a_body(text in any::<String>(), number in any::<i64>()) {
            let body: serde_json::Value = serde_json::from_slice(&body_answer(&text, number)).unwrap();
            prop_assert_eq!(body, serde_json::json!({"data": text, "reqid": number}));
        }
    }
}
