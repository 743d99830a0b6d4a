//! The server at its registry.

use anyhow::Context as _;
use tars::{
    Communicator, Endpoint, Registration,
    registration::{Adapter, Instance, Session, State as Told},
};

use crate::{cli, server::ServerInfo, state::State};

/// Begins to register the server, as `activating`.
pub(super) fn register(args: &cli::Supervisor, info: &ServerInfo) -> anyhow::Result<Session> {
    let conf = &info.conf;
    let communicator = Communicator::builder()
        .locator(&conf.locator)
        .with_context(|| format!("the locator `{}`", conf.locator))?
        .build();
    let mut registration = Registration::with(&communicator)
        .node_name(&info.local_ip)
        .version(&args.server_version)
        .template(&conf.template_name)
        .server_type(&conf.server_type)
        .disable_flow(args.disable_flow)
        .worker_id(args.worker_id)
        .beat_interval(args.report_interval);
    if !conf.set_id.is_empty() {
        registration = registration.set_division(&conf.set_id)?;
    }
    if let Some(port) = args.metrics_port {
        registration = registration.metrics_port(port);
    }
    Ok(registration.start(instance(info)?, Told::Activating)?)
}

fn instance(info: &ServerInfo) -> anyhow::Result<Instance> {
    let conf = &info.conf;
    let mut instance = Instance::new(&conf.application, &conf.server);
    for adapter in &conf.adapters {
        let endpoint: Endpoint = adapter
            .endpoint
            .parse()
            .with_context(|| format!("the endpoint `{}` of {}", adapter.endpoint, adapter.object))?;
        instance = instance.adapter(Adapter {
            protocol: adapter.protocol.clone(),
            max_connections: adapter.maxconns,
            threads: adapter.threads,
            queue_capacity: adapter.queuecap,
            queue_timeout: adapter.queuetimeout,
            ..Adapter::new(conf.servant(adapter), endpoint)
        });
    }
    Ok(instance)
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
