//! The two lines of a conversation.

use serde::{Deserialize, Serialize};

use super::status::{Left, Status};

/// Longest question in bytes, its line end included.
pub(super) const LONGEST_QUESTION: usize = 4 * 1024;

/// Longest answer in bytes: a state holds the texts of errors.
pub(super) const LONGEST_ANSWER: usize = 256 * 1024;

/// What a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
pub(super) enum Question {
    /// How it is. Answered at once.
    State,
    /// Whether the supervisor does its work. Answered by its loop.
    Live,
    /// To leave the registry. Answered when that is over.
    Prestop,
}

/// What the supervisor says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "lowercase")]
pub(super) enum Answer {
    /// To [`Question::State`].
    State(Box<Status>),
    /// To [`Question::Live`].
    Live,
    /// To [`Question::Prestop`].
    Left(Left),
    /// To what cannot be answered.
    Refused {
        /// Why.
        error: String,
    },
}

/// A line of JSON.
pub(super) fn line(message: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_are_as_scripts_write_and_read_them() {
        for (question, text) in [
            (Question::State, r#"{"ask":"state"}"#),
            (Question::Live, r#"{"ask":"live"}"#),
            (Question::Prestop, r#"{"ask":"prestop"}"#),
        ] {
            assert_eq!(serde_json::to_string(&question).unwrap(), text);
            assert_eq!(serde_json::from_str::<Question>(text).unwrap(), question);
        }
        let left = Answer::Left(Left {
            told: false,
            error: Some("away".to_owned()),
        });
        let text = r#"{"answer":"left","told":false,"error":"away"}"#;
        assert_eq!(line(&left).unwrap(), format!("{text}\n").as_bytes());
        assert_eq!(serde_json::from_str::<Answer>(text).unwrap(), left);
    }
}
