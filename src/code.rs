//! Return codes of a call, as they travel in a response's `iRet`.
//!
//! Codes from -1 to -99 belong to the framework. A servant's own codes are better positive: TarsCpp clients take
//! anything below -99 for a broken response and drop the connection.

/// The call succeeded.
pub const SUCCESS: i32 = 0;
/// The server could not decode the parameters.
pub const SERVER_DECODE_ERR: i32 = -1;
/// The server could not encode the result.
pub const SERVER_ENCODE_ERR: i32 = -2;
/// The servant has no such function.
pub const SERVER_NO_FUNC: i32 = -3;
/// The server has no such servant at the address called.
pub const SERVER_NO_SERVANT: i32 = -4;
/// The server's grid state does not match; defined by the protocol, sent by nobody.
pub const SERVER_RESET_GRID: i32 = -5;
/// The request waited in the server's queue until its time was over.
pub const SERVER_QUEUE_TIMEOUT: i32 = -6;
/// No answer within the time of the call.
pub const INVOKE_TIMEOUT: i32 = -7;
/// No connection to the server, or it broke before the answer; the text says whether the request can have arrived.
pub const PROXY_CONNECT_ERR: i32 = -8;
/// The server refused the request because it has too much to do.
pub const SERVER_OVERLOAD: i32 = -9;
/// No endpoint to call is known.
pub const ADAPTER_NULL: i32 = -10;
/// The caller's set may not call the server's set.
pub const INVOKE_BY_INVALID_SET: i32 = -11;
/// The client could not decode the response.
pub const CLIENT_DECODE_ERR: i32 = -12;
/// The client could not send the request.
pub const SEND_REQUEST_ERR: i32 = -13;
/// Anything else that went wrong in the server, a panic included.
pub const UNKNOWN: i32 = -99;

/// What `code` means, in a few words; `None` for a code that is not the framework's.
///
/// ```
/// assert_eq!(tars::code::description(tars::code::SERVER_NO_FUNC), Some("no such function"));
/// assert_eq!(tars::code::description(7), None);
/// ```
#[must_use]
pub const fn description(code: i32) -> Option<&'static str> {
    Some(match code {
        SUCCESS => "success",
        SERVER_DECODE_ERR => "server could not decode the request",
        SERVER_ENCODE_ERR => "server could not encode the response",
        SERVER_NO_FUNC => "no such function",
        SERVER_NO_SERVANT => "no such servant",
        SERVER_RESET_GRID => "grid state does not match",
        SERVER_QUEUE_TIMEOUT => "deadline passed before the call began",
        INVOKE_TIMEOUT => "timeout",
        PROXY_CONNECT_ERR => "no connection",
        SERVER_OVERLOAD => "server overloaded",
        ADAPTER_NULL => "no endpoint",
        INVOKE_BY_INVALID_SET => "call between sets not allowed",
        CLIENT_DECODE_ERR => "client could not decode the response",
        SEND_REQUEST_ERR => "request not sent",
        UNKNOWN => "server error",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_framework_code_has_a_description() {
        for code in (-13..=0).chain([UNKNOWN]) {
            assert!(description(code).is_some(), "{code}");
        }
        assert_eq!(description(-14), None);
        assert_eq!(description(1), None);
    }
}
