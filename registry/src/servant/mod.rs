//! The wire's side: generated traits on one hand, the registry on the other.

mod admin;
mod registration;

pub(crate) use admin::AdminServant;
pub(crate) use registration::RegistrationServant;

/// Object of the interface `tarsregistry`.
pub(crate) const REGISTRY_OBJECT: &str = "tars.tarsregistry.Registry";
/// Object of the interface `AdminF`.
pub(crate) const ADMIN_OBJECT: &str = "AdminObj";
