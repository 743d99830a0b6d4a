//! Whether a caller may speak for a node.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use tars::Endpoint;

use crate::config::NodeIdentity;
use crate::domain::Refusal;

/// A name that does not resolve by then is not the caller's. Short: the caller itself waits a second.
const RESOLVE_TIMEOUT: Duration = Duration::from_millis(300);

/// The rule that a node's name is its caller's address.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    mode: NodeIdentity,
    trusted: Vec<IpNet>,
    /// The listener is bound to a loopback address: nobody else reaches it.
    is_local: bool,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The caller may speak for the node.
    Accepted,
    /// It may not, but the setting says to serve it.
    Mismatch,
}

impl Identity {
    /// `listener` is where calls come in.
    pub(crate) fn new(mode: NodeIdentity, trusted: Vec<IpNet>, listener: &Endpoint) -> Self {
        let host = listener.bind.as_deref().unwrap_or(&listener.host);
        let is_local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        Self {
            mode,
            trusted,
            is_local,
        }
    }

    /// Checks a call from `caller` about `node`.
    pub(crate) async fn check(&self, caller: Option<IpAddr>, node: &str) -> Result<Verdict, Refusal> {
        if self.mode == NodeIdentity::Off || self.is_node_itself(caller, node).await {
            return Ok(Verdict::Accepted);
        }
        let canonical = caller.map(|address| address.to_canonical());
        if canonical.is_some_and(|address| self.trusted.iter().any(|network| network.contains(&address))) {
            return Ok(Verdict::Accepted);
        }
        if self.mode == NodeIdentity::Warn {
            return Ok(Verdict::Mismatch);
        }
        let caller = canonical.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        Err(Refusal::Policy(format!(
            "nodeName `{node}` is not the caller's address {caller}; --node-identity (address, warn, off) and \
             --trusted-cidr of the registry decide"
        )))
    }

    /// Whether the caller is the node it speaks of, whatever the mode.
    pub(crate) async fn is_node_itself(&self, caller: Option<IpAddr>, node: &str) -> bool {
        if self.is_local {
            return true;
        }
        let Some(caller) = caller.map(|address| address.to_canonical()) else {
            return false;
        };
        if let Ok(address) = node.parse::<IpAddr>() {
            return address.to_canonical() == caller;
        }
        // Forward only: who answers for a reverse zone is not who owns the name.
        let resolved = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((node, 0))).await;
        let Ok(Ok(mut found)) = resolved else { return false };
        found.any(|address| address.ip().to_canonical() == caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(mode: NodeIdentity, listener: &str) -> Identity {
        let listener = format!("tcp -h {listener} -p 1").parse().unwrap();
        Identity::new(mode, vec!["10.9.0.0/16".parse().unwrap()], &listener)
    }

    async fn check(identity: &Identity, caller: &str, node: &str) -> Result<Verdict, Refusal> {
        identity.check(Some(caller.parse().unwrap()), node).await
    }

    #[tokio::test]
    async fn the_caller_is_the_node_in_any_form_of_its_address() {
        let identity = identity(NodeIdentity::Address, "0.0.0.0");
        let pairs = [
            ("10.0.0.7", "10.0.0.7"),
            ("::ffff:10.0.0.7", "10.0.0.7"),
            ("10.0.0.7", "::ffff:10.0.0.7"),
            ("fd00::1", "fd00:0:0::1"),
            ("127.0.0.1", "localhost"),
            ("10.9.3.4", "anything"),
        ];
        for (caller, node) in pairs {
            assert_eq!(
                check(&identity, caller, node).await,
                Ok(Verdict::Accepted),
                "{caller} as {node}"
            );
        }
    }

    #[tokio::test]
    async fn a_refusal_names_both_addresses_and_the_setting() {
        let identity = identity(NodeIdentity::Address, "0.0.0.0");
        let text = check(&identity, "::ffff:10.0.0.8", "10.0.0.7")
            .await
            .unwrap_err()
            .to_string();
        for expected in ["`10.0.0.7`", "10.0.0.8;", "--node-identity", "--trusted-cidr"] {
            assert!(text.contains(expected), "{text}");
        }
        assert!(check(&identity, "10.0.0.8", "localhost").await.is_err());
        assert!(check(&identity, "10.0.0.8", "no-such-host.invalid").await.is_err());
        assert!(identity.check(None, "10.0.0.7").await.is_err());
    }

    #[tokio::test]
    async fn modes_and_loopback_listeners() {
        let warn = identity(NodeIdentity::Warn, "0.0.0.0");
        assert_eq!(check(&warn, "10.0.0.8", "10.0.0.7").await, Ok(Verdict::Mismatch));
        let off = identity(NodeIdentity::Off, "0.0.0.0");
        assert_eq!(check(&off, "10.0.0.8", "10.0.0.7").await, Ok(Verdict::Accepted));
        assert!(!off.is_node_itself(Some("10.0.0.8".parse().unwrap()), "10.0.0.7").await);
        for listener in ["127.0.0.1", "::1", "localhost"] {
            let local = identity(NodeIdentity::Address, listener);
            assert_eq!(check(&local, "127.0.0.1", "10.0.0.7").await, Ok(Verdict::Accepted));
        }
        // Told to clients as a loopback address, but bound to every one.
        let open = identity(NodeIdentity::Address, "127.0.0.1 -b 0.0.0.0");
        assert!(check(&open, "10.0.0.8", "10.0.0.7").await.is_err());
    }
}
