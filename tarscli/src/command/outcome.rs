//! What a command leaves behind: a text for stdout, and the code the process ends with.

/// What a command that did its work has to say. A command that could not is an error instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    text: Option<String>,
    code: u8,
}

impl Outcome {
    /// Done, with nothing to say.
    pub(crate) const SILENT: Self = Self { text: None, code: 0 };

    /// Ends with this code and says nothing, as the supervisor does with its server's.
    pub(crate) fn code(code: u8) -> Self {
        Self { text: None, code }
    }

    /// Prints `text` and a line end, unless it is empty.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::SILENT.with_text(text)
    }

    /// The same with another code.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// Takes it apart: the text, when there is some, and the code.
    pub(crate) fn into_parts(self) -> (Option<String>, u8) {
        (self.text, self.code)
    }

    fn with_text(self, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            text: (!text.is_empty()).then_some(text),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_is_none() {
        assert_eq!(Outcome::text(""), Outcome::SILENT);
        assert_eq!(Outcome::text("a").with_code(3).into_parts(), (Some("a".to_owned()), 3));
        assert_eq!(Outcome::code(143).into_parts(), (None, 143));
    }
}
