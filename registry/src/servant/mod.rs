//! The wire's side: generated traits on one hand, the registry on the other.

mod admin;
mod query;
mod registration;

pub(crate) use admin::AdminServant;
pub(crate) use query::QueryServant;
pub(crate) use registration::RegistrationServant;

/// Object of the interface `QueryF`.
pub(crate) const QUERY_OBJECT: &str = "tars.tarsregistry.QueryObj";
/// Object of the interface `tarsregistry`.
pub(crate) const REGISTRY_OBJECT: &str = "tars.tarsregistry.Registry";
/// Object of the interface `AdminF`.
pub(crate) const ADMIN_OBJECT: &str = "AdminObj";
