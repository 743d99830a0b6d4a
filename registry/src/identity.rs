//! Whether a caller may speak for a node.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tars::Endpoint;

use crate::config::{NodeIdentity, is_loopback};
use crate::domain::{Refusal, Registration};
use crate::failure::Failure;
use crate::resolver::{Resolver, Unresolved};
use crate::verified::Verified;

/// The rule that a node's name is its caller's address.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    mode: NodeIdentity,
    trusted: Vec<IpNet>,
    /// The listener is bound to a loopback address: nobody else reaches it.
    is_local: bool,
    resolver: Resolver,
    /// What names stood for, for when they cannot be looked up.
    verified: Arc<Verified>,
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
    /// `listener` is where calls come in. For two leases after a name was seen to be its caller's, it is so too while it
    /// cannot be looked up: an outage of the DNS is not to cost the leases of those who beat.
    pub(crate) fn new(mode: NodeIdentity, trusted: Vec<IpNet>, listener: &Endpoint, lease: Duration) -> Self {
        Self {
            mode,
            trusted,
            is_local: is_loopback(listener),
            resolver: Resolver::new(),
            verified: Arc::new(Verified::new(2 * lease)),
        }
    }

    /// The same with another resolver.
    #[cfg(test)]
    pub(crate) fn resolving(self, resolver: Resolver) -> Self {
        Self { resolver, ..self }
    }

    /// Checks a call from `caller` about `node`.
    pub(crate) async fn check(&self, caller: Option<IpAddr>, node: &str) -> Result<Verdict, Failure> {
        if self.mode == NodeIdentity::Off || self.is_in_trusted_network(caller) {
            return Ok(Verdict::Accepted);
        }
        match self.is_node_itself(caller, node).await {
            Ok(true) => return Ok(Verdict::Accepted),
            _ if self.mode == NodeIdentity::Warn => return Ok(Verdict::Mismatch),
            Ok(false) => {}
            Err(error) => return Err(error.into()),
        }
        let caller = shown(caller);
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
        let found = self.resolver.resolve(node).await;
        let now = Instant::now();
        match found {
            Ok(found) => {
                let is_it = found.iter().any(|address| address.to_canonical() == caller);
                self.verified.found(caller, node, is_it, now);
                Ok(is_it)
            }
            Err(_) if self.verified.was(caller, node, now) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Checks what a registration from `caller` says beyond its node's name.
    pub(crate) fn check_registration(
        &self,
        caller: Option<IpAddr>,
        registration: &Registration,
    ) -> Result<Verdict, Refusal> {
        if self.is_local || self.is_in_trusted_network(caller) {
            return Ok(Verdict::Accepted);
        }
        if registration.key.is_registry() {
            let text = format!(
                "{} may not register as a registry; --trusted-cidr of the registry decides",
                shown(caller)
            );
            return Err(Refusal::Policy(text));
        }
        let foreign = (self.mode != NodeIdentity::Off)
            .then(|| registration.foreign_host(caller.map(|address| address.to_canonical())))
            .flatten();
        match foreign {
            None => Ok(Verdict::Accepted),
            Some(_) if self.mode == NodeIdentity::Warn => Ok(Verdict::Mismatch),
            Some((field, host)) => Err(Refusal::Policy(format!(
                "the host `{host}` of {field} is neither nodeName nor the caller's address {}; --node-identity (address, \
                 warn, off) and --trusted-cidr of the registry decide",
                shown(caller)
            ))),
        }
    }

    fn is_in_trusted_network(&self, caller: Option<IpAddr>) -> bool {
        let caller = caller.map(|address| address.to_canonical());
        caller.is_some_and(|address| self.trusted.iter().any(|network| network.contains(&address)))
    }
}

fn shown(caller: Option<IpAddr>) -> String {
    caller.map_or_else(|| "unknown".to_owned(), |address| address.to_canonical().to_string())
}

#[cfg(test)]
mod tests {
    use tars::protocol::{AdapterConf, OnStartupReq};

    use super::*;

    fn identity(mode: NodeIdentity, listener: &str) -> Identity {
        let listener = format!("tcp -h {listener} -p 1").parse().unwrap();
        let lease = Duration::from_mins(2);
        Identity::new(mode, vec!["10.9.0.0/16".parse().unwrap()], &listener, lease)
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
    async fn who_was_verified_needs_no_dns_for_a_while() {
        let fails = || Resolver::with(|_| Box::pin(async { Err(std::io::ErrorKind::TimedOut.into()) }));
        let is = || Resolver::with(|_| Box::pin(async { Ok(vec!["10.0.0.8".parse().unwrap()]) }));
        let is_not = || Resolver::with(|_| Box::pin(async { Ok(vec!["10.0.0.9".parse().unwrap()]) }));
        let mut address = identity(NodeIdentity::Address, "0.0.0.0").resolving(is());
        let pod = "::ffff:10.0.0.8";
        assert_eq!(check(&address, pod, "pod").await, Ok(Verdict::Accepted));
        address = address.resolving(fails());
        assert_eq!(check(&address, "10.0.0.8", "POD").await, Ok(Verdict::Accepted));
        assert_eq!(check(&address, "10.0.0.9", "pod").await, Err(-9), "another caller");
        assert_eq!(check(&address, pod, "other").await, Err(-9), "another node");
        // An answer counts more than what was.
        address = address.resolving(is_not());
        assert_eq!(check(&address, pod, "pod").await, Err(2));
        address = address.resolving(fails());
        assert_eq!(check(&address, pod, "pod").await, Err(-9));
    }

    /// The verdict about a registration of `10.0.0.8` itself, or the refusal.
    fn register(identity: &Identity, [application, server]: [&str; 2], endpoint: &str) -> Result<Verdict, String> {
        let req = OnStartupReq {
            node_name: "Pod".into(),
            application: application.into(),
            server: server.into(),
            adapters: vec![AdapterConf {
                servant: format!("{application}.{server}.Obj"),
                endpoint: endpoint.into(),
                ..AdapterConf::default()
            }],
            ..OnStartupReq::default()
        };
        let registration = Registration::from_request(&req).unwrap();
        let caller = Some("::ffff:10.0.0.8".parse().unwrap());
        identity
            .check_registration(caller, &registration)
            .map_err(|refusal| Failure::from(refusal).to_string())
    }

    #[test]
    fn an_adapter_is_at_its_node() {
        let address = identity(NodeIdentity::Address, "0.0.0.0");
        let own = ["App", "S"];
        for endpoint in [
            "tcp -h 10.0.0.8 -p 1",
            "tcp -h ::ffff:10.0.0.8 -p 1",
            "tcp -h pod -p 1",
            "tcp -h 0.0.0.0 -p 1",
            "tcp -h :: -p 1",
        ] {
            assert_eq!(register(&address, own, endpoint), Ok(Verdict::Accepted), "{endpoint}");
        }
        for endpoint in ["tcp -h 10.0.0.5 -p 3306", "tcp -h db -p 1", "tcp -h 127.0.0.1 -p 1"] {
            let text = register(&address, own, endpoint).unwrap_err();
            for expected in ["adapters[0].endpoint", "10.0.0.8;", "--node-identity", "--trusted-cidr"] {
                assert!(text.contains(expected), "{text}");
            }
            let mismatch = register(&identity(NodeIdentity::Warn, "0.0.0.0"), own, endpoint);
            assert_eq!(mismatch, Ok(Verdict::Mismatch));
            for (mode, listener) in [(NodeIdentity::Off, "0.0.0.0"), (NodeIdentity::Address, "127.0.0.1")] {
                assert_eq!(
                    register(&identity(mode, listener), own, endpoint),
                    Ok(Verdict::Accepted)
                );
            }
        }
        let mut trusting = address;
        trusting.trusted = vec!["10.0.0.0/8".parse().unwrap()];
        assert_eq!(register(&trusting, own, "tcp -h db -p 1"), Ok(Verdict::Accepted));
    }

    #[test]
    fn nobody_registers_as_a_registry() {
        let endpoint = "tcp -h 10.0.0.8 -p 1";
        for mode in [NodeIdentity::Address, NodeIdentity::Warn, NodeIdentity::Off] {
            let open = identity(mode, "0.0.0.0");
            for name in [["tars", "tarsregistry"], ["Tars", "TarsRegistry"]] {
                let text = register(&open, name, endpoint).unwrap_err();
                assert!(text.contains("--trusted-cidr"), "{text}");
            }
            for name in [["tars", "tarslog"], ["App", "tarsregistry"]] {
                assert_eq!(register(&open, name, endpoint), Ok(Verdict::Accepted));
            }
        }
        let local = identity(NodeIdentity::Address, "127.0.0.1");
        let accepted = register(&local, ["tars", "tarsregistry"], endpoint);
        assert_eq!(accepted, Ok(Verdict::Accepted));
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
