//! Paths of keys and domains, as TarsCpp writes them.

/// `/domain/domain<key>`, or a domain without a key.
pub(super) struct Path<'a> {
    pub(super) domains: Vec<&'a str>,
    pub(super) key: Option<&'a str>,
}

impl<'a> Path<'a> {
    /// `None` for text that is no path: one that does not begin with `/`, or whose `<` has no `>` at the end.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('/')?;
        let (domains, key) = match text.split_once('<') {
            Some((domains, key)) => (domains, Some(key.strip_suffix('>')?)),
            None => (text, None),
        };
        let domains = domains.split('/').filter(|name| !name.is_empty()).collect();
        Some(Self { domains, key })
    }
}
