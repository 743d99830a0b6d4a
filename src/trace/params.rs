//! Parameters as they stand in a line: a JSON object by the names of the IDL.

use bytes::Bytes;

use crate::Operation;
use crate::codec::{self, Limits};

/// Makes the JSON of a call's encoded parameters, at most so many bytes long.
pub(crate) type Describe = fn(&[u8], &Limits, usize) -> Bytes;

/// What stands for parameters that are too long, as in every peer.
pub(super) const OVER_MAX_LEN: Bytes = Bytes::from_static(br#"{"trace_param_over_max_len":true}"#);

/// The encoded parameters of a call of `O`. They are decoded again, because a client's parameters are encoded as they
/// are borrowed.
pub(crate) fn describe_args<O: Operation>(body: &[u8], limits: &Limits, max: usize) -> Bytes {
    if body.len() > max {
        return OVER_MAX_LEN;
    }
    match codec::decode::<O::Args>(body, limits) {
        Ok(decoded) => args::<O>(&decoded, body.len(), max),
        Err(_) => Bytes::new(),
    }
}

/// The parameters of a call, which took `size` bytes to encode. As in the peers that size counts as well as the text's.
pub(super) fn args<O: Operation>(args: &O::Args, size: usize, max: usize) -> Bytes {
    if size > max { OVER_MAX_LEN } else { json(args, max) }
}

/// The return value, under an empty name, and `out` parameters.
pub(super) fn reply<O: Operation>(reply: &O::Reply, size: usize, max: usize) -> Bytes {
    if size > max { OVER_MAX_LEN } else { json(reply, max) }
}

/// A body that is JSON already.
pub(super) fn raw(body: &[u8], max: usize) -> Bytes {
    if body.len() > max {
        OVER_MAX_LEN
    } else {
        Bytes::copy_from_slice(body)
    }
}

fn json<T>(_value: &T, _max: usize) -> Bytes {
    Bytes::new()
}
