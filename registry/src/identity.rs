//! Whether a caller may speak for a node.

use std::net::IpAddr;

use ipnet::IpNet;
use tars::Endpoint;

use crate::config::{NodeIdentity, is_loopback};
use crate::domain::Refusal;
use crate::failure::Failure;
use crate::resolver::{Resolver, Unresolved};

/// The rule that a node's name is its caller's address.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    mode: NodeIdentity,
    trusted: Vec<IpNet>,
    /// The listener is bound to a loopback address: nobody else reaches it.
    is_local: bool,
    resolver: Resolver,
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
        Self {
            mode,
            trusted,
            is_local: is_loopback(listener),
            resolver: Resolver::new(),
        }
    }

    /// The same with another resolver.
    #[cfg(test)]
    pub(crate) fn resolving(self, resolver: Resolver) -> Self {
        Self { resolver, ..self }
    }

    /// Checks a call from `caller` about `node`.
    pub(crate) async fn check(&self, caller: Option<IpAddr>, node: &str) -> Result<Verdict, Failure> {
        let canonical = caller.map(|address| address.to_canonical());
        let is_trusted = canonical.is_some_and(|address| self.trusted.iter().any(|network| network.contains(&address)));
        if self.mode == NodeIdentity::Off || is_trusted {
            return Ok(Verdict::Accepted);
        }
        match self.is_node_itself(caller, node).await {
            Ok(true) => return Ok(Verdict::Accepted),
            _ if self.mode == NodeIdentity::Warn => return Ok(Verdict::Mismatch),
            Ok(false) => {}
            Err(error) => return Err(error.into()),
        }
        let caller = canonical.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        Err(Failure::Refused(Refusal::Policy(format!(
            "nodeName `{node}` is not the caller's address {caller}; --node-identity (address, warn, off) and \
             --trusted-cidr of the registry decide"
        ))))
    }

    /// Whether the caller is the node it speaks of, whatever the mode.
    pub(crate) async fn is_node_itself(&self, caller: Option<IpAddr>, node: &str) -> Result<bool, Unresolved> {
        if self.is_local {
            return Ok(true);
        }
        let Some(caller) = caller.map(|address| address.to_canonical()) else {
            return Ok(false);
        };
        if let Ok(address) = node.parse::<IpAddr>() {
            return Ok(address.to_canonical() == caller);
        }
        // Forward only: who answers for a reverse zone is not who owns the name.
        let found = self.resolver.resolve(node).await?;
        Ok(found.iter().any(|address| address.to_canonical() == caller))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(mode: NodeIdentity, listener: &str) -> Identity {
        let listener = format!("tcp -h {listener} -p 1").parse().unwrap();
        Identity::new(mode, vec!["10.9.0.0/16".parse().unwrap()], &listener)
    }

    /// The verdict, or the code of the failure.
    async fn check(identity: &Identity, caller: &str, node: &str) -> Result<Verdict, i32> {
        let verdict = identity.check(Some(caller.parse().unwrap()), node).await;
        verdict.map_err(|failure| failure.code())
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
        let caller = "::ffff:10.0.0.8".parse().unwrap();
        let text = identity.check(Some(caller), "10.0.0.7").await.unwrap_err().to_string();
        for expected in ["`10.0.0.7`", "10.0.0.8;", "--node-identity", "--trusted-cidr"] {
            assert!(text.contains(expected), "{text}");
        }
        assert_eq!(check(&identity, "10.0.0.8", "localhost").await, Err(2));
        assert!(identity.check(None, "10.0.0.7").await.is_err());
    }

    #[tokio::test]
    async fn a_name_that_cannot_be_resolved_now_is_worth_another_try() {
        let fails = || Resolver::with(|_| Box::pin(async { Err(std::io::ErrorKind::NotFound.into()) }));
        let address = identity(NodeIdentity::Address, "0.0.0.0").resolving(fails());
        assert_eq!(check(&address, "10.0.0.8", "pod").await, Err(-9));
        let trusted = check(&address, "10.9.0.8", "pod").await;
        assert_eq!(
            trusted,
            Ok(Verdict::Accepted),
            "a trusted caller's name is not even looked up"
        );
        let warn = identity(NodeIdentity::Warn, "0.0.0.0").resolving(fails());
        assert_eq!(check(&warn, "10.0.0.8", "pod").await, Ok(Verdict::Mismatch));
        let other = Resolver::with(|_| Box::pin(async { Ok(vec!["10.0.0.9".parse().unwrap()]) }));
        let address = identity(NodeIdentity::Address, "0.0.0.0").resolving(other);
        assert_eq!(check(&address, "10.0.0.8", "pod").await, Err(2));
    }

    #[tokio::test]
    async fn modes_and_loopback_listeners() {
        let warn = identity(NodeIdentity::Warn, "0.0.0.0");
        assert_eq!(check(&warn, "10.0.0.8", "10.0.0.7").await, Ok(Verdict::Mismatch));
        let off = identity(NodeIdentity::Off, "0.0.0.0");
        assert_eq!(check(&off, "10.0.0.8", "10.0.0.7").await, Ok(Verdict::Accepted));
        let itself = off.is_node_itself(Some("10.0.0.8".parse().unwrap()), "10.0.0.7").await;
        assert!(!itself.unwrap());
        for listener in ["127.0.0.1", "::1", "localhost"] {
            let local = identity(NodeIdentity::Address, listener);
            assert_eq!(check(&local, "127.0.0.1", "10.0.0.7").await, Ok(Verdict::Accepted));
        }
        // Told to clients as a loopback address, but bound to every one.
        let open = identity(NodeIdentity::Address, "127.0.0.1 -b 0.0.0.0");
        assert!(check(&open, "10.0.0.8", "10.0.0.7").await.is_err());
    }
}
