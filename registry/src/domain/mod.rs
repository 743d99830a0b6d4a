//! The registry's rules, free of SQL, sockets and clocks.
//!
//! A request becomes one of the checked types here ([`Registration`], [`Beat`], [`Scope`], ...) or a [`Refusal`] that
//! names the field. Only checked types reach the store.

mod adapter;
mod beat;
pub(crate) mod clean;
pub(crate) mod lease;
mod life;
pub(crate) mod lookup;
mod metrics;
mod name;
mod quote;
mod refusal;
mod registration;
mod request;
mod state;
pub(crate) mod worker;

pub(crate) use adapter::{Adapter, StoredAdapter, changes};
pub(crate) use beat::{BeatPlan, Known, KnownInstance, is_fenced, plan_beat};
pub(crate) use life::Life;
pub(crate) use metrics::{Filter, MetricsInstance, group_targets};
pub(crate) use quote::quoted;
pub(crate) use refusal::Refusal;
pub(crate) use registration::{Kept, Registration, ServerType};
pub(crate) use request::{Beat, MetricsPort, Scope};
pub(crate) use state::State;

use serde::{Deserialize, Serialize};

/// One running server: what every method but `getMetricsAdapters` is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct InstanceKey {
    /// Application, at most 50 characters (the width of `t_adapter_conf`).
    pub(crate) application: String,
    /// Server, at most 128 characters.
    pub(crate) server: String,
    /// Node: in a container the pod's address, at most 50 characters.
    pub(crate) node: String,
}

impl InstanceKey {
    /// Whether its servants are those of registries.
    pub(crate) fn is_registry(&self) -> bool {
        same_key(&self.application, "tars") && same_key(&self.server, "tarsregistry")
    }
}

/// Whether two names are one key: the columns' collations ignore case, and what we accept is ASCII, where all of them
/// agree.
pub(crate) fn same_key(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

impl std::fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{} on {}", self.application, self.server, self.node)
    }
}
