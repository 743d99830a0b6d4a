//! Bearer tokens.

use std::fmt;
use std::path::{Path, PathBuf};

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::problem::Problem;

/// Characters of a token at least: fewer can be guessed.
const MIN_TOKEN: usize = 16;

/// Who may call. Tokens are kept as digests only.
#[derive(Clone)]
pub(crate) struct Tokens(Vec<(String, [u8; 32])>);

/// Why a file of tokens cannot be used. No token is repeated.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: std::io::Error,
    },
    /// A line is not as it should be.
    #[error("{path}, line {line}: {message}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        message: &'static str,
    },
    /// Nobody could call.
    #[error("`{0}` has no token: write `NAME TOKEN` on a line for each caller")]
    Empty(PathBuf),
}

impl Tokens {
    /// Reads a file with `NAME TOKEN` on each line; empty lines and lines that begin with `#` are skipped.
    pub(crate) fn read(path: &Path) -> Result<Self, TokenError> {
        let text = std::fs::read_to_string(path).map_err(|source| TokenError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, TokenError> {
        let mut tokens: Vec<(String, [u8; 32])> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, token) = entry(line).map_err(|message| TokenError::Line {
                path: path.to_owned(),
                line: at + 1,
                message,
            })?;
            tokens.push((name.to_owned(), digest(token)));
        }
        if tokens.is_empty() {
            return Err(TokenError::Empty(path.to_owned()));
        }
        Ok(Self(tokens))
    }

    /// The name of the caller.
    pub(crate) fn verify(&self, headers: &HeaderMap) -> Result<&str, Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Err(Problem::unauthorized("a bearer token is needed", "Bearer"));
        };
        let wrong = || Problem::unauthorized("the token is not valid", "Bearer error=\"invalid_token\"");
        let token = bearer(value.as_bytes()).ok_or_else(wrong)?;
        let digest = digest(token);
        // Every entry is compared, and digests instead of tokens: the time tells neither which entry nor how much of it fits.
        let mut found = None;
        for (name, known) in &self.0 {
            if bool::from(known.ct_eq(&digest)) {
                found = Some(name.as_str());
            }
        }
        found.ok_or_else(wrong)
    }
}

/// Name and token of a line.
fn entry(line: &str) -> Result<(&str, &[u8]), &'static str> {
    let mut words = line.split_whitespace();
    let (Some(name), Some(token), None) = (words.next(), words.next(), words.next()) else {
        return Err("expected a name and a token, and nothing else");
    };
    if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte))
    {
        return Err("a name has letters, digits, `_`, `-`, `.` and `@`");
    }
    if token.len() < MIN_TOKEN {
        return Err("a token has at least 16 characters");
    }
    Ok((name, token.as_bytes()))
}

/// The token of `Bearer TOKEN`.
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

fn digest(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# callers\nalice 0123456789abcdef\n\n  bob\tfedcba9876543210-_.~+/=  \n";

    fn parse(text: &str) -> Result<Tokens, String> {
        Tokens::parse(text, Path::new("tokens")).map_err(|error| error.to_string())
    }

    fn verify(tokens: &Tokens, value: &str) -> Option<String> {
        let headers = [(header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
        tokens.verify(&headers).ok().map(str::to_owned)
    }

    #[test]
    fn a_token_names_its_caller() {
        let tokens = parse(FILE).unwrap();
        assert_eq!(verify(&tokens, "Bearer 0123456789abcdef").as_deref(), Some("alice"));
        assert_eq!(
            verify(&tokens, "bearer fedcba9876543210-_.~+/=").as_deref(),
            Some("bob")
        );
        for wrong in [
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer alice",
            "Bearer ",
            "Bearer",
            "",
            "Basic 0123456789abcdef",
            "0123456789abcdef",
        ] {
            assert_eq!(verify(&tokens, wrong), None, "{wrong}");
        }
        assert!(tokens.verify(&HeaderMap::new()).is_err());
    }

    #[test]
    fn errors_name_the_line_and_no_token() {
        for (text, message) in [
            ("alice", "tokens, line 1: expected a name and a token, and nothing else"),
            (
                "\nalice secretsecretsecret x",
                "tokens, line 2: expected a name and a token, and nothing else",
            ),
            ("alice secret", "tokens, line 1: a token has at least 16 characters"),
            (
                "al\"ice secretsecretsecret",
                "tokens, line 1: a name has letters, digits, `_`, `-`, `.` and `@`",
            ),
            (
                "# none\n",
                "`tokens` has no token: write `NAME TOKEN` on a line for each caller",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), message);
        }
    }

    #[test]
    fn debugging_shows_names_only() {
        assert_eq!(format!("{:?}", parse(FILE).unwrap()), r#"["alice", "bob"]"#);
    }
}
