//! From a call's result to an HTTP answer.

use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use tars::code;

use crate::incoming::Reply;
use crate::problem::Problem;
use crate::translate;
use crate::upstream::{Answer, Failure};

/// Makes answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answers {
    /// Whether a failure's own text, which may name addresses, reaches the caller.
    pub(crate) expose_error_text: bool,
}

impl Answers {
    /// The answer to the caller.
    pub(crate) fn make(self, reply: Reply, result: Result<Answer, Failure>) -> Result<Response<Bytes>, Problem> {
        match reply {
            Reply::Json => {
                let answer = result.map_err(|failure| self.problem(failure))?;
                json(&answer)?;
                Ok(ok("application/json", answer.body))
            }
            Reply::InBody(request_id) => {
                let answer = result.map_err(|failure| self.problem(failure))?;
                let body = translate::body_answer(json(&answer)?, request_id);
                Ok(ok("application/json", body.into()))
            }
            Reply::Packet(head) => {
                // What a servant answers is its caller's to read, an error too. What never reached one is ours to say.
                let result = match result {
                    Err(failure) if !failure.is_answer => return Err(self.problem(failure)),
                    Err(failure) => Err((failure.code, self.text(failure))),
                    Ok(answer) => Ok(answer),
                };
                let result = result.as_ref().map_err(|(code, text)| (*code, text.as_str()));
                let frame = head.answer(result.cloned());
                let frame = frame.map_err(|_| Problem::new(StatusCode::BAD_GATEWAY, "the answer fits in no packet"))?;
                Ok(ok("application/octet-stream", frame.into()))
            }
            Reply::Nothing => {
                result.map_err(|failure| self.problem(failure))?;
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NO_CONTENT;
                Ok(response)
            }
        }
    }

    fn problem(self, failure: Failure) -> Problem {
        let code = failure.code;
        let status = match code {
            code::SERVER_QUEUE_TIMEOUT | code::INVOKE_TIMEOUT => StatusCode::GATEWAY_TIMEOUT,
            // Said here, not by a servant that calls others: the object itself is not known.
            code::ADAPTER_NULL if !failure.is_answer => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_GATEWAY,
        };
        Problem::new(status, self.text(failure)).with_code(code)
    }

    fn text(self, failure: Failure) -> String {
        if self.expose_error_text && !failure.text.is_empty() {
            return failure.text;
        }
        let code = failure.code;
        match code::description(code) {
            Some(meaning) => format!("the call failed: {meaning} (return code {code})"),
            None => format!("the call failed with return code {code}"),
        }
    }
}

/// The text of an answer that is a JSON object, as a caller expects it.
fn json(answer: &Answer) -> Result<&str, Problem> {
    translate::result(&answer.body)
        .ok_or_else(|| Problem::new(StatusCode::BAD_GATEWAY, "the servant's answer is not a JSON object"))
}

fn ok(kind: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
