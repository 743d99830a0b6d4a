//! The server at its registry.

use tars::registration::{Session, State as Told};

use crate::{
    cli,
    server::{ServerInfo, registering},
    state::State,
};

/// Begins to register the server, as `activating`.
pub(super) fn register(args: &cli::Supervisor, info: &ServerInfo) -> anyhow::Result<Session> {
    let mut registration = registering::registration(info)?
        .version(&args.server_version)
        .disable_flow(args.disable_flow)
        .worker_id(args.worker_id)
        .beat_interval(args.report_interval);
    if let Some(port) = args.metrics_port {
        registration = registration.metrics_port(port);
    }
    Ok(registration.start(registering::instance(info)?, Told::Activating)?)
}

/// The registry's word.
pub(super) fn told(state: State) -> Told {
    match state {
        State::Activating => Told::Activating,
        State::Active => Told::Active,
        State::Inactive => Told::Inactive,
        State::Deactivating => Told::Deactivating,
    }
}
