//! Frames and packets: a big-endian length that includes itself, then the fields of a packet.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bytes::{Buf, Bytes, BytesMut};

use crate::code;
use crate::codec::{self, Limits, Struct, Writer};
use crate::message::{Attributes, Response};
use crate::protocol::{RequestPacket, ResponsePacket};
use crate::{Error, Result, Version, tup};

/// Largest frame in bytes unless a setting says otherwise.
pub(crate) const DEFAULT_MAX_FRAME: usize = 10 * 1024 * 1024;

/// What that setting may be: an error answer must fit, and for many peers a length has 31 bits.
pub(crate) const MAX_FRAME_RANGE: RangeInclusive<usize> = 1024..=i32::MAX as usize;

/// The length that begins a frame.
const LENGTH: usize = 4;

/// Frames from this size on are cut off the read buffer, so that a large body is not copied. Smaller ones are copied,
/// because even one kept byte would keep the whole buffer alive.
const SHARED_FRAME: usize = 16 * 1024;

/// Bytes of object and function that an answer repeats: an error answer must stay small, and names are.
const MAX_CALLED: usize = 256;

/// More than any packet needs beside its names, body, maps and text.
const OVERHEAD: usize = 128;

/// Why bytes are no frame: the connection that carries them cannot be understood any further.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    #[error("a frame of {length} bytes, but at least 4 are its own length")]
    Short { length: usize },
    #[error("a frame of {length} bytes, but at most {max} are allowed")]
    Long { length: usize, max: usize },
    #[error("a broken packet: {0}")]
    Packet(#[from] codec::DecodeError),
}

/// Received bytes, frame by frame.
#[derive(Debug, Default)]
pub(crate) struct FrameBuffer {
    bytes: BytesMut,
    /// Where the bytes begin that were not taken yet.
    start: usize,
    /// Length of the frame that is not complete yet, when it is known.
    awaited: usize,
}

impl FrameBuffer {
    /// How much to read at once to begin with; a read that fills it raises it up to the maximum.
    pub(crate) const MIN_READ: usize = 8 * 1024;
    pub(crate) const MAX_READ: usize = 64 * 1024;

    /// The buffer to read into, with room for `size` bytes. A frame that claims to be large gets its room as its bytes
    /// come in, not in advance.
    pub(crate) fn room(&mut self, size: usize) -> &mut BytesMut {
        self.bytes.advance(self.start);
        self.start = 0;
        self.bytes.reserve(size);
        &mut self.bytes
    }

    /// Whether the beginning of a frame is there.
    pub(crate) fn is_partial(&self) -> bool {
        self.bytes.len() > self.start
    }

    /// The next packet, `None` when no frame is complete.
    pub(crate) fn next<T: Struct>(&mut self, max_frame: usize, limits: &Limits) -> Result<Option<T>, FrameError> {
        self.next_with(max_frame, |frame| frame.decode(limits))
    }

    /// The next answer, `None` when no frame is complete.
    pub(crate) fn next_answer(
        &mut self,
        max_frame: usize,
        limits: &Limits,
    ) -> Result<Option<ResponsePacket>, FrameError> {
        self.next_with(max_frame, |frame| match frame.as_slice() {
            // The version is the first field: it fits a byte and is not 0.
            fields @ [0x10, version, ..] if Version(i16::from(*version)).is_tup() && tup::is_like_a_request(fields) => {
                frame.decode(limits).map(tup::response)
            }
            _ => frame.decode(limits),
        })
    }

    fn next_with<T>(
        &mut self,
        max_frame: usize,
        decode: impl FnOnce(Frame<'_>) -> Result<T, codec::DecodeError>,
    ) -> Result<Option<T>, FrameError> {
        let received = &self.bytes[self.start..];
        if received.len() < LENGTH.max(self.awaited) {
            return Ok(None);
        }
        let [a, b, c, d] = [received[0], received[1], received[2], received[3]];
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if length < LENGTH {
            return Err(FrameError::Short { length });
        }
        if length > max_frame {
            return Err(FrameError::Long { length, max: max_frame });
        }
        if received.len() < length {
            self.awaited = length;
            return Ok(None);
        }
        self.awaited = 0;
        if length < SHARED_FRAME {
            let packet = decode(Frame::Copied(&received[LENGTH..length]))?;
            self.start += length;
            return Ok(Some(packet));
        }
        self.bytes.advance(self.start);
        self.start = 0;
        let frame = self.bytes.split_to(length).freeze();
        Ok(Some(decode(Frame::Shared(&frame.slice(LENGTH..)))?))
    }
}

/// A frame behind its length.
#[derive(Clone, Copy)]
enum Frame<'a> {
    Copied(&'a [u8]),
    /// Byte vectors may share its memory.
    Shared(&'a Bytes),
}

impl Frame<'_> {
    fn as_slice(&self) -> &[u8] {
        match self {
            Self::Copied(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    fn decode<T: Struct>(self, limits: &Limits) -> Result<T, codec::DecodeError> {
        match self {
            Self::Copied(bytes) => codec::decode(bytes, limits),
            Self::Shared(bytes) => codec::decode_bytes(bytes, limits),
        }
    }
}

/// A request's head, borrowed: it is written straight into a connection's buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead<'a> {
    pub(crate) version: i16,
    pub(crate) one_way: bool,
    pub(crate) message_type: i32,
    pub(crate) id: i32,
    pub(crate) object: &'a str,
    pub(crate) function: &'a str,
    pub(crate) timeout_ms: i32,
    pub(crate) context: &'a Attributes,
    pub(crate) status: &'a Attributes,
}

impl RequestHead<'_> {
    /// At least the size of the frame with a body of `body` bytes.
    pub(crate) fn size_with(&self, body: usize) -> usize {
        OVERHEAD
            + self.object.len()
            + self.function.len()
            + body
            + attributes_size(self.context)
            + attributes_size(self.status)
    }

    /// Appends the frame to `out`. Fails, leaving `out` as it was, when the packet cannot be encoded.
    pub(crate) fn append(&self, out: &mut Vec<u8>, body: &[u8]) -> Result<(), codec::EncodeError> {
        frame(out, |writer| {
            writer.field(1, &self.version);
            writer.field(2, &i8::from(self.one_way));
            writer.field(3, &self.message_type);
            writer.field(4, &self.id);
            writer.field(5, self.object);
            writer.field(6, self.function);
            writer.bytes(7, body);
            writer.field(8, &self.timeout_ms);
            writer.field(9, self.context);
            writer.field(10, self.status);
        })
    }
}

/// What an answer repeats of its request.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    version: Version,
    id: i32,
    message_type: i32,
    /// Object and function, which only answers in TUP repeat.
    called: Option<Box<(String, String)>>,
}

impl ResponseHead {
    /// What the answer of `request` repeats.
    pub(crate) fn of(request: &RequestPacket) -> Self {
        let version = Version(request.i_version);
        let called = || {
            let (object, function) = (&request.s_servant_name, &request.s_func_name);
            let are_names = object.len() + function.len() <= MAX_CALLED;
            let names = are_names.then(|| (object.clone(), function.clone()));
            Box::new(names.unwrap_or_default())
        };
        Self {
            version,
            id: request.i_request_id,
            message_type: request.i_message_type,
            // Also an answer that says that the version is not served: peers of version 2 know no other shape.
            called: version.is_tup().then(called),
        }
    }

    /// Appends the answer to `out`. A response that is too large or cannot be encoded becomes an error answer.
    /// Gives the error that was answered, if it is one.
    pub(crate) fn append(&self, out: &mut Vec<u8>, result: Result<Response>, max_frame: usize) -> Option<Error> {
        let error = match result {
            Ok(response) => match self.append_response(out, &response, max_frame) {
                Ok(()) => return None,
                Err(error) => error,
            },
            Err(error) => error,
        };
        // A text as long as a frame helps nobody.
        let text = shorten(error.message(), max_frame / 2);
        // An error whose code says success would reach the caller as one.
        let code = match error.code() {
            code::SUCCESS => code::UNKNOWN,
            code => code,
        };
        let empty = Attributes::new();
        let written = self.write(
            out,
            code,
            Parts {
                body: &[],
                status: &empty,
                text,
                context: &empty,
            },
        );
        debug_assert!(written.is_ok(), "an error answer is small and flat");
        Some(error)
    }

    fn append_response(&self, out: &mut Vec<u8>, response: &Response, max_frame: usize) -> Result<()> {
        let Response {
            body, context, status, ..
        } = response;
        let body = body.as_slice();
        let names = self.called.as_ref().map_or(0, |called| called.0.len() + called.1.len());
        let size = OVERHEAD + names + body.len() + attributes_size(context) + attributes_size(status);
        if size > max_frame {
            let text = format!("an answer of {size} bytes, but frames are limited to {max_frame}");
            return Err(Error::new(code::SERVER_ENCODE_ERR, text));
        }
        self.write(
            out,
            code::SUCCESS,
            Parts {
                body,
                status,
                text: "",
                context,
            },
        )
        .map_err(|error| Error::new(code::SERVER_ENCODE_ERR, error.to_string()))
    }

    fn write(&self, out: &mut Vec<u8>, code: i32, parts: Parts<'_>) -> Result<(), codec::EncodeError> {
        if let Some(called) = &self.called {
            return self.write_tup(out, code, &parts, called);
        }
        frame(out, |writer| {
            writer.field(1, &self.version.0);
            // TarsCpp clients refuse any other packet type in an answer.
            writer.field(2, &0_i8);
            writer.field(3, &self.id);
            writer.field(4, &self.message_type);
            writer.field(5, &code);
            writer.bytes(6, parts.body);
            writer.field(7, parts.status);
            if !parts.text.is_empty() {
                writer.field(8, parts.text);
            }
            if !parts.context.is_empty() {
                writer.field(9, parts.context);
            }
        })
    }
}

impl ResponseHead {
    /// The shape of a request, with the return code in the status when it is not 0.
    #[cold]
    fn write_tup(
        &self,
        out: &mut Vec<u8>,
        code: i32,
        parts: &Parts<'_>,
        (object, function): &(String, String),
    ) -> Result<(), codec::EncodeError> {
        let body = if parts.body.is_empty() { tup::EMPTY } else { parts.body };
        let mut status = parts.status.clone();
        if code != code::SUCCESS {
            status.insert(tup::RESULT_CODE.into(), code.to_string().into());
            status.insert(tup::RESULT_DESC.into(), parts.text.into());
        }
        frame(out, |writer| {
            writer.field(1, &self.version.0);
            writer.field(2, &0_i8);
            writer.field(3, &self.message_type);
            writer.field(4, &self.id);
            writer.field(5, object);
            writer.field(6, function);
            writer.bytes(7, body);
            writer.field(8, &0_i32);
            writer.field(9, parts.context);
            writer.field(10, &status);
        })
    }
}

/// What differs between an answer and an error answer.
#[derive(Clone, Copy)]
struct Parts<'a> {
    body: &'a [u8],
    status: &'a Attributes,
    text: &'a str,
    context: &'a Attributes,
}

/// Appends a frame around what `fields` writes.
fn frame(out: &mut Vec<u8>, fields: impl FnOnce(&mut Writer)) -> Result<(), codec::EncodeError> {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    let mut writer = Writer::from_vec(std::mem::take(out));
    fields(&mut writer);
    let (bytes, error) = writer.into_parts();
    *out = bytes;
    if let Some(error) = error {
        out.truncate(start);
        return Err(error);
    }
    let length = u32::try_from(out.len() - start).expect("frames are checked against a limit below 4 GiB");
    out[start..start + LENGTH].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

/// At least the encoded size of a map.
fn attributes_size<K: AsRef<[u8]>, V: AsRef<[u8]>>(attributes: &BTreeMap<K, V>) -> usize {
    attributes
        .iter()
        .map(|(key, value)| 10 + key.as_ref().len() + value.as_ref().len())
        .sum()
}

/// The beginning of `text`, at most `max` bytes long.
fn shorten(text: &str, max: usize) -> &str {
    if text.len() <= max {
        text
    } else {
        &text[..text.floor_char_boundary(max)]
    }
}

#[cfg(test)]
mod tests {
    use bytes::BufMut;
    use proptest::prelude::*;

    use super::*;

    fn attributes(count: usize) -> Attributes {
        (0..count)
            .map(|n| (format!("key-{n}").as_str().into(), "v".repeat(n * 200).as_str().into()))
            .collect()
    }

    fn framed(packet: &impl Struct) -> Vec<u8> {
        let body = codec::encode(packet).unwrap();
        [&u32::try_from(body.len() + LENGTH).unwrap().to_be_bytes()[..], &body].concat()
    }

    #[test]
    fn a_head_writes_what_the_generated_packet_writes() {
        for (one_way, size) in [(false, 0), (true, 1), (false, 300), (false, 70_000)] {
            let message_type = if one_way { 256 } else { 0 };
            let (context, status, body) = (attributes(size % 7), attributes(size % 3), vec![9; size]);
            let head = RequestHead {
                version: 1,
                one_way,
                message_type,
                id: 70_000,
                object: "App.Server.Obj",
                function: "call",
                timeout_ms: 3000,
                context: &context,
                status: &status,
            };
            let mut out = vec![1, 2, 3];
            head.append(&mut out, &body).unwrap();
            let packet = RequestPacket {
                i_version: 1,
                c_packet_type: one_way.into(),
                i_message_type: message_type,
                i_request_id: 70_000,
                s_servant_name: "App.Server.Obj".to_owned(),
                s_func_name: "call".to_owned(),
                s_buffer: body.into(),
                i_timeout: 3000,
                context: context.clone(),
                status: status.clone(),
            };
            assert_eq!(out[3..], framed(&packet));
            assert!(head.size_with(size) >= out.len() - 3);
        }
    }

    #[test]
    fn an_answer_is_what_the_generated_packet_writes() {
        let head = ResponseHead::of(&RequestPacket {
            i_version: 1,
            i_request_id: 7,
            i_message_type: 256,
            ..RequestPacket::default()
        });
        let packet = |i_ret, s_buffer: &[u8], text: &str| ResponsePacket {
            i_version: 1,
            c_packet_type: 0,
            i_request_id: 7,
            i_message_type: 256,
            i_ret,
            s_buffer: s_buffer.to_vec().into(),
            status: Attributes::new(),
            s_result_desc: text.into(),
            context: Attributes::new(),
        };
        let mut out = Vec::new();
        head.append(&mut out, Ok(Response::new(vec![1, 2])), DEFAULT_MAX_FRAME);
        assert_eq!(out, framed(&packet(0, &[1, 2], "")));

        let (context, status) = (attributes(3), attributes(2));
        let response = Response {
            context: context.clone(),
            status: status.clone(),
            ..Response::new(vec![1])
        };
        out.clear();
        head.append(&mut out, Ok(response), DEFAULT_MAX_FRAME);
        assert_eq!(
            out,
            framed(&ResponsePacket {
                context,
                status,
                ..packet(0, &[1], "")
            })
        );

        out.clear();
        head.append(&mut out, Err(Error::new(5, "no")), DEFAULT_MAX_FRAME);
        assert_eq!(out, framed(&packet(5, &[], "no")));

        out.clear();
        head.append(&mut out, Ok(Response::new(vec![0; 5000])), 1024);
        let text = "an answer of 5128 bytes, but frames are limited to 1024";
        assert_eq!(out, framed(&packet(code::SERVER_ENCODE_ERR, &[], text)));

        out.clear();
        head.append(&mut out, Err(Error::new(5, "ä".repeat(5000))), 1025);
        assert_eq!(out, framed(&packet(5, &[], &"ä".repeat(256))));
    }

    #[test]
    fn frames_come_out_however_they_came_in() {
        let sizes = [0, 10, SHARED_FRAME - 60, SHARED_FRAME, 200_000, 3];
        let packets: Vec<_> = sizes
            .iter()
            .map(|&size| ResponsePacket {
                s_buffer: vec![7; size].into(),
                ..ResponsePacket::default()
            })
            .collect();
        let stream: Vec<u8> = packets.iter().flat_map(framed).collect();
        for step in [1, 3, 1000, 65_536, stream.len()] {
            let mut buffer = FrameBuffer::default();
            let mut found = Vec::new();
            for piece in stream.chunks(step) {
                buffer.room(piece.len()).put_slice(piece);
                while let Some(packet) = buffer.next::<ResponsePacket>(300_000, &Limits::default()).unwrap() {
                    found.push(packet);
                }
            }
            assert_eq!(found, packets, "in steps of {step}");
            assert!(!buffer.is_partial());
        }
    }

    proptest! {
        #[test]
        fn damaged_frames_are_errors(at in 0..40_usize, bytes in prop::collection::vec(any::<u8>(), 1..20)) {
            let packet = RequestPacket { i_version: 1, s_func_name: "call".to_owned(), ..RequestPacket::default() };
            let mut stream = [framed(&packet), framed(&packet)].concat();
            let end = (at + bytes.len()).min(stream.len());
            stream.splice(at.min(end)..end, bytes);
            let mut buffer = FrameBuffer::default();
            buffer.room(stream.len()).put_slice(&stream);
            while let Ok(Some(_)) = buffer.next::<RequestPacket>(1024, &Limits::default()) {}
        }
    }

    #[test]
    fn lengths_out_of_range_are_refused_before_their_bytes_come() {
        for (length, text) in [
            (3_u32, "a frame of 3 bytes, but at least 4 are its own length"),
            (1025, "a frame of 1025 bytes, but at most 1024 are allowed"),
            (u32::MAX, "a frame of 4294967295 bytes, but at most 1024 are allowed"),
        ] {
            let mut buffer = FrameBuffer::default();
            buffer.room(4).put_u32(length);
            let error = buffer.next::<ResponsePacket>(1024, &Limits::default()).unwrap_err();
            assert_eq!(error.to_string(), text);
        }
    }
}
