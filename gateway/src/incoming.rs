//! What a request asks for: its route, then its body.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use tars::Attributes;

use crate::object::{FunctionName, ObjectName};
use crate::problem::Problem;
use crate::translate::{self, BodyCall, Malformed, TupCall, TupHead};
use crate::upstream::BodyFormat;

/// The route of a request.
#[derive(Debug)]
pub(crate) enum Asked {
    /// `/json/OBJECT/FUNCTION`: the path names what is called. Not checked yet.
    Path { object: String, function: String },
    /// `/json`: the body does.
    Body,
    /// `/tup`: the body is a packet.
    Packet,
    /// Some other path.
    Nothing,
}

/// A call, understood. Whether it is allowed is not decided yet.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) object: ObjectName,
    pub(crate) function: FunctionName,
    pub(crate) format: BodyFormat,
    pub(crate) body: Bytes,
    pub(crate) timeout: Option<Duration>,
    pub(crate) context: Attributes,
    pub(crate) one_way: bool,
    pub(crate) reply: Reply,
}

/// How the answer goes back.
#[derive(Debug)]
pub(crate) enum Reply {
    /// As the servant wrote it.
    Json,
    /// As text in JSON, with the caller's number.
    InBody(i64),
    /// In a packet.
    Packet(TupHead),
    /// Not at all: the caller waits for none.
    Nothing,
}

/// Bodies that cannot be meant for `/json`.
const NOT_JSON: [&str; 8] = [
    "multipart/",
    "image/",
    "audio/",
    "video/",
    "font/",
    "text/html",
    "text/xml",
    "application/grpc",
];

/// Bodies that cannot be meant for `/tup`.
const NOT_PACKET: [&str; 7] = [
    "multipart/",
    "image/",
    "audio/",
    "video/",
    "font/",
    "text/html",
    "text/xml",
];

impl Asked {
    /// The route as metrics and log name it.
    pub(crate) fn route(&self) -> &'static str {
        match self {
            Self::Path { .. } => "/json/OBJ/FUNC",
            Self::Body => "/json",
            Self::Packet => "/tup",
            Self::Nothing => "other",
        }
    }

    /// Refuses what clearly is something else. What tools send by default (`curl -d`) passes.
    pub(crate) fn check_content(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let (wrong, expected): (&[&str], _) = match self {
            Self::Packet => (&NOT_PACKET, "application/octet-stream"),
            Self::Path { .. } | Self::Body | Self::Nothing => (&NOT_JSON, "application/json"),
        };
        let kind = headers
            .get(header::CONTENT_TYPE)
            .map(|value| value.as_bytes().to_ascii_lowercase());
        if kind.is_some_and(|kind| wrong.iter().any(|wrong| kind.starts_with(wrong.as_bytes()))) {
            return Err(Problem::media_type("a body of this type cannot be forwarded", expected));
        }
        let coding = headers.get(header::CONTENT_ENCODING);
        if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Problem::media_type("compressed bodies are not forwarded", expected));
        }
        Ok(())
    }
}

impl Incoming {
    /// Reads the body.
    pub(crate) fn read(asked: Asked, body: Bytes) -> Result<Self, Problem> {
        let incoming = match asked {
            Asked::Path { object, function } => Self::of_path(&object, &function, body),
            Asked::Body => translate::body_call(&body).map(Self::of_body),
            Asked::Packet => translate::tup_call(&body).map(Self::of_packet),
            Asked::Nothing => unreachable!("refused when it was admitted"),
        };
        incoming.map_err(|malformed| Problem::bad_request(malformed.to_string()))
    }

    fn of_path(object: &str, function: &str, body: Bytes) -> Result<Self, Malformed> {
        Ok(Self {
            object: object.parse()?,
            function: function.parse()?,
            format: BodyFormat::Json,
            body: translate::parameters(body)?,
            timeout: None,
            context: Attributes::new(),
            one_way: false,
            reply: Reply::Json,
        })
    }

    fn of_body(call: BodyCall) -> Self {
        Self {
            object: call.object,
            function: call.function,
            format: BodyFormat::Json,
            body: call.data,
            timeout: call.timeout,
            context: call.context,
            one_way: false,
            reply: Reply::InBody(call.request_id),
        }
    }

    fn of_packet(call: TupCall) -> Self {
        Self {
            object: call.head.object.clone(),
            function: call.head.function.clone(),
            format: call.head.format,
            body: call.body,
            timeout: call.timeout,
            context: call.context,
            one_way: call.one_way,
            reply: if call.one_way {
                Reply::Nothing
            } else {
                Reply::Packet(call.head)
            },
        }
    }
}
