//! Bodies of version 3: a map from the parameters' names to their values, each in bytes of its own as the field with tag 0.
//!
//! There is no second codec for them: the fields of the plain form are cut apart or put together, and only their tags change.

use std::collections::BTreeMap;

use bytes::Bytes;
use tars_derive::TarsStruct;

use crate::codec::{self, DecodeError, EncodeError, Field, Limits, Packed, Reader, Struct, Writer};
use crate::message::Attributes;
use crate::protocol::ResponsePacket;
use crate::{ByteString, code};

/// The status in which an answer's return code travels; absent is success.
pub(crate) const RESULT_CODE: &str = "STATUS_RESULT_CODE";
/// The status in which the text of an error travels.
pub(crate) const RESULT_DESC: &str = "STATUS_RESULT_DESC";

/// The encoded body without any value.
pub(crate) const EMPTY: &[u8] = &[0x08, 0x0c];

/// More than the heads of a name and a value take.
const HEADS: usize = 16;

/// The name of a return value; the empty name is the one that older peers look for.
const RETURN: &str = "tars_ret";

/// Reads the parameters of `body`. Names that `T` does not have are ignored.
pub(crate) fn decode<T: Struct>(body: &[u8], limits: &Limits) -> Result<T, DecodeError> {
    let mut values = BTreeMap::<ByteString, Bytes>::new();
    if !body.is_empty() {
        values = Reader::new(body, limits).require(0, "body")?;
    }
    let mut fields = Writer::new();
    for &(name, tag) in T::FIELDS {
        let Some(value) = values.get(name.as_bytes()) else {
            continue;
        };
        let mut reader = Reader::new(value, limits);
        // Anything but the field 0 is as good as nothing, and missing.
        let field = reader.cut().map_err(|error| error.in_field(name, tag))?;
        if let Some(field) = field.filter(|field| field.tag() == 0) {
            field.append(tag, &mut fields);
        }
    }
    let (fields, _) = fields.into_parts();
    codec::decode_bytes(&fields.into(), limits)
}

/// Writes the fields of `value`, as they are named in the IDL; the return value under both of its names.
pub(crate) fn encode<T: Struct>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let plain = codec::encode(value)?;
    let mut values = BTreeMap::<&str, Packed<'_>>::new();
    for field in fields(&plain) {
        let name = T::FIELDS
            .iter()
            .find(|known| known.1 == field.tag())
            .map_or("", |known| known.0);
        if name == RETURN {
            values.insert("", Packed(field));
        }
        values.insert(name, Packed(field));
    }
    let size: usize = values
        .iter()
        .map(|(name, Packed(field))| HEADS + name.len() + field.size())
        .sum();
    let mut body = Writer::with_capacity(HEADS + size);
    body.field(0, &values);
    body.finish()
}

/// The fields of what was encoded here.
fn fields(plain: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let limits = Limits {
        max_depth: u32::MAX,
        ..Limits::default()
    };
    let mut reader = Reader::new(plain, &limits);
    std::iter::from_fn(move || reader.cut().expect("what the writer has just written is whole"))
}

/// Whether an answer has the shape of a request, where tag 5 is the name of the object; in a `ResponsePacket` it is the
/// return code. Not the version decides: servers that do not serve version 2, TarsCpp for one, answer it in either shape.
pub(crate) fn is_like_a_request(fields: &[u8]) -> bool {
    const NAME_OR_CODE: u8 = 5;
    let limits = Limits::default();
    let mut reader = Reader::new(fields, &limits);
    // What is damaged is an error in either shape.
    while let Ok(Some(field)) = reader.cut() {
        if field.tag() == NAME_OR_CODE {
            return field.is_text();
        }
        if field.tag() > NAME_OR_CODE {
            break;
        }
    }
    // A return code is never left out.
    true
}

/// An answer in TUP has the shape of a request; its return code and text are in its status.
pub(crate) fn response(packet: Answer) -> ResponsePacket {
    let status = packet.status;
    let code = status.get(RESULT_CODE.as_bytes()).map(|code| {
        // A code that is no number is no success either.
        code.to_str()
            .ok()
            .and_then(|code| code.parse().ok())
            .unwrap_or(code::UNKNOWN)
    });
    let text = status.get(RESULT_DESC.as_bytes()).cloned();
    ResponsePacket {
        i_version: packet.version,
        c_packet_type: packet.packet_type,
        i_request_id: packet.id,
        i_message_type: packet.message_type,
        i_ret: code.unwrap_or(code::SUCCESS),
        s_buffer: packet.buffer,
        s_result_desc: text.unwrap_or_default(),
        context: packet.context,
        status,
    }
}

/// What is of use in a `RequestPacket` that is an answer.
#[derive(Clone, Debug, TarsStruct)]
#[tars(name = "RequestPacket")]
pub(crate) struct Answer {
    #[tars(tag = 1, require, name = "iVersion")]
    version: i16,
    #[tars(tag = 2, name = "cPacketType")]
    packet_type: i8,
    #[tars(tag = 3, name = "iMessageType")]
    message_type: i32,
    #[tars(tag = 4, require, name = "iRequestId")]
    id: i32,
    #[tars(tag = 7, name = "sBuffer")]
    buffer: Bytes,
    #[tars(tag = 9)]
    context: Attributes,
    #[tars(tag = 10)]
    status: Attributes,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, TarsStruct)]
    struct Args {
        #[tars(tag = 1, require)]
        n: i32,
        #[tars(tag = 200, require)]
        name: String,
        #[tars(tag = 201)]
        list: Vec<Args>,
    }

    #[derive(Debug, PartialEq, TarsStruct)]
    struct Reply {
        #[tars(tag = 0, require, name = "tars_ret")]
        ret: i32,
        #[tars(tag = 20, require)]
        out: String,
    }

    fn args(depth: usize) -> Args {
        let list = if depth == 0 { Vec::new() } else { vec![args(depth - 1)] };
        Args {
            n: 5,
            name: "world".to_owned(),
            list,
        }
    }

    fn refused(body: &[u8]) -> String {
        let error = decode::<Args>(body, &Limits::default()).unwrap_err();
        error.without_offset().to_string()
    }

    fn body(values: &[(&str, &[u8])]) -> Vec<u8> {
        let values: Vec<(String, Bytes)> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Bytes::copy_from_slice(value)))
            .collect();
        let mut writer = Writer::new();
        writer.field(0, &values);
        writer.finish().unwrap()
    }

    #[test]
    fn values_come_back_whatever_their_tags() {
        for depth in [0, 1, 40] {
            let bytes = encode(&args(depth)).unwrap();
            assert_eq!(decode::<Args>(&bytes, &Limits::default()).unwrap(), args(depth));
        }
    }

    /// As TarsCpp writes `{"n": 5, "name": "world"}`.
    const GOLDEN: &[u8] = b"\x08\x00\x02\x06\x01n\x1d\x00\x00\x02\x00\x05\x06\x04name\x1d\x00\x00\x07\x06\x05world";

    #[test]
    fn bytes_are_those_of_others() {
        assert_eq!(encode(&args(0)).unwrap(), GOLDEN);
        assert_eq!(decode::<Args>(GOLDEN, &Limits::default()).unwrap(), args(0));
    }

    #[test]
    fn a_reply_has_its_return_value_twice() {
        let reply = Reply {
            ret: 7,
            out: "x".to_owned(),
        };
        let expected = body(&[("", &[0x00, 7]), ("out", &[0x06, 1, b'x']), ("tars_ret", &[0x00, 7])]);
        assert_eq!(encode(&reply).unwrap(), expected);
    }

    #[test]
    fn the_last_of_two_equal_names_counts_and_unknown_ones_do_not() {
        let bytes = body(&[
            ("n", &[0x00, 1]),
            ("n", &[0x00, 2]),
            ("name", &[0x06, 0]),
            ("m", &[0x0e]),
        ]);
        assert_eq!(
            decode::<Args>(&bytes, &Limits::default()).unwrap(),
            Args {
                n: 2,
                name: String::new(),
                list: Vec::new()
            }
        );
    }

    #[test]
    fn errors_name_the_parameter() {
        let name = ("name", &[0x06, 0][..]);
        assert_eq!(refused(&[]), "Args.n (tag 1): required field is missing");
        assert_eq!(refused(EMPTY), "Args.n (tag 1): required field is missing");
        assert_eq!(
            refused(&body(&[("n", &[]), name])),
            "Args.n (tag 1): required field is missing"
        );
        assert_eq!(
            refused(&body(&[("n", &[0x10, 1]), name])),
            "Args.n (tag 1): required field is missing"
        );
        assert_eq!(
            refused(&body(&[("n", &[0x06, 0]), name])),
            "Args.n (tag 1): expected int, found a string"
        );
        assert_eq!(
            refused(&body(&[("n", &[0x06, 5, 1])])),
            "n (tag 1): 5 bytes needed, 1 left"
        );
        assert_eq!(refused(&[0x09, 0x0c]), "body (tag 0): expected map, found a list");
        assert_eq!(refused(&[0x0a; 1000]), "body (tag 0): expected map, found a struct");
        let deep = [0x0a; 1000];
        assert!(refused(&body(&[("n", &deep)])).contains("more than 100 structs"));
    }
}
