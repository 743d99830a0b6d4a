//! `tarscli version`.

/// The version, alone in its line as K8STARS prints it.
pub(crate) fn text() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
